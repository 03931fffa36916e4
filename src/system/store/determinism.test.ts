// Two replicas that get the same commands, cut into different batches and with restarts, must agree on every outcome and on the
// whole database. The commands are random and often wrong.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { encodeCommand } from './command.ts';
import type { StatementOutcome } from './outcome.ts';
import { StateMachine } from './state-machine.ts';

const COMMANDS = 1_500;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-determinism-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function randomSql(random: Random): string {
  const table = random.pick(['t0', 't1', 't2', 'w']);
  const value = () =>
    random.pick([String(random.integer(-3, 30)), `'${random.integer(0, 9)}x'`, 'null', '0.5', "x'00ff'", '9223372036854775807']);
  const statement = () =>
    random.pick<() => string>([
      () => `insert into ${table} values (${value()}, ${value()})`,
      () => `insert into ${table} values (${value()}, ${value()}) on conflict do update set b = b || 'u' returning *`,
      () =>
        `insert or ${random.pick(['ignore', 'replace', 'abort', 'fail'])} into ${table} values (${value()}, 1), (${value()}, 2)`,
      () => `insert into ${table} select b, a from ${random.pick(['t0', 't1', 'w', 'v'])} where a > ${value()} limit 20`,
      () => `update ${table} set a = ${value()}, b = b + 1 where b ${random.pick(['<', '>', '='])} ${value()}`,
      () => `delete from ${table} where a ${random.pick(['<', '='])} ${value()} returning rowid`,
      () =>
        `create table ${random.chance(0.5) ? 'if not exists ' : ''}${table} (a ${random.pick(['', 'unique', 'integer primary key', 'not null'])}, b)`,
      () => 'create table w (a primary key, b) without rowid',
      () => `drop table ${table}`,
      () =>
        `alter table ${table} add column c${random.integer(0, 2)} default ${random.pick(['7', '(random())', 'current_time'])}`,
      () => `create index i${random.integer(0, 2)} on ${table} (b)`,
      () =>
        `create trigger r after insert on ${table} begin insert into t2 values (new.a, ${random.pick(['1', 'random()'])}); end`,
      () => `create view v as select a, b from ${table}`,
      () =>
        random.pick([
          'drop view v',
          'drop trigger r',
          'drop index i0',
          'nonsense',
          '',
          'begin',
          'select (',
          'select count(*) from t0',
        ]),
      () => `insert into ${table} values (random(), changes())`,
      () => `analyze ${table}`,
    ])();
  return Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, statement).join('; ');
}

/** A log of commands of some sessions, with repetitions. */
function randomLog(random: Random): Uint8Array[] {
  const clients = Array.from({ length: 10 }, (_, at) => ({
    clientId: at < 2 ? '' : `client-${at}`,
    sequence: 0,
    oldestPending: 1,
  }));
  const log: Uint8Array[] = [];
  while (log.length < COMMANDS) {
    if (random.chance(0.1) && log.length > 0) log.push(random.pick(log.slice(-20)));
    if (random.chance(0.03)) log.push(new Uint8Array());
    const client = random.pick(clients);
    client.sequence++;
    client.oldestPending = Math.min(client.sequence, client.oldestPending + random.integer(0, 2));
    log.push(encodeCommand({ ...client, sql: randomSql(random), params: [] }));
  }
  return log;
}

function replay(
  path: string,
  log: readonly Uint8Array[],
  random: Random,
  restarts: number,
): { outcomes: StatementOutcome[]; digest: string } {
  const options = { path, maxSessions: 5 };
  let machine = new StateMachine(options);
  const outcomes: StatementOutcome[] = [];
  while (machine.appliedIndex < log.length) {
    const from = machine.appliedIndex;
    const batch = log.slice(from, from + random.pick([1, 2, 7, 64, 300]));
    outcomes.push(...machine.apply(batch.map((data, at) => ({ index: from + 1 + at, data }))));
    if (!random.chance(restarts)) continue;
    machine.close();
    machine = new StateMachine(options);
  }
  const digest = machine.digest();
  machine.close();
  return { outcomes, digest };
}

test.each([1, 2, 3, 4, 5])('replicas agree on random commands (seed %d)', (seed) => {
  const log = randomLog(new Random(seed));
  const one = replay(join(folder, 'one.db'), log, new Random(seed + 100), 0);
  const two = replay(':memory:', log, new Random(seed + 200), 0);
  const three = replay(join(folder, 'three.db'), log, new Random(seed + 300), 0.3);
  expect(two.outcomes).toEqual(one.outcomes);
  expect(three.outcomes).toEqual(one.outcomes);
  expect(two.digest).toBe(one.digest);
  expect(three.digest).toBe(one.digest);
  // The commands did both: succeed, and fail in every way.
  const codes = new Set(one.outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.code)));
  for (const code of [
    'ok',
    'sql-error',
    'constraint',
    'not-deterministic',
    'forbidden-sql',
    'session-expired',
    'already-answered',
  ] as const)
    expect(codes, `seed ${seed}`).toContain(code);
  expect(one.outcomes.filter((outcome) => outcome.ok).length).toBeGreaterThan(COMMANDS / 10);
});
