// What a run amounts to for the shell that started it.

import type { ObserverCost, Run, ScenarioResult } from '../result/schema.ts';

export const EXIT = {
  passed: 0,
  error: 1,
  regression: 94,
  violated: 95,
  invalid: 96,
  thresholds: 99,
  configuration: 104,
  interrupted: 105,
} as const;

/**
 * The most serious first. A violation that was found stays one although the run was interrupted; everything else an
 * interrupted run says is incomplete.
 */
const SERIOUSNESS: readonly number[] = [
  EXIT.violated,
  EXIT.interrupted,
  EXIT.invalid,
  EXIT.thresholds,
  EXIT.regression,
  EXIT.error,
];

export interface Reason {
  readonly code: number;
  readonly text: string;
}

/** The code of the most serious reason, and all of them, the most serious first. */
export function exitFor(reasons: readonly Reason[]): Run['exit'] {
  const sorted = reasons.toSorted((a, b) => SERIOUSNESS.indexOf(a.code) - SERIOUSNESS.indexOf(b.code));
  return { code: sorted[0]?.code ?? EXIT.passed, reasons: sorted.map(({ text }) => text) };
}

/**
 * The exit code of a run and every reason for it, the most serious first. A run whose correctness was asked for and could
 * not be decided does not pass: it is invalid (96). Nor does a run that measured nothing (1).
 */
export function exitOf(run: Pick<Run, 'status' | 'microbenchmarks' | 'scenarios' | 'observerCost'>): Run['exit'] {
  const reasons: Reason[] = run.scenarios.flatMap((scenario) =>
    ofScenario(scenario).map(({ code, text }) => ({ code, text: `${scenario.name}: ${text}` })),
  );
  for (const { id, status, error } of run.microbenchmarks) {
    if (status === 'failed')
      reasons.push({ code: EXIT.error, text: `microbenchmark ${id} failed: ${error ?? 'no reason given'}` });
  }
  if (run.observerCost !== undefined) reasons.push(...ofObserverCost(run.observerCost));
  const isInterrupted = run.status === 'interrupted' || run.scenarios.some(({ status }) => status === 'interrupted');
  if (isInterrupted) reasons.push({ code: EXIT.interrupted, text: 'interrupted before the end' });
  else if (run.scenarios.length + run.microbenchmarks.length === 0 && run.observerCost === undefined)
    reasons.push({ code: EXIT.error, text: 'nothing was measured' });
  return exitFor(reasons);
}

function ofScenario(scenario: ScenarioResult): Reason[] {
  const violations = ofChecks(scenario, 'violated');
  const invalid = scenario.invalid.map((text) => ({ code: EXIT.invalid, text: `invalid: ${text}` }));
  // What a scenario that broke down did not measure says nothing more than that it broke down. One whose generator did has
  // numbers, and they are invalid.
  if (scenario.status === 'failed')
    return [...violations, ...invalid, { code: EXIT.error, text: `failed: ${scenario.statusReason ?? 'no reason given'}` }];
  return [
    ...violations,
    ...invalid,
    ...(invalid.length > 0 ? [] : unprovenFaults(scenario)),
    ...ofChecks(scenario, 'unknown'),
    ...ofThresholds(scenario),
    ...(scenario.verdicts.changed === 'slower'
      ? [{ code: EXIT.regression, text: 'slower than the commit it was compared with' }]
      : []),
  ];
}

/** A few late runs move an interval; when most are late it is not known what was compared. */
function ofObserverCost({ rounds, observers, invalidRuns }: ObserverCost): Reason[] {
  const runs = rounds * observers.length;
  if (invalidRuns <= runs / 2) return [];
  return [{ code: EXIT.invalid, text: `observer cost: the instrument was late in ${invalidRuns} of ${runs} runs` }];
}

function ofChecks({ checks, verdicts }: ScenarioResult, verdict: 'violated' | 'unknown'): Reason[] {
  const code = verdict === 'violated' ? EXIT.violated : EXIT.invalid;
  const words = verdict === 'violated' ? 'violated' : 'could not be decided';
  const found = checks
    .filter((check) => check.verdict === verdict)
    .map(({ checker, reason }) => ({ code, text: `${checker} ${words}${reason === undefined ? '' : `: ${reason}`}` }));
  return found.length === 0 && verdicts.correct === verdict ? [{ code, text: `correctness ${words}` }] : found;
}

/** A fault without an observed effect proves nothing, even if nobody has said yet that the run is invalid. */
function unprovenFaults({ faults }: ScenarioResult): Reason[] {
  return faults
    .filter(({ proof }) => !proof.proven)
    .map(({ kind, target }) => ({ code: EXIT.invalid, text: `invalid: the fault ${kind} of ${target} had no observed effect` }));
}

function ofThresholds({ thresholds, status, statusReason }: ScenarioResult): Reason[] {
  const failed = thresholds.filter(({ passed }) => !passed);
  const reasons = failed.map(({ metric, threshold }) => ({
    code: EXIT.thresholds,
    text: `threshold ${metric} ${threshold} did not hold`,
  }));
  if (reasons.length === 0 && status === 'aborted')
    return [{ code: EXIT.thresholds, text: `aborted: ${statusReason ?? 'no reason given'}` }];
  return reasons;
}
