import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { arrivalsOf, poissonArrivals } from './schedule.ts';
import type { Arrivals } from './schedule.ts';
import { arrivals, scenarioOf } from './testing/fake-server.ts';
import type { ValidConstantArrivalRate } from '../scenario/valid-scenario.ts';

function scheduleOf(rate: number, duration: string, more: object = {}, seed = 1): number[] {
  const load = scenarioOf({ a: arrivals(rate, duration, more) }).loads['a'] as ValidConstantArrivalRate;
  return taken(arrivalsOf(load, new Random(seed)));
}

function taken(arrivals: Arrivals): number[] {
  const instants: number[] = [];
  for (let at = arrivals(); at !== undefined; at = arrivals()) instants.push(at);
  return instants;
}

describe('even arrivals', () => {
  test('are rate x duration of them, at multiples of the interval', () => {
    expect(scheduleOf(4, '2s')).toEqual([0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750]);
    expect(scheduleOf(3, '2m', { timeUnit: '1m' })).toEqual([0, 20_000, 40_000, 60_000, 80_000, 100_000]);
  });

  test('a part of an arrival is one more', () => {
    expect(scheduleOf(3, '500ms')).toEqual([0, 1_000 / 3]);
    expect(scheduleOf(0.1, '1s')).toEqual([0]);
  });

  test.each([
    [0.1, '30s', 3],
    [1 / 3, '30s', 10],
    [7, '9.7s', 68],
    [70, '700ms', 49],
    [1_000, '10s', 10_000],
    [1e-3, '24h', 87],
    [20_000, '7s', 140_000],
  ])('%d/s for %s is %d, rounding or not, all inside the duration', (rate, duration, count) => {
    const schedule = scheduleOf(rate, duration);
    expect(schedule).toHaveLength(count);
    expect(schedule.at(-1)).toBeCloseTo(((count - 1) * 1_000) / rate, 6);
  });
});

describe('poisson arrivals', () => {
  const schedule = scheduleOf(1_000, '100s', { arrivals: 'poisson' });

  test('have the rate, within 5 standard deviations', () => {
    expect(Math.abs(schedule.length - 100_000)).toBeLessThan(5 * Math.sqrt(100_000));
    expect(schedule.at(-1)).toBeLessThan(100_000);
  });

  test('have exponential gaps: a share of 1/e is longer than the mean, and their deviation is the mean', () => {
    const gaps = schedule.slice(1).map((at, index) => at - (schedule[index] as number));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(Math.min(...gaps.slice(0, 10_000))).toBeGreaterThanOrEqual(0);
    expect(gaps.filter((gap) => gap > mean).length / gaps.length).toBeCloseTo(1 / Math.E, 2);
    expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1);
  });

  test('depend on the seed only', () => {
    expect(scheduleOf(100, '5s', { arrivals: 'poisson' }, 7)).toEqual(scheduleOf(100, '5s', { arrivals: 'poisson' }, 7));
    expect(scheduleOf(100, '5s', { arrivals: 'poisson' }, 7)).not.toEqual(scheduleOf(100, '5s', { arrivals: 'poisson' }, 8));
  });

  test('follow a rate that changes', () => {
    // The rate rises in a straight line: expected arrivals up to t are 10,000 (t / 1,000)^2, so a quarter is in the first half.
    const rising = taken(
      poissonArrivals({ expectedArrivals: 10_000, instantOf: (n) => 1_000 * Math.sqrt(n / 10_000) }, new Random(2)),
    );
    expect(rising.filter((at) => at < 500).length / rising.length).toBeCloseTo(0.25, 1);
  });
});
