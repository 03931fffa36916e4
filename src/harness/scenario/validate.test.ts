import { describe, expect, test } from 'vitest';
import { ScenarioError } from './options.ts';
import type { Scenario } from './scenario.ts';
import { validateScenario, withOverrides } from './validate.ts';

const steady: Scenario = {
  name: 'steady',
  description: 'A steady load.',
  cluster: { nodes: 3 },
  loads: {
    registers: {
      executor: 'constant-arrival-rate',
      workload: { kind: 'registers' },
      rate: 200,
      duration: '20s',
      preAllocatedVUs: 50,
    },
  },
};

const crash: Scenario = {
  ...steady,
  name: 'leader-crash',
  faults: [{ kind: 'crash', at: '8s', duration: '4s', target: 'leader' }],
};

/** A copy with one option replaced, whatever its type: scenarios come from users. */
function having(scenario: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(scenario) as Record<string | number, unknown>;
  let at = copy;
  for (const key of path.slice(0, -1)) at = (at[key] ??= {}) as Record<string | number, unknown>;
  at[path.at(-1) as string | number] = value;
  return copy;
}

function problemsOf(value: unknown, origin = 'steady'): readonly string[] {
  try {
    validateScenario(value, origin);
    return [];
  } catch (error) {
    if (error instanceof ScenarioError) return error.problems;
    throw error;
  }
}

describe('a valid scenario', () => {
  test('has every default, and milliseconds', () => {
    expect(validateScenario(steady, 'steady')).toEqual({
      name: 'steady',
      description: 'A steady load.',
      module: undefined,
      target: { kind: 'process' },
      cluster: { nodes: 3, reads: 'any', links: true },
      operationTimeoutMs: 2_000,
      warmupMs: 2_000,
      recoveryMs: 3_000,
      loads: {
        registers: {
          executor: 'constant-arrival-rate',
          workload: { kind: 'registers', keys: 100, mix: { read: 5, write: 4, cas: 1 }, distribution: 'uniform' },
          startTimeMs: 0,
          durationMs: 20_000,
          gracefulStopMs: 5_000,
          rate: 200,
          timeUnitMs: 1_000,
          preAllocatedVUs: 50,
          maxVUs: 50,
          arrivals: 'even',
        },
      },
      generators: 1,
      faults: [],
      thresholds: [],
      totalDurationMs: 20_000,
    });
  });

  test('survives JSON, with faults and thresholds in it', () => {
    const valid = validateScenario(
      {
        ...crash,
        warmup: '1s',
        loads: {
          ...crash.loads,
          later: { executor: 'constant-vus', workload: { kind: 'set' }, vus: 4, startTime: '15s', duration: '10s' },
        },
        thresholds: {
          'response_time{phase:recovery}': ['p(99)<500', { threshold: 'max<5000', abortOnFail: true, delayAbortEval: '10s' }],
          operations_failed: ['rate<0.01'],
        },
      },
      'leader-crash',
    );
    expect(JSON.parse(JSON.stringify(valid))).toEqual(valid);
    expect(valid.totalDurationMs).toBe(25_000);
    expect(valid.faults).toEqual([{ kind: 'crash', atMs: 8_000, durationMs: 4_000, target: 'leader' }]);
    expect(
      valid.thresholds.map(({ metric, threshold, abortOnFail, delayAbortEvalMs }) => [
        metric,
        threshold,
        abortOnFail,
        delayAbortEvalMs,
      ]),
    ).toEqual([
      ['response_time{phase:recovery}', 'p(99)<500', false, 0],
      ['response_time{phase:recovery}', 'max<5000', true, 10_000],
      ['operations_failed', 'rate<0.01', false, 0],
    ]);
  });

  test('a mix that names one operation has only that one', () => {
    const valid = validateScenario(having(steady, ['loads', 'registers', 'workload', 'mix'], { cas: 2 }), 'steady');
    expect(valid.loads['registers']?.workload).toMatchObject({ mix: { read: 0, write: 0, cas: 2 } });
  });
});

describe('an invalid scenario is refused by path and value', () => {
  test.each<[readonly (string | number)[], unknown, string]>([
    [['loads', 'registers', 'rate'], -5, 'steady: loads.registers.rate must be a number > 0, not -5'],
    [['loads', 'registers', 'rate'], '200', "steady: loads.registers.rate must be a number > 0, not '200'"],
    [['loads', 'registers', 'rate'], Number.NaN, 'steady: loads.registers.rate must be a number > 0, not NaN'],
    [['loads', 'registers', 'rate'], Number.POSITIVE_INFINITY, 'steady: loads.registers.rate must be a number > 0, not Infinity'],
    [['loads', 'registers', 'rate'], undefined, 'steady: loads.registers.rate is missing: it must be a number > 0'],
    [
      ['loads', 'registers', 'duration'],
      '10',
      "steady: loads.registers.duration must be a duration > 0 such as '10s', '1m30s' or a number of milliseconds, not '10'",
    ],
    [['loads', 'registers', 'duration'], 0, 'duration > 0'],
    [['loads', 'registers', 'duration'], [], 'not []'],
    [['loads', 'registers', 'duration'], '25h', 'steady: loads.registers must end within 24 hours, not after 1500m00s'],
    [
      ['loads', 'registers', 'preAllocatedVUs'],
      1.5,
      'steady: loads.registers.preAllocatedVUs must be a whole number from 1 to 100,000, not 1.5',
    ],
    [['loads', 'registers', 'maxVUs'], 10, 'steady: loads.registers.maxVUs must be at least preAllocatedVUs (50), not 10'],
    [
      ['loads', 'registers', 'arrivals'],
      'poison',
      "steady: loads.registers.arrivals must be 'even' or 'poisson', not 'poison'; did you mean 'poisson'?",
    ],
    [['loads', 'registers', 'rtae'], 5, "steady: loads.registers has no option 'rtae'; did you mean 'rate'?"],
    [['loads', 'registers', 'vus'], 5, "steady: loads.registers has no option 'vus'"],
    [
      ['loads', 'registers', 'executor'],
      'constant-rate',
      "steady: loads.registers.executor must be 'constant-arrival-rate' or 'ramping-arrival-rate' or 'constant-vus' or 'ramping-vus' or 'shared-iterations' or 'autocannon', not 'constant-rate'",
    ],
    [['loads', 'registers', 'executor'], 'constant-vu', "did you mean 'constant-vus'?"],
    [
      ['loads', 'registers', 'executor'],
      undefined,
      "steady: loads.registers.executor is missing: it must be 'constant-arrival-rate'",
    ],
    [['loads', 'registers', 'workload'], undefined, 'steady: loads.registers.workload is missing'],
    [['loads', 'registers', 'workload', 'kind'], 'register', "did you mean 'registers'?"],
    [
      ['loads', 'registers', 'workload', 'keys'],
      0,
      'steady: loads.registers.workload.keys must be a whole number from 1 to 1,000,000, not 0',
    ],
    [
      ['loads', 'registers', 'workload', 'mix'],
      { read: 0 },
      'steady: loads.registers.workload.mix must have a weight > 0, not all 0',
    ],
    [
      ['loads', 'registers', 'workload', 'mix'],
      { read: -1 },
      'steady: loads.registers.workload.mix.read must be a number >= 0, not -1',
    ],
    [['loads', 'registers', 'workload', 'mix'], { wirte: 1 }, "has no option 'wirte'; did you mean 'write'?"],
    [['loads', 'a b'], { ...steady.loads['registers'] }, "not 'a b'"],
    [['loads'], {}, 'steady: loads must name at least one load, not {}'],
    [['loads'], [], 'steady: loads must be an object with a name for each load, not []'],
    [['name'], 'Steady!', "steady: name must be a name of lower case letters, digits and '-', not 'Steady!'"],
    [['description'], ' ', "steady: description must be a sentence or two, not ' '"],
    [['cluster', 'nodes'], 10, 'steady: cluster.nodes must be a whole number from 1 to 9, not 10'],
    [['cluster', 'reads'], 'all', "steady: cluster.reads must be 'leader' or 'any', not 'all'"],
    [['warmup'], '20s', 'steady: warmup (20.0s) must be shorter than the scenario (20.0s)'],
    [['threshold'], {}, "steady: the scenario has no option 'threshold'; did you mean 'thresholds'?"],
    [
      ['thresholds'],
      { respnse_time: ['p(99)<1'] },
      "steady: thresholds.respnse_time[0]: no metric is called 'respnse_time'; did you mean 'response_time'?",
    ],
    [
      ['thresholds'],
      { 'response_time{load:register}': ['p(99)<1'] },
      "names the load 'register', but there are registers; did you mean 'registers'?",
    ],
    [['thresholds'], { response_time: ['p(99)<1', 'p99<2'] }, "thresholds.response_time[1]: cannot read 'p99<2' as a threshold"],
    [
      ['thresholds'],
      { response_time: 'p(99)<1' },
      "steady: thresholds.response_time must be a list such as ['p(99)<500'], not 'p(99)<1'",
    ],
    [['thresholds'], { response_time: [{ threshold: 'max<1', abortOnFial: true }] }, "did you mean 'abortOnFail'?"],
    [
      ['thresholds'],
      { 'errors{operation:wirte}': ['count==0'] },
      "thresholds['errors{operation:wirte}'] names the operation 'wirte', but there are read, write, cas; did you mean 'write'?",
    ],
    [['thresholds'], { first_write: ['max<3000'] }, "thresholds['first_write'] is measured of faults, and the scenario has none"],
    [
      ['thresholds'],
      { operations_lost: [{ threshold: 'count==0', abortOnFail: true }] },
      "thresholds.operations_lost[0]: 'count==0' cannot have abortOnFail: what was lost is known only when the run is over",
    ],
  ])('%j = %j', (path, value, message) => {
    expect(problemsOf(having(steady, path, value)).join('\n')).toContain(message);
  });

  test.each<[readonly (string | number)[], unknown, string]>([
    [['faults', 0, 'at'], '17s', 'faults[0] must end within the scenario, which lasts 20.0s, not after 21.0s (at + duration)'],
    [['faults', 0, 'at'], '1s', 'faults[0].at must lie behind the warmup (2.0s)'],
    [
      ['faults', 0, 'target'],
      'n4',
      "faults[0].target must be one of leader, follower, random, all, majority, minority, n1, n2, n3, not 'n4'",
    ],
    [['faults', 0, 'target'], 'laeder', "did you mean 'leader'?"],
    [['faults', 0, 'kind'], 'crush', "not 'crush'; did you mean 'crash'?"],
    [['faults', 0, 'drift'], 2, "faults[0] has no option 'drift'"],
    [['faults', 0, 'duration'], 0, 'faults[0].duration must be a duration > 0'],
    [['faults'], { kind: 'crash' }, "faults must be a list of faults, not { kind: 'crash' }"],
  ])('of a fault: %j = %j', (path, value, message) => {
    expect(problemsOf(having(crash, path, value), 'leader-crash').join('\n')).toContain(message);
  });

  test('there is no follower to crash in a cluster of one node', () => {
    const alone = having(having(crash, ['faults', 0, 'target'], 'follower'), ['cluster', 'nodes'], 1);
    expect(problemsOf(alone)).toEqual(["steady: faults[0].target cannot be 'follower' in a cluster of one node"]);
    expect(problemsOf(having(crash, ['cluster', 'nodes'], 1))).toEqual([]);
  });

  test('two faults may not crash the same named node at once; one after the other they may', () => {
    const twice = (at: string) => ({
      ...crash,
      faults: [
        { kind: 'crash', at: '5s', duration: '4s', target: 'n1' },
        { kind: 'crash', at, duration: '4s', target: 'n1' },
      ],
    });
    expect(problemsOf(twice('8s')).join()).toContain('faults[1] must not overlap faults[0]: n1 would be out already');
    expect(problemsOf(twice('9s'))).toEqual([]);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ kind: 'clock-skew', drift: 3 }, 'faults[0].drift must be a number from 0.5 to 2, not 3'],
    [{ kind: 'clock-skew', offset: '25h' }, "faults[0].offset must be a duration with a sign such as '+500ms' or '-2s'"],
    [{ kind: 'clock-skew', offset: '+-2s' }, "not '+-2s'"],
    [{ kind: 'clock-skew' }, 'faults[0] must have an offset other than 0 or a drift other than 1, or it changes nothing'],
    [{ kind: 'slow-disk' }, 'faults[0].delay is missing'],
    [{ kind: 'slow-disk', delay: '31s' }, 'faults[0].delay must be at most 30.0s, not 31.0s'],
    [{ kind: 'full-disk', delay: '1s' }, "faults[0] has no option 'delay'"],
  ])('of a fault of its node: %j', (fault, message) => {
    const scenario = { ...crash, faults: [{ at: '8s', duration: '4s', target: 'leader', ...fault }] };
    expect(problemsOf(scenario).join('\n')).toContain(message);
  });

  test.each<[string | number, number]>([
    ['+500ms', 500],
    ['-2s', -2_000],
    ['1m', 60_000],
    [-250, -250],
    [0, 0],
  ])('an offset of %j is %i ms', (offset, offsetMs) => {
    const fault = { kind: 'clock-skew', at: '8s', duration: '4s', target: 'n1', drift: 1.5, offset };
    expect(validateScenario({ ...crash, faults: [fault] }, 'x').faults).toEqual([
      { kind: 'clock-skew', atMs: 8_000, durationMs: 4_000, target: 'n1', drift: 1.5, offsetMs },
    ]);
  });

  test('what a slow disk and a restart are', () => {
    const faults = [
      { kind: 'slow-disk', at: '8s', duration: '4s', target: 'all', delay: '300ms' },
      { kind: 'restart', at: '13s', duration: '1s', target: 'minority' },
    ];
    expect(validateScenario({ ...crash, faults }, 'x').faults).toEqual([
      { kind: 'slow-disk', atMs: 8_000, durationMs: 4_000, target: 'all', delayMs: 300 },
      { kind: 'restart', atMs: 13_000, durationMs: 1_000, target: 'minority' },
    ]);
  });

  test.each([
    ['crash n1', 'crash all', false],
    ['crash n1', 'crash n2', true],
    ['crash leader', 'pause all', false],
    ['crash majority', 'restart follower', false],
    ['clock-skew n1', 'clock-skew n1', false],
    ['clock-skew n1', 'slow-disk n1', true],
    ['clock-skew all', 'slow-disk all', true],
    ['clock-skew n1', 'pause n1', false],
    ['crash leader', 'crash follower', true],
  ])('%s and %s at the same time: allowed: %s', (one, other, allowed) => {
    const faults = [one, other].map((words, at) => {
      const [kind = '', target = ''] = words.split(' ');
      const options = kind === 'clock-skew' ? { drift: 2 } : kind === 'slow-disk' ? { delay: 100 } : {};
      return { kind, target, at: `${5 + at}s`, duration: '4s', ...options };
    });
    expect(problemsOf({ ...crash, faults }).length).toBe(allowed ? 0 : 1);
  });

  test('a wipe is of one node of three or more, once', () => {
    const wipes = (...targets: string[]) => ({
      ...crash,
      faults: targets.map((target, at) => ({ kind: 'wipe', target, at: `${5 + 4 * at}s`, duration: '2s' })),
    });
    expect(problemsOf(wipes('n1'))).toEqual([]);
    expect(problemsOf(wipes('n1', 'n2')).join()).toContain('faults[1] must not be a second wipe');
    expect(problemsOf(wipes('all')).join()).toContain("faults[0].target must be one node to wipe, not 'all'");
    expect(problemsOf(having(wipes('n1'), ['cluster', 'nodes'], 2)).join()).toContain('must not wipe a node in a cluster of 2');
  });

  test('a minority is some of three nodes or more', () => {
    const two = having(having(crash, ['faults', 0, 'target'], 'minority'), ['cluster', 'nodes'], 2);
    expect(problemsOf(two).join()).toContain("faults[0].target cannot be 'minority': a cluster of 2 can do without no node");
  });

  test('all at once, each on its own line', () => {
    const bad = having(having(having(steady, ['loads', 'registers', 'rate'], -5), ['cluster', 'nodes'], 0), ['speed'], 1);
    const problems = problemsOf(bad, 'scenarios/steady.ts');
    expect(problems).toHaveLength(3);
    for (const problem of problems) expect(problem).toMatch(/^scenarios\/steady\.ts: /);
    expect(() => validateScenario(bad, 'x')).toThrow(
      problems.map((problem) => problem.replace('scenarios/steady.ts', 'x')).join('\n'),
    );
  });

  test.each([undefined, null, 7, 'steady', [], () => steady, Promise.resolve(steady)])('%s instead of a scenario', (value) => {
    expect(problemsOf(value).length).toBeGreaterThan(0);
  });

  test('a primitive export is named', () => {
    expect(problemsOf(7)).toEqual(['steady: the scenario must be a scenario, made with defineScenario, not 7']);
  });
});

describe('overrides', () => {
  const valid = validateScenario(crash, 'leader-crash');

  test('--duration sets the duration of every load, --nodes the size of the cluster', () => {
    const changed = withOverrides(valid, { durationMs: 60_000, nodes: 5 });
    expect(changed.totalDurationMs).toBe(60_000);
    expect(changed.loads['registers']?.durationMs).toBe(60_000);
    expect(changed.cluster.nodes).toBe(5);
    expect(valid.totalDurationMs).toBe(20_000);
    expect(withOverrides(valid, {})).toEqual(valid);
  });

  test('a fault that no longer fits, or whose node is no longer there, is named', () => {
    expect(() => withOverrides(valid, { durationMs: 10_000 })).toThrow(
      'leader-crash: faults[0] must end within the scenario, which lasts 10.0s, not after 12.0s',
    );
    const named = validateScenario(having(crash, ['faults', 0, 'target'], 'n3'), 'leader-crash');
    expect(() => withOverrides(named, { nodes: 2 })).toThrow("not 'n3'");
  });

  test.each([
    [{ durationMs: 0 }, '--duration must be > 0, not 0'],
    [{ durationMs: Number.NaN }, 'not NaN'],
    [{ nodes: 2.5 }, '--nodes must be a whole number from 1 to 9, not 2.5'],
    [{ nodes: 10 }, 'not 10'],
  ])('%j is refused', (overrides, message) => {
    expect(() => withOverrides(valid, overrides)).toThrow(ScenarioError);
    expect(() => withOverrides(valid, overrides)).toThrow(message);
  });
});
