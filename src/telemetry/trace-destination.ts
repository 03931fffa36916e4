// Where traces are sent while a run is under way: `otlp=http://...`, `jaeger=http://...`, `jaeger=udp://...` or `file=PATH`.

import { appendFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { SpanExporter } from './readable-span.ts';

export type TraceDestination =
  /** OTLP over HTTP, as protobuf. */
  | { readonly kind: 'otlp'; readonly url: string }
  /** Jaeger's own format, Thrift: over HTTP to a collector, or over UDP to an agent. */
  | { readonly kind: 'jaeger'; readonly url: string }
  | { readonly kind: 'jaeger-udp'; readonly host: string; readonly port: number }
  /** Lines of OTLP as JSON; several processes may write to one file. */
  | { readonly kind: 'file'; readonly path: string };

/** A destination that is none. The message begins with the offending words. */
export class TraceDestinationError extends Error {
  override readonly name = 'TraceDestinationError';
  readonly code = 'bad-trace-destination';
}

const OTLP_URL = 'http://127.0.0.1:4318';
const OTLP_PATH = '/v1/traces';
const JAEGER_URL = 'http://127.0.0.1:14268/api/traces';
const JAEGER_PATH = '/api/traces';
const JAEGER_AGENT_PORT = 6_832;

/**
 * Reads `KIND=WHERE`, or `KIND` alone for where OpenTelemetry's environment variables say, and else for where such a collector
 * listens usually. Throws TraceDestinationError.
 */
export function parseTraceDestination(text: string, environment: NodeJS.ProcessEnv): TraceDestination {
  const at = text.indexOf('=');
  const kind = at === -1 ? text : text.slice(0, at);
  const where = at === -1 ? undefined : text.slice(at + 1);
  switch (kind) {
    case 'otlp':
      return { kind, url: otlpUrl(text, where, environment) };
    case 'jaeger':
      return jaeger(text, where, environment);
    case 'file':
      if (where === undefined || where === '') throw new TraceDestinationError(`'${text}': a file needs a path: file=PATH`);
      return { kind, path: resolve(where) };
    default:
      throw new TraceDestinationError(
        `'${text}' is no destination for traces; there are otlp=URL, jaeger=URL, jaeger=udp://HOST:PORT and file=PATH`,
      );
  }
}

/**
 * What OTEL_TRACES_EXPORTER asks for: undefined when it is not set, 'off' for `none`. Never silently nothing: throws
 * TraceDestinationError for an exporter that there is not.
 */
export function traceDestinationOf(environment: NodeJS.ProcessEnv): TraceDestination | 'off' | undefined {
  const wanted = environment['OTEL_TRACES_EXPORTER']?.trim();
  if (wanted === undefined || wanted === '') return undefined;
  if (wanted === 'none') return 'off';
  if (wanted === 'otlp' || wanted === 'jaeger') return parseTraceDestination(wanted, environment);
  throw new TraceDestinationError(
    `OTEL_TRACES_EXPORTER='${wanted}': there are otlp, jaeger and none; to others send it through an OpenTelemetry collector`,
  );
}

/** The words that `parseTraceDestination` reads back: to hand it to another process. */
export function formatTraceDestination(destination: TraceDestination): string {
  switch (destination.kind) {
    case 'otlp':
    case 'jaeger':
      return `${destination.kind}=${destination.url}`;
    case 'jaeger-udp':
      return `jaeger=udp://${destination.host}:${destination.port}`;
    case 'file':
      return `file=${destination.path}`;
  }
}

/** Loads what it needs only now: 0.2 s and 20 MB that nobody pays who sends no traces. */
export async function createExporter(destination: TraceDestination): Promise<SpanExporter> {
  switch (destination.kind) {
    case 'otlp': {
      const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
      return new OTLPTraceExporter({ url: destination.url, timeoutMillis: EXPORT_TIMEOUT_MS });
    }
    case 'jaeger': {
      const { JaegerExporter } = await import('@opentelemetry/exporter-jaeger');
      return new JaegerExporter({ endpoint: destination.url });
    }
    case 'jaeger-udp': {
      const { JaegerExporter } = await import('@opentelemetry/exporter-jaeger');
      const { host, port } = destination;
      return new JaegerExporter({ host, port });
    }
    case 'file': {
      const { JsonTraceSerializer } = await import('@opentelemetry/otlp-transformer');
      return fileExporter(destination.path, (spans) => Buffer.from(JsonTraceSerializer.serializeRequest(spans) ?? []));
    }
  }
}

const EXPORT_TIMEOUT_MS = 5_000;

function fileExporter(path: string, encode: (spans: Parameters<SpanExporter['export']>[0]) => Uint8Array): SpanExporter {
  return {
    export(spans, done) {
      // One write at the end of the file for each line: lines of several processes do not mix.
      appendFile(path, Buffer.concat([encode(spans), Buffer.from('\n')])).then(
        () => done({ code: 0 }),
        (error: Error) => done({ code: 1, error }),
      );
    },
    shutdown: () => Promise.resolve(),
  };
}

function otlpUrl(text: string, where: string | undefined, environment: NodeJS.ProcessEnv): string {
  // The one for traces alone is taken as it is, the general one is a base: so says the specification.
  const own = where === undefined ? environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] : undefined;
  if (own !== undefined && own !== '') return httpUrl(text, own).href;
  const base = where ?? environment['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? OTLP_URL;
  const url = httpUrl(text, base);
  if (url.pathname === '/' || where === undefined) url.pathname = `${url.pathname.replace(/\/$/, '')}${OTLP_PATH}`;
  return url.href;
}

function jaeger(text: string, where: string | undefined, environment: NodeJS.ProcessEnv): TraceDestination {
  if (where?.startsWith('udp://')) {
    const { hostname: host, port } = urlOf(text, where);
    if (host === '')
      throw new TraceDestinationError(`'${text}': no host; for example jaeger=udp://127.0.0.1:${JAEGER_AGENT_PORT}`);
    return { kind: 'jaeger-udp', host, port: port === '' ? JAEGER_AGENT_PORT : Number(port) };
  }
  const host = environment['OTEL_EXPORTER_JAEGER_AGENT_HOST'];
  const endpoint = where ?? environment['OTEL_EXPORTER_JAEGER_ENDPOINT'];
  if (endpoint === undefined && host !== undefined && host !== '') {
    const port = Number(environment['OTEL_EXPORTER_JAEGER_AGENT_PORT'] ?? JAEGER_AGENT_PORT);
    return { kind: 'jaeger-udp', host, port };
  }
  const url = httpUrl(text, endpoint ?? JAEGER_URL);
  if (url.pathname === '/') url.pathname = JAEGER_PATH;
  return { kind: 'jaeger', url: url.href };
}

function httpUrl(text: string, where: string): URL {
  const url = urlOf(text, where);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new TraceDestinationError(`'${text}': '${where}' is not an http:// or https:// address`);
  return url;
}

function urlOf(text: string, where: string): URL {
  try {
    return new URL(where);
  } catch {
    throw new TraceDestinationError(`'${text}': '${where}' is not an address; for example otlp=${OTLP_URL}`);
  }
}
