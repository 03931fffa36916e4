// From what one scenario left behind to its entry in run.json.

import { known } from '../runtime/assert.ts';
import { operationsLost, worstVerdict } from './check/check-histories.ts';
import type { FaultRecord } from './faults/schedule.ts';
import type { ClusterWatch } from './launch/cluster-watch.ts';
import { type FaultFigures, UNAVAILABLE_GAP_MS } from './load/fault-figures.ts';
import type { PlannedOperation } from './load/operation.ts';
import type { Recorder } from './load/recorder.ts';
import { evaluateThresholds, type Knee, type LiveThresholds } from './load/thresholds.ts';
import type {
  CheckResult,
  FaultWindow,
  Instrument,
  Saturation,
  ScenarioResult,
  ScenarioTraces,
  SkippedFault,
  ThresholdResult,
} from './result/schema.ts';
import { saturationProblems } from './generate/saturation.ts';
import { phaseDurations, type PhaseTracker } from './scenario/phases.ts';
import { explainedBy } from './traces/collection.ts';
import type { ValidScenario } from './scenario/valid-scenario.ts';

/** What the loaded part of a run leaves. */
export interface Measured {
  /** What the clock read when the scenario started. */
  readonly originMs: number;
  readonly startedWallMs: number;
  readonly durationMs: number;
  /** The record of everybody's metrics. */
  readonly metricsPath: string;
  readonly finalReads: readonly PlannedOperation[];
  /** By a threshold with abortOnFail. */
  readonly aborted: boolean;
  readonly recorder: Recorder;
  readonly tracker: PhaseTracker;
  readonly live: LiveThresholds;
  readonly faults: readonly FaultRecord[];
  readonly skippedFaults: readonly SkippedFault[];
  readonly saturation: Saturation | undefined;
  /** What the faults cost, in the order in which they began. */
  readonly figures: readonly FaultFigures[];
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
  /** Absent: nothing was traced. */
  readonly traces?: ScenarioTraces;
  /** Why a generator could not go on, if one could not. */
  readonly failure?: string;
  /** Relative to the folder of run.json. */
  readonly historyFiles: readonly string[];
  /** Relative to it, too. */
  readonly metricsFile: string;
}

export function resultOf(scenario: ValidScenario, parts: ResultParts): ScenarioResult {
  const { recorder, tracker, durationMs, saturation, checks } = parts;
  const phases = tracker.windows(durationMs);
  const lost = operationsLost(checks);
  const findings = { faults: parts.figures, operationsLost: lost, knee: saturation && kneeOf(saturation) };
  const thresholds = evaluateThresholds(scenario.thresholds, recorder, phaseDurations(phases), findings, parts.live.aborted);
  const invalid = [...parts.invalid, ...(saturation === undefined ? [] : saturationProblems(saturation, thresholds))];
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
    configuration: configurationOf(scenario),
    startedAt: new Date(parts.startedWallMs).toISOString(),
    durationMs,
    phases,
    totals: recorder.totals(durationMs),
    statistics: recorder.statistics(),
    timeline: recorder.timeline(),
    faults: parts.faults.map((fault) => windowOf(fault, parts)),
    ...((scenario.nemesis || parts.skippedFaults.length > 0) && { skippedFaults: [...parts.skippedFaults] }),
    ...(saturation && { saturation }),
    roles: parts.watch.roles(parts.startedWallMs),
    errors: recorder.errors(),
    errorsByPhase: recorder.errorsByPhase(),
    ...(lost !== undefined && { operationsLost: lost }),
    instrument: parts.instrument,
    ...(parts.traces && { traces: parts.traces }),
    thresholds,
    checks,
    invalid,
    verdicts: {
      fast: invalid.length > 0 ? 'invalid' : speed(thresholds),
      correct: worstVerdict(checks),
      explained: parts.traces ? explainedBy(parts.traces) : 'partial',
      changed: 'unchecked',
    },
    historyFiles: [...parts.historyFiles],
    metricsFile: parts.metricsFile,
  };
}

function kneeOf({ outcome, knee = 0 }: Saturation): Knee | undefined {
  if (outcome === 'not-measured') return undefined;
  return { rate: knee, exact: outcome === 'found' || outcome === 'below-first-step' };
}

function speed(thresholds: readonly ThresholdResult[]): 'passed' | 'failed' | 'unchecked' {
  if (thresholds.length === 0) return 'unchecked';
  return thresholds.every((each) => each.passed) ? 'passed' : 'failed';
}

function windowOf(fault: FaultRecord, { figures: all, recorder }: ResultParts): FaultWindow {
  const found = all.find(
    ({ span }) => span.startMs === fault.startMs && span.kind === fault.kind && span.target === fault.target,
  );
  const { span, windowEndMs, overlaps, recovery, figures } = known(found, 'every fault was told to the recorder');
  const { limitMs } = recorder.recovery;
  return {
    ...fault,
    ...(figures.election !== undefined && { electionMs: figures.election.ms }),
    ...(figures.first_write?.isFinal === true && { firstWriteMs: figures.first_write.ms }),
    ...(figures.write_gap !== undefined && { longestWriteGapMs: figures.write_gap.ms }),
    windowEndMs,
    overlaps,
    operations: span.operations,
    errors: span.errors,
    ...(figures.unavailable !== undefined && { unavailableMs: figures.unavailable.ms, unavailableGapMs: UNAVAILABLE_GAP_MS }),
    ...(recovery?.kind === 'recovered' && { recoveredMs: recovery.afterMs }),
    ...(recovery?.kind === 'not-recovered' && { notRecovered: true }),
    ...(recovery?.kind === 'unknown' && { recoveryUnknown: recovery.reason }),
    ...(limitMs !== undefined && { recoveryLimitMs: limitMs }),
  };
}

/** Without the file that it came from: a path of this machine is nobody else's business, and says nothing on another one. */
function configurationOf({ module: _module, ...scenario }: ValidScenario): Record<string, unknown> {
  return JSON.parse(JSON.stringify(scenario)) as Record<string, unknown>;
}

/** What is known of a scenario while its load runs. */
export interface KnownSoFar {
  readonly seed: number;
  readonly nodes: readonly string[];
  readonly startedWallMs: number;
  /** Since the start of the scenario. */
  readonly elapsedMs: number;
  readonly recorder: Recorder;
  readonly tracker: PhaseTracker;
  readonly watch: ClusterWatch;
}

/** The entry of a scenario that has not ended: what happened so far, of which nothing is judged, proven or checked yet. */
export function provisionalResult(scenario: ValidScenario, known: KnownSoFar): ScenarioResult {
  const { recorder, tracker, watch, startedWallMs, elapsedMs, nodes } = known;
  const seconds = recorder.timeline();
  return {
    ...failedResult(scenario, known.seed, startedWallMs, 'it has not ended'),
    status: 'interrupted',
    nodes: [...nodes],
    durationMs: elapsedMs,
    phases: tracker.windows(elapsedMs),
    totals: recorder.totals(elapsedMs),
    // What the generators have told in part would look like a collapse.
    timeline: seconds.slice(0, seconds.length - recorder.unfinishedSeconds),
    faults: recorder.faults.all().map(({ kind, target, startMs, endMs = elapsedMs }) => ({
      kind,
      target,
      nodes: [],
      startMs,
      endMs,
      proof: { proven: false, observations: [] },
    })),
    roles: watch.roles(startedWallMs),
    errors: recorder.errors(),
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
    configuration: configurationOf(scenario),
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
