import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AssertionError } from '../../runtime/assert.ts';
import type { SqlValue } from './bytes.ts';
import { encodeCommand } from './command.ts';
import type { StatementOutcome } from './outcome.ts';
import { SESSION_WINDOW } from './sessions.ts';
import { StateMachine } from './state-machine.ts';
import type { AppliedEntry } from './state-machine.ts';

let folder: string;
let path: string;
let machine: StateMachine;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-store-'));
  path = join(folder, 'state.db');
  machine = new StateMachine({ path });
});
afterEach(() => {
  machine.close();
  rmSync(folder, { recursive: true });
});

function reopen(options: { maxSessions?: number; forgetsWrites?: boolean } = {}): void {
  machine.close();
  machine = new StateMachine({ path, ...options });
}

function command(sql: string, params: readonly SqlValue[] = []): Uint8Array {
  return encodeCommand({ clientId: '', sequence: 0, oldestPending: 0, sql, params });
}

function inSession(clientId: string, sequence: number, oldestPending: number, sql: string): Uint8Array {
  return encodeCommand({ clientId, sequence, oldestPending, sql, params: [] });
}

const entries = (data: readonly Uint8Array[]): AppliedEntry[] =>
  data.map((data, at) => ({ index: machine.appliedIndex + 1 + at, data }));
const applyAll = (...data: Uint8Array[]): StatementOutcome[] => machine.apply(entries(data));
const apply = (data: Uint8Array): StatementOutcome => applyAll(data)[0] as StatementOutcome;
const write = (sql: string, params: readonly SqlValue[] = []) => apply(command(sql, params));

function rows(sql: string, params: readonly SqlValue[] = []): readonly (readonly SqlValue[])[] {
  const outcome = machine.query(sql, params);
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.results[0]?.rows ?? [];
}

const affected = (rowsAffected: number) => ({ ok: true, results: [{ columns: [], rows: [], rowsAffected }] });

describe('applying', () => {
  test('a batch gives one outcome for each entry and moves the applied index', () => {
    const outcomes = applyAll(
      command('create table t (a)'),
      new Uint8Array(),
      command('insert into t values (1), (2)'),
      command('update t set a = a + 1 where a > 1 returning a'),
    );
    expect(outcomes).toEqual([
      affected(0),
      { ok: true, results: [] },
      affected(2),
      { ok: true, results: [{ columns: ['a'], rows: [[3]], rowsAffected: 1 }] },
    ]);
    expect(machine.appliedIndex).toBe(4);
    reopen();
    expect(machine.appliedIndex).toBe(4);
    expect(rows('select a from t order by a')).toEqual([[1], [3]]);
  });

  test('affected rows are those of the statement itself, whatever ran before', () => {
    write('create table t (a)');
    expect(write('insert into t values (1), (2), (3)')).toEqual(affected(3));
    expect(write('create table u (a)')).toEqual(affected(0));
    expect(write('delete from t where a > 5')).toEqual(affected(0));
    expect(write('with x as (select 1) delete from t')).toEqual(affected(3));
    expect(write('select 1 as one')).toEqual({ ok: true, results: [{ columns: ['one'], rows: [[1]], rowsAffected: 0 }] });
  });

  test('a failing command undoes itself and nothing else of its batch', () => {
    const outcomes = applyAll(
      command('create table t (a unique); insert into t values (1)'),
      command('insert into t values (2); insert into t values (3); insert into t values (1)'),
      command('insert into t values (4)'),
      command('insert into t values (5), (1)'),
      command('create table u (a); insert into nowhere values (1)'),
    );
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : `${outcome.code}: ${outcome.message}`))).toEqual([
      'ok',
      'constraint: UNIQUE constraint failed: t.a',
      'ok',
      'constraint: UNIQUE constraint failed: t.a',
      'sql-error: no such table: nowhere',
    ]);
    expect(rows('select a from t order by a')).toEqual([[1], [4]]);
    expect(rows("select count(*) from sqlite_master where name = 'u'")).toEqual([[0]]);
  });

  test.each([
    [
      'a foreign key',
      'create table p (id integer primary key); create table c (p references p (id))',
      'insert into c values (9)',
      'FOREIGN KEY',
    ],
    ['NOT NULL', 'create table t (a not null)', 'insert into t values (null)', 't.a'],
    ['CHECK', 'create table t (a check (a > 0))', 'insert into t values (0)', 'CHECK'],
    [
      'RAISE',
      "create table t (a); create trigger x before insert on t begin select raise(abort, 'no thanks'); end",
      'insert into t values (0)',
      'no thanks',
    ],
  ])('%s is a constraint', (_name, schema, sql, message) => {
    write(schema);
    expect(write(sql)).toMatchObject({ ok: false, code: 'constraint', message: expect.stringContaining(message) as string });
  });

  test('entries must follow the applied index without a gap', () => {
    write('create table t (a)');
    expect(() => machine.apply([{ index: 3, data: new Uint8Array() }])).toThrow(AssertionError);
  });

  test('an entry that is no command stops the machine, and leaves the database as it was', () => {
    write('create table t (a)');
    expect(() => applyAll(command('insert into t values (1)'), Uint8Array.from([7, 7]))).toThrow('version 7');
    expect(() => write('insert into t values (2)')).toThrow('failed before');
    reopen();
    expect(machine.appliedIndex).toBe(1);
    expect(rows('select * from t')).toEqual([]);
    expect(write('insert into t values (1)')).toEqual(affected(1));
  });

  test('a closed machine refuses, and a file that is no database is refused', () => {
    machine.close();
    expect(() => write('select 1')).toThrow('closed');
    expect(() => new StateMachine({ path: import.meta.filename })).toThrow('not a database');
    expect(() => new StateMachine({ path: join(folder, 'no', 'such', 'folder') })).toThrow('cannot open');
  });
});

describe('values', () => {
  test('integers are exact, and numbers where a number is exact', () => {
    write('create table t (a)');
    for (const value of [
      1,
      -1,
      2 ** 53 - 1,
      -(2 ** 53 - 1),
      2n ** 53n,
      -(2n ** 63n),
      2n ** 63n - 1n,
      0.5,
      1e300,
      'text',
      '',
      'a\0b',
      null,
    ]) {
      expect(write('insert into t values (?) returning a', [value])).toMatchObject({ results: [{ rows: [[value]] }] });
      expect(rows('select ?', [value])).toEqual([[value]]);
    }
    expect(rows('select typeof(?1), ?1 / 2', [3])).toEqual([['integer', 1]]);
    expect(rows('select ?', [7n])).toEqual([[7]]);
    expect(rows('select ?', [Uint8Array.from([0, 255])])).toEqual([[Uint8Array.from([0, 255])]]);
  });

  test('the number of parameters must be right: SQLite would take a missing one as NULL', () => {
    for (const [sql, params] of [
      ['select ?, ?', [1]],
      ['select ?', []],
      ['select 1', [1]],
      ['select ?3', [1, 2]],
    ] as const)
      expect(machine.query(sql, params)).toMatchObject({
        ok: false,
        code: 'sql-error',
        message: expect.stringContaining('parameters') as string,
      });
    expect(rows('select ?2, ?1, ?', [1, 2, 3])).toEqual([[2, 1, 3]]);
    expect(machine.query('select ?; select ?', [1])).toMatchObject({
      code: 'sql-error',
      message: expect.stringContaining('single statement') as string,
    });
  });
});

describe('results that are too large', () => {
  test('for a read are refused', () => {
    const tooManyRows = 'with recursive c(x) as (select 1 union all select x + 1 from c) select x from c';
    expect(machine.query(tooManyRows, [])).toMatchObject({
      ok: false,
      code: 'result-too-large',
      message: expect.stringContaining('LIMIT') as string,
    });
    expect(machine.query('select zeroblob(5000000)', [])).toMatchObject({ ok: false, code: 'result-too-large' });
    // The statements of one request share the limit.
    expect(machine.query('select zeroblob(2500000)', [])).toMatchObject({ ok: true });
    expect(machine.query('select zeroblob(2500000); select zeroblob(2500000)', [])).toMatchObject({ code: 'result-too-large' });
    expect(rows('select 1')).toEqual([[1]]);
  });

  test('for a write undo it', () => {
    write('create table t (a)');
    expect(write('insert into t values (zeroblob(5000000)) returning a')).toMatchObject({ ok: false, code: 'result-too-large' });
    expect(rows('select count(*) from t')).toEqual([[0]]);
    expect(write('insert into t values (zeroblob(5000000))')).toEqual(affected(1));
    expect(write('insert into t values (zeroblob(20000000))')).toMatchObject({ ok: false, code: 'sql-error' });
  });
});

describe('exactly once', () => {
  beforeEach(() => {
    write('create table t (a)');
  });
  const count = () => rows('select count(*) from t')[0]?.[0];

  test('a repeated command gets the stored outcome and is not applied again, in a batch, later, and after a restart', () => {
    const insert = inSession('c', 1, 1, 'insert into t values (1) returning a');
    const [first, second] = applyAll(insert, insert);
    expect(second).toEqual(first);
    expect(apply(insert)).toEqual(first);
    reopen();
    expect(apply(insert)).toEqual(first);
    expect(count()).toBe(1);
  });

  test('a failure is remembered too, although the command would succeed now', () => {
    const early = inSession('c', 1, 1, 'insert into later values (1)');
    const failed = apply(early);
    write('create table later (a)');
    expect(apply(early)).toEqual(failed);
    expect(failed).toMatchObject({ ok: false, code: 'sql-error' });
  });

  test('sequences may arrive in any order inside the window', () => {
    for (const sequence of [3, 1, 2]) expect(apply(inSession('c', sequence, 1, 'insert into t values (1)'))).toEqual(affected(1));
    for (const sequence of [2, 3, 1]) expect(apply(inSession('c', sequence, 1, 'insert into t values (1)'))).toEqual(affected(1));
    expect(count()).toBe(3);
  });

  test('what the client has acknowledged is forgotten, and refused when it arrives late', () => {
    for (let sequence = 1; sequence <= 5; sequence++) apply(inSession('c', sequence, 1, 'insert into t values (1)'));
    apply(inSession('c', 6, 5, 'insert into t values (1)'));
    expect(apply(inSession('c', 4, 1, 'insert into t values (1)'))).toMatchObject({ ok: false, code: 'already-answered' });
    expect(apply(inSession('c', 5, 1, 'insert into t values (1)'))).toEqual(affected(1));
    reopen();
    expect(apply(inSession('c', 4, 4, 'insert into t values (1)'))).toMatchObject({ ok: false, code: 'already-answered' });
    expect(count()).toBe(6);
  });

  test('large results survive in rows of their own, and go when they are acknowledged', () => {
    const large = inSession('c', 1, 1, "insert into t values (printf('%.5000c', 'x')) returning a");
    const [first] = applyAll(large, inSession('c', 2, 1, 'insert into t values (2)'));
    reopen();
    expect(apply(large)).toEqual(first);
    expect(count()).toBe(2);
    const before = machine.digest();
    apply(inSession('c', 3, 3, 'insert into t values (2)'));
    apply(inSession('c', 3, 3, 'insert into t values (2)'));
    expect(machine.digest()).not.toBe(before);
    expect(apply(large)).toMatchObject({ code: 'already-answered' });
  });

  test('a client too far ahead of itself is refused', () => {
    expect(apply(inSession('c', SESSION_WINDOW + 1, 1, 'insert into t values (1)'))).toMatchObject({
      ok: false,
      code: 'session-window',
    });
    expect(apply(inSession('c', SESSION_WINDOW, 1, 'insert into t values (1)'))).toEqual(affected(1));
  });

  test('a session that nobody remembers is expired, unless the client is new', () => {
    expect(apply(inSession('unknown', 7, 2, 'insert into t values (1)'))).toMatchObject({ ok: false, code: 'session-expired' });
    expect(apply(inSession('unknown', 7, 1, 'insert into t values (1)'))).toEqual(affected(1));
    expect(count()).toBe(1);
  });

  test('without a session a command is applied as often as it comes', () => {
    for (let i = 0; i < 3; i++) write('insert into t values (1)');
    expect(count()).toBe(3);
  });

  test('the known-bad machine that forgets writes applies a repeated one again, and nothing else is wrong with it', () => {
    const repeated = inSession('c', 1, 1, 'insert into t values (1)');
    apply(repeated);
    apply(repeated);
    expect(count()).toBe(1);
    reopen({ forgetsWrites: true });
    expect(apply(repeated)).toEqual(affected(1));
    expect(count()).toBe(2);
    expect(apply(inSession('d', 9, 8, 'delete from t'))).toEqual(affected(2));
  });

  test('the least recently used session is evicted, in the order of the log, whatever the batches and restarts', () => {
    const sessions = ['a', 'b', 'c', 'a', 'd', 'b', 'e', 'a', 'f', 'c', 'c', 'g', 'f', 'h'];
    const log = sessions.map((client, at) =>
      inSession(
        client,
        sessions.slice(0, at).filter((other) => other === client).length + 1,
        1,
        `insert into t values ('${client}${at}')`,
      ),
    );
    const run = (batch: number, restart: boolean) => {
      const file = join(mkdtempSync(join(folder, 'run-')), 'state.db');
      let other = new StateMachine({ path: file, maxSessions: 3 });
      other.apply([{ index: 1, data: command('create table t (a)') }]);
      const outcomes: StatementOutcome[] = [];
      for (let at = 0; at < log.length; at += batch) {
        outcomes.push(...other.apply(log.slice(at, at + batch).map((data, offset) => ({ index: 2 + at + offset, data }))));
        if (!restart) continue;
        other.close();
        other = new StateMachine({ path: file, maxSessions: 3 });
      }
      // Alive: g, f (used again before h came) and h.
      const late = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((client, at) => {
        const [outcome] = other.apply([{ index: 2 + log.length + at, data: inSession(client, 9, 2, 'select 1') }]);
        return outcome?.ok === true ? client : (outcome?.code ?? '');
      });
      const digest = other.digest();
      other.close();
      return { outcomes, late, digest };
    };
    const reference = run(1, false);
    expect(reference.late).toEqual([...Array.from({ length: 5 }, () => 'session-expired'), 'f', 'g', 'h']);
    for (const batch of [1, 2, 5, 14]) for (const restart of [true, false]) expect(run(batch, restart)).toEqual(reference);
  });
});

test('a statement that was compiled before the schema changed sees the new one', () => {
  write('create table t (a); insert into t values (1)');
  expect(rows('select * from t')).toEqual([[1]]);
  expect(write('insert into t values (2) returning *')).toMatchObject({ results: [{ columns: ['a'] }] });
  write('alter table t add column b default 5');
  expect(machine.query('select * from t', [])).toMatchObject({
    results: [
      {
        columns: ['a', 'b'],
        rows: [
          [1, 5],
          [2, 5],
        ],
      },
    ],
  });
  expect(write('insert into t values (2) returning *')).toMatchObject({ ok: false, code: 'sql-error' });
  write('drop table t');
  expect(machine.query('select * from t', [])).toMatchObject({ ok: false, message: 'no such table: t' });
});

test('the digest sees every value, its storage class, the row id and the schema', () => {
  const digests = new Set<string>();
  const note = (sql: string) => {
    expect(write(sql)).toMatchObject({ ok: true });
    digests.add(machine.digest());
  };
  note('create table t (a)');
  note('insert into t values (1)');
  note('update t set a = 1.0');
  note("update t set a = '1'");
  note("update t set a = x'31'");
  note('update t set a = null');
  note('update t set rowid = 7');
  note('create index i on t (a)');
  note('create table w (a primary key, b) without rowid');
  note('insert into w values (1, 2)');
  expect(digests.size).toBe(10);
  const before = machine.digest();
  apply(new Uint8Array());
  expect(machine.digest()).toBe(before);
});
