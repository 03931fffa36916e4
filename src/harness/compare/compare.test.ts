import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { type Comparison, comparisonSchema } from '../result/comparison.ts';
import type { Environment, Microbenchmark, Run, ScenarioResult } from '../result/schema.ts';
import { compareRuns } from './compare.ts';
import { emptyRun, normal, recorded, responseTimes, sample } from './testing/recordings.ts';

const compare = (base: Run, head: Run) => compareRuns(base, head, { regressionCode: 94 });
const words = ({ measurements }: Comparison) =>
  Object.fromEntries(measurements.map(({ name, metric, verdict }) => [`${name} ${metric}`, verdict]));

/** Two recordings in which only the named benchmarks changed, by the factor beside them; as many others stayed. */
function recordings(factors: Readonly<Record<string, number>>, seed = 1): [Run, Run] {
  const random = new Random(seed);
  const others = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`quiet/${at}`, 1] as const));
  const all = Object.entries({ ...others, ...factors });
  const run = (of: (factor: number) => number) =>
    emptyRun({ microbenchmarks: all.map(([id, factor]) => recorded(random, id, 500 * of(factor))) });
  return [run(() => 1), run((factor) => factor)];
}

describe('times', () => {
  test('a known ratio is found, and lies in its interval', () => {
    const comparison = compare(...recordings({ 'a/slower': 3, 'a/faster': 1 / 3, 'a/little': 1.1, 'a/between': 1.6 }));
    expect(words(comparison)).toMatchObject({
      'a/slower median': 'slower',
      'a/faster median': 'faster',
      'a/little median': 'same',
      'a/between median': 'inconclusive',
    });
    const slower = comparison.measurements.find(({ name }) => name === 'a/slower');
    expect(slower?.ratio).toBeCloseTo(3, 0);
    const [low = NaN, high = NaN] = slower?.ratioInterval ?? [];
    expect(low).toBeLessThan(3);
    expect(high).toBeGreaterThan(3);
    expect(high / low).toBeLessThan(1.2);
    // Times never gate.
    expect(comparison.exit).toEqual({ code: 0, reasons: [] });
    expect(comparisonSchema.parse(JSON.parse(JSON.stringify(comparison)))).toEqual(comparison);
  });

  test('the interval holds the true ratio at least as often as it says', () => {
    let held = 0;
    const trials = 300;
    for (let seed = 0; seed < trials; seed++) {
      const random = new Random(seed);
      const [base, head] = [500, 650].map((median) => emptyRun({ microbenchmarks: [recorded(random, 'a/b', median)] }));
      const [measurement] = compare(base as Run, head as Run).measurements;
      const [low = NaN, high = NaN] = measurement?.ratioInterval ?? [];
      if (low <= 1.3 && high >= 1.3) held++;
    }
    expect(held / trials).toBeGreaterThan(0.9);
  });

  test('what moves every benchmark alike is the machine, and gives nobody a word', () => {
    const factors = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`quiet/${at}`, 2.6]));
    const busy = compare(...recordings({ ...factors, 'a/worse': 8 }));
    expect(busy.drift?.ratio).toBeCloseTo(2.6, 0);
    expect(words(busy)).toMatchObject({ 'quiet/3 median': 'inconclusive', 'a/worse median': 'slower' });
    // What stands still while the machine slows down is not called faster either.
    const [base, head] = recordings({ ...factors, 'a/still': 1 });
    expect(words(compare(base, head))).toMatchObject({ 'a/still median': 'same' });
  });

  test('recordings of the same code that differ as ours did seldom give a word', () => {
    const random = new Random(2_026);
    let all = 0;
    let alarms = 0;
    for (let trial = 0; trial < 200; trial++) {
      // The whole machine by 25 %, each benchmark by another 20 % (standard deviations of the logarithm).
      const run = () => {
        const machine = 0.25 * normal(random);
        const benchmarks = Array.from({ length: 12 }, (_, at) =>
          recorded(random, `a/${at}`, 500 * Math.exp(machine + 0.2 * normal(random))),
        );
        return emptyRun({ microbenchmarks: benchmarks });
      };
      for (const { verdict } of compare(run(), run()).measurements) {
        all++;
        if (verdict === 'slower' || verdict === 'faster') alarms++;
      }
    }
    expect(all).toBe(2_400);
    expect(alarms / all).toBeLessThan(0.01);
  });

  test('response times of a scenario: quantiles of its histograms with intervals, and no word from a single number', () => {
    const random = new Random(5);
    const scenario = (read: number, write: number): ScenarioResult => ({
      ...(sample().scenarios[0] as ScenarioResult),
      statistics: [responseTimes(random, 'read', read), responseTimes(random, 'write', write)],
    });
    const comparison = compare(emptyRun({ scenarios: [scenario(4, 4)] }), emptyRun({ scenarios: [scenario(4.1, 12)] }));
    expect(words(comparison)).toEqual({
      'steady registers read baseline p50': 'same',
      'steady registers read baseline p99': 'same',
      'steady registers write baseline p50': 'slower',
      'steady registers write baseline p99': 'slower',
      'steady successes': 'inconclusive',
    });
    const [read] = comparison.measurements;
    expect(read?.base?.interval95?.[0]).toBeLessThan(read?.base?.value as number);
    expect(read?.base?.interval95?.[1]).toBeGreaterThan(read?.base?.value as number);
  });

  test('more successes a second are better', () => {
    const run = (okPerSecond: number) => {
      const [steady] = sample().scenarios as [ScenarioResult];
      return emptyRun({ scenarios: [{ ...steady, totals: { ...steady.totals, okPerSecond } }] });
    };
    const rate = compare(run(400), run(800)).measurements.find(({ metric }) => metric === 'successes');
    expect(rate).toMatchObject({
      better: 'higher',
      ratio: 2,
      verdict: 'inconclusive',
      reason: 'one number a run, which has no interval',
    });
  });
});

describe('what is not comparable says why', () => {
  const changes: readonly [string, Partial<Environment>, string][] = [
    ['CPU', { cpuModel: 'Other' }, 'CPU AMD EPYC 7763 64-Core Processor, and Other'],
    ['cores', { cores: 4 }, 'cores 2, and 4'],
    ['architecture', { architecture: 'arm64' }, 'architecture x64, and arm64'],
    ['platform', { platform: 'darwin' }, 'platform linux, and darwin'],
    ['kernel', { kernel: '6.2' }, 'kernel 6.1.0-26-amd64, and 6.2'],
    ['Node', { nodeVersion: 'v26.11.0' }, 'Node v26.10.0, and v26.11.0'],
    ['governor', { governor: 'powersave' }, 'governor unknown, and powersave'],
    ['memory', { memoryBytes: 2 ** 30 }, 'memory 24.0 GiB, and 1.0 GiB'],
    ['container', { containerised: false }, 'container yes, and no'],
  ];
  test.each(changes)('another machine: %s', (what, change, reason) => {
    const [base, head] = [sample(), sample()];
    head.environment = { ...head.environment, ...change };
    const comparison = compare(base, head);
    expect(comparison.differences.map((each) => each.what)).toEqual([what]);
    expect(comparison.measurements.length).toBeGreaterThan(10);
    for (const { verdict, ratio, reason: why, name } of comparison.measurements) {
      expect([name, verdict, ratio]).toEqual([name, 'incomparable', undefined]);
      if (name !== 'pool/acquire-release') expect(why).toBe(`another machine: ${reason}`);
    }
  });

  test('another host, another load average and another checkout are the same machine', () => {
    const [base, head] = [sample(), sample()];
    const git = { commit: 'ffff0000', dirty: true };
    head.environment = {
      ...head.environment,
      hostname: 'other',
      loadAverage: [9, 9, 9],
      git,
      memoryBytes: head.environment.memoryBytes - 4_096,
    };
    expect(compare(base, head).differences).toEqual([]);
  });

  test.each<[string, (scenario: ScenarioResult) => void, string]>([
    [
      'another rate',
      (scenario) =>
        Object.assign(scenario.configuration, { loads: { registers: { executor: 'constant-arrival-rate', rate: 400 } } }),
      'another configuration: loads.registers.rate: 500.123456, and 400',
    ],
    ['another target', (scenario) => (scenario.target = 'etcd'), 'another configuration: target: "process", and "etcd"'],
    ['another number of nodes', (scenario) => scenario.nodes.push('n4'), 'another configuration: nodes: 3, and 4'],
    [
      'faults drawn from another seed',
      (scenario) => (Object.assign(scenario.configuration, { nemesis: {} }), (scenario.seed = 99)),
      'another configuration: nemesis: nothing, and {}; seed: nothing, and 99',
    ],
    ['an aborted run', (scenario) => (scenario.status = 'aborted'), 'aborted in HEAD'],
    ['an invalid run', (scenario) => scenario.invalid.push('the generator was late'), 'INVALID in HEAD: the generator was late'],
  ])('%s', (_, change, reason) => {
    const [base, head] = [sample(), sample()];
    change(head.scenarios[0] as ScenarioResult);
    const { measurements } = compare(base, head);
    const steady = measurements.filter(({ name }) => name === 'steady');
    expect(new Set(steady.map((each) => each.reason))).toEqual(new Set([reason]));
    expect(measurements.some(({ name, verdict }) => name === 'leader-crash' && verdict !== 'incomparable')).toBe(true);
  });

  test('another wording of description and thresholds is the same load', () => {
    const [base, head] = [sample(), sample()];
    Object.assign((head.scenarios[0] as ScenarioResult).configuration, { description: 'other', thresholds: [] });
    expect(
      compare(base, head).measurements.filter(({ verdict, kind }) => kind === 'scenario' && verdict === 'incomparable'),
    ).toEqual([]);
  });

  test('a benchmark that failed', () => {
    const failed = compare(sample(), sample()).measurements.find(({ name }) => name === 'pool/acquire-release');
    expect(failed).toMatchObject({ verdict: 'incomparable', reason: 'failed in BASE: PoolClosedError: the pool is closed' });
  });
});

describe('what one side lacks is listed', () => {
  test('benchmarks, scenarios and statistics', () => {
    const [base, head] = [sample(), sample()];
    base.microbenchmarks.shift();
    head.scenarios.pop();
    head.scenarios[0]?.statistics.splice(5, 1);
    const { onlyInBase, onlyInHead } = compare(base, head);
    expect(onlyInBase).toEqual(['leader-crash', 'steady registers write baseline']);
    expect(onlyInHead).toEqual(['actor/ask']);
  });

  test('a scenario that ran twice is compared one by one', () => {
    const [base, head] = [sample(), sample()];
    base.scenarios.push(structuredClone(base.scenarios[0] as ScenarioResult));
    expect(compare(base, head).onlyInBase).toEqual(['steady (2)']);
  });
});

describe('deterministic counts', () => {
  const counting = (counted: Record<string, number>, operations = 100): Run => {
    const benchmark: Microbenchmark = {
      id: 'raft/propose',
      status: 'ok',
      samples: 0,
      operationsPerSample: 1,
      counts: { operations, counted },
    };
    return emptyRun({ microbenchmarks: [benchmark] });
  };

  test('one more in a hundred operations is a regression', () => {
    const { counts, exit } = compare(counting({ messages: 400, appends: 300 }), counting({ messages: 401, appends: 300 }));
    expect(counts.map(({ count, verdict }) => [count, verdict])).toEqual([
      ['messages', 'more'],
      ['appends', 'same'],
    ]);
    expect(exit).toEqual({ code: 94, reasons: ['raft/propose: 4 messages an operation became 4.01'] });
  });

  test('fewer, as many, and as many of more operations are none', () => {
    expect(compare(counting({ messages: 400 }), counting({ messages: 399 })).counts[0]?.verdict).toBe('fewer');
    const same = compare(counting({ messages: 1 }, 3), counting({ messages: 2 }, 6));
    expect([same.counts[0]?.verdict, same.exit.code]).toEqual(['same', 0]);
  });

  test('what only one counts is listed', () => {
    const { counts, onlyInBase, onlyInHead } = compare(
      counting({ messages: 4, appends: 3 }),
      counting({ messages: 4, bytes: 9 }),
    );
    expect(counts.map(({ count }) => count)).toEqual(['messages']);
    expect([onlyInBase, onlyInHead]).toEqual([['raft/propose appends'], ['raft/propose bytes']]);
  });

  test('they are compared whatever the machine, and allocated bytes, which vary, never gate', () => {
    const [base, head] = [counting({ messages: 4 }), counting({ messages: 5 })];
    head.environment = { ...head.environment, cpuModel: 'Other' };
    Object.assign(base.microbenchmarks[0] as object, { heapBytesPerOperation: 100 });
    Object.assign(head.microbenchmarks[0] as object, { heapBytesPerOperation: 900 });
    expect(compare(base, head)).toMatchObject({ exit: { code: 94 }, allocations: [{ base: 100, head: 900 }] });
    Object.assign(head.microbenchmarks[0]?.counts as object, { counted: { messages: 4 } });
    expect(compare(base, head).exit.code).toBe(0);
  });
});
