// One scenario, from an empty machine to a result: start the cluster, load it, disturb it, stop it, check what it answered.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { freshSeed, Random } from '../runtime/random.ts';
import { checkFile } from './check/check-file.ts';
import { type FaultRecord, runFaults } from './faults/schedule.ts';
import { type Cluster, LaunchError } from './launch/cluster.ts';
import { ClusterWatch } from './launch/cluster-watch.ts';
import { launchProcesses } from './launch/process-launcher.ts';
import { connectSqlTarget, type SqlTarget } from './launch/sql-target.ts';
import { runLoads } from './load/generator.ts';
import { HistorySink } from './load/history-sink.ts';
import { InstrumentProbe, instrumentProblems } from './load/instrument.ts';
import { Recorder, type RecorderSnapshot } from './load/recorder.ts';
import { evaluateThresholds, LiveThresholds } from './load/thresholds.ts';
import type { CheckResult, FaultWindow, Instrument, Phase, ScenarioResult } from './result/schema.ts';
import { phaseDurations, PhaseTracker } from './scenario/phases.ts';
import type { ValidScenario } from './scenario/valid-scenario.ts';

export interface ScenarioProgress {
  readonly elapsedMs: number;
  readonly phase: Phase;
  readonly fault: string | undefined;
  readonly snapshot: RecorderSnapshot;
}

export interface RunScenarioOptions {
  /** The folder of run.json; histories and the nodes' logs go into a folder of the scenario's name below it. */
  readonly folder: string;
  readonly seed: number;
  readonly clock: Clock;
  /** When aborted, the load ends, and what has been measured becomes the result. */
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
  /** Called every 100 ms while the load runs. */
  readonly onProgress: (progress: ScenarioProgress) => void;
  /** Environment of single nodes, for known-bad variants. */
  readonly environment?: (node: string) => Readonly<Record<string, string>>;
  /** How long checking one history may take. Default 60 s. */
  readonly checkTimeLimitMs?: number;
}

const LEADER_TIMEOUT_MS = 30_000;
const CHECK_TIME_LIMIT_MS = 60_000;

/**
 * Runs one scenario on a cluster of processes that is started for it and stopped after it.
 * Throws LaunchError when the cluster cannot be started and RpcError when it cannot be prepared; nothing is left running.
 */
export async function runScenario(scenario: ValidScenario, options: RunScenarioOptions): Promise<ScenarioResult> {
  const { clock, signal, onStep } = options;
  const folder = join(options.folder, scenario.name);
  await mkdir(folder, { recursive: true });
  await using cleanup = new AsyncDisposableStack();

  onStep(`starting ${scenario.cluster.nodes} nodes`);
  const { cluster, watch } = await startCluster(scenario, folder, options, cleanup);
  const random = new Random(options.seed);
  const target = await connectSqlTarget({
    endpoints: cluster.nodes.map((node) => node.endpoint),
    reads: scenario.cluster.reads,
    operationTimeoutMs: scenario.operationTimeoutMs,
    clock,
    random: random.fork('client'),
  }).catch((error: unknown) => {
    // A node that ended by itself is the reason, whatever its clients saw of it.
    if (watch.surprises.length > 0) throw new LaunchError(watch.surprises.join('; '), { cause: error });
    throw error;
  });
  cleanup.defer(() => target.close());
  const history = await HistorySink.open(folder, scenario, options.seed, clock);
  cleanup.defer(() => history.close());

  onStep('load');
  const measured = await measure(scenario, options, { cluster, watch, target, history, random });

  if (!measured.stopped) {
    onStep('reading everything back');
    await readBack(scenario, target, history, () => clock.now() - measured.originMs, measured.invalid);
  }
  await history.close();
  onStep('stopping the nodes');
  await target.close();
  await cluster.stop();

  onStep('checking the history');
  const checks = await check(history, options);
  return resultOf(scenario, options, { cluster, watch, history, checks, ...measured, interrupted: signal.aborted });
}

async function startCluster(scenario: ValidScenario, folder: string, options: RunScenarioOptions, cleanup: AsyncDisposableStack) {
  const { clock, seed } = options;
  const dataFolder = await mkdtemp(join(tmpdir(), 'windtunnel-'));
  cleanup.defer(() => rm(dataFolder, { recursive: true, force: true }));
  const cluster = await launchProcesses({
    clusterId: `${scenario.name}-${seed}`,
    nodes: scenario.cluster.nodes,
    dataFolder,
    logFolder: folder,
    clock,
    // Not from the seed: a repeated run must not fight over the ports of the first.
    random: new Random(freshSeed()),
    ...(options.environment && { environment: options.environment }),
  });
  cleanup.defer(() => cluster.stop());
  const watch = new ClusterWatch(cluster.events);
  await cluster.waitForLeader(LEADER_TIMEOUT_MS);
  return { cluster, watch };
}

interface Parts {
  readonly cluster: Cluster;
  readonly watch: ClusterWatch;
  readonly target: SqlTarget;
  readonly history: HistorySink;
  readonly random: Random;
}

interface Measured {
  readonly originMs: number;
  readonly startedWallMs: number;
  readonly durationMs: number;
  readonly stopped: boolean;
  readonly aborted: boolean;
  readonly recorder: Recorder;
  readonly tracker: PhaseTracker;
  readonly live: LiveThresholds;
  readonly faults: readonly FaultRecord[];
  readonly instrument: Instrument;
  readonly invalid: string[];
}

/** Load and faults, on one clock. */
async function measure(scenario: ValidScenario, options: RunScenarioOptions, parts: Parts): Promise<Measured> {
  const { clock, signal } = options;
  const { cluster, watch, target, history, random } = parts;
  const tracker = new PhaseTracker(scenario);
  const recorder = new Recorder((ms) => tracker.phaseAt(ms));
  const live = new LiveThresholds(scenario.thresholds, recorder);
  const crossed = new AbortController();
  const stop = AbortSignal.any([signal, crossed.signal]);
  const probe = new InstrumentProbe(clock);
  const startedWallMs = clock.wallTime();
  const originMs = clock.now();
  let fault: string | undefined;
  const report = () => {
    const elapsedMs = clock.now() - originMs;
    options.onProgress({ elapsedMs, phase: tracker.phaseAt(elapsedMs), fault, snapshot: recorder.snapshot() });
  };
  let cancelReport = clock.schedule(0, function again() {
    report();
    cancelReport = clock.schedule(100, again);
  });
  try {
    const [load, faults] = await Promise.all([
      runLoads({
        scenario,
        clock,
        originMs,
        random,
        recorder,
        invoke: target.invoke,
        sink: history.record,
        onSecond: (second) => {
          const untilMs = second.atMs + 1_000;
          if (live.crossed(untilMs, phaseDurations(tracker.windows(untilMs))).length > 0)
            crossed.abort(new Error('a threshold ended the run'));
        },
        signal: stop,
      }),
      runFaults({
        faults: scenario.faults,
        context: {
          target: cluster,
          witness: { operationsSucceeded: () => recorder.snapshot().ok, highestLeaderTerm: () => watch.highestLeaderTerm },
          random: random.fork('faults'),
        },
        clock,
        originMs,
        signal: stop,
        onStart: (atMs, { kind, nodes }) => {
          tracker.faultStarted(atMs);
          fault = `${kind} ${nodes.join(', ')}`;
        },
        onEnd: (atMs) => {
          tracker.faultEnded(atMs);
          fault = undefined;
        },
      }),
    ]);
    const instrument = probe.stop(recorder.lag, recorder.snapshot().dropped);
    const invalid = [
      ...instrumentProblems(instrument, scenario),
      ...faults
        .filter((each) => !each.proof.proven && !stop.aborted)
        .map((each) => `the fault '${each.kind} ${each.target}' is not proven: ${each.proof.observations.join('; ')}`),
      ...watch.surprises,
    ];
    const { durationMs } = load;
    return {
      originMs,
      startedWallMs,
      durationMs,
      stopped: stop.aborted,
      aborted: crossed.signal.aborted,
      recorder,
      tracker,
      live,
      faults,
      instrument,
      invalid,
    };
  } finally {
    cancelReport();
  }
}

/** Reads of everything that was written, when nothing disturbs any more: what was acknowledged must be there. */
async function readBack(
  scenario: ValidScenario,
  target: SqlTarget,
  history: HistorySink,
  nowMs: () => number,
  invalid: string[],
): Promise<void> {
  const workloads = Object.values(scenario.loads).map((load) => load.workload);
  const keys = Math.max(0, ...workloads.map((workload) => (workload.kind === 'registers' ? workload.keys : 0)));
  try {
    for (let key = 0; key < keys; key++)
      await history.final('registers', 'read', String(key), nowMs, () => target.readRegister(key));
    if (workloads.some((workload) => workload.kind === 'set')) {
      await history.final('set', 'read-all', undefined, nowMs, () => target.readElements());
    }
  } catch (error) {
    invalid.push(`the final read failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function check(history: HistorySink, options: RunScenarioOptions): Promise<CheckResult[]> {
  const checks: CheckResult[] = [];
  for (const { path } of history.files) {
    const startMs = options.clock.now();
    const checked = await checkFile(path, { timeLimitMs: options.checkTimeLimitMs ?? CHECK_TIME_LIMIT_MS, clock: options.clock });
    const { result, verdict } = checked;
    checks.push({
      checker: result.checker,
      verdict,
      ...(result.verdict !== 'valid' && 'reason' in result && { reason: result.reason }),
      operations: checked.operations,
      durationMs: options.clock.now() - startMs,
      counts: result.checker === 'acknowledged-writes' ? { ...result.counts } : { keys: result.partitions },
      ...(verdict === 'violated' && { explanation: checked.summary }),
    });
  }
  return checks;
}

function resultOf(
  scenario: ValidScenario,
  options: RunScenarioOptions,
  parts: Measured & {
    readonly cluster: Cluster;
    readonly watch: ClusterWatch;
    readonly history: HistorySink;
    readonly checks: CheckResult[];
    readonly interrupted: boolean;
  },
): ScenarioResult {
  const { recorder, tracker, durationMs, invalid, checks } = parts;
  const phases = tracker.windows(durationMs);
  const thresholds = evaluateThresholds(scenario.thresholds, recorder, phaseDurations(phases), parts.live.aborted);
  const status = parts.interrupted ? 'interrupted' : parts.aborted ? 'aborted' : 'complete';
  return {
    name: scenario.name,
    description: scenario.description,
    target: 'process',
    status,
    ...(parts.interrupted && { statusReason: 'interrupted by the user' }),
    ...(parts.aborted && { statusReason: 'a threshold with abortOnFail was crossed' }),
    seed: options.seed,
    nodes: parts.cluster.nodes.map((node) => node.id),
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
      fast:
        invalid.length > 0
          ? 'invalid'
          : thresholds.length === 0
            ? 'unchecked'
            : thresholds.every((each) => each.passed)
              ? 'passed'
              : 'failed',
      correct: correctness(checks),
      explained: 'partial',
      changed: 'unchecked',
    },
    historyFiles: parts.history.files.map((file) => relative(options.folder, file.path)),
  };
}

function windowOf(
  fault: FaultRecord,
  { recorder, watch, startedWallMs, durationMs }: Measured & { watch: ClusterWatch },
  scenario: ValidScenario,
): FaultWindow {
  const elected = watch.firstLeaderAfter(startedWallMs + fault.startMs);
  const firstWriteMs = recorder.writes.firstSentAfter(fault.startMs);
  return {
    ...fault,
    ...(elected !== undefined && { electionMs: elected - startedWallMs - fault.startMs }),
    ...(firstWriteMs !== undefined && { firstWriteMs: firstWriteMs - fault.startMs }),
    longestWriteGapMs: recorder.writes.longestGap(fault.startMs, Math.min(durationMs, fault.endMs + scenario.recoveryMs)),
  };
}

function correctness(checks: readonly CheckResult[]): ScenarioResult['verdicts']['correct'] {
  if (checks.some((each) => each.verdict === 'violated')) return 'violated';
  if (checks.some((each) => each.verdict === 'unknown')) return 'unknown';
  return checks.length > 0 ? 'valid' : 'unchecked';
}

/** The result of a scenario that broke down before it could measure anything. */
export function failedResult(scenario: ValidScenario, seed: number, startedWallMs: number, reason: string): ScenarioResult {
  return {
    name: scenario.name,
    description: scenario.description,
    target: 'process',
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
