// The harness's own /metrics, for a Prometheus that watches a run.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Exposition } from '../../telemetry/metrics.ts';

export type MetricsSource = (accept: string | undefined) => Promise<Exposition>;

export interface MetricsServer {
  readonly url: string;
  /** Whose metrics are answered from now on; undefined between scenarios, when there are none. */
  source: MetricsSource | undefined;
  close(): Promise<void>;
}

export interface ListenAddress {
  /** A name or an address of this machine; loopback unless others are to see it. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

/** The address cannot be listened on. */
export class MetricsServerError extends Error {
  override readonly name = 'MetricsServerError';
}

/** @throws MetricsServerError */
export async function serveMetrics({ host, port }: ListenAddress): Promise<MetricsServer> {
  const state: { source: MetricsSource | undefined } = { source: undefined };
  const server = createServer((request, response) => {
    if (request.url?.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('there is only /metrics\n');
      return;
    }
    const nothing: Exposition = { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: '' };
    (state.source?.(request.headers.accept) ?? Promise.resolve(nothing)).then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(`${error instanceof Error ? error.message : String(error)}\n`),
    );
  });
  const at = (actual: number) => `${host.includes(':') ? `[${host}]` : host}:${actual}`;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new MetricsServerError(`cannot serve metrics on ${at(port)}: ${error.message}`, { cause: error })),
    );
    server.listen(port, host, resolve);
  });
  return {
    url: `http://${at((server.address() as AddressInfo).port)}/metrics`,
    get source() {
      return state.source;
    },
    set source(source) {
      state.source = source;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
