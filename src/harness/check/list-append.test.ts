import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import type { HistoryEvent } from '../history/event.ts';
import { checkListAppend } from './list-append.ts';
import type { Operation } from './operation.ts';
import { HistoryStructureError, pairOperations } from './operation.ts';
import { isLinearizable, naiveTransactions } from './testing/oracle.ts';
import type { Isolation } from './testing/simulated-transactions.ts';
import { simulateTransactions } from './testing/simulated-transactions.ts';
import { transcript } from './testing/transcript.ts';

const SEEDS = Number(process.env['CHECK_SEEDS'] ?? 1_000);

type Step = readonly [f: 'append' | 'r', key: string, value: unknown];

/** One transaction after another, or, from the same moment, all at once. */
function history(transactions: readonly (readonly Step[])[], how: 'sequential' | 'concurrent'): string {
  const asked = transactions.map((steps) => JSON.stringify(steps.map(([f, key, value]) => [f, key, f === 'r' ? null : value])));
  const invoke = (_: unknown, at: number) => `${at} invoke txn ${asked[at]}`;
  const complete = (_: unknown, at: number) => `${at} ok ${JSON.stringify(transactions[at])}`;
  if (how === 'sequential') return transactions.map((each, at) => `${invoke(each, at)} \n ${complete(each, at)}`).join('\n');
  return [...transactions.map(invoke), ...transactions.map(complete)].join('\n');
}

async function check(text: string) {
  return checkListAppend(await pairOperations(transcript(text)));
}

const append = (key: string, element: number): Step => ['append', key, element];
const read = (key: string, list: readonly number[] | null): Step => ['r', key, list];

describe('transactions over lists', () => {
  test('one after another', async () => {
    const text = history(
      [[append('x', 1)], [read('x', [1]), append('x', 2)], [read('x', [1, 2]), read('y', null)]],
      'sequential',
    );
    expect(await check(text)).toEqual({
      checker: 'list-append',
      verdict: 'valid',
      counts: { transactions: 3, keys: 2, reads: 3, edges: expect.any(Number) as number },
    });
  });

  test.each<[string, string, 'sequential' | 'concurrent', Step[][]]>([
    [
      'G0',
      'write cycle',
      'concurrent',
      [
        [append('x', 1), append('y', 1)],
        [append('x', 2), append('y', 2)],
        [read('x', [1, 2]), read('y', [2, 1])],
      ],
    ],
    [
      'G1c',
      'each reads what the other appended',
      'concurrent',
      [
        [append('x', 1), read('y', [1])],
        [append('y', 1), read('x', [1])],
      ],
    ],
    [
      'G-single',
      'read skew',
      'concurrent',
      [
        [append('x', 1), append('y', 1)],
        [read('x', [1]), read('y', [])],
      ],
    ],
    [
      'G-single',
      'lost update',
      'concurrent',
      [[read('x', []), append('x', 1)], [read('x', []), append('x', 2)], [read('x', [1, 2])]],
    ],
    [
      'G2',
      'write skew',
      'concurrent',
      [
        [read('x', []), append('y', 1)],
        [read('y', []), append('x', 1)],
        [read('x', [1]), read('y', [1])],
      ],
    ],
    [
      'G2',
      'write skew that nobody saw',
      'concurrent',
      [
        [read('x', []), append('y', 1)],
        [read('y', []), append('x', 1)],
      ],
    ],
    ['G0-realtime', 'appends in the wrong order', 'sequential', [[append('x', 1)], [append('x', 2)], [read('x', [2, 1])]]],
    ['G-single-realtime', 'a stale read', 'sequential', [[append('x', 1)], [read('x', [])]]],
    ['G1c-realtime', 'a read of the future', 'sequential', [[read('x', [1])], [append('x', 1)]]],
    [
      'incompatible-order',
      'two orders',
      'concurrent',
      [[append('x', 1)], [append('x', 2)], [read('x', [1, 2])], [read('x', [2, 1])]],
    ],
    ['G1b', 'a read between two appends of one transaction', 'concurrent', [[append('x', 1), append('x', 2)], [read('x', [1])]]],
    ['duplicate-elements', 'an append twice', 'sequential', [[append('x', 1)], [read('x', [1, 1])]]],
    ['garbage-read', 'an element from nowhere', 'sequential', [[append('x', 1)], [read('x', [1, 5])]]],
    ['internal', 'own append not seen', 'sequential', [[append('x', 1), read('x', [])]]],
    ['internal', 'own append seen before it was made', 'sequential', [[read('x', [1]), append('x', 1)]]],
    ['incompatible-order', 'half a transaction', 'sequential', [[append('x', 1), append('x', 2)], [read('x', [2])]]],
    ['internal', 'two reads that differ', 'sequential', [[append('x', 1)], [read('x', []), read('x', [1])]]],
  ])('%s: %s', async (name, _, how, transactions) => {
    const result = await check(history(transactions, how));
    expect(result).toMatchObject({ verdict: 'violated' });
    expect(result.verdict === 'violated' && result.reason).toMatch(new RegExp(`^not strictly serializable: ${name}\\b(?!-)`));
  });

  test('a read of what failed is G1a; what is unknown may be read or not', async () => {
    const aborted = (end: string) => `0 invoke txn [["append", "x", 1]] \n 0 ${end} \n 1 invoke txn [["r", "x", null]] \n 1 ok`;
    expect(await check(`${aborted('fail')} [["r", "x", [1]]]`)).toMatchObject({ reason: 'not strictly serializable: G1a' });
    expect(await check(`${aborted('fail')} [["r", "x", []]]`)).toMatchObject({ verdict: 'valid' });
    expect(await check(`${aborted('info')} [["r", "x", [1]]]`)).toMatchObject({ verdict: 'valid' });
    expect(await check(`${aborted('info')} [["r", "x", []]]`)).toMatchObject({ verdict: 'valid' });
  });

  test('the cycle is told in words, with times', async () => {
    const skew = [
      [read('x', []), append('y', 1)],
      [read('y', []), append('x', 1)],
      [read('x', [1]), read('y', [1])],
    ];
    const result = await check(history(skew, 'concurrent'));
    expect(result.verdict === 'violated' && result.explanation).toEqual([
      'G2 (anti-dependency cycle, such as write skew):',
      '  T1 = event 0, 0 .. 3us, process 0: read "x" -> []; append 1 to "y"',
      '  T2 = event 1, 1us .. 4us, process 1: read "y" -> []; append 1 to "x"',
      '  T1 < T2: T1 read "x" without 1, which T2 appended (rw)',
      '  T2 < T1: T2 read "y" without 1, which T1 appended (rw)',
      '  each before the next, and the last before the first: a cycle',
    ]);
    const stale = await check(history([[append('x', 1)], [append('y', 1)], [read('x', [])]], 'sequential'));
    expect(stale.verdict === 'violated' && stale.explanation.slice(3)).toEqual([
      '  T1 < T2: T1 (0 .. 1us) had returned when T2 (4us .. 5us) was called (real time)',
      '  T2 < T1: T2 read "x" without 1, which T1 appended (rw)',
      '  each before the next, and the last before the first: a cycle',
    ]);
  });

  test('single appends and reads are transactions too', async () => {
    const text = '0 invoke append 1 @x \n 0 ok \n 1 invoke read @x \n 1 ok';
    expect(await check(`${text} [1]`)).toMatchObject({ verdict: 'valid' });
    expect(await check(`${text} []`)).toMatchObject({ reason: 'not strictly serializable: G-single-realtime' });
  });

  test('without a read it is unknown; without sense an error', async () => {
    expect(await check('')).toMatchObject({ verdict: 'unknown' });
    expect(await check(history([[append('x', 1)]], 'sequential'))).toMatchObject({
      verdict: 'unknown',
      reason: 'no successful transaction read anything',
    });
    for (const value of ['5', '[["w", "x", 1]]', '[["append", "x", [1]]]', '[["append", "x"]]']) {
      await expect(check(`0 invoke txn ${value}`), value).rejects.toBeInstanceOf(HistoryStructureError);
    }
    const twice = history([[append('x', 1)], [append('x', 1)]], 'sequential');
    await expect(check(twice)).rejects.toThrow('element 1 was appended to "x" before');
  });

  test('is unknown when the time is over, and stops when told to', async () => {
    const operations = await pairOperations(transcript(history([[append('x', 1)], [read('x', [1])]], 'sequential')));
    let now = 0;
    const late = Object.assign(new VirtualClock(), { now: () => (now += 20) });
    expect(await checkListAppend(operations, { clock: late, timeLimitMs: 10 })).toMatchObject({
      verdict: 'unknown',
      reason: 'no answer within 10.0ms',
    });
    await expect(checkListAppend(operations, { signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow('stopped');
  });
});

/** As if everything had been under way at once: what is left of strict serializability is serializability. */
function withoutTime(operations: readonly Operation[]): Operation[] {
  return operations.map((operation, at) => ({
    ...operation,
    calledAt: at,
    returnedAt: operation.outcome === 'unknown' ? Number.POSITIVE_INFINITY : operations.length + at,
  }));
}

/** A value of one read replaced by a part of what was ever in that list. */
function corrupted(events: readonly HistoryEvent[], random: Random): HistoryEvent[] {
  const ok = events.filter(({ type, value }) => type === 'ok' && JSON.stringify(value).includes('"r"'));
  if (ok.length === 0) return [...events];
  const chosen = random.pick(ok);
  const steps = (chosen.value as Step[]).map(([f, key, value]): Step => {
    if (f !== 'r' || random.chance(0.5)) return [f, key, value];
    const list = (value ?? []) as number[];
    if (random.chance(0.5)) return [f, key, list.slice(0, -1)];
    return random.chance(0.5) ? [f, key, [...list, random.integer(1, 5)]] : [f, key, list.toReversed()];
  });
  return events.map((event) => (event === chosen ? { ...chosen, value: steps } : event));
}

describe('against a second opinion', () => {
  const levels: readonly Isolation[] = ['strict', 'stale', 'snapshot', 'read-committed', 'read-uncommitted'];

  test.each(levels)('small histories of a database that is %s', async (isolation) => {
    const seen = { valid: 0, violated: 0 };
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new Random(seed).fork(isolation);
      const rates = random.pick([{}, { unknownRate: 0.1 }, { unknownRate: 0.05, failRate: 0.1 }]);
      const clients = random.integer(2, 4);
      let events = simulateTransactions({
        random,
        isolation,
        transactions: random.integer(3, 7),
        clients,
        keys: 2,
        maxSteps: 3,
        ...rates,
      });
      if (random.chance(0.3)) events = corrupted(events, random);
      const recorded = await pairOperations(events);
      for (const operations of [recorded, withoutTime(recorded)]) {
        const result = await checkListAppend(operations);
        if (result.verdict === 'unknown') continue;
        const expected = isLinearizable(operations, naiveTransactions, {}, true) ? 'valid' : 'violated';
        expect(result.verdict, `seed ${seed}: ${JSON.stringify(result)} ${JSON.stringify(events)}`).toBe(expected);
        seen[expected]++;
      }
    }
    expect(seen.valid).toBeGreaterThan(SEEDS / 10);
    expect(seen.violated).toBeGreaterThan(SEEDS / 20);
  });
});

async function anomalies(isolation: Isolation, seeds: number): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (let seed = 0; seed < seeds; seed++) {
    const random = new Random(seed).fork(isolation);
    const rates = { unknownRate: 0.01, failRate: 0.01 };
    const events = simulateTransactions({ random, isolation, transactions: 400, clients: 6, keys: 5, ...rates });
    const result = await checkListAppend(await pairOperations(events));
    const names =
      result.verdict === 'violated' ? result.reason.replace('not strictly serializable: ', '').split(', ') : [result.verdict];
    for (const name of names) found.set(name, (found.get(name) ?? 0) + 1);
  }
  return found;
}

describe('simulated databases', () => {
  test('strict serializability is valid', async () => {
    expect([...(await anomalies('strict', 30)).keys()]).toEqual(['valid']);
  });

  test('stale reads of an otherwise serial database are found, and only in real time', async () => {
    const found = await anomalies('stale', 30);
    expect(found.get('G-single-realtime')).toBeGreaterThan(20);
    expect([...found.keys()].filter((name) => !name.endsWith('-realtime'))).toEqual([]);
  });

  test('snapshot isolation shows write skew, and nothing worse', async () => {
    const found = await anomalies('snapshot', 30);
    expect(found.get('G2')).toBeGreaterThan(20);
    expect([...found.keys()].filter((name) => !name.startsWith('G2'))).toEqual([]);
  });

  test('read committed shows read skew and lost updates, but no dirty reads', async () => {
    const found = await anomalies('read-committed', 30);
    expect([...found.keys()].some((name) => name === 'internal' || name === 'G-single')).toBe(true);
    expect(found.get('valid') ?? 0).toBe(0);
    expect([...found.keys()].filter((name) => /^G0|^G1/.test(name))).toEqual([]);
  });

  test('read uncommitted shows aborted and intermediate reads', async () => {
    const found = await anomalies('read-uncommitted', 30);
    expect(found.get('G1a')).toBeGreaterThan(0);
    expect(found.get('G1b')).toBeGreaterThan(0);
  });
});
