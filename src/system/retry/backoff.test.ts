import { describe, expect, test } from 'vitest';
import { AssertionError } from '../../runtime/assert.ts';
import { Random } from '../../runtime/random.ts';
import { backoffDelays, checkedBackoff, nextDelayMs } from './backoff.ts';
import type { BackoffOptions, Jitter } from './backoff.ts';

const DRAWS = 20_000;

/** Many draws of one retry's delay. */
function draws(jitter: Jitter, retry: number, previousMs: number, seed: number): number[] {
  const random = new Random(seed);
  const backoff = checkedBackoff({ baseMs: 100, capMs: 1_000, jitter });
  return Array.from({ length: DRAWS }, () => nextDelayMs(backoff, retry, previousMs, random));
}

/** The first delays of a sequence. */
function first(count: number, options: BackoffOptions, seed: number): number[] {
  const delays = backoffDelays(options, new Random(seed));
  return Array.from({ length: count }, () => delays.next().value);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test('without jitter the delay doubles up to the cap and stays there', () => {
  expect(first(7, { baseMs: 100, capMs: 1_000, jitter: 'none' }, 1)).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000]);
});

test('the cap holds after so many retries that the power overflows', () => {
  const backoff = checkedBackoff({ baseMs: 100, capMs: 1_000, jitter: 'none' });
  expect(nextDelayMs(backoff, 5_000, 1_000, new Random(1))).toBe(1_000);
});

describe.each([11, 12, 13])('uniform over its range (seed %d)', (seed) => {
  test.each<[Jitter, number, number, number, number]>([
    ['full', 1, 0, 0, 100],
    ['full', 3, 0, 0, 400],
    ['full', 9, 0, 0, 1_000],
    ['equal', 1, 0, 50, 100],
    ['equal', 3, 0, 200, 400],
    ['equal', 9, 0, 500, 1_000],
    ['decorrelated', 1, 100, 100, 300],
    ['decorrelated', 2, 250, 100, 750],
  ])('%s, retry %d after %d ms: %d to %d ms', (jitter, retry, previousMs, low, high) => {
    const values = draws(jitter, retry, previousMs, seed);
    const width = high - low;
    // Five standard errors of the mean of a uniform distribution.
    const tolerance = (5 * width) / Math.sqrt(12 * DRAWS);
    expect(Math.abs(mean(values) - (low + high) / 2)).toBeLessThan(tolerance);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(low);
    expect(Math.max(...values)).toBeLessThanOrEqual(high);
    // It reaches both ends, and each quarter holds its share.
    expect(Math.min(...values)).toBeLessThan(low + width / 100);
    expect(Math.max(...values)).toBeGreaterThan(high - width / 100);
    for (const quarter of [0, 1, 2, 3]) {
      const inside = values.filter((value) => Math.min(3, Math.floor((4 * (value - low)) / width)) === quarter).length;
      expect(inside / DRAWS).toBeCloseTo(0.25, 1);
    }
  });

  test('decorrelated delays are cut at the cap, not spread below it', () => {
    const values = draws('decorrelated', 5, 1_000, seed);
    expect(Math.max(...values)).toBe(1_000);
    // Uniform in 100..3000 and cut at 1000: 2000 of 2900 are the cap.
    expect(values.filter((value) => value === 1_000).length / DRAWS).toBeCloseTo(2_000 / 2_900, 1);
  });

  test('each decorrelated delay depends on the one before', () => {
    const delays = first(500, { baseMs: 100, capMs: 5_000, jitter: 'decorrelated' }, seed);
    const ratios = delays.map((delay, at) => delay / (at === 0 ? 100 : (delays[at - 1] as number)));
    expect(Math.max(...ratios)).toBeLessThanOrEqual(3);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...delays)).toBeGreaterThan(2_000);
  });
});

test('the same seed gives the same delays', () => {
  const take = (seed: number) => first(10, { baseMs: 10, capMs: 500 }, seed);
  expect(take(7)).toEqual(take(7));
  expect(take(7)).not.toEqual(take(8));
});

test.each<[string, BackoffOptions]>([
  ['0', { baseMs: 0, capMs: 10 }],
  ['NaN', { baseMs: Number.NaN, capMs: 10 }],
  ['9', { baseMs: 10, capMs: 9 }],
  ['2147483648', { baseMs: 10, capMs: 2 ** 31 }],
  ['some', { baseMs: 10, capMs: 20, jitter: 'some' as Jitter }],
])('options out of range are refused by value: %s', (text, options) => {
  expect(() => checkedBackoff(options)).toThrow(AssertionError);
  expect(() => checkedBackoff(options)).toThrow(text);
  expect(() => backoffDelays(options, new Random(1)).next()).toThrow(AssertionError);
});
