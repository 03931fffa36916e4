import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { LatencyHistogram } from '../result/histogram.ts';
import type { ScenarioResult } from '../result/schema.ts';
import { sampleRun } from '../result/testing/sample-run.ts';
import type { RunScenarioOptions } from '../run.ts';
import { validateScenario } from '../scenario/validate.ts';
import { ContestError, DisturbedError, ViolationError } from './contest.ts';
import { ScenarioContest } from './scenario-contest.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-contest-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const programs = { base: '/base/bin/windtunnel.js', head: '/head/bin/windtunnel.js' };
const open = {
  executor: 'constant-arrival-rate',
  rate: 10,
  preAllocatedVUs: 1,
  duration: '10s',
  workload: { kind: 'registers', keys: 1 },
};
const closed = { executor: 'constant-vus', vus: 2, duration: '10s', workload: { kind: 'registers', keys: 1 } };

function scenarioOf(loads: Record<string, unknown>, faults: readonly unknown[] = []) {
  return validateScenario({ name: 'example', description: 'Example', cluster: { nodes: 3 }, loads, faults }, 'test');
}

/** Of one load, all of whose operations took `ms`. */
function resultOf(load: string, ms: number, over: Partial<ScenarioResult> = {}): ScenarioResult {
  const sample = sampleRun().scenarios[0] as ScenarioResult;
  const [statistic] = sample.statistics;
  const histogram = new LatencyHistogram();
  for (let operation = 0; operation < 1_000; operation++) histogram.record(ms * 1_000);
  const encoded = { ...(statistic as ScenarioResult['statistics'][number]).responseTime, histogram: histogram.encode() };
  const of = (name: string, phase: 'baseline' | 'warmup', outcome: 'ok' | 'fail') => ({
    ...(statistic as ScenarioResult['statistics'][number]),
    load: name,
    phase,
    outcome,
    count: 1_000,
    responseTime: encoded,
  });
  return {
    ...sample,
    status: 'complete',
    invalid: [],
    checks: [],
    faults: [],
    phases: [
      { phase: 'warmup', startMs: 0, endMs: 2_000 },
      { phase: 'baseline', startMs: 2_000, endMs: 10_000 },
    ],
    statistics: [of(load, 'baseline', 'ok'), of(load, 'warmup', 'ok'), of(load, 'baseline', 'fail')],
    ...over,
  };
}

function contestOf(
  scenario: ReturnType<typeof scenarioOf>,
  run: (side: 'base' | 'head', options: RunScenarioOptions) => ScenarioResult | Promise<ScenarioResult>,
) {
  return new ScenarioContest(scenario, {
    programs,
    folder,
    headEnvironment: () => ({ CANARY: 'yes' }),
    run: async (_, options) => run(options.program === programs.base ? 'base' : 'head', options),
  });
}

const surroundings = (signal = new AbortController().signal) => ({
  clock: new VirtualClock(),
  signal,
  random: new Random(42),
  core: undefined,
});

test('response times are those of the baseline of open loads that succeeded', async () => {
  const contest = contestOf(scenarioOf({ paced: open, closed }), (side) => resultOf('paced', side === 'base' ? 10 : 20));
  expect(contest.metrics).toEqual([
    { id: 'example p50', unit: 'ms', better: 'lower' },
    { id: 'example p99', unit: 'ms', better: 'lower' },
  ]);
  const [p50, p99] = await contest.play('first', surroundings());
  for (const pair of [p50, p99]) expect([pair?.base.toFixed(0), pair?.head.toFixed(0)]).toEqual(['10', '20']);
});

test('where all load is a closed loop its throughput is compared, without the warm-up and what failed', async () => {
  const contest = contestOf(scenarioOf({ closed }), () => resultOf('closed', 5));
  expect(contest.metrics).toEqual([{ id: 'example throughput', unit: 'per second', better: 'higher' }]);
  expect(await contest.play('first', surroundings())).toEqual([{ base: 125, head: 125 }]);
});

test('of a fault the time to the next write counts, and a window without one says nothing', async () => {
  const scenario = scenarioOf({ paced: open }, [{ kind: 'crash', target: 'leader', at: '2s', duration: '1s' }]);
  const fault = {
    kind: 'crash',
    target: 'leader',
    nodes: ['n1'],
    startMs: 0,
    endMs: 1,
    proof: { proven: true, observations: [] },
  };
  const written = contestOf(scenario, () => resultOf('paced', 5, { faults: [{ ...fault, firstWriteMs: 800 }] }));
  expect(written.metrics.map(({ id }) => id)).toEqual(['example p50', 'example p99', 'example crash 1: first write']);
  expect((await written.play('first', surroundings()))[2]).toEqual({ base: 800, head: 800 });
  const silent = contestOf(scenario, () => resultOf('paced', 5, { faults: [fault] }));
  await expect(silent.play('first', surroundings())).rejects.toThrow(
    new DisturbedError('BASE has no example crash 1: first write'),
  );
});

test('both sides meet the same seed; they take turns in who is first, and leave nothing', async () => {
  const windows: unknown[] = [];
  const contest = contestOf(scenarioOf({ closed }), (side, { seed, environment }) => {
    expect(readdirSync(folder)).toHaveLength(1);
    windows.push([side, seed, environment?.('n1')]);
    return resultOf('closed', 5);
  });
  await contest.play('first', surroundings());
  await contest.play('first', surroundings());
  const [base, head] = [
    ['base', 42, undefined],
    ['head', 42, { CANARY: 'yes' }],
  ];
  expect(windows).toEqual([base, head, head, base]);
  expect(readdirSync(folder)).toEqual([]);
});

test.each<[string, Partial<ScenarioResult>, Error]>([
  [
    'wrong answers are a violation',
    { checks: [{ checker: 'linearizability', verdict: 'violated', operations: 1, durationMs: 1, counts: {} }] },
    new ViolationError('HEAD answered what is wrong: linearizability is violated'),
  ],
  ['a scenario that failed is out', { status: 'failed', statusReason: 'no leader' }, new ContestError('HEAD: no leader')],
  ['an invalid window says nothing', { invalid: ['the generator was late'] }, new DisturbedError('HEAD: the generator was late')],
])('%s', async (_, over, error) => {
  const contest = contestOf(scenarioOf({ closed }), (side) => resultOf('closed', 5, side === 'head' ? over : {}));
  const thrown = await contest.play('first', surroundings()).catch((reason: unknown) => reason);
  expect(thrown).toEqual(error);
  expect((thrown as Error).name).toBe(error.name);
  expect(readdirSync(folder)).toEqual([]);
});

test('a cluster that cannot be started is out, and after Ctrl-C nothing is', async () => {
  const contest = contestOf(scenarioOf({ closed }), () => Promise.reject(new Error('n1 ended with exit code 1')));
  await expect(contest.play('first', surroundings())).rejects.toThrow(new ContestError('BASE: n1 ended with exit code 1'));
  const controller = new AbortController();
  controller.abort(new Error('Ctrl-C'));
  await expect(contest.play('first', surroundings(controller.signal))).rejects.toThrow('Ctrl-C');
});
