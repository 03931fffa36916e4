// What is said in the end of rounds that were measured to their end, and of those that were not.

import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { conclude, judgeRounds } from './gate-rule.ts';
import { normal } from './testing/recordings.ts';

const of = (rounds: readonly number[]) => {
  const judgement = judgeRounds(new Map([['b', rounds]])).get('b');
  if (judgement === undefined) throw new Error('it was given');
  return judgement;
};
/** Around `change`, as ln(ratio), and no two of the same distance from it. */
const around = (change: number, spread: number, count: number) =>
  of(Array.from({ length: count }, (_, at) => change + spread * (1 + at / 1_000) * (at % 2 === 0 ? 1 : -1)));

/** Of which nothing can be said, however many there are. */
const noise = (count: number) => {
  const random = new Random(1);
  return of(Array.from({ length: count }, () => 0.3 * normal(random)));
};

const slower = around(0.2, 0.01, 10);

describe('first rounds', () => {
  test.each([
    ['same', around(0, 0.001, 10)],
    ['faster', around(-0.2, 0.01, 10)],
    ['inconclusive', noise(30)],
  ])('that had their time need no reason to be called %s', (verdict, first) => {
    expect(conclude(first, undefined)).toEqual({ verdict });
  });

  test.each([
    [0, 'cut short by the budget after 0 rounds of the 10 that it takes at least'],
    [9, 'cut short by the budget after 9 rounds of the 10 that it takes at least'],
    [10, 'cut short by the budget after 10 rounds of 30'],
    [29, 'cut short by the budget after 29 rounds of 30'],
  ])('of which there are %d say that there was no time for more', (count, reason) => {
    expect(conclude(noise(count), undefined)).toEqual({ verdict: 'inconclusive', reason });
  });

  test('that were interrupted say that', () => {
    expect(conclude(noise(12), undefined, 'the interruption').reason).toBe('cut short by the interruption after 12 rounds of 30');
  });
});

describe('a slowdown', () => {
  test('counts when the rerun says the same', () => {
    expect(conclude(slower, around(0.2, 0.01, 10))).toEqual({ verdict: 'slower' });
  });

  test('that the rerun does not confirm says what the rerun said', () => {
    const reason = '+22.1 % was not confirmed by the rerun, which said';
    expect(conclude(slower, around(0, 0.001, 10))).toEqual({ verdict: 'inconclusive', reason: `${reason} -0.0 %` });
    expect(conclude(slower, noise(30))).toEqual({
      verdict: 'inconclusive',
      reason: expect.stringMatching(/which said [+-]\d+\.\d %$/) as string,
    });
  });

  test.each([
    [9, 'after 9 rounds of the 10 that it takes at least'],
    [13, 'after 13 rounds of 30'],
  ])('whose rerun ended after %d rounds, with nothing said, says that it was cut short', (count, end) => {
    const { verdict, reason } = conclude(slower, noise(count));
    expect(verdict).toBe('inconclusive');
    expect(reason).toMatch(/^\+22\.1 % was not confirmed by the rerun, which said [+-]\d+\.\d %: cut short by the budget /);
    expect(reason?.endsWith(end)).toBe(true);
  });

  test('for whose rerun nothing was left says so', () => {
    const reason = '+22.1 % was not confirmed by the rerun: the budget left no time for it';
    expect(conclude(slower, undefined)).toEqual({ verdict: 'inconclusive', reason });
    expect(conclude(slower, of([]))).toEqual({ verdict: 'inconclusive', reason });
  });
});
