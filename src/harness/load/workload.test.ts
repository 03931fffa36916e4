import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import type { ValidMix, ValidWorkload } from '../scenario/valid-scenario.ts';
import type { Answer, PlannedOperation } from './operation.ts';
import type { Carried } from './testing/fake-server.ts';
import { planOf } from './workload.ts';
import { Zipfian } from './zipfian.ts';

const ALONE = { index: 0, of: 1 };

function registers(mix: Partial<ValidMix> = { read: 5, write: 4, cas: 1 }, keys = 100): ValidWorkload {
  return { kind: 'registers', keys, mix: { read: 0, write: 0, cas: 0, ...mix }, distribution: 'uniform' };
}

function taken(count: number, workload: ValidWorkload, seed = 1, unique = ALONE): Carried[] {
  const plan = planOf('a', workload, new Random(seed), unique);
  return Array.from({ length: count }, () => plan.next());
}

describe('registers', () => {
  test('have the mix, and spread over all keys', () => {
    const operations = taken(100_000, registers());
    const share = (name: string) => operations.filter(({ operation }) => operation === name).length / operations.length;
    expect(share('read')).toBeCloseTo(0.5, 1);
    expect(share('write')).toBeCloseTo(0.4, 1);
    expect(share('cas')).toBeCloseTo(0.1, 1);
    expect(new Set(operations.map(({ key }) => key))).toEqual(new Set(Array.from({ length: 100 }, (_, key) => key)));
  });

  test('a weight of 0 means never', () => {
    expect(new Set(taken(1_000, registers({ read: 1 })).map(({ operation }) => operation))).toEqual(new Set(['read']));
    expect(new Set(taken(1_000, registers({ read: 1, write: 1 })).map(({ operation }) => operation))).toEqual(
      new Set(['read', 'write']),
    );
  });

  test('write values that no other operation has, in this load or another', () => {
    const of = 3;
    const values = [0, 1, 2].flatMap((index) => taken(1_000, registers(), index, { index, of }).map(({ value }) => value));
    const written = values.filter((value) => value !== undefined);
    expect(written.every((value) => Number.isSafeInteger(value) && value > 0)).toBe(true);
    expect(new Set(written).size).toBe(written.length);
  });

  test('the same seed gives the same operations, whatever was answered (but for what a cas expects)', () => {
    const silent = planOf('a', registers(), new Random(9), ALONE);
    const answered = planOf('a', registers(), new Random(9), ALONE);
    for (let at = 0; at < 1_000; at++) {
      const { expected: _, ...operation } = silent.next() as Carried;
      const next = answered.next();
      const { expected: __, ...same } = next as Carried;
      expect(same).toEqual(operation);
      answered.learn(next, { outcome: 'ok', value: at });
    }
    expect(taken(100, registers(), 1)).not.toEqual(taken(100, registers(), 2));
  });

  test('a cas expects what was last seen under its key; the first on a key is a write', () => {
    const plan = planOf('a', registers({ cas: 1 }, 1), new Random(1), ALONE);
    const answer = (operation: PlannedOperation, given: Answer) => plan.learn(operation, given);
    const first = plan.next();
    expect(first).toEqual({ load: 'a', kind: 'registers', operation: 'write', key: 0, value: 1 });
    // Nothing seen yet: the value that is on its way.
    const second = plan.next();
    expect(second).toEqual({ load: 'a', kind: 'registers', operation: 'cas', key: 0, value: 2, expected: 1 });
    answer(first, { outcome: 'ok' });
    answer(second, { outcome: 'fail', code: 'cas-mismatch' });
    expect((plan.next() as Carried).expected).toBe(1);
    answer({ load: 'a', kind: 'registers', operation: 'read', key: 0 }, { outcome: 'ok', value: 77 });
    const operation = plan.next();
    const next = operation as Carried;
    expect(next.expected).toBe(77);
    answer(operation, { outcome: 'ok' });
    expect((plan.next() as Carried).expected).toBe(next.value);
    // A read that found nothing has not seen a value.
    answer({ load: 'a', kind: 'registers', operation: 'read', key: 0 }, { outcome: 'ok', value: null });
    expect((plan.next() as Carried).expected).toBe(next.value);
  });
});

describe('set', () => {
  test('adds elements that no other operation has', () => {
    const added = [0, 1].flatMap((index) => taken(100, { kind: 'set' }, 1, { index, of: 2 }));
    expect(added.every(({ operation, key }) => operation === 'add' && key === undefined)).toBe(true);
    expect(new Set(added.map(({ value }) => value)).size).toBe(200);
  });
});

describe('append', () => {
  const workload = { kind: 'append', keys: 3, mix: { append: 1, read: 1 }, appendsPerKey: 5, distribution: 'uniform' } as const;

  test('appends unique elements, at most so many to a list, and reads lists that are in use', () => {
    const plans = [0, 1].map((index) => planOf('a', workload, new Random(4), { index, of: 2 }));
    const all = plans.map((plan) => Array.from({ length: 500 }, () => plan.next() as Carried));
    const appends = all.flat().filter(({ operation }) => operation === 'append');
    expect(new Set(appends.map(({ value }) => value)).size).toBe(appends.length);
    const lengths = new Map<number | undefined, number>();
    for (const { key } of appends) lengths.set(key, (lengths.get(key) ?? 0) + 1);
    expect(Math.max(...lengths.values())).toBe(5);
    const [own, other] = all.map((operations) => new Set(operations.map(({ key }) => key))) as [Set<number>, Set<number>];
    expect([...own].filter((key) => other.has(key))).toEqual([]);
    // Everything that was appended to is read at the end.
    const final = plans.flatMap((plan) => plan.finalReads()) as Carried[];
    expect(final.every(({ operation }) => operation === 'read')).toBe(true);
    const read = new Set(final.map(({ key }) => key));
    expect([...lengths.keys()].every((key) => read.has(key as number))).toBe(true);
    expect(read.size).toBe(final.length);
  });
});

test('bank transfers go between two different accounts and move at least 1', () => {
  const workload = { kind: 'bank', accounts: 3, initialBalance: 10, maxTransfer: 4, mix: { transfer: 3, read: 1 } } as const;
  const plan = planOf('a', workload, new Random(1), ALONE);
  const operations = Array.from({ length: 1_000 }, () => plan.next());
  const transfers = operations.filter((operation) => operation.kind === 'bank' && operation.operation === 'transfer');
  expect(transfers.length / operations.length).toBeCloseTo(0.75, 1);
  for (const { from, to, amount } of transfers) {
    expect(from).not.toBe(to);
    expect([0, 1, 2]).toContain(from);
    expect([0, 1, 2]).toContain(to);
    expect([1, 2, 3, 4]).toContain(amount);
  }
  expect(plan.finalReads()).toEqual([{ load: 'a', kind: 'bank', operation: 'read-all' }]);
});

test('sql statements come by their weights, with fresh parameters', () => {
  const statements = [
    { name: 'look', sql: 'select ?', params: [{ integer: [5, 7] as const }, 'x', null], weight: 3 },
    { name: 'add', sql: 'insert', params: [{ unique: true as const }], weight: 1 },
  ];
  const plan = planOf('a', { kind: 'sql', setup: [], statements }, new Random(1), ALONE);
  const operations = Array.from({ length: 1_000 }, () => plan.next()).filter((operation) => operation.kind === 'sql');
  const [looks, adds] = ['look', 'add'].map((name) => operations.filter(({ operation }) => operation === name));
  expect((looks?.length ?? 0) / 1_000).toBeCloseTo(0.75, 1);
  expect(new Set(looks?.map(({ params }) => params[0]))).toEqual(new Set([5, 6, 7]));
  expect(looks?.every(({ params }) => params[1] === 'x' && params[2] === null)).toBe(true);
  expect(new Set(adds?.map(({ params }) => params[0])).size).toBe(adds?.length);
  expect(plan.finalReads()).toEqual([]);
});

describe('zipfian', () => {
  test('frequencies follow the law', () => {
    const n = 1_000;
    const draws = 400_000;
    const random = new Random(11);
    const zipfian = new Zipfian(n);
    const counts = new Uint32Array(n);
    for (let draw = 0; draw < draws; draw++) {
      const rank = zipfian.draw(random.float());
      counts[rank] = (counts[rank] as number) + 1;
    }
    const zeta = Array.from({ length: n }, (_, rank) => 1 / (rank + 1) ** 0.99).reduce((sum, weight) => sum + weight, 0);
    const expected = (from: number, to: number) => {
      let share = 0;
      for (let rank = from; rank < to; rank++) share += 1 / (rank + 1) ** 0.99 / zeta;
      return share;
    };
    const observed = (from: number, to: number) => counts.slice(from, to).reduce((sum, count) => sum + count, 0) / draws;
    // Exact for the first two, within a tenth for the bands behind them, where the method approximates.
    expect(observed(0, 1) / expected(0, 1)).toBeCloseTo(1, 1);
    expect(observed(1, 2) / expected(1, 2)).toBeCloseTo(1, 1);
    for (const [from, to] of [
      [2, 10],
      [10, 100],
      [100, 500],
      [500, 1_000],
    ] as const) {
      expect(observed(from, to) / expected(from, to)).toBeGreaterThan(0.9);
      expect(observed(from, to) / expected(from, to)).toBeLessThan(1.1);
    }
  });

  test.each([1, 2, 3, 1_000_000])('ranks are inside 0 to n - 1 for n = %d', (n) => {
    const zipfian = new Zipfian(n);
    for (const u of [0, 0.25, 0.5, 0.75, 1 - 2 ** -53]) {
      const rank = zipfian.draw(u);
      expect(Number.isInteger(rank) && rank >= 0 && rank < n).toBe(true);
    }
    expect(zipfian.draw(0)).toBe(0);
  });

  test('nothing to choose from is refused', () => {
    expect(() => new Zipfian(0)).toThrow('not 0');
  });

  test('is used by a workload that asks for it', () => {
    const keys = taken(10_000, { ...registers(), distribution: 'zipfian' } as ValidWorkload).map(({ key }) => key);
    expect(keys.filter((key) => key === 0).length / keys.length).toBeGreaterThan(0.15);
    expect(taken(10_000, registers()).filter(({ key }) => key === 0).length / 10_000).toBeLessThan(0.03);
  });
});
