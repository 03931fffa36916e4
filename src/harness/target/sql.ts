// Carries planned operations to a cluster that speaks Windtunnel's contract as SQL, through the smart client, and translates its
// answers into Jepsen's words. What it says is certain or not is what the checkers rely on.

import { AssertionError } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Tracer } from '../../telemetry/tracer.ts';
import { type ConnectedClient, createClient } from '../../system/rpc/client.ts';
import type { ClientMetricsOptions } from '../../system/rpc/client-metrics.ts';
import { RpcError } from '../../system/rpc/errors.ts';
import { type Answer, CAS_MISMATCH, INSUFFICIENT_FUNDS, isRead, type PlannedOperation, type Target } from '../load/operation.ts';
import type { ValidScenario, ValidWorkload } from '../scenario/valid-scenario.ts';

export interface SqlTargetOptions {
  /** host:port of the nodes' gRPC servers; at least one. */
  readonly endpoints: readonly string[];
  /** What the names of the tables end with. Default nothing. */
  readonly namespace?: string;
  readonly scenario: Pick<ValidScenario, 'loads' | 'operationTimeoutMs'> & {
    readonly cluster: { readonly reads: 'leader' | 'any' };
  };
  readonly clock: Clock;
  readonly random: Random;
  readonly tracer?: Tracer | undefined;
  /** Where the client counts. Default: nowhere. */
  readonly metrics?: ClientMetricsOptions | undefined;
}

export interface SqlTarget extends Target {
  /** Shared with function workloads. */
  readonly client: ConnectedClient;
}

/** Rows of one page of a final read: far below the largest result that a node gives. */
const PAGE = 10_000;

/** How long the cluster may take to serve, before the load. */
const SETUP_TIMEOUT_MS = 30_000;

/** Whom to ask, and of which tables. */
interface Database {
  readonly client: ConnectedClient;
  readonly tables: Readonly<Record<'registers' | 'elements' | 'lists' | 'accounts', string>>;
}

/** Connects and creates what the workloads need. @throws RpcError */
export async function connectSqlTarget({
  endpoints,
  namespace = '',
  scenario,
  clock,
  random,
  tracer,
  metrics,
}: SqlTargetOptions): Promise<SqlTarget> {
  const timeoutMs = scenario.operationTimeoutMs;
  const { reads } = scenario.cluster;
  const client = await createClient({ endpoints, reads, timeoutMs, clock, random, tracer, metrics }).connect();
  const tables = {
    registers: `registers${namespace}`,
    elements: `elements${namespace}`,
    lists: `lists${namespace}`,
    accounts: `accounts${namespace}`,
  };
  try {
    const statements = new Set(Object.values(scenario.loads).flatMap(({ workload }) => setupOf(workload, tables)));
    for (const statement of statements) await client.execute(statement, [], { timeoutMs: SETUP_TIMEOUT_MS });
  } catch (error) {
    await client.disconnect();
    throw error;
  }
  return {
    client,
    invoke: (operation, signal, timeoutMs) =>
      invoke({ client, tables }, operation, { signal, ...(timeoutMs !== undefined && { timeoutMs }) }),
    async close() {
      await client.disconnect('the scenario is over');
    },
  };
}

function setupOf(workload: ValidWorkload, tables: Database['tables']): readonly string[] {
  switch (workload.kind) {
    case 'registers':
      return [`create table if not exists ${tables.registers} (key integer primary key, value integer not null)`];
    case 'set':
      return [`create table if not exists ${tables.elements} (value integer primary key)`];
    case 'append':
      // No constraint on `value`: an append that is applied twice must show, not fail.
      return [
        `create table if not exists ${tables.lists} (key integer, position integer, value integer, primary key (key, position))`,
      ];
    case 'bank': {
      const { accounts, initialBalance } = workload;
      const rows = Array.from({ length: accounts }, (_, id) => `(${id}, ${initialBalance})`).join(', ');
      return [
        `create table if not exists ${tables.accounts} (id integer primary key, balance integer not null check (balance >= 0))`,
        `insert into ${tables.accounts} (id, balance) values ${rows} on conflict (id) do nothing`,
      ];
    }
    case 'sql':
      return workload.setup;
    default:
      return [];
  }
}

interface CallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

async function invoke(database: Database, operation: PlannedOperation, options: CallOptions): Promise<Answer> {
  try {
    return await perform(database, operation, options);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    // The constraint that no balance is below 0 undoes the whole transfer.
    if (operation.kind === 'bank' && error.code === 'constraint') return { outcome: 'fail', code: INSUFFICIENT_FUNDS };
    // A read that failed changed nothing and says nothing, whatever the reason.
    const definite = isRead(operation) || !error.maybeApplied;
    return { outcome: definite ? 'fail' : 'info', code: error.code };
  }
}

async function perform(database: Database, operation: PlannedOperation, options: CallOptions): Promise<Answer> {
  const { client, tables } = database;
  switch (operation.kind) {
    case 'registers':
      return onRegister(database, operation, options);
    case 'set':
      if (operation.operation === 'read-all') return { outcome: 'ok', value: await readElements(database, options) };
      await client.execute(`insert into ${tables.elements} (value) values (?)`, [operation.value], options);
      return { outcome: 'ok' };
    case 'append':
      if (operation.operation === 'read') {
        const sql = `select value from ${tables.lists} where key = ? order by position`;
        const answer = await client.execute(sql, [operation.key], options);
        const elements = firstColumn(answer.results[0]?.rows);
        return { outcome: 'ok', value: elements.length === 0 ? null : elements };
      }
      await client.execute(
        `insert into ${tables.lists} (key, position, value) select ?, coalesce(max(position), 0) + 1, ? from ${tables.lists} where key = ?`,
        [operation.key, operation.value, operation.key],
        options,
      );
      return { outcome: 'ok' };
    case 'bank': {
      if (operation.operation === 'read-all') {
        const answer = await client.execute(`select balance from ${tables.accounts} order by id`, [], options);
        return { outcome: 'ok', value: firstColumn(answer.results[0]?.rows) };
      }
      const { from, to, amount } = operation;
      const { accounts } = tables;
      await client.execute(
        `update ${accounts} set balance = balance - ${amount} where id = ${from}; update ${accounts} set balance = balance + ${amount} where id = ${to}`,
        [],
        options,
      );
      return { outcome: 'ok' };
    }
    case 'sql':
      await client.execute(operation.sql, operation.params, options);
      return { outcome: 'ok' };
    default:
      throw new AssertionError(`not for SQL: ${operation.kind}`);
  }
}

async function onRegister(
  { client, tables: { registers } }: Database,
  operation: Extract<PlannedOperation, { kind: 'registers' }>,
  options: CallOptions,
): Promise<Answer> {
  const { key } = operation;
  switch (operation.operation) {
    case 'read': {
      const answer = await client.execute(`select value from ${registers} where key = ?`, [key], options);
      return { outcome: 'ok', value: firstColumn(answer.results[0]?.rows)[0] ?? null };
    }
    case 'write':
      await client.execute(
        `insert into ${registers} (key, value) values (?, ?) on conflict (key) do update set value = excluded.value`,
        [key, operation.value],
        options,
      );
      return { outcome: 'ok' };
    case 'cas': {
      const answer = await client.execute(
        `update ${registers} set value = ? where key = ? and value = ?`,
        [operation.value, key, operation.expected],
        options,
      );
      return answer.results[0]?.rowsAffected === 1 ? { outcome: 'ok' } : { outcome: 'fail', code: CAS_MISMATCH };
    }
  }
}

async function readElements({ client, tables }: Database, options: CallOptions): Promise<number[]> {
  const elements: number[] = [];
  for (;;) {
    const after = elements.at(-1) ?? -1;
    const sql = `select value from ${tables.elements} where value > ? order by value limit ${PAGE}`;
    const answer = await client.execute(sql, [after], options);
    const page = firstColumn(answer.results[0]?.rows);
    for (const value of page) elements.push(value);
    if (page.length < PAGE) return elements;
  }
}

/** What is not a number stands out as NaN: null in a history, and no checker takes it for a value that was written. */
function firstColumn(rows: readonly (readonly unknown[])[] = []): number[] {
  return rows.map(([value]) => (typeof value === 'number' ? value : Number.NaN));
}
