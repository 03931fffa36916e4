// A made-up but realistic run, the same on every call: two scenarios, one of which loses its leader for a while. For tests
// of what reads and shows results.

import { Random } from '../../../runtime/random.ts';
import { Distribution } from '../distribution.ts';
import { LatencyHistogram } from '../histogram.ts';
import { latencyOf } from '../latency.ts';
import type { Microbenchmark, Outcome, Phase, Run, ScenarioResult, Second, Statistic } from '../schema.ts';

export function sampleRun(): Run {
  return {
    schema: 'windtunnel-run',
    schemaVersion: 1,
    id: '20261122T160259Z-eb14d2c',
    status: 'complete',
    startedAt: '2026-11-22T16:02:59.000Z',
    finishedAt: '2026-11-22T16:04:31.250Z',
    command: ['bench', '--profile', 'quick'],
    profile: 'quick',
    environment: {
      cpuModel: 'AMD EPYC 7763 64-Core Processor',
      cores: 2,
      architecture: 'x64',
      platform: 'linux',
      kernel: '6.1.0-26-amd64',
      nodeVersion: 'v26.10.0',
      memoryBytes: 25_769_803_776,
      loadAverage: [0.42, 0.38, 0.31],
      hostname: 'bench-1',
      containerised: true,
      ci: false,
      harnessVersion: '0.1.0',
      git: { commit: 'eb14d2c0f5c3a1b2d4e6f8091a2b3c4d5e6f7081', branch: 'main', dirty: false },
    },
    microbenchmarks: [
      benchmark('actor/ask', 1_420, 0.008, 142, 312),
      benchmark('actor/tell-batch', 86.4, 0.021, 151, 48),
      benchmark('breaker/execute-closed', 121.3, 0.004, 148, 96),
      benchmark('node/log-append-fsync', 251_300, 0.061, 118, 1_204),
      {
        id: 'pool/acquire-release',
        status: 'failed',
        error: 'PoolClosedError: the pool is closed',
        samples: 0,
        operationsPerSample: 0,
      },
      benchmark('raft/propose-64', 2_310, 0.012, 96, undefined),
    ],
    scenarios: [steady(), leaderCrash()],
    exit: { code: 0, reasons: [] },
  };
}

function benchmark(id: string, median: number, spread: number, samples: number, heapBytes: number | undefined): Microbenchmark {
  return {
    id,
    status: 'ok',
    nanoseconds: {
      median,
      mean: median * 1.02,
      min: median * 0.94,
      max: median * 1.9,
      p75: median * 1.05,
      mad: median * spread * 2,
      interval95: [median * (1 - spread), median * (1 + spread)],
    },
    samples,
    operationsPerSample: Math.max(1, Math.round(2_000_000 / median)),
    operationsPerSecond: 1e9 / median,
    ...(heapBytes === undefined ? {} : { heapBytesPerOperation: heapBytes }),
  };
}

function steady(): ScenarioResult {
  const random = new Random(1);
  return {
    name: 'steady',
    description:
      'Three healthy nodes under a constant rate of reads, writes and compare-and-sets: the baseline of every other scenario.',
    target: 'process',
    status: 'complete',
    seed: 4_711,
    nodes: ['n1', 'n2', 'n3'],
    configuration: { name: 'steady', loads: { registers: { executor: 'constant-arrival-rate', rate: 500.123456 } } },
    startedAt: '2026-11-22T16:03:12.104Z',
    durationMs: 20_012.4,
    phases: [
      { phase: 'warmup', startMs: 0, endMs: 2_000 },
      { phase: 'baseline', startMs: 2_000, endMs: 20_000 },
    ],
    totals: { scheduled: 10_000, started: 10_000, ok: 9_871, fail: 129, info: 0, dropped: 0, okPerSecond: 493.6 },
    statistics: [
      statistic(random, 'read', 'ok', 'warmup', 500, 3_000),
      statistic(random, 'write', 'ok', 'warmup', 400, 5_000),
      statistic(random, 'cas', 'ok', 'warmup', 88, 5_200),
      statistic(random, 'cas', 'fail', 'warmup', 12, 5_200),
      statistic(random, 'read', 'ok', 'baseline', 4_500, 2_100),
      statistic(random, 'write', 'ok', 'baseline', 3_600, 3_900),
      statistic(random, 'cas', 'ok', 'baseline', 783, 4_000),
      statistic(random, 'cas', 'fail', 'baseline', 117, 4_000),
    ],
    timeline: timeline(random, 20, () => 'baseline', 500),
    faults: [],
    roles: [{ atMs: 0, node: 'n2', role: 'leader', term: 1 }],
    errors: [{ code: 'cas-mismatch', outcome: 'fail', count: 129 }],
    instrument: { lag: { p50: 0.31, p99: 1.82, max: 4.4 }, eventLoopDelay: { p99: 11.2, max: 19.8 }, cpu: 0.31, dropped: 0 },
    thresholds: [
      { metric: 'response_time{phase:baseline}', threshold: 'p(99)<100', observed: 21.4, passed: true, aborted: false },
      { metric: 'operations_failed', threshold: 'rate<0.01', observed: 0, passed: true, aborted: false },
    ],
    checks: [
      { checker: 'linearizability', verdict: 'valid', operations: 10_000, durationMs: 812.4, counts: { keys: 100 } },
      {
        checker: 'acknowledged-writes',
        verdict: 'valid',
        operations: 10_000,
        durationMs: 31,
        counts: { acknowledged: 4_871, lost: 0 },
      },
    ],
    invalid: [],
    verdicts: { fast: 'passed', correct: 'valid', explained: 'partial', changed: 'unchecked' },
    historyFiles: ['steady/history-registers.jsonl'],
  };
}

function leaderCrash(): ScenarioResult {
  const random = new Random(2);
  const phaseAt = (second: number): Phase =>
    second < 2 ? 'warmup' : second < 10 ? 'baseline' : second < 15 ? 'fault' : second < 18 ? 'recovery' : 'after';
  return {
    name: 'leader-crash',
    description:
      'The leader is killed under load and comes back five seconds later. One should see one short gap in the writes, a new leader, and nothing lost.',
    target: 'process',
    status: 'complete',
    seed: 4_712,
    nodes: ['n1', 'n2', 'n3'],
    configuration: { name: 'leader-crash', loads: { registers: { executor: 'constant-arrival-rate', rate: 500 } } },
    startedAt: '2026-11-22T16:03:40.481Z',
    durationMs: 25_041.7,
    phases: [
      { phase: 'warmup', startMs: 0, endMs: 2_000 },
      { phase: 'baseline', startMs: 2_000, endMs: 10_004 },
      { phase: 'fault', startMs: 10_004, endMs: 15_030 },
      { phase: 'recovery', startMs: 15_030, endMs: 18_030 },
      { phase: 'after', startMs: 18_030, endMs: 25_000 },
    ],
    totals: { scheduled: 12_500, started: 12_460, ok: 12_405, fail: 32, info: 23, dropped: 40, okPerSecond: 495.4 },
    statistics: [
      statistic(random, 'read', 'ok', 'warmup', 500, 3_000),
      statistic(random, 'write', 'ok', 'warmup', 500, 5_000),
      statistic(random, 'read', 'ok', 'baseline', 2_000, 2_100),
      statistic(random, 'write', 'ok', 'baseline', 2_002, 3_900),
      statistic(random, 'read', 'ok', 'fault', 1_230, 31_000, 14),
      statistic(random, 'write', 'ok', 'fault', 1_193, 48_000, 14),
      statistic(random, 'write', 'fail', 'fault', 32, 250_000, 2),
      statistic(random, 'write', 'info', 'fault', 23, 2_000_000, 1.01),
      statistic(random, 'read', 'ok', 'recovery', 750, 2_900),
      statistic(random, 'write', 'ok', 'recovery', 750, 5_100),
      statistic(random, 'read', 'ok', 'after', 1_740, 2_200),
      statistic(random, 'write', 'ok', 'after', 1_740, 4_000),
    ],
    timeline: timeline(random, 25, phaseAt, 500),
    faults: [
      {
        kind: 'crash',
        target: 'leader',
        nodes: ['n2'],
        startMs: 10_004,
        endMs: 15_030,
        proof: { proven: true, observations: ['n2 ended by SIGKILL', 'term 1 became 2'] },
        electionMs: 412.3,
        firstWriteMs: 655,
        longestWriteGapMs: 702,
        windowEndMs: 18_030,
        overlaps: false,
        operations: 3_960,
        errors: 55,
        unavailableMs: 655,
        unavailableGapMs: 200,
        recoveredMs: 214,
        recoveryLimitMs: 11.8,
      },
    ],
    roles: [
      { atMs: 0, node: 'n2', role: 'leader', term: 1 },
      { atMs: 10_006, node: 'n2', role: 'down', term: 1 },
      { atMs: 10_416, node: 'n3', role: 'leader', term: 2 },
    ],
    errors: [
      { code: 'unavailable', outcome: 'fail', count: 32 },
      { code: 'deadline-exceeded', outcome: 'info', count: 23 },
    ],
    errorsByPhase: [
      { phase: 'fault', code: 'unavailable', outcome: 'fail', count: 30 },
      { phase: 'fault', code: 'deadline-exceeded', outcome: 'info', count: 23 },
      { phase: 'recovery', code: 'unavailable', outcome: 'fail', count: 2 },
    ],
    operationsLost: 0,
    instrument: { lag: { p50: 0.33, p99: 2.91, max: 8.1 }, eventLoopDelay: { p99: 12.9, max: 31.4 }, cpu: 0.38, dropped: 40 },
    thresholds: [
      { metric: 'response_time{phase:recovery}', threshold: 'p(99)<500', observed: 88.2, passed: true, aborted: false },
      { metric: 'operations_failed{phase:after}', threshold: 'rate==0', observed: 0, passed: true, aborted: false },
      { metric: 'dropped_iterations', threshold: 'count<100', observed: 40, passed: true, aborted: false },
    ],
    checks: [
      { checker: 'linearizability', verdict: 'valid', operations: 12_460, durationMs: 1_420.4, counts: { keys: 100 } },
      {
        checker: 'acknowledged-writes',
        verdict: 'valid',
        operations: 12_460,
        durationMs: 31,
        counts: { acknowledged: 6_185, lost: 0 },
      },
    ],
    invalid: [],
    verdicts: { fast: 'passed', correct: 'valid', explained: 'partial', changed: 'unchecked' },
    historyFiles: ['leader-crash/history-registers.jsonl'],
  };
}

function statistic(
  random: Random,
  operation: string,
  outcome: Outcome,
  phase: Phase,
  count: number,
  medianUs: number,
  spread = 3,
): Statistic {
  const responseTime = new LatencyHistogram();
  const serviceTime = new LatencyHistogram();
  for (let i = 0; i < count; i++) {
    const serviceUs = medianUs * 0.9 * Math.min(20, Math.exp(random.exponential(Math.log(spread) / 4) - 0.1));
    serviceTime.record(serviceUs);
    responseTime.record(serviceUs + random.exponential(medianUs * 0.1));
  }
  return {
    load: 'registers',
    operation,
    outcome,
    phase,
    count,
    responseTime: latencyOf(responseTime),
    serviceTime: latencyOf(serviceTime),
  };
}

function timeline(random: Random, seconds: number, phaseAt: (second: number) => Phase, rate: number): Second[] {
  const spread = new Random(3);
  return Array.from({ length: seconds }, (_, second) => {
    const isGap = phaseAt(second) === 'fault' && phaseAt(second - 1) !== 'fault';
    const ok = isGap ? rate - 95 : rate - random.integer(0, 6);
    return {
      atMs: second * 1_000,
      phase: phaseAt(second),
      scheduled: rate,
      started: isGap ? rate - 40 : rate,
      ok,
      fail: isGap ? 32 : 0,
      info: isGap ? 23 : 0,
      dropped: isGap ? 40 : 0,
      p50: 3 + random.float(),
      p99: isGap ? 655 : 18 + 6 * random.float(),
      max: isGap ? 702 : 31,
      distribution: distribution(spread, ok, isGap ? 55 : 0),
      serviceP99: isGap ? 512 : 16,
      lagMax: 2.2,
    };
  });
}

/** Of `fast` operations of some milliseconds and `slow` ones that waited for a leader. */
function distribution(random: Random, fast: number, slow: number): number[] {
  const all = new Distribution();
  for (let at = 0; at < fast; at++) all.record(Math.min(31_000, 2_000 + random.exponential(2_500)));
  for (let at = 0; at < slow; at++) all.record(702_000 - 12_000 * at);
  return all.encode() as number[];
}
