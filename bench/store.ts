// The store: encoding a command, applying batches of upserts with and without a session, and reading.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Suite } from '../src/harness/micro/benchmark.ts';
import { assert } from '../src/runtime/assert.ts';
import { makeTemporaryFolder } from '../src/runtime/temporary-folder.ts';
import { decodeCommand, encodeCommand } from '../src/system/store/command.ts';
import type { Command } from '../src/system/store/command.ts';
import type { StatementOutcome } from '../src/system/store/outcome.ts';
import { StateMachine } from '../src/system/store/state-machine.ts';
import { openStore } from '../src/system/store/store.ts';

const KEYS = 1_000;
const UPSERT = 'INSERT INTO kv (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v';
const POINT_READ = 'SELECT v FROM kv WHERE k = ?';
const VALUE = 'v'.repeat(128);

const schema: Command = {
  clientId: '',
  sequence: 0,
  oldestPending: 0,
  sql: 'CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT NOT NULL)',
  params: [],
};

/** Batches of upserts for one machine, each with the indices that come next. */
function upserts(startIndex: number, session: boolean) {
  let index = startIndex;
  let sequence = 0;
  return (size: number) =>
    Array.from({ length: size }, () => {
      sequence++;
      const position = session
        ? { clientId: 'client-1', sequence, oldestPending: Math.max(1, sequence - 64) }
        : { clientId: '', sequence: 0, oldestPending: 0 };
      return { index: ++index, data: encodeCommand({ ...position, sql: UPSERT, params: [`key-${index % KEYS}`, VALUE] }) };
    });
}

function demandOk(outcomes: readonly StatementOutcome[]): number {
  for (const outcome of outcomes) assert(outcome.ok, outcome.ok ? '' : outcome.message);
  return outcomes.length;
}

export default {
  name: 'store',
  async prepare() {
    const folder = makeTemporaryFolder('bench-store');
    const plain = new StateMachine({ path: join(folder, 'plain.db') });
    const withSession = new StateMachine({ path: join(folder, 'session.db') });
    for (const machine of [plain, withSession]) demandOk(machine.apply([{ index: 1, data: encodeCommand(schema) }]));
    const plainBatch = upserts(1, false);
    const sessionBatch = upserts(1, true);
    demandOk(plain.apply(plainBatch(KEYS)));

    const store = await openStore({ path: join(folder, 'store.db') });
    demandOk(await store.apply([{ index: 1, data: encodeCommand(schema) }]));
    const storeBatch = upserts(1, true);
    demandOk(await store.apply(storeBatch(KEYS)));
    const reader = await store.readers.create();

    const command: Command = {
      clientId: 'client-1',
      sequence: 12_345,
      oldestPending: 12_300,
      sql: UPSERT,
      params: ['key-17', VALUE],
    };
    const encoded = encodeCommand(command);
    let key = 0;
    return {
      benchmarks: [
        {
          name: 'encode-command',
          kind: 'sync',
          operation: () => encodeCommand(command).byteLength,
          count: () => ({ operations: 1, counted: { bytes: encodeCommand(command).byteLength } }),
        },
        { name: 'decode-command', kind: 'sync', operation: () => decodeCommand(encoded).sequence },
        { name: 'apply-1', kind: 'sync', operation: () => demandOk(withSession.apply(sessionBatch(1))) },
        { name: 'apply-16', kind: 'sync', operationsPerCall: 16, operation: () => demandOk(withSession.apply(sessionBatch(16))) },
        {
          name: 'apply-256',
          kind: 'sync',
          operationsPerCall: 256,
          operation: () => demandOk(withSession.apply(sessionBatch(256))),
        },
        {
          name: 'apply-256-no-session',
          kind: 'sync',
          operationsPerCall: 256,
          operation: () => demandOk(plain.apply(plainBatch(256))),
        },
        { name: 'point-read', kind: 'sync', operation: () => demandOk([plain.query(POINT_READ, [`key-${key++ % KEYS}`])]) },
        {
          name: 'writer-thread-apply-64',
          kind: 'async',
          operationsPerCall: 64,
          operation: async () => demandOk(await store.apply(storeBatch(64))),
        },
        {
          name: 'reader-process-point-read',
          kind: 'async',
          operation: async () => demandOk([await reader.query(POINT_READ, [`key-${key++ % KEYS}`], { timeoutMs: 60_000 })]),
        },
      ],
      async close() {
        plain.close();
        withSession.close();
        await store.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
} satisfies Suite;
