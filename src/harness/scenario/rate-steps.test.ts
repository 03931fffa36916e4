import { describe, expect, test } from 'vitest';
import { ScenarioError } from './options.ts';
import { rateStepsOf } from './rate-steps.ts';
import { type RampingArrivalRate, type Stage, steps } from './loads.ts';
import { type Saturation } from './scenario.ts';
import type { ValidRampingArrivalRate } from './valid-scenario.ts';
import { validateScenario } from './validate.ts';

const ramp = (stages: readonly Stage[], more: Partial<RampingArrivalRate> = {}): RampingArrivalRate => ({
  executor: 'ramping-arrival-rate',
  workload: { kind: 'registers', mix: { read: 1, write: 1 } },
  stages,
  preAllocatedVUs: 10,
  ...more,
});

const scenario = (load: object, saturation?: Saturation, more: object = {}) =>
  validateScenario(
    {
      name: 'rising',
      description: 'For a test.',
      cluster: { nodes: 3 },
      warmup: '2s',
      loads: { other: { executor: 'constant-vus', workload: { kind: 'set' }, vus: 1, duration: '5s' }, rising: load },
      ...(saturation && { saturation }),
      ...more,
    },
    'rising',
  );

function stepsOf(load: RampingArrivalRate) {
  const valid = scenario(load);
  return rateStepsOf(valid.loads['rising'] as ValidRampingArrivalRate, valid).map(({ rate, startMs, endMs }) => [
    rate,
    startMs,
    endMs,
  ]);
}

describe('steps', () => {
  test('go from the first rate to the last, each a jump and a constant stretch', () => {
    expect(steps({ from: 100, to: 200, by: 100, duration: '5s' })).toEqual([
      { target: 100, duration: 0 },
      { target: 100, duration: '5s' },
      { target: 200, duration: 0 },
      { target: 200, duration: '5s' },
    ]);
    const targets = (from: number, to: number, by: number) =>
      steps({ from, to, by, duration: 1 }).flatMap(({ target, duration }) => (duration === 0 ? [target] : []));
    expect(targets(100, 350, 100)).toEqual([100, 200, 300]);
    expect(targets(5, 5, 1)).toEqual([5]);
    expect(targets(0.1, 0.3, 0.1).length).toBe(3);
  });

  test.each([
    [0, 10, 1],
    [10, 5, 1],
    [1, 10, 0],
    [1, 10, -1],
    [1, Infinity, 1],
    [Number.NaN, 10, 1],
  ])('from %d to %d by %d lead nowhere', (from, to, by) => {
    expect(() => steps({ from, to, by, duration: '1s' })).toThrow(RangeError);
  });

  test('are found again, the warm-up cut off, neighbours of one rate joined, ramps and silence left out', () => {
    expect(
      stepsOf(
        ramp(
          [
            { target: 50, duration: '1s' },
            ...steps({ from: 50, to: 100, by: 50, duration: '4s' }),
            { target: 200, duration: '3s' },
            { target: 200, duration: '2s' },
            { target: 0, duration: 0 },
            { target: 0, duration: '1s' },
            { target: 100, duration: 0 },
            { target: 100, duration: '1s' },
          ],
          { startRate: 50 },
        ),
      ),
    ).toEqual([
      [50, 2_000, 5_000],
      [100, 5_000, 9_000],
      [200, 12_000, 14_000],
      [100, 15_000, 16_000],
    ]);
  });

  test('count from the start of the scenario, per second', () => {
    const load = ramp(steps({ from: 60, to: 120, by: 60, duration: '10s' }), { startTime: '3s', timeUnit: '1m' });
    expect(stepsOf(load)).toEqual([
      [1, 3_000, 13_000],
      [2, 13_000, 23_000],
    ]);
  });
});

describe('saturation', () => {
  const rising = ramp(steps({ from: 100, to: 300, by: 100, duration: '5s' }));

  test('is of the first load that ramps, and of all its operations', () => {
    expect(scenario(rising, { p99: '250ms' }).saturation).toEqual({ p99Ms: 250, load: 'rising', operation: undefined });
    expect(scenario(rising, { p99: 1, operation: 'write' }).saturation).toMatchObject({ operation: 'write' });
  });

  test.each<[object, object, string]>([
    [rising, {}, 'saturation.p99 is missing'],
    [rising, { p99: 0 }, 'saturation.p99 must be a duration > 0'],
    [rising, { p99: 1, load: 'risin' }, "saturation.load must be one of other, rising, not 'risin'; did you mean 'rising'?"],
    [
      rising,
      { p99: 1, load: 'other' },
      "saturation needs a load with the executor 'ramping-arrival-rate'; loads.other is 'constant-vus'",
    ],
    [rising, { p99: 1, operation: 'cas' }, "saturation.operation must be one of read, write, not 'cas'"],
    [
      ramp([{ target: 100, duration: '5s' }]),
      { p99: 1 },
      'loads.rising.stages must have at least two steps of constant rate behind the warmup, as steps() makes them, not 0',
    ],
    [{ executor: 'constant-vus', workload: { kind: 'set' }, vus: 1, duration: '5s' }, { p99: 1 }, 'saturation needs a load with'],
  ])('%j with %j is refused', (load, saturation, message) => {
    expect(() => scenario(load, saturation as Saturation)).toThrow(ScenarioError);
    expect(() => scenario(load, saturation as Saturation)).toThrow(message);
  });

  test('is what a threshold on the knee needs', () => {
    const thresholds = { knee: ['>=200', 'value<1000'] };
    expect(scenario(rising, { p99: 1 }, { thresholds }).thresholds).toMatchObject([
      { expression: { aggregation: { kind: 'value' }, operator: '>=', limit: 200 } },
      { expression: { aggregation: { kind: 'value' }, operator: '<', limit: 1_000 } },
    ]);
    expect(() => scenario(rising, undefined, { thresholds })).toThrow("thresholds['knee'] needs the option saturation");
    expect(() => scenario(rising, { p99: 1 }, { thresholds: { knee: ['p(99)>1'] } })).toThrow('knee has no p(); it has value');
    expect(() => scenario(rising, { p99: 1 }, { thresholds: { response_time: ['<5'] } })).toThrow(
      "cannot read '<5' as a threshold",
    );
  });
});
