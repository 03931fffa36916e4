// Ports in a row, for a cluster whose ports follow the first one.

import { createServer } from 'node:net';
import { freePorts } from '../../harness/launch/free-ports.ts';
import { freshSeed, Random } from '../../runtime/random.ts';

/** The first of `count` ports in a row on loopback that were free a moment ago. */
export async function freePortRow(count: number): Promise<number> {
  const random = new Random(freshSeed());
  for (;;) {
    const [first = 0] = await freePorts(1, random);
    const row = await Promise.allSettled(Array.from({ length: count }, (_, at) => probe(first + at)));
    if (row.every((each) => each.status === 'fulfilled')) return first;
  }
}

function probe(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}
