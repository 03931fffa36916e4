// A collector of traces that keeps what it is sent.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Collector {
  /** 'http://127.0.0.1:PORT'. */
  readonly origin: string;
  /** Of every request until now, and its content type. */
  readonly bodies: readonly Buffer[];
  readonly types: readonly (string | undefined)[];
}

/** Listens on loopback until the test ends, and answers everything with `status`. */
export async function openCollector(status: number): Promise<Collector> {
  const bodies: Buffer[] = [];
  const types: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      bodies.push(Buffer.concat(parts));
      types.push(request.headers['content-type']);
      response.writeHead(status).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { bodies, types, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
