import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { arrivalsOf, poissonArrivals, rampingRate } from './schedule.ts';
import type { Arrivals } from './schedule.ts';
import { arrivals, ramp, scenarioOf } from './testing/fake-server.ts';
import type { ValidArrivalRate } from '../scenario/valid-scenario.ts';
import type { Stage } from '../scenario/loads.ts';

function scheduleOf(rate: number, duration: string, more: object = {}, seed = 1): number[] {
  const load = scenarioOf({ a: arrivals(rate, duration, more) }).loads['a'] as ValidArrivalRate;
  return taken(arrivalsOf(load, new Random(seed)));
}

function rampOf(stages: readonly Stage[], more: object = {}, seed = 1): number[] {
  const load = scenarioOf({ a: ramp(stages, more) }).loads['a'] as ValidArrivalRate;
  return taken(arrivalsOf(load, new Random(seed)));
}

/** To the nanosecond: what is left of binary rounding is far below it. */
function rounded(instants: readonly number[]): number[] {
  return instants.map((at) => Math.round(at * 1e6) / 1e6);
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

describe('ramping arrivals', () => {
  test('the k-th of a straight ramp from 0 comes where t^2 x slope / 2 is k', () => {
    // 0 to 10/s in 2 s: 10 arrivals, at 2 s x sqrt(k / 10).
    expect(rounded(rampOf([{ target: 10, duration: '2s' }]))).toEqual(
      rounded(Array.from({ length: 10 }, (_, at) => 2_000 * Math.sqrt(at / 10))),
    );
  });

  test('falling is rising seen from its end', () => {
    const rising = rampOf([{ target: 10, duration: '2s' }]);
    const falling = rampOf([{ target: 0, duration: '2s' }], { startRate: 10 });
    // Arrival k of 10 on the way up is arrival 10 - k on the way down; arrival 0 has its opposite behind the end.
    expect(rounded(falling.slice(1))).toEqual(
      rounded(
        rising
          .slice(1)
          .reverse()
          .map((at) => 2_000 - at),
      ),
    );
    expect(falling[0]).toBe(0);
  });

  test('up, along, a jump down and along again: each piece goes on with the area where the last one ended', () => {
    const stages = [
      { target: 4, duration: '2s' },
      { target: 4, duration: '1s' },
      { target: 2, duration: 0 },
      { target: 2, duration: '2s' },
    ];
    expect(rounded(rampOf(stages))).toEqual(
      rounded([0, 1_000, Math.sqrt(2) * 1_000, Math.sqrt(3) * 1_000, 2_000, 2_250, 2_500, 2_750, 3_000, 3_500, 4_000, 4_500]),
    );
  });

  test('stages at one rate are a constant rate', () => {
    const stages = [
      { target: 7, duration: '3s' },
      { target: 7, duration: '6700ms' },
    ];
    expect(rounded(rampOf(stages, { startRate: 7 }))).toEqual(rounded(scheduleOf(7, '9.7s')));
    expect(rampOf([{ target: 3, duration: '2m' }], { startRate: 3, timeUnit: '1m' })).toEqual(
      scheduleOf(3, '2m', { timeUnit: '1m' }),
    );
  });

  test('a stretch without load holds no arrival, at the beginning, in between and at the end', () => {
    const none = { target: 0, duration: '1s' };
    const two = [
      { target: 2, duration: 0 },
      { target: 2, duration: '1s' },
      { target: 0, duration: 0 },
    ];
    expect(rampOf([none, ...two, none, ...two, none])).toEqual([1_000, 1_500, 3_000, 3_500]);
  });

  test.each([
    [0.1, 300_000, 30],
    [1 / 3, 30_000, 10],
    [7, 10_000, 70],
    // 0.07 per millisecond: 49.00000000000001.
    [70, 700, 49],
    [999.9, 10_000, 9_999],
  ])('between pauses, %d/s for %d ms gives no arrival of one piece to its neighbour', (rate, duration, count) => {
    const piece = [
      { target: rate, duration: 0 },
      { target: rate, duration },
      { target: 0, duration: 0 },
      { target: 0, duration: '1s' },
    ];
    const instants = rampOf([...piece, ...piece, ...piece]);
    expect(instants).toHaveLength(3 * count);
    const pieceOf = instants.map((at) => Math.floor((at + 1e-6) / (duration + 1_000)));
    expect(pieceOf).toEqual(instants.map((_, at) => Math.floor(at / count)));
    expect(instants[count]).toBeCloseTo(duration + 1_000, 6);
  });

  test('the instants invert the area, for any stages, and rise', () => {
    const random = new Random(3);
    for (let round = 0; round < 50; round++) {
      const startRate = random.integer(0, 50);
      const stages = Array.from({ length: 1 + random.integer(0, 6) }, () => ({
        target: random.chance(0.2) ? 0 : random.float() * 100,
        durationMs: random.chance(0.2) ? 0 : random.float() * 5_000,
      }));
      const profile = rampingRate(startRate, stages, 1_000);
      const instants = Array.from({ length: Math.ceil(profile.expectedArrivals) }, (_, k) => profile.instantOf(k));
      const wrong = instants.filter((atMs, k) => {
        const off = Math.abs(areaUntil(atMs, startRate, stages) - k);
        return off > 1e-6 || atMs < (instants[k - 1] ?? 0);
      });
      expect(wrong).toEqual([]);
      const endMs = stages.reduce((sum, { durationMs }) => sum + durationMs, 0);
      expect(areaUntil(endMs, startRate, stages)).toBeCloseTo(profile.expectedArrivals, 6);
      expect(instants.at(-1) ?? 0).toBeLessThanOrEqual(endMs);
    }
  });

  test('poisson arrivals follow the ramp: a quarter in its first half; and depend on the seed only', () => {
    const stages = [{ target: 2_000, duration: '10s' }];
    const instants = rampOf(stages, { arrivals: 'poisson' }, 4);
    expect(Math.abs(instants.length - 10_000)).toBeLessThan(5 * Math.sqrt(10_000));
    expect(instants.filter((at) => at < 5_000).length / instants.length).toBeCloseTo(0.25, 1);
    expect(rampOf(stages, { arrivals: 'poisson' }, 4)).toEqual(instants);
    expect(rampOf(stages, { arrivals: 'poisson' }, 5)).not.toEqual(instants);
  });
});

/** The area below the line until an instant, added up trapezium by trapezium. */
function areaUntil(ms: number, startRate: number, stages: readonly { target: number; durationMs: number }[]): number {
  let [area, startMs, rate] = [0, 0, startRate];
  for (const { target, durationMs } of stages) {
    const share = durationMs === 0 ? 0 : Math.min(1, Math.max(0, (ms - startMs) / durationMs));
    area += ((rate + rate + (target - rate) * share) / 2_000) * share * durationMs;
    startMs += durationMs;
    rate = target;
  }
  return area;
}
