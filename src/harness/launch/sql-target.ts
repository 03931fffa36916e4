// Carries planned operations to the cluster under test as SQL, through the smart client, and translates its answers into
// Jepsen's words. What it says is certain or not is what the checkers rely on.

import { type ConnectedClient, createClient } from '../../system/rpc/client.ts';
import { RpcError } from '../../system/rpc/errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import { type Answer, CAS_MISMATCH, type Invoke, type PlannedOperation } from '../load/operation.ts';

export interface SqlTargetOptions {
  readonly endpoints: readonly string[];
  readonly reads: 'leader' | 'any';
  /** Deadline of one operation, retries included. */
  readonly operationTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

const SCHEMA = [
  'create table if not exists registers (key integer primary key, value integer not null)',
  'create table if not exists elements (value integer primary key)',
];

/** Rows of one page of a final read: far below the largest result that a node gives. */
const PAGE = 10_000;

/** How long the cluster may take to serve again before a final read counts as failed. */
const FINAL_TIMEOUT_MS = 30_000;

export interface SqlTarget {
  readonly invoke: Invoke;
  /** Every element of the set, from linearizable reads. Throws RpcError. */
  readElements(): Promise<number[]>;
  /** The register's value, null when it was never written, from a linearizable read. Throws RpcError. */
  readRegister(key: number): Promise<number | null>;
  close(): Promise<void>;
}

/** Connects and creates the tables. @throws RpcError */
export async function connectSqlTarget(options: SqlTargetOptions): Promise<SqlTarget> {
  const { endpoints, reads, operationTimeoutMs: timeoutMs, clock, random } = options;
  const client = await createClient({ endpoints, reads, timeoutMs, clock, random }).connect();
  try {
    for (const statement of SCHEMA) await client.execute(statement, [], { timeoutMs: FINAL_TIMEOUT_MS });
  } catch (error) {
    await client.disconnect();
    throw error;
  }
  return {
    invoke: (operation, signal) => invoke(client, operation, signal),
    readElements: () => readElements(client),
    async readRegister(key) {
      const answer = await client.execute('select value from registers where key = ?', [key], { timeoutMs: FINAL_TIMEOUT_MS });
      return firstInteger(answer.results[0]?.rows[0]?.[0]);
    },
    async close() {
      await client.disconnect('the scenario is over');
    },
  };
}

async function invoke(client: ConnectedClient, operation: PlannedOperation, signal: AbortSignal): Promise<Answer> {
  try {
    return await perform(client, operation, signal);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    // A read that failed changed nothing and says nothing, whatever the reason.
    const definite = operation.operation === 'read' || !error.maybeApplied;
    return { outcome: definite ? 'fail' : 'info', code: error.code };
  }
}

async function perform(client: ConnectedClient, planned: PlannedOperation, signal: AbortSignal): Promise<Answer> {
  const { operation, key = 0, value = 0, expected = 0 } = planned;
  switch (operation) {
    case 'read': {
      const answer = await client.execute('select value from registers where key = ?', [key], { signal });
      return { outcome: 'ok', value: firstInteger(answer.results[0]?.rows[0]?.[0]) };
    }
    case 'write':
      await client.execute(
        'insert into registers (key, value) values (?, ?) on conflict (key) do update set value = excluded.value',
        [key, value],
        { signal },
      );
      return { outcome: 'ok' };
    case 'cas': {
      const answer = await client.execute('update registers set value = ? where key = ? and value = ?', [value, key, expected], {
        signal,
      });
      return answer.results[0]?.rowsAffected === 1 ? { outcome: 'ok' } : { outcome: 'fail', code: CAS_MISMATCH };
    }
    case 'add':
      await client.execute('insert into elements (value) values (?)', [value], { signal });
      return { outcome: 'ok' };
  }
}

async function readElements(client: ConnectedClient): Promise<number[]> {
  const elements: number[] = [];
  for (;;) {
    const after = elements.at(-1) ?? -1;
    const sql = `select value from elements where value > ? order by value limit ${PAGE}`;
    const answer = await client.execute(sql, [after], { timeoutMs: FINAL_TIMEOUT_MS });
    const page = answer.results[0]?.rows ?? [];
    for (const [value] of page) elements.push(firstInteger(value) ?? Number.NaN);
    if (page.length < PAGE) return elements;
  }
}

function firstInteger(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
