// What lending costs: the fast path with and without a promise, the hand-over to a waiter, and a TCP connection.

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { PreparedSuite, Suite } from '../src/harness/micro/benchmark.ts';
import { Pool } from '../src/system/pool/pool.ts';
import { tcpManager } from '../src/system/pool/tcp-manager.ts';

const WAITERS = 64;

interface Counter {
  uses: number;
}

function counterPool(max: number): Pool<Counter> {
  return new Pool<Counter>(
    { create: () => Promise.resolve({ uses: 0 }), recycle: () => {}, destroy: () => {} },
    { min: max, max, recycleAfterIdleMs: 1_000, maxLifetimeMs: 3_600_000 },
  );
}

async function prepare(): Promise<PreparedSuite> {
  const fast = counterPool(10);
  const checked = new Pool<Counter>(
    {
      create: () => Promise.resolve({ uses: 0 }),
      recycle: ({ uses }) => {
        if (uses < 0) throw new Error('impossible');
      },
      destroy: () => {},
    },
    { max: 10 },
  );
  const single = counterPool(1);
  for (const pool of [fast, checked, single]) (await pool.acquire()).release();

  const server = createServer((socket) => socket.on('error', () => {}).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets = new Pool(tcpManager({ endpoints: [`127.0.0.1:${port}`] }), { max: 1 });

  return {
    benchmarks: [
      {
        name: 'acquire-release',
        kind: 'async',
        operation: async () => {
          const lease = await fast.acquire();
          lease.value.uses++;
          lease.release();
          return lease;
        },
      },
      {
        name: 'acquire-recycle-release',
        kind: 'async',
        operation: async () => {
          const lease = await checked.acquire();
          lease.value.uses++;
          lease.release();
          return lease;
        },
      },
      {
        name: 'try-acquire-release',
        kind: 'sync',
        operation: () => {
          const lease = fast.tryAcquire();
          if (lease === undefined) throw new Error('no idle resource');
          const uses = ++lease.value.uses;
          lease.release();
          return uses;
        },
      },
      { name: 'with', kind: 'async', operation: () => fast.with((counter) => ++counter.uses) },
      {
        name: 'hand-over-to-waiter',
        kind: 'async',
        operationsPerCall: WAITERS,
        operation: () => Promise.all(Array.from({ length: WAITERS }, () => single.with((counter) => ++counter.uses))),
      },
      {
        name: 'tcp-connect-destroy',
        kind: 'async',
        operation: async () => {
          const lease = await sockets.acquire();
          const { localPort } = lease.value;
          lease.discard('benchmark');
          return localPort;
        },
      },
    ],
    async close() {
      for (const pool of [fast, checked, single, sockets]) await pool.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export default { name: 'pool', prepare } satisfies Suite;
