// From what one scenario left behind to its entry in run.json.

import { worstVerdict } from './check/check-histories.ts';
import type { FaultRecord } from './faults/schedule.ts';
import type { ClusterWatch } from './launch/cluster-watch.ts';
import type { PlannedOperation } from './load/operation.ts';
import type { Recorder } from './load/recorder.ts';
import { evaluateThresholds, type LiveThresholds } from './load/thresholds.ts';
import type { CheckResult, FaultWindow, Instrument, ScenarioResult, ThresholdResult } from './result/schema.ts';
import { phaseDurations, type PhaseTracker } from './scenario/phases.ts';
import type { ValidScenario } from './scenario/valid-scenario.ts';

/** What the loaded part of a run leaves. */
export interface Measured {
  /** What the clock read when the scenario started. */
  readonly originMs: number;
  readonly startedWallMs: number;
  readonly durationMs: number;
  readonly finalReads: readonly PlannedOperation[];
  /** By a threshold with abortOnFail. */
  readonly aborted: boolean;
  readonly recorder: Recorder;
  readonly tracker: PhaseTracker;
  readonly live: LiveThresholds;
  readonly faults: readonly FaultRecord[];
  readonly instrument: Instrument;
  /** Why its numbers must not be used. */
  readonly invalid: string[];
}

export interface ResultParts extends Measured {
  readonly seed: number;
  readonly nodes: readonly string[];
  readonly watch: ClusterWatch;
  readonly checks: CheckResult[];
  readonly interrupted: boolean;
  /** Why a generator could not go on, if one could not. */
  readonly failure?: string;
  /** Relative to the folder of run.json. */
  readonly historyFiles: readonly string[];
}

export function resultOf(scenario: ValidScenario, parts: ResultParts): ScenarioResult {
  const { recorder, tracker, durationMs, invalid, checks } = parts;
  const phases = tracker.windows(durationMs);
  const thresholds = evaluateThresholds(scenario.thresholds, recorder, phaseDurations(phases), parts.live.aborted);
  const { failure } = parts;
  const status = failure !== undefined ? 'failed' : parts.interrupted ? 'interrupted' : parts.aborted ? 'aborted' : 'complete';
  return {
    name: scenario.name,
    description: scenario.description,
    target: scenario.target.kind,
    status,
    ...(parts.interrupted && { statusReason: 'interrupted by the user' }),
    ...(parts.aborted && { statusReason: 'a threshold with abortOnFail was crossed' }),
    ...(failure !== undefined && { statusReason: failure }),
    seed: parts.seed,
    nodes: [...parts.nodes],
    configuration: JSON.parse(JSON.stringify(scenario)) as Record<string, unknown>,
    startedAt: new Date(parts.startedWallMs).toISOString(),
    durationMs,
    phases,
    totals: recorder.totals(durationMs),
    statistics: recorder.statistics(),
    timeline: recorder.timeline(),
    faults: parts.faults.map((fault) => windowOf(fault, parts, scenario)),
    roles: parts.watch.roles(parts.startedWallMs),
    errors: recorder.errors(),
    instrument: parts.instrument,
    thresholds,
    checks,
    invalid,
    verdicts: {
      fast: invalid.length > 0 ? 'invalid' : speed(thresholds),
      correct: worstVerdict(checks),
      explained: 'partial',
      changed: 'unchecked',
    },
    historyFiles: [...parts.historyFiles],
  };
}

function speed(thresholds: readonly ThresholdResult[]): 'passed' | 'failed' | 'unchecked' {
  if (thresholds.length === 0) return 'unchecked';
  return thresholds.every((each) => each.passed) ? 'passed' : 'failed';
}

function windowOf(
  fault: FaultRecord,
  { recorder, watch, startedWallMs, durationMs }: ResultParts,
  scenario: ValidScenario,
): FaultWindow {
  const endOfRecoveryMs = Math.min(durationMs, fault.endMs + scenario.recoveryMs);
  // Not later: that would be the election of another fault.
  const elected = watch.firstLeaderBetween(startedWallMs + fault.startMs, startedWallMs + endOfRecoveryMs);
  const firstWriteMs = recorder.writes.firstSentAfter(fault.startMs);
  return {
    ...fault,
    ...(elected !== undefined && { electionMs: elected - startedWallMs - fault.startMs }),
    ...(firstWriteMs !== undefined && { firstWriteMs: firstWriteMs - fault.startMs }),
    longestWriteGapMs: recorder.writes.longestGap(fault.startMs, endOfRecoveryMs),
  };
}

/** The result of a scenario that broke down before it could measure anything. */
export function failedResult(scenario: ValidScenario, seed: number, startedWallMs: number, reason: string): ScenarioResult {
  return {
    name: scenario.name,
    description: scenario.description,
    target: scenario.target.kind,
    status: 'failed',
    statusReason: reason,
    seed,
    nodes: [],
    configuration: JSON.parse(JSON.stringify(scenario)) as Record<string, unknown>,
    startedAt: new Date(startedWallMs).toISOString(),
    durationMs: 0,
    phases: [],
    totals: { scheduled: 0, started: 0, ok: 0, fail: 0, info: 0, dropped: 0, okPerSecond: 0 },
    statistics: [],
    timeline: [],
    faults: [],
    roles: [],
    errors: [],
    instrument: { lag: { max: 0 }, eventLoopDelay: { p99: 0, max: 0 }, cpu: 0, dropped: 0 },
    thresholds: [],
    checks: [],
    invalid: [],
    verdicts: { fast: 'unchecked', correct: 'unchecked', explained: 'partial', changed: 'unchecked' },
    historyFiles: [],
  };
}
