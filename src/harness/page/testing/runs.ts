// Runs that are hard on the page: in trouble, hostile, long, and hardly begun.

import type { Run, ScenarioResult, Second } from '../../result/schema.ts';
import { sampleRun } from '../../result/testing/sample-run.ts';

/** Everything that can go wrong, and every field that newer results may have. */
export function troubledRun(): Run {
  const run = sampleRun();
  const scenario = run.scenarios[1] as ScenarioResult;
  Object.assign(scenario, {
    status: 'aborted',
    statusReason: 'threshold response_time{phase:recovery} p(99)<500 was crossed at 14.0s',
    invalid: ['schedule lag p99 was 34.1ms, more than 10ms: the generator could not keep its own schedule on this machine'],
    verdicts: { fast: 'invalid', correct: 'violated', explained: 'partial', changed: 'slower' },
    operationsLost: 2,
    errorsByPhase: [{ phase: 'fault', code: 'unavailable', outcome: 'fail', count: 32 }],
    skippedFaults: [{ kind: 'pause', target: 'n3', atMs: 12_000, reason: 'n3 was down' }],
    saturation: {
      load: 'registers',
      limitMs: 100,
      outcome: 'found',
      knee: 800,
      steps: [400, 800, 1_600].map((rate, at) => ({
        rate,
        startMs: at * 5_000,
        endMs: (at + 1) * 5_000,
        offered: rate,
        achieved: Math.min(1_210, rate),
        p50: 3 * 2 ** at,
        p99: 12 * 10 ** at,
        errors: at === 2 ? 390 : 0,
        dropped: 0,
        held: at < 2,
        reasons: at === 2 ? ['p99 1.2s'] : [],
      })),
    },
  });
  Object.assign(scenario.faults[0] as object, {
    proof: { proven: false, observations: [] },
    electionMs: undefined,
    windowEndMs: 18_030,
    recoveredMs: 3_210,
    recoveryLimitMs: 12,
    unavailableMs: 655,
    unavailableGapMs: 100,
    operations: 2_478,
    errors: 55,
    overlaps: true,
  });
  Object.assign(scenario.thresholds[0] as object, { passed: false, aborted: true, observed: 1_234 });
  Object.assign(scenario.checks[0] as object, {
    verdict: 'violated',
    reason: 'key r17: no order of 41 operations explains the read of 640',
    explanation:
      'process 3  |-- write 812 --|\nprocess 5                    |-- read 640 --|   <- 812 was acknowledged before this began',
    explanationFile: 'leader-crash/explanation.txt',
  });
  scenario.instrument.generators = [1, 2].map((generator) => ({
    generator,
    started: 6_230,
    lag: { p50: 0.33, p99: 2.91 * generator, max: 8.1 * generator },
    eventLoopDelay: { p99: 12.9, max: 31.4 },
    cpu: 0.38,
    dropped: 20,
    moments: Array.from({ length: 25 }, (_, second) => ({
      atMs: second * 1_000,
      started: 250,
      dropped: 0,
      lagMax: generator * (1 + (second % 5)),
      eventLoopDelay: { p99: 4, max: 9 },
      cpu: 0.3 + second / 100,
    })),
  }));
  return run;
}

export const HARM = `</script><script>harmed=1</script><img src=x onerror=harmed=1>'"><b>&amp;`;

/** Words of the schema, which nobody can choose. */
const FIXED = new Set([
  'phase',
  'outcome',
  'role',
  'status',
  'verdict',
  'fast',
  'correct',
  'explained',
  'changed',
  'histogram',
  'startedAt',
  'finishedAt',
  'schema',
]);

/** A run in which every text that somebody could choose is markup. */
export function hostileRun(): Run {
  return hostile(troubledRun(), '') as Run;
}

function hostile(value: unknown, name: string): unknown {
  if (typeof value === 'string') return FIXED.has(name) ? value : value + HARM;
  if (Array.isArray(value)) return value.map((item: unknown) => hostile(item, name));
  if (typeof value !== 'object' || value === null) return value;
  const isFree = name === 'configuration' || name === 'counts';
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [isFree ? key + HARM : key, hostile(item as unknown, key)]),
  );
}

/** Fifteen minutes with a fault every ten seconds. */
export function longRun(): Run {
  const run = sampleRun();
  const scenario = run.scenarios[1] as ScenarioResult;
  const second = scenario.timeline[12] as Second;
  const [fault] = scenario.faults;
  scenario.durationMs = 900_000;
  scenario.timeline = Array.from({ length: 900 }, (_, at) => ({
    ...second,
    atMs: at * 1_000,
    p99: 20 + (at % 97),
    ok: 480 + (at % 13),
  }));
  scenario.faults = Array.from({ length: 90 }, (_, at) => ({
    ...(fault as object),
    startMs: at * 10_000 + 3_000,
    endMs: at * 10_000 + 8_000,
  })) as ScenarioResult['faults'];
  scenario.roles = Array.from({ length: 2_000 }, (_, at) => ({
    atMs: at * 450,
    node: `n${1 + (at % 3)}`,
    role: at % 5 === 0 ? 'leader' : 'follower',
    term: Math.ceil(at / 5),
  }));
  return run;
}

/** Nothing but what the schema demands. */
export function emptyScenario(): ScenarioResult {
  const scenario = sampleRun().scenarios[0] as ScenarioResult;
  return {
    ...scenario,
    status: 'failed',
    statusReason: 'port 4001 is in use',
    nodes: [],
    durationMs: 0,
    phases: [],
    totals: { scheduled: 0, started: 0, ok: 0, fail: 0, info: 0, dropped: 0, okPerSecond: 0 },
    statistics: [],
    timeline: [],
    roles: [],
    errors: [],
    thresholds: [],
    checks: [],
    historyFiles: [],
    verdicts: { fast: 'unchecked', correct: 'unchecked', explained: 'partial', changed: 'unchecked' },
  };
}
