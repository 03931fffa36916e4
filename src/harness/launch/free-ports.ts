// Ports for a cluster on this machine.

import { createServer, type Server } from 'node:net';
import type { Random } from '../../runtime/random.ts';

/** Below the range from which Linux takes ports for outgoing connections, so that nobody is given one between choice and use. */
const LOWEST = 20_000;
const HIGHEST = 31_999;

/**
 * `count` different ports on loopback that were free a moment ago. Another process may still take one before it is used;
 * whoever starts a cluster on them tries again with others.
 */
export async function freePorts(count: number, random: Random): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  for (let attempts = 0; ports.length < count; attempts++) {
    if (attempts > 1_000)
      throw new Error(`found only ${ports.length} of ${count} free ports from ${LOWEST} to ${HIGHEST} on 127.0.0.1`);
    const port = random.integer(LOWEST, HIGHEST);
    const server = await hold(port);
    if (server === undefined) continue;
    held.push(server);
    ports.push(port);
  }
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function hold(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
