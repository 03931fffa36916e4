import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { medianInterval95, summarise } from './statistics.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('interval of the median', () => {
  // Ranks from Conover's tables and from binomial quantiles; with fewer than 6 samples there is no 95 % interval.
  test.each([
    [1, 1, 1],
    [5, 1, 5],
    [6, 1, 6],
    [8, 1, 8],
    [9, 2, 8],
    [10, 2, 9],
    [20, 6, 15],
    [50, 18, 33],
    [100, 40, 61],
  ])('of %d samples is from the %dth to the %dth', (count, from, to) => {
    expect(medianInterval95(upTo(count))).toEqual([from, to]);
  });

  test('of very many samples is where the normal approximation says', () => {
    const [from, to] = medianInterval95(upTo(20_000));
    expect(Math.abs(from - (10_000 - 0.98 * Math.sqrt(20_000)))).toBeLessThan(3);
    expect(from + to).toBe(20_001);
  });

  test('covers the true median about 95 times in 100, whatever the distribution', () => {
    const random = new Random(21);
    let covered = 0;
    for (let trial = 0; trial < 4_000; trial++) {
      const samples = Array.from({ length: 75 }, () => random.exponential(1)).sort((a, b) => a - b);
      const [from, to] = medianInterval95(samples);
      if (from <= Math.LN2 && Math.LN2 <= to) covered++;
    }
    expect(covered / 4_000).toBeGreaterThan(0.94);
    expect(covered / 4_000).toBeLessThan(0.98);
  });
});

describe('summary', () => {
  test('is the order statistics of the samples, in any order', () => {
    const samples = [5, 1, 9, 3, 7, 2, 100, 4];
    expect(summarise(samples)).toEqual({
      median: 4.5,
      mean: 16.375,
      min: 1,
      max: 100,
      p75: 7,
      // Of the deviations 0.5 0.5 1.5 2.5 2.5 3.5 4.5 95.5.
      mad: 2.5,
      interval95: [1, 100],
    });
    expect(samples[0]).toBe(5);
  });

  test('has a p99 once 10 samples lie above it', () => {
    expect(summarise(upTo(900))).not.toHaveProperty('p99');
    expect(summarise(upTo(1_000)).p99).toBe(990);
  });

  test('one slow sample moves the maximum and the mean, not the median', () => {
    const calm = summarise(upTo(101));
    const disturbed = summarise([...upTo(100), 1e9]);
    expect([disturbed.median, disturbed.mad, disturbed.interval95]).toEqual([calm.median, calm.mad, calm.interval95]);
    expect(disturbed.max).toBe(1e9);
  });

  test('of nothing is a bug', () => {
    expect(() => summarise([])).toThrow('no samples');
  });
});
