// Against statistics that others wrote, and tables that others printed.

import padjust from '@stdlib/stats-padjust';
import wilcoxon from '@stdlib/stats-wilcoxon';
import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { holm } from './holm.ts';
import { estimateDifference, signedRankTest } from './signed-rank.ts';
import { normal } from './testing/recordings.ts';

function draws(random: Random, n: number, shift: number): number[] {
  return Array.from({ length: n }, () => shift + normal(random));
}

describe('the signed-rank test', () => {
  test.each([2, 3, 4, 5, 6, 8, 10, 13, 20, 25])('of %d pairs without ties agrees with stdlib to the last digits', (n) => {
    const random = new Random(n);
    for (const shift of [-1, -0.3, 0, 0.3, 1]) {
      const differences = draws(random, n, shift);
      const { above, below, statistic } = signedRankTest(differences);
      const of = (alternative: 'greater' | 'less') => wilcoxon(differences, { alternative });
      expect(statistic).toBe(of('greater').statistic);
      expect(above).toBeCloseTo(of('greater').pValue, 10);
      expect(below).toBeCloseTo(of('less').pValue, 10);
    }
  });

  test('with ties has the statistic of stdlib, and about its probabilities, which are of the normal approximation', () => {
    const random = new Random(7);
    for (let trial = 0; trial < 50; trial++) {
      const differences = draws(random, 24, 0.2).map((each) => Math.round(2 * each) / 2);
      const kept = differences.filter((each) => each !== 0);
      const { above, below, statistic } = signedRankTest(differences);
      const of = (alternative: 'greater' | 'less') => wilcoxon(kept, { alternative, exact: false });
      expect(statistic).toBe(of('greater').statistic);
      expect(Math.abs(above - of('greater').pValue)).toBeLessThan(0.02);
      expect(Math.abs(below - of('less').pValue)).toBeLessThan(0.02);
    }
  });

  test('with ties is what counting every sign gives', () => {
    for (const differences of [
      [1, 1],
      [1, -1, 2],
      [2, 2, -2, 1, 0],
      [0.5, 0.5, 0.5, -1, 3, 3, -3],
    ]) {
      const kept = differences.filter((each) => each !== 0);
      const sizes = kept.map(Math.abs);
      const ranks = sizes.map((size) => {
        const at = [...sizes.keys()].filter((each) => sizes.toSorted((a, b) => a - b)[each] === size);
        return at.reduce((sum, each) => sum + each + 1, 0) / at.length;
      });
      const sumOf = (isPositive: (at: number) => boolean) =>
        ranks.reduce((sum, rank, at) => sum + (isPositive(at) ? rank : 0), 0);
      const sums = Array.from({ length: 2 ** kept.length }, (_, signs) => sumOf((at) => (signs & (1 << at)) !== 0));
      const observed = sumOf((at) => (kept[at] as number) > 0);
      const { above, below } = signedRankTest(differences);
      expect(above).toBeCloseTo(sums.filter((sum) => sum >= observed).length / sums.length, 12);
      expect(below).toBeCloseTo(sums.filter((sum) => sum <= observed).length / sums.length, 12);
    }
  });

  test('of nothing that differs says nothing', () => {
    for (const differences of [[], [0], [0, 0, 0]])
      expect(signedRankTest(differences)).toEqual({ statistic: 0, above: 1, below: 1 });
    expect(signedRankTest([3])).toEqual({ statistic: 1, above: 0.5, below: 1 });
  });

  test("on Darwin's maize, as every textbook has it", () => {
    // R. A. Fisher, "The Design of Experiments", 1935, table 3: eighths of an inch by which the crossed plants were taller. W = 96.
    const maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
    const { statistic, above } = signedRankTest(maize);
    expect(statistic).toBe(96);
    expect(2 * above).toBeCloseTo(0.04126, 4);
  });

  test("on Hollander and Wolfe's depression scores, with their estimate and interval", () => {
    // M. Hollander, D. Wolfe, "Nonparametric Statistical Methods", table 3.1 (Salsburg 1970): T+ = 5, one-sided p = 0.020,
    // estimate -0.46, 96 % interval from -0.786 to -0.010.
    const before = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
    const after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
    const differences = after.map((each, at) => each - (before[at] as number));
    const { statistic, below } = signedRankTest(differences);
    expect(statistic).toBe(5);
    expect(below).toBeCloseTo(0.0195, 4);
    const { estimate, low, high, confidence } = estimateDifference(differences, 0.96);
    expect(estimate).toBeCloseTo(-0.46, 3);
    expect([low, high]).toEqual([expect.closeTo(-0.786, 3), expect.closeTo(-0.01, 3)]);
    expect(confidence).toBeCloseTo(0.961, 3);
  });

  test('and the interval say the same: 0 lies outside exactly when the test rejects', () => {
    const random = new Random(11);
    for (let trial = 0; trial < 400; trial++) {
      const differences = draws(random, random.integer(5, 30), random.pick([0, 0.4, 0.8]));
      const alpha = random.pick([0.1, 0.05, 0.01]);
      const { low, confidence } = estimateDifference(differences, 1 - alpha);
      if (confidence < 1 - alpha) continue;
      expect(low > 0).toBe(signedRankTest(differences).above <= alpha / 2);
    }
  });
});

describe("Holm's method", () => {
  test.each([[[0.01, 0.04, 0.03, 0.005]], [[0.5]], [[]], [[0, 1, 0.02, 0.02, 0.9]], [[0.001, 0.001, 0.001]]])(
    'agrees with stdlib on %j',
    (probabilities) => {
      const adjusted = holm(probabilities);
      const theirs = probabilities.length === 0 ? [] : padjust(probabilities, 'holm');
      expect(adjusted).toHaveLength(probabilities.length);
      for (const [at, p] of theirs.entries()) expect(adjusted[at]).toBeCloseTo(p, 12);
    },
  );

  test('agrees with stdlib on whatever is drawn', () => {
    const random = new Random(3);
    for (let trial = 0; trial < 100; trial++) {
      const probabilities = Array.from({ length: random.integer(1, 40) }, () => random.float() ** 3);
      const theirs = padjust(probabilities, 'holm');
      for (const [at, p] of holm(probabilities).entries()) expect(p).toBeCloseTo(theirs[at] as number, 12);
    }
  });

  test('refuses what is no probability', () => {
    expect(() => holm([0.5, 1.5])).toThrow('from 0 to 1');
    expect(() => holm([NaN])).toThrow('from 0 to 1');
  });
});
