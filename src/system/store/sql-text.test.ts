import { describe, expect, test } from 'vitest';
import { classify, parseScript, SqlTextError } from './sql-text.ts';

describe('classify', () => {
  test.each([
    'select 1',
    '  SeLeCt 1;',
    '-- insert\nselect 1',
    '/* insert; */ select 1',
    '\uFEFFselect 1',
    "select 'a; insert into t values (1)'",
    'select "insert" from [delete; x]',
    'select `a``;b` from t',
    "select 'it''s; delete'",
    'values (1), (2)',
    'explain insert into t values (1)',
    'explain query plan delete from t',
    'pragma table_info(t)',
    'with a as (select 1) select * from a',
    'with recursive a(x) as (select 1 union all select x + 1 from a) select * from a',
    'with a as not materialized (select 1), b(x, y) as materialized (values (1, 2)) values (3)',
    'with "insert" as (select 1) select * from "insert"',
    'with replace as (select 1) select * from replace',
    'select 1; select 2; -- end',
    'select 1 /* never closed',
    'nonsense',
    '(select 1)',
    'with a as select',
  ])('%s is a read', (sql) => expect(classify(sql)).toBe('read'));

  test.each([
    'insert into t values (1)',
    'replace into t values (1)',
    'update t set a = 1',
    'delete from t',
    'create table t (a)',
    'drop table t',
    'alter table t add column b',
    'analyze t',
    'reindex t',
    'with a as (select 1) insert into t select * from a',
    'with a as (select 1), b as (select ")" from a) delete from t',
    'with a(x) as (values (1)) update t set a = 1 returning *',
    'select 1; insert into t values (1)',
    ';;insert into t values (1)',
    'create trigger x after insert on t begin insert into u values (1); select 2; end',
    '/* a */ -- b\n INSERT INTO t VALUES (1)',
  ])('%s is a write', (sql) => expect(classify(sql)).toBe('write'));

  test.each([
    ['', 'no SQL'],
    [' ; -- nothing\n', 'no SQL'],
    ['begin', 'one transaction'],
    ['select 1; commit', 'COMMIT'],
    ['end', 'END'],
    ['rollback to x', 'ROLLBACK'],
    ['savepoint x', 'SAVEPOINT'],
    ['release x', 'RELEASE'],
    ["attach 'x' as y", 'ATTACH'],
    ['detach x', 'DETACH'],
    ['vacuum', 'VACUUM'],
    ["select 'abc", 'character 8'],
    ['select "abc', 'never closed'],
    ['select [abc', 'never closed'],
    ['select 1\0', 'NUL'],
    ['insert or rollback into t values (1)', 'OR ROLLBACK'],
    ['update or fail t set a = 1', 'OR FAIL'],
    ['create table t (a unique on conflict rollback)', 'ON CONFLICT ROLLBACK'],
    ["create trigger x after insert on t begin select raise(fail, 'no'); end", 'RAISE(FAIL)'],
    ['create table c (a references p deferrable initially deferred)', 'DEFERRED'],
    ['select :a', ':a'],
    ['select @abc', '@abc'],
  ])('%j is refused', (sql, message) => {
    expect(() => classify(sql)).toThrow(SqlTextError);
    expect(() => classify(sql)).toThrow(message);
  });

  test.each([
    'select rollback, fail from t where ok or fail',
    'create table t (a, rollback, fail)',
    'insert or ignore into t values (1)',
  ])('%s is not mistaken for a conflict clause', (sql) => expect(() => classify(sql)).not.toThrow());
});

test('statements are cut at semicolons that separate, and nowhere else', () => {
  const texts = (sql: string) => parseScript(sql).statements.map(({ text }) => text);
  expect(texts('select \';\' ; ; insert into t values ("a;b") -- c;\n; delete from t;')).toEqual([
    "select ';'",
    'insert into t values ("a;b")',
    'delete from t',
  ]);
  const trigger =
    'create temp trigger x after insert on t begin insert into u values (1); update u set a = case when 1 then 2 end; end';
  expect(texts(`${trigger}; select 1`)).toEqual([trigger, 'select 1']);
  expect(texts(`explain ${trigger}; select 1`)).toEqual([`explain ${trigger}`, 'select 1']);
});

test.each([
  ['select 1', 0],
  ['select ?, ?', 2],
  ['select ?2, ?', 3],
  ['select ?3', 3],
  ['select \'?\', "?" /* ? */ -- ?', 0],
])('%s takes %d parameters', (sql, count) => expect(parseScript(sql).statements[0]?.parameters).toBe(count));

test('the deciding word is found behind EXPLAIN and WITH', () => {
  const keyword = (sql: string) => parseScript(sql).statements[0]?.keyword;
  expect(keyword('explain with a as (select 1) delete from t')).toBe('DELETE');
  expect(keyword('drop table t')).toBe('DROP');
  expect(parseScript('explain drop table t').statements[0]).toMatchObject({ explain: true, kind: 'read' });
});
