import { expect, test } from 'vitest';
import type { Run, ScenarioResult } from '../result/schema.ts';
import { sampleRun } from '../result/testing/sample-run.ts';
import { exitOf } from './exit.ts';

type Change = (scenario: ScenarioResult, run: Run) => void;

/** A run in which everything is well, changed. */
function runWith(...changes: readonly Change[]): Run {
  const run = sampleRun();
  run.microbenchmarks = run.microbenchmarks.filter(({ status }) => status === 'ok');
  for (const change of changes) change(run.scenarios[1] as ScenarioResult, run);
  return run;
}

const violated: Change = ({ checks, verdicts }) => {
  Object.assign(checks[0] as object, { verdict: 'violated', reason: 'a stale read' });
  verdicts.correct = 'violated';
};
const undecided: Change = ({ checks, verdicts }) => {
  Object.assign(checks[1] as object, { verdict: 'unknown', reason: 'the history is empty' });
  verdicts.correct = 'unknown';
};
const invalid: Change = (scenario) => scenario.invalid.push('schedule lag p99 34ms');
const unproven: Change = ({ faults }) => Object.assign(faults[0]?.proof as object, { proven: false });
const slow: Change = ({ thresholds }) => Object.assign(thresholds[0] as object, { passed: false });
const slower: Change = ({ verdicts }) => Object.assign(verdicts, { changed: 'slower' });
const aborted: Change = (scenario) => Object.assign(scenario, { status: 'aborted', statusReason: 'p(99)<500 was crossed' });
const broken: Change = (scenario) => Object.assign(scenario, { status: 'failed', statusReason: 'port 4001 is in use' });
const interrupted: Change = (_, run) => Object.assign(run, { status: 'interrupted' });
const oneInterrupted: Change = (scenario) => Object.assign(scenario, { status: 'interrupted' });
const failedBenchmark: Change = (_, run) =>
  run.microbenchmarks.push({ id: 'pool/acquire', status: 'failed', error: 'closed', samples: 0, operationsPerSample: 0 });
const nothing: Change = (_, run) => Object.assign(run, { scenarios: [], microbenchmarks: [] });

test.each<[string, number, string, readonly Change[]]>([
  ['a violation', 95, 'leader-crash: linearizability violated: a stale read', [violated]],
  [
    'a violation that only the verdict tells',
    95,
    'leader-crash: correctness violated',
    [({ verdicts }) => (verdicts.correct = 'violated')],
  ],
  ['what could not be decided', 96, 'leader-crash: acknowledged-writes could not be decided: the history is empty', [undecided]],
  ['an instrument at fault', 96, 'leader-crash: invalid: schedule lag p99 34ms', [invalid]],
  ['a fault without effect', 96, 'leader-crash: invalid: the fault crash of leader had no observed effect', [unproven]],
  ['a threshold', 99, 'leader-crash: threshold response_time{phase:recovery} p(99)<500 did not hold', [slow]],
  [
    'a threshold that ended the run',
    99,
    'leader-crash: threshold response_time{phase:recovery} p(99)<500 did not hold',
    [slow, aborted],
  ],
  ['an abort without a threshold', 99, 'leader-crash: aborted: p(99)<500 was crossed', [aborted]],
  ['a regression', 94, 'leader-crash: slower than the commit it was compared with', [slower]],
  ['a scenario that broke down', 1, 'leader-crash: failed: port 4001 is in use', [broken]],
  ['a broken benchmark', 1, 'microbenchmark pool/acquire failed: closed', [failedBenchmark]],
  ['an interrupted run', 105, 'interrupted before the end', [interrupted]],
  ['an interrupted scenario', 105, 'interrupted before the end', [oneInterrupted]],
  ['a run of nothing', 1, 'nothing was measured', [nothing]],
])('%s exits with %d', (_, code, reason, changes) => {
  expect(exitOf(runWith(...changes))).toEqual({ code, reasons: [reason] });
});

test('a run in which everything is well exits with 0 and gives no reasons', () => {
  expect(exitOf(runWith())).toEqual({ code: 0, reasons: [] });
});

test.each<[number, readonly Change[]]>([
  [95, [failedBenchmark, slower, slow, invalid, violated]],
  [96, [failedBenchmark, slower, slow, invalid]],
  [99, [failedBenchmark, slower, slow]],
  [94, [failedBenchmark, slower]],
  [95, [interrupted, violated, invalid]],
  [105, [interrupted, undecided, invalid, slow, slower, failedBenchmark]],
  [95, [broken, violated]],
])('the most serious decides: %d', (code, changes) => {
  const exit = exitOf(runWith(...changes));
  expect(exit.code).toBe(code);
  expect(exit.reasons).toHaveLength(changes.length);
});

test('a scenario that broke down is not reported for what it did not measure', () => {
  expect(exitOf(runWith(broken, undecided, slow)).reasons).toEqual(['leader-crash: failed: port 4001 is in use']);
});

test('a scenario whose generator broke down has measured something, and that is invalid', () => {
  expect(exitOf(runWith(broken, undecided, invalid, slow))).toEqual({
    code: 96,
    reasons: ['leader-crash: invalid: schedule lag p99 34ms', 'leader-crash: failed: port 4001 is in use'],
  });
});

test('an interrupted run of nothing is interrupted', () => {
  expect(exitOf(runWith(nothing, interrupted)).code).toBe(105);
});
