import { describe, expect, test } from 'vitest';
import { ScenarioError } from './options.ts';
import { validateScenario, withOverrides } from './validate.ts';
import type { ValidScenario } from './valid-scenario.ts';

const workload = { kind: 'set' };
const ramp = {
  executor: 'ramping-arrival-rate',
  workload,
  stages: [
    { target: 100, duration: '10s' },
    { target: 0, duration: '30s' },
  ],
  preAllocatedVUs: 5,
};
const users = {
  executor: 'ramping-vus',
  workload,
  stages: [
    { target: 8, duration: '1m' },
    { target: 0, duration: 0 },
  ],
};
const shared = { executor: 'shared-iterations', workload, vus: 4, iterations: 100 };
const cannon = { executor: 'autocannon', workload: { kind: 'http', url: '/' }, connections: 10, duration: '20s' };
const loads = { ramp, users, shared, cannon };

function validated(load: object, more: object = {}): ValidScenario {
  return validateScenario(
    { name: 'executors', description: 'A test.', cluster: { nodes: 3 }, loads: { a: load }, ...more },
    'executors',
  );
}

function problemsOf(action: () => unknown): string {
  try {
    action();
    return '';
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
}

describe('a valid load has every default, and lasts', () => {
  const times = { startTimeMs: 0, gracefulStopMs: 5_000, workload };

  test('as long as its stages: ramping-arrival-rate', () => {
    const scenario = validated(ramp);
    expect(scenario.loads['a']).toEqual({
      ...times,
      executor: 'ramping-arrival-rate',
      durationMs: 40_000,
      startRate: 0,
      timeUnitMs: 1_000,
      stages: [
        { target: 100, durationMs: 10_000 },
        { target: 0, durationMs: 30_000 },
      ],
      preAllocatedVUs: 5,
      maxVUs: 5,
      arrivals: 'even',
    });
    expect(validated({ ...ramp, startTime: '5s' }).totalDurationMs).toBe(45_000);
    expect(JSON.parse(JSON.stringify(scenario))).toEqual(scenario);
  });

  test('as long as its stages: ramping-vus', () => {
    expect(validated(users).loads['a']).toEqual({
      ...times,
      executor: 'ramping-vus',
      durationMs: 60_000,
      startVUs: 1,
      stages: [
        { target: 8, durationMs: 60_000 },
        { target: 0, durationMs: 0 },
      ],
      gracefulRampDownMs: 30_000,
    });
  });

  test('at most its maxDuration: shared-iterations', () => {
    const scenario = validated({ ...shared, startTime: '1s' });
    expect(scenario.loads['a']).toEqual({
      ...times,
      startTimeMs: 1_000,
      executor: 'shared-iterations',
      durationMs: 600_000,
      vus: 4,
      iterations: 100,
    });
    expect(scenario.totalDurationMs).toBe(601_000);
    expect(validated({ ...shared, maxDuration: '20s' }).totalDurationMs).toBe(20_000);
  });
});

test('autocannon has its defaults, for an http workload', () => {
  expect(validated(cannon).loads['a']).toEqual({
    executor: 'autocannon',
    workload: { kind: 'http', url: '/', method: 'GET', headers: {} },
    startTimeMs: 0,
    gracefulStopMs: 5_000,
    durationMs: 20_000,
    connections: 10,
    pipelining: 1,
  });
  expect(withOverrides(validated({ ...cannon, amount: 10 }), { durationMs: 9_000 }).loads['a']).toMatchObject({
    durationMs: 9_000,
    amount: 10,
  });
});

describe('an invalid load is refused by path and value', () => {
  test.each<[keyof typeof loads, object, string]>([
    ['ramp', { startRate: -1 }, 'executors: loads.a.startRate must be a number >= 0, not -1'],
    ['ramp', { rate: 5 }, "executors: loads.a has no option 'rate'"],
    ['ramp', { duration: '10s' }, "executors: loads.a has no option 'duration'"],
    ['ramp', { maxVUs: 4 }, 'executors: loads.a.maxVUs must be at least preAllocatedVUs (5), not 4'],
    ['ramp', { stages: undefined }, 'executors: loads.a.stages is missing: it must be a list of at least one stage'],
    [
      'ramp',
      { stages: [] },
      "executors: loads.a.stages must be a list of at least one stage such as { target: 500, duration: '30s' }, not []",
    ],
    ['ramp', { stages: [7] }, "executors: loads.a.stages[0] must be a stage such as { target: 500, duration: '30s' }, not 7"],
    [
      'ramp',
      {
        stages: [
          { target: 5, duration: 1 },
          { target: Infinity, duration: 1 },
        ],
      },
      'executors: loads.a.stages[1].target must be a number >= 0, not Infinity',
    ],
    [
      'ramp',
      { stages: [{ target: 5, duration: '-1s' }] },
      "executors: loads.a.stages[0].duration must be a duration >= 0 such as '10s', '1m30s' or a number of milliseconds, not '-1s'",
    ],
    [
      'ramp',
      { stages: [{ target: 5, durations: '1s', duration: 1 }] },
      "loads.a.stages[0] has no option 'durations'; did you mean 'duration'?",
    ],
    ['ramp', { stages: [{ target: 5, duration: 0 }] }, 'executors: loads.a.stages must last longer than 0 in all, not 0'],
    [
      'ramp',
      {
        stages: [
          { target: 0, duration: '9s' },
          { target: 5, duration: 0 },
        ],
      },
      'executors: loads.a.stages must rise above 0 for some time, not stay at 0 (startRate 0, targets 0, 5)',
    ],
    ['ramp', { stages: [{ target: 5, duration: '25h' }] }, 'executors: loads.a must end within 24 hours, not after 1500m00s'],
    ['users', { startVUs: 0.5 }, 'executors: loads.a.startVUs must be a whole number from 0 to 100,000, not 0.5'],
    [
      'users',
      { stages: [{ target: 1.5, duration: 1 }] },
      'executors: loads.a.stages[0].target must be a whole number from 0 to 100,000, not 1.5',
    ],
    ['users', { startVUs: 0, stages: [{ target: 0, duration: '9s' }] }, 'not stay at 0 (startVUs 0, targets 0)'],
    ['users', { gracefulRampDown: 'soon' }, "executors: loads.a.gracefulRampDown must be a duration >= 0 such as '10s'"],
    ['shared', { vus: undefined }, 'executors: loads.a.vus is missing'],
    ['shared', { iterations: 0 }, 'executors: loads.a.iterations must be a whole number from 1 to 1,000,000,000, not 0'],
    ['shared', { iterations: 3 }, 'executors: loads.a.iterations must be at least vus (4), not 3'],
    ['shared', { maxDuration: 0 }, 'executors: loads.a.maxDuration must be a duration > 0'],
    ['cannon', { workload }, "executors: loads.a.workload must be of kind 'http', which is all that autocannon knows, not 'set'"],
    ['cannon', { workload: { kind: 'http', url: '/', method: 'HEAD' } }, "loads.a.workload.method must not be 'HEAD'"],
    ['cannon', { connections: 0 }, 'executors: loads.a.connections must be a whole number from 1 to 10,000, not 0'],
    ['cannon', { connections: undefined }, 'executors: loads.a.connections is missing'],
    ['cannon', { amount: 9 }, 'executors: loads.a.amount must be at least connections (10), not 9'],
    ['cannon', { pipelining: 0 }, 'executors: loads.a.pipelining must be a whole number from 1 to 1,000, not 0'],
    ['cannon', { vus: 5 }, "executors: loads.a has no option 'vus'"],
    ['shared', { executor: 'shared-iteration' }, "did you mean 'shared-iterations'?"],
  ])('%s with %j', (name, change, message) => {
    expect(problemsOf(() => validated({ ...loads[name], ...change }))).toContain(message);
  });

  test('what is a jump, a pause or a constant stage is fine', () => {
    const stages = [
      { target: 0, duration: '5s' },
      { target: 9, duration: 0 },
      { target: 9, duration: '5s' },
    ];
    expect(validated({ ...ramp, stages }).totalDurationMs).toBe(10_000);
    expect(validated({ ...users, startVUs: 0, stages }).totalDurationMs).toBe(10_000);
    expect(validated({ ...ramp, startRate: 5, stages: [{ target: 0, duration: '10s' }] }).totalDurationMs).toBe(10_000);
  });

  test('faults must lie within all stages, and within maxDuration', () => {
    const faults = [{ kind: 'crash', at: '38s', duration: '4s', target: 'leader' }];
    expect(problemsOf(() => validated(ramp, { faults }))).toBe(
      'executors: faults[0] must end within the scenario, which lasts 40.0s, not after 42.0s (at + duration)',
    );
    expect(problemsOf(() => validated(users, { faults }))).toBe('');
    expect(problemsOf(() => validated(shared, { faults }))).toBe('');
    expect(problemsOf(() => validated({ ...shared, maxDuration: '40s' }, { faults }))).toContain('which lasts 40.0s');
  });
});

describe('--duration', () => {
  test('stretches or shrinks the stages of a ramp in proportion, with the same targets', () => {
    const shorter = withOverrides(validated(ramp), { durationMs: 4_000 });
    expect(shorter.loads['a']).toMatchObject({
      durationMs: 4_000,
      stages: [
        { target: 100, durationMs: 1_000 },
        { target: 0, durationMs: 3_000 },
      ],
    });
    expect(shorter.totalDurationMs).toBe(4_000);
    expect(withOverrides(validated(users), { durationMs: 90_000 }).loads['a']).toMatchObject({
      durationMs: 90_000,
      stages: [
        { target: 8, durationMs: 90_000 },
        { target: 0, durationMs: 0 },
      ],
    });
  });

  test('is the most time that shared iterations may take, and leaves their number alone', () => {
    const changed = withOverrides(validated(shared), { durationMs: 30_000 });
    expect(changed.loads['a']).toMatchObject({ durationMs: 30_000, iterations: 100 });
    expect(changed.totalDurationMs).toBe(30_000);
  });

  test('names a fault that no longer fits', () => {
    const scenario = validated(ramp, { faults: [{ kind: 'crash', at: '8s', duration: '4s', target: 'leader' }] });
    expect(problemsOf(() => withOverrides(scenario, { durationMs: 10_000 }))).toContain('which lasts 10.0s');
  });
});
