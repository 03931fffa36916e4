// Against published tables, and against what repetition shows.

import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { estimateDifference, signedRankDistribution } from './signed-rank.ts';

test('the distribution sums to 1, is symmetric, and has the critical values of the tables', () => {
  for (const n of [1, 5, 10, 20]) {
    const probabilities = signedRankDistribution(n);
    expect(probabilities).toHaveLength((n * (n + 1)) / 2 + 1);
    expect(probabilities.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 12);
    expect(probabilities[0]).toBeCloseTo(2 ** -n, 12);
    for (const [sum, probability] of probabilities.entries())
      expect(probability).toBeCloseTo(probabilities.at(-1 - sum) ?? NaN, 12);
  }
  // Two-sided 5 %: W <= 8 for n = 10, W <= 52 for n = 20 (every table of the test).
  const upTo = (n: number, w: number) =>
    signedRankDistribution(n)
      .slice(0, w + 1)
      .reduce((sum, each) => sum + each, 0);
  expect(upTo(10, 8)).toBeLessThanOrEqual(0.025);
  expect(upTo(10, 9)).toBeGreaterThan(0.025);
  expect(upTo(20, 52)).toBeLessThanOrEqual(0.025);
  expect(upTo(20, 53)).toBeGreaterThan(0.025);
});

test('the estimate is the median of the means of pairs, and the interval ends at means of pairs', () => {
  const { estimate, low, high, confidence } = estimateDifference([1, 2, 4], 0.95);
  // Means: 1 1.5 2 2.5 3 4. Three pairs cannot give 95 %: the widest interval is of 75 %.
  expect({ estimate, low, high, confidence }).toEqual({ estimate: 2.25, low: 1, high: 4, confidence: 0.75 });
  const six = estimateDifference([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 0.95);
  expect(six.confidence).toBeCloseTo(1 - 2 / 64, 12);
  expect([six.low, six.high]).toEqual([0.1, 0.6]);
  expect(estimateDifference([7], 0.9)).toMatchObject({ estimate: 7, low: 7, high: 7, confidence: 0 });
});

test('the interval holds the truth as often as it says, and moves with the data', () => {
  const random = new Random(7);
  let held = 0;
  const trials = 2_000;
  for (let trial = 0; trial < trials; trial++) {
    // Symmetric around 3, with heavy tails.
    const differences = Array.from({ length: 12 }, () => 3 + (random.chance(0.5) ? 1 : -1) * random.exponential(1) ** 2);
    const { low, high, confidence } = estimateDifference(differences, 0.9);
    expect(confidence).toBeGreaterThanOrEqual(0.9);
    if (low <= 3 && high >= 3) held++;
    const moved = estimateDifference(
      differences.map((difference) => difference + 10),
      0.9,
    );
    expect(moved.low).toBeCloseTo(low + 10, 9);
    expect(moved.high).toBeCloseTo(high + 10, 9);
  }
  expect(held / trials).toBeGreaterThan(0.88);
  expect(held / trials).toBeLessThan(0.94);
});

test('what cannot be estimated is refused', () => {
  expect(() => estimateDifference([], 0.95)).toThrow('1 to 200 pairs, not 0');
  expect(() => estimateDifference([1, NaN], 0.95)).toThrow('finite');
  expect(() => estimateDifference([1], 1)).toThrow('not 1');
});
