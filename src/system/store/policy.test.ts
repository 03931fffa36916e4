// What SQL may not do, on every path by which it could. Each refusal must name its reason and leave nothing behind.

import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DANGEROUS_FUNCTIONS, DETERMINISTIC_FUNCTIONS, EXPLAINED_FUNCTIONS } from './functions.ts';
import type { StatementOutcome } from './outcome.ts';
import { StateMachine } from './state-machine.ts';
import { encodeCommand } from './command.ts';

let machine: StateMachine;
beforeEach(() => {
  machine = new StateMachine({ path: ':memory:' });
});
afterEach(() => machine.close());

function write(sql: string): StatementOutcome {
  const data = encodeCommand({ clientId: '', sequence: 0, oldestPending: 0, sql, params: [] });
  return machine.apply([{ index: machine.appliedIndex + 1, data }])[0] as StatementOutcome;
}

function accepted(sql: string): void {
  expect(write(sql)).toMatchObject({ ok: true });
}

function refused(sql: string, code: string, message: string | RegExp): void {
  const before = machine.digest();
  expect(write(sql)).toMatchObject({ ok: false, code, message: expect.stringMatching(message) as string });
  expect(machine.digest()).toBe(before);
}

describe('functions that differ between replicas', () => {
  const nonDeterministic = [
    'random()',
    'randomblob(4)',
    'current_timestamp',
    'current_date',
    'current_time',
    "datetime('now')",
    'date()',
    "strftime('%s')",
    'unixepoch()',
    "julianday('now')",
    "timediff('now', '2020-01-01')",
    'changes()',
    'total_changes()',
    'last_insert_rowid()',
    'sqlite_version()',
    'sqlite_source_id()',
    'pow(2.5, 3.1)',
    'sin(1)',
    '"random"()',
    'RANDOM()',
    'abs(random())',
    '(select random())',
  ];

  test.each(nonDeterministic)('%s is refused in a write', (expression) => {
    accepted('create table t (a, b); insert into t values (1, 1)');
    refused(`insert into t values (${expression}, 1)`, 'not-deterministic', /client|RETURNING|parameter/);
    refused(`update t set a = 2 where b <> ${expression}`, 'not-deterministic', /./);
    refused(`delete from t where a = ${expression}`, 'not-deterministic', /./);
    refused(`insert into t select 1, 2 order by ${expression}`, 'not-deterministic', /./);
    refused(`insert into t values (3, 3) returning ${expression}`, 'not-deterministic', /./);
    refused(`create table u as select ${expression} as x`, 'not-deterministic', /./);
    refused(`with c as (select ${expression} as x) insert into t select x, x from c`, 'not-deterministic', /./);
  });

  test.each(nonDeterministic)('%s is refused as DEFAULT, in CREATE TABLE and in ALTER TABLE', (expression) => {
    // A subquery is not allowed there at all.
    const code = expression.includes('select') ? 'sql-error' : 'not-deterministic';
    refused(`create table t (a, b default (${expression}))`, code, /./);
    accepted('create table t (a)');
    refused(`alter table t add column b default (${expression})`, code, /./);
    refused(`create table u (a, b default (${expression})); alter table u rename to v`, code, /./);
  });

  test('the usual DEFAULT CURRENT_TIMESTAMP is refused with advice', () => {
    refused(
      'create table t (a, at text default CURRENT_TIMESTAMP)',
      'not-deterministic',
      /default of 't\.at': current_timestamp may read the clock.*pass it as a parameter/,
    );
  });

  test.each(nonDeterministic)('%s is refused in CHECK, generated columns and indices', (expression) => {
    const code = /not-deterministic|sql-error/;
    const isRefused = (sql: string) => {
      const outcome = write(sql);
      expect(outcome.ok ? sql : outcome.code).toMatch(code);
    };
    isRefused(`create table t (a check (a <> ${expression}))`);
    isRefused(`create table t (a, b as (${expression}))`);
    accepted('create table t (a)');
    isRefused(`alter table t add column b check (b <> ${expression})`);
    isRefused(`alter table t add constraint c check (a <> ${expression})`);
    isRefused(`alter table t add column b as (${expression})`);
    isRefused(`create index i on t (${expression})`);
    isRefused(`create index i on t (a) where a <> ${expression}`);
    accepted('insert into t values (1)');
  });

  test.each(nonDeterministic)(
    '%s is refused in a trigger when it is created, and through a view when it is used',
    (expression) => {
      accepted('create table t (a); create table u (a); create view tv as select a from t');
      for (const event of ['insert', 'delete', 'update', 'update of a'])
        refused(
          `create trigger x after ${event} on t begin insert into u values (${expression}); end`,
          'not-deterministic',
          /trigger of 't'/,
        );
      refused(
        `create trigger x instead of insert on tv begin insert into u values (${expression}); end`,
        'not-deterministic',
        /trigger of 'tv'/,
      );
      refused(`create trigger x before insert on t when ${expression} begin select 1; end`, 'not-deterministic', /./);
      accepted(`create view v as select ${expression} as x`);
      refused('insert into t select x from v', 'not-deterministic', /in 'v'/);
      expect(machine.query('select x from v', [])).toMatchObject({ ok: true });
    },
  );

  test('a trigger whose body becomes non-deterministic later is refused when it fires', () => {
    accepted('create table t (a); create table u (a); create view v as select 1 as x');
    accepted('create trigger x after insert on t begin insert into u select x from v; end');
    accepted('insert into t values (1)');
    accepted('drop view v; create view v as select random() as x');
    refused('insert into t values (1)', 'not-deterministic', /random\(\) would differ/);
  });

  test('reads may use them', () => {
    for (const expression of nonDeterministic.filter((text) => !text.includes('sqlite_source')))
      expect(machine.query(`select ${expression}`, [])).toMatchObject({ ok: true });
  });

  test('every function of this SQLite was thought about', () => {
    const database = new DatabaseSync(':memory:');
    const names = database.prepare('select distinct name from pragma_function_list').all() as { name: string }[];
    database.close();
    // They belong to virtual tables, which are refused.
    const ofVirtualTables = /^(fts5|geopoly_|rtree|bm25$|highlight$|match$|matchinfo$|offsets$|optimize$|snippet$)/;
    const unknown = names
      .map(({ name }) => name)
      .filter((name) => !DETERMINISTIC_FUNCTIONS.has(name) && !EXPLAINED_FUNCTIONS.has(name) && !DANGEROUS_FUNCTIONS.has(name))
      .filter((name) => !ofVirtualTables.test(name));
    expect(unknown).toEqual([]);
    const both = [...DETERMINISTIC_FUNCTIONS].filter((name) => EXPLAINED_FUNCTIONS.has(name) || DANGEROUS_FUNCTIONS.has(name));
    expect(both).toEqual([]);
  });

  test('what is deterministic is allowed', () => {
    accepted(
      'create table t (a text default (upper(\'x\')), b integer default 5, c default foo, d default "two words", e as (length(a)), check (b > abs(-1)))',
    );
    accepted("insert into t (a) values (json_object('k', round(1.5, 1))) returning *");
    accepted("insert into t (a) select value from json_each('[1, 2]')");
    accepted('create index i on t (lower(a)) where b > 3');
    accepted('create table log (n); create trigger x after insert on t begin insert into log select count(*) from t; end');
    accepted("insert into t (a) values ('y')");
    accepted(
      'alter table t add column f default 3; alter table t rename column f to g; alter table t drop column g; alter table t rename to t2',
    );
    accepted('analyze t2; reindex t2');
  });
});

describe('what depends on the file of one replica', () => {
  test.each([
    'create table x as select rootpage from sqlite_master',
    'insert into t select rootpage from sqlite_schema',
    'insert into t select pageno from dbstat',
    'insert into t select file from pragma_database_list',
    'explain insert into t values (1)',
  ])('%s is refused', (sql) => {
    accepted('create table t (a)');
    refused(sql, sql.includes('pragma') || sql.startsWith('explain') ? 'forbidden-sql' : 'not-deterministic', /./);
  });

  test('dropping and altering tables, for which SQLite reads it, is allowed', () => {
    accepted('create table a (x); create table b (x); drop table a; alter table b add column y; drop table b');
  });
});

describe('what reaches outside', () => {
  test.each([
    "attach 'x.db' as x",
    'detach main',
    'vacuum',
    "vacuum into '/tmp/x'",
    'pragma user_version = 3',
    'pragma writable_schema = on',
    'pragma foreign_keys = off',
    'pragma journal_mode = delete',
    'begin',
    'commit',
    'savepoint x',
    "select load_extension('x')",
    'create temp table x (a)',
    'create table temp.x (a)',
    'create temporary view v as select 1',
    'create virtual table f using fts5(a)',
    'insert into t with recursive c(x) as (select 1 union all select x + 1 from c) select x from c',
    'update sqlite_sequence set seq = 9',
    'insert into sqlite_sequence values (1, 2)',
    'analyze',
    'insert or rollback into t values (1)',
  ])('%s is refused', (sql) => {
    accepted('create table t (a); create table au (id integer primary key autoincrement)');
    refused(sql, 'forbidden-sql', /./);
  });

  test('the schema table cannot be written', () => {
    refused("insert into sqlite_master values ('table', 'x', 'x', 2, 'create table x(a)')", 'sql-error', /may not be modified/);
    refused('delete from sqlite_schema', 'sql-error', /may not be modified/);
  });

  test.each([
    'insert into t values (1)',
    'update t set a = 1',
    'delete from t',
    'create table u (a)',
    'drop table t',
    "attach ':memory:' as x",
    'vacuum',
    "vacuum into '/tmp/windtunnel-never.db'",
    'begin',
    'pragma user_version = 3',
    'pragma user_version',
    'pragma query_only = off',
    "select load_extension('x')",
    'select * from pragma_database_list',
    'create temp table x (a)',
    'analyze t',
  ])('a read cannot %s', (sql) => {
    accepted('create table t (a)');
    const before = machine.digest();
    expect(machine.query(sql, [])).toMatchObject({ ok: false, code: 'forbidden-sql' });
    expect(machine.digest()).toBe(before);
  });

  test('a read may look at the schema and at plans', () => {
    accepted('create table t (a, b)');
    expect(machine.query('pragma table_info(t)', [])).toMatchObject({ ok: true, results: [{ rows: { length: 2 } }] });
    expect(machine.query("select name from pragma_table_info('t')", [])).toMatchObject({ results: [{ rows: [['a'], ['b']] }] });
    expect(machine.query('explain query plan select * from t', [])).toMatchObject({ ok: true });
    expect(machine.query('explain delete from t where a = ?', [1])).toMatchObject({ ok: true });
    expect(machine.query('explain query plan delete from _windtunnel_meta', [])).toMatchObject({
      ok: false,
      code: 'forbidden-sql',
    });
  });
});

describe('tables of windtunnel', () => {
  test.each([
    'select * from _windtunnel_sessions',
    'insert into t select applied_index from _windtunnel_meta',
    'update _windtunnel_meta set applied_index = 0',
    'delete from _WINDTUNNEL_Sessions',
    'insert into "_windtunnel_meta" values (2, 1, 1)',
    'drop table _windtunnel_results',
    'alter table _windtunnel_meta add column x',
    'alter table _windtunnel_meta rename to mine',
    'create index i on _windtunnel_meta (format)',
    'create trigger x after update on _windtunnel_meta begin select 1; end',
    'create table _windtunnel_x (a)',
    'create view _Windtunnel_v as select 1',
    'create index _windtunnel_i on t (a)',
    'create trigger _windtunnel_t after insert on t begin select 1; end',
    'alter table t rename to _windtunnel_t',
    'create table c (a references _windtunnel_sessions (id) on delete cascade)',
    'alter table t add column c references _windtunnel_sessions (id)',
    'analyze _windtunnel_meta',
    "insert into t select name from pragma_table_info('_windtunnel_meta')",
  ])('%s is refused', (sql) => {
    accepted('create table t (a)');
    refused(sql, 'forbidden-sql', /./);
  });

  test('also through views and triggers of the user, and in reads', () => {
    accepted('create table t (a); create view v as select applied_index from _windtunnel_meta');
    refused('insert into t select * from v', 'forbidden-sql', /reserved/);
    refused('create trigger x after insert on t begin delete from _windtunnel_sessions; end', 'forbidden-sql', /reserved/);
    expect(machine.query('select * from v', [])).toMatchObject({ ok: false, code: 'forbidden-sql' });
    expect(machine.query('select * from _windtunnel_results', [])).toMatchObject({ ok: false, code: 'forbidden-sql' });
  });
});

describe('the largest row id, after which SQLite draws ids by lot', () => {
  const largest = '9223372036854775807';
  test.each([
    ['create table t (id integer primary key)', `insert into t values (${largest})`],
    ['create table t (a)', `insert into t (rowid, a) values (${largest}, 1)`],
    ['create table t (rowid, oid, _rowid_, id integer primary key)', `insert into t (id) values (${largest})`],
    ['create table t (id integer primary key)', `insert into t values (1), (${largest}), (2)`],
    ['create table t (id integer primary key); insert into t values (1)', `update t set id = ${largest}`],
    ['create table t (a); insert into t values (1)', `update t set rowid = ${largest} where a = 1`],
    ['create table t (id integer primary key)', `insert into t values (${largest}) returning id`],
    [
      'create table t (id integer primary key, u unique); insert into t values (1, 1)',
      `insert into t values (2, 1) on conflict (u) do update set id = ${largest}`,
    ],
    [
      'create table t (a); create table u (id integer primary key); create trigger x after insert on t begin insert into u values (new.a); end',
      `insert into t values (${largest})`,
    ],
    [
      'create table t (id integer primary key autoincrement); create trigger x after insert on t begin delete from t; end',
      `insert into t values (${largest})`,
    ],
    [
      'create table t (k unique); create table u (id integer primary key references t (k) on update cascade); insert into t values (1); insert into u values (1)',
      `update t set k = ${largest}`,
    ],
  ])('%s; %s is refused', (schema, sql) => {
    accepted(schema);
    refused(sql, 'not-deterministic', /at random/);
    expect(write('create table after (a)')).toMatchObject({ ok: true });
  });

  test('also by a statement that was harmless when it was compiled', () => {
    accepted('create table t (a); insert into t values (1)');
    accepted(`update t set a = ${largest}`);
    accepted('drop table t; create table t (a integer primary key); insert into t values (1)');
    refused(`update t set a = ${largest}`, 'not-deterministic', /at random/);
  });

  test('as an ordinary value it is welcome', () => {
    accepted(`create table t (a, b primary key) without rowid; insert into t values (${largest}, ${largest})`);
    accepted(`create table u (id integer primary key, a); insert into u (a) values (${largest})`);
    accepted('insert into u values (9223372036854775806, 1); update u set a = 5');
  });
});
