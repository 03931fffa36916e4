// One scenario, from an empty machine to a result: start the cluster, load it, disturb it, stop it, check what it answered.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { freshSeed, Random } from '../runtime/random.ts';
import { checkHistories, checkNodes } from './check/check-histories.ts';
import { runFaults } from './faults/schedule.ts';
import { type Cluster, LaunchError } from './launch/cluster.ts';
import { ClusterWatch } from './launch/cluster-watch.ts';
import { launchProcesses } from './launch/process-launcher.ts';
import { connectSqlTarget, type SqlTarget } from './launch/sql-target.ts';
import { runLoads } from './load/generator.ts';
import { HistorySink } from './load/history-sink.ts';
import { InstrumentProbe, instrumentProblems } from './load/instrument.ts';
import { Recorder, type RecorderSnapshot } from './load/recorder.ts';
import { LiveThresholds } from './load/thresholds.ts';
import type { Phase, ScenarioResult } from './result/schema.ts';
import { type Measured, resultOf } from './run-result.ts';
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

  // After a Ctrl-C the user wants an end; after a threshold ended the load the cluster is there to be asked.
  if (!signal.aborted) {
    onStep('reading everything back');
    await readBack(scenario, target, history, () => clock.now() - measured.originMs, measured.invalid);
  }
  await history.close();
  onStep('stopping the nodes');
  await target.close();
  await cluster.stop();

  onStep('checking the history');
  const histories = history.files.map((file) => file.path);
  return resultOf(scenario, {
    ...measured,
    seed: options.seed,
    nodes: cluster.nodes.map((node) => node.id),
    watch,
    checks: [
      ...(await checkHistories(histories, options.checkTimeLimitMs ?? CHECK_TIME_LIMIT_MS, clock)),
      ...checkNodes(cluster.events, clock),
    ],
    interrupted: signal.aborted,
    historyFiles: histories.map((path) => relative(options.folder, path)),
  });
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
  const cancelBegin = clock.schedule(scenario.warmupMs, () => probe.begin());
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
    cancelBegin();
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
