// The harness's own OTLP/HTTP receiver: nodes, generators and any instrumented system export their traces to it.
// On loopback, and in the network of containers that a run has made. Whatever arrives, it answers and goes on: a frame that cannot be read gets OTLP's error form.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { OtlpError } from './otlp-error.ts';
import { decodeJson } from './otlp-json.ts';
import { decodeProtobuf, encodeProblem, encodeResponse } from './otlp-protobuf.ts';
import { spansOf } from './otlp-spans.ts';
import type { ReceivedSpan } from './received-span.ts';

export interface ReceiverLimits {
  /** Of one request, as it is sent and as it is when unpacked. */
  readonly bodyBytes: number;
  readonly unpackedBytes: number;
  /** Of all requests that are being read, as they are sent. */
  readonly pendingBytes: number;
  /** From the first byte of a request to its last, milliseconds. */
  readonly requestMs: number;
  readonly connections: number;
}

export const RECEIVER_LIMITS: ReceiverLimits = {
  bodyBytes: 4 * 2 ** 20,
  unpackedBytes: 16 * 2 ** 20,
  pendingBytes: 32 * 2 ** 20,
  requestMs: 10_000,
  connections: 256,
};

export interface ReceiverOptions {
  /** Takes the spans of one request; returns how many of them it had no room for, which the sender is told. */
  readonly onSpans: (spans: ReceivedSpan[]) => number;
  readonly limits?: Partial<ReceiverLimits>;
  /** Address of this machine to listen at. Default 127.0.0.1. */
  readonly host?: string;
}

export interface TraceReceiver {
  /** Where to export to: 'http://HOST:PORT/v1/traces'. */
  readonly url: string;
  /** Ends every connection. */
  close(): Promise<void>;
}

const PATH = '/v1/traces';
const unpack = promisify(gunzip);

/** Listens on a free port. Rejects when it cannot listen. */
export async function startTraceReceiver({
  onSpans,
  limits: given,
  host = '127.0.0.1',
}: ReceiverOptions): Promise<TraceReceiver> {
  const limits = { ...RECEIVER_LIMITS, ...given };
  const reader = new BodyReader(limits);
  const server = createServer({
    requestTimeout: limits.requestMs,
    headersTimeout: limits.requestMs,
    connectionsCheckingInterval: 1_000,
  });
  server.maxConnections = limits.connections;
  // Exporters send every few hundred milliseconds or seconds on one connection.
  server.keepAliveTimeout = 60_000;
  server.on('request', (request, response) => {
    void answer(request, reader, onSpans).then((reply) => send(response, reply));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}${PATH}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Format = 'protobuf' | 'json';

interface Reply {
  readonly status: number;
  readonly format: Format;
  readonly body: Buffer | string;
  /** The rest of the request is not read. */
  readonly isLast?: boolean;
}

/** Why a request is refused, and whether its sender may try again. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function answer(request: IncomingMessage, reader: BodyReader, onSpans: ReceiverOptions['onSpans']): Promise<Reply> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  const format: Format = type === 'application/json' ? 'json' : 'protobuf';
  try {
    if (request.url?.split('?')[0] !== PATH) throw new Refusal(404, `there is nothing at ${request.url}: traces go to ${PATH}`);
    if (request.method !== 'POST') throw new Refusal(405, `traces are sent with POST, not ${request.method}`);
    if (type !== 'application/json' && type !== 'application/x-protobuf')
      throw new Refusal(415, `the content type is application/x-protobuf or application/json, not '${type}'`);
    const body = await reader.read(request);
    const spans = spansOf(format === 'json' ? decodeJson(body.toString('utf8')) : decodeProtobuf(body));
    const rejected = onSpans(spans);
    return accepted(format, rejected, spans.length);
  } catch (error) {
    if (error instanceof Refusal) return refused(format, error.status, error.message);
    if (error instanceof OtlpError) return refused(format, 400, error.message);
    return refused(format, 500, `the receiver failed: ${(error as Error).message}`);
  }
}

function accepted(format: Format, rejected: number, count: number): Reply {
  const response =
    rejected === 0
      ? {}
      : { partialSuccess: { rejectedSpans: String(rejected), errorMessage: `no room for ${rejected} of ${count} spans` } };
  return { status: 200, format, body: format === 'json' ? JSON.stringify(response) : encodeResponse(response) };
}

/** google.rpc.Code: INVALID_ARGUMENT, RESOURCE_EXHAUSTED, INTERNAL. */
function codeOf(status: number): number {
  return status === 503 || status === 413 ? 8 : status === 500 ? 13 : 3;
}

function refused(format: Format, status: number, message: string): Reply {
  const problem = { code: codeOf(status), message };
  return { status, format, body: format === 'json' ? JSON.stringify(problem) : encodeProblem(problem), isLast: true };
}

function send(response: ServerResponse, { status, format, body, isLast = false }: Reply): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    'content-type': format === 'json' ? 'application/json' : 'application/x-protobuf',
    'content-length': Buffer.byteLength(body),
    ...(isLast && { connection: 'close' }),
    ...(status === 503 && { 'retry-after': '1' }),
  });
  response.end(body);
}

/** Reads the bodies of requests; all that are being read at one time together are bounded. */
class BodyReader {
  readonly #limits: ReceiverLimits;
  #pendingBytes = 0;

  constructor(limits: ReceiverLimits) {
    this.#limits = limits;
  }

  async read(request: IncomingMessage): Promise<Buffer> {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity' && encoding !== 'gzip')
      throw new Refusal(415, `the content encoding is gzip or none, not '${encoding}'`);
    const packed = await this.#receive(request);
    return encoding === 'gzip' ? this.#unpack(packed) : packed;
  }

  /** Not by iteration, which would destroy the connection on which the refusal has to be sent. */
  #receive(request: IncomingMessage): Promise<Buffer> {
    const { bodyBytes, pendingBytes } = this.#limits;
    const chunks: Buffer[] = [];
    let bytes = 0;
    return new Promise<Buffer>((resolve, reject) => {
      const refuse = (refusal: Refusal) => {
        request.removeAllListeners('data');
        // What still comes is thrown away.
        request.resume();
        reject(refusal);
      };
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        this.#pendingBytes += chunk.length;
        if (bytes > bodyBytes) refuse(new Refusal(413, `a request has at most ${bodyBytes} bytes: send smaller batches`));
        else if (this.#pendingBytes > pendingBytes)
          refuse(new Refusal(503, 'too many requests at one time: send this one again later'));
        else chunks.push(chunk);
      });
      request.once('end', () => resolve(Buffer.concat(chunks)));
      request.once('close', () => reject(new OtlpError(`the request ended after ${bytes} bytes, before its end`)));
    }).finally(() => (this.#pendingBytes -= bytes));
  }

  async #unpack(packed: Buffer): Promise<Buffer> {
    const { unpackedBytes } = this.#limits;
    try {
      return await unpack(packed, { maxOutputLength: unpackedBytes });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
        throw new Refusal(413, `a request has at most ${unpackedBytes} bytes when unpacked: send smaller batches`);
      throw new OtlpError(`not gzip (${packed.length} bytes): ${(error as Error).message}`, { cause: error });
    }
  }
}
