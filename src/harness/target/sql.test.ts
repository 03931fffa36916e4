// What the target calls certain or not is what the checkers rely on: a maybe taken for a no would be a false alarm, or hide one.

import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import { type ErrorCode, RpcError } from '../../system/rpc/errors.ts';
import { startFakeNode } from '../../system/rpc/testing/fake-node.ts';
import type { Query } from '../../system/rpc/wire.ts';
import type { ResultSet } from '../../system/store/outcome.ts';
import { arrivals, scenarioOf } from '../load/testing/fake-server.ts';
import { connectSqlTarget } from './sql.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A target whose node creates the tables and then answers as the test says. */
async function targetOf(answer: (query: Query) => ResultSet) {
  const node = await startFakeNode(async (query) => (query.sql.startsWith('create table') ? {} : { results: [answer(query)] }));
  cleanups.push(() => node.close());
  const target = await connectSqlTarget({
    endpoints: [node.endpoint],
    scenario: scenarioOf(
      { a: arrivals(1, '1s'), b: arrivals(1, '1s', { workload: { kind: 'set' } }) },
      { operationTimeout: '30s' },
    ),
    clock: systemClock,
    random: new Random(1),
  });
  cleanups.push(() => target.close());
  const { signal } = new AbortController();
  return {
    target,
    read: () => target.invoke({ load: 'a', kind: 'registers', operation: 'read', key: 3 }, signal),
    write: () => target.invoke({ load: 'a', kind: 'registers', operation: 'write', key: 3, value: 7 }, signal),
    cas: () => target.invoke({ load: 'a', kind: 'registers', operation: 'cas', key: 3, expected: 7, value: 8 }, signal),
    add: () => target.invoke({ load: 'a', kind: 'set', operation: 'add', value: 9 }, signal),
  };
}

const rows = (...values: number[]): ResultSet => ({ columns: ['value'], rows: values.map((value) => [value]), rowsAffected: 0 });
const affected = (rowsAffected: number): ResultSet => ({ columns: [], rows: [], rowsAffected });

test('answers become outcomes', async () => {
  let result = rows(42);
  const { read, write, cas, add } = await targetOf(() => result);
  expect(await read()).toEqual({ outcome: 'ok', value: 42 });
  result = rows();
  expect(await read()).toEqual({ outcome: 'ok', value: null });
  result = affected(1);
  expect([await write(), await cas(), await add()]).toEqual([{ outcome: 'ok' }, { outcome: 'ok' }, { outcome: 'ok' }]);
  result = affected(0);
  expect(await cas()).toEqual({ outcome: 'fail', code: 'cas-mismatch' });
});

test.each<[ErrorCode, 'fail' | 'info']>([
  ['sql-error', 'fail'],
  ['expired', 'fail'],
  ['internal', 'info'],
  ['deadline-exceeded', 'info'],
  ['session-expired', 'info'],
])('a write that ended with %s is %s, a read is fail', async (code, outcome) => {
  const { read, write, cas, add } = await targetOf(() => {
    throw new RpcError(code, 'why');
  });
  for (const answer of [await write(), await cas(), await add()]) expect(answer).toEqual({ outcome, code });
  expect(await read()).toEqual({ outcome: 'fail', code });
});

test('the set is read in pages, to its end', async () => {
  const all = Array.from({ length: 25_000 }, (_, at) => at + 1);
  const { target } = await targetOf(({ params: [after] }) =>
    rows(...all.filter((value) => value > Number(after)).slice(0, 10_000)),
  );
  const { signal } = new AbortController();
  expect(await target.invoke({ load: 'a', kind: 'set', operation: 'read-all' }, signal)).toEqual({ outcome: 'ok', value: all });
});
