// Against published tables, and against what repetition shows.

import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { quantileRanks95 } from './quantile-ranks.ts';

test('the ranks of the median are those of the sign test in every table', () => {
  expect(quantileRanks95(6, 0.5)).toEqual([1, 6]);
  expect(quantileRanks95(10, 0.5)).toEqual([2, 9]);
  expect(quantileRanks95(20, 0.5)).toEqual([6, 15]);
  expect(quantileRanks95(100, 0.5)).toEqual([40, 61]);
});

test('what too few samples cannot enclose ends at the first or the last', () => {
  expect(quantileRanks95(1, 0.5)).toEqual([1, 1]);
  expect(quantileRanks95(5, 0.5)).toEqual([1, 5]);
  expect(quantileRanks95(50, 0.99)[1]).toBe(50);
});

test('a million samples are as the normal approximation has them', () => {
  const [low, high] = quantileRanks95(1_000_000, 0.99);
  const deviation = 1.96 * Math.sqrt(1_000_000 * 0.99 * 0.01);
  expect(Math.abs(low - (990_000 - deviation))).toBeLessThan(3);
  expect(Math.abs(high - (990_000 + deviation))).toBeLessThan(3);
});

test('they enclose the quantile as often as they say', () => {
  const random = new Random(11);
  const trials = 2_000;
  for (const [n, p] of [
    [80, 0.5],
    [2_000, 0.99],
  ] as const) {
    const [low, high] = quantileRanks95(n, p);
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      let below = 0;
      // Only how many lie below the true quantile matters.
      for (let sample = 0; sample < n; sample++) if (random.float() < p) below++;
      if (below >= low && below < high) held++;
    }
    expect(held / trials).toBeGreaterThan(0.94);
    expect(held / trials).toBeLessThan(0.985);
  }
});

test('what is no quantile is refused', () => {
  expect(() => quantileRanks95(0, 0.5)).toThrow('not of 0');
  expect(() => quantileRanks95(5, 1)).toThrow('not at 1');
});
