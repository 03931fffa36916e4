// One scenario, from an empty machine to a result: start the cluster, load it, disturb it, stop it, check what it answered.

import { mkdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { Random } from '../runtime/random.ts';
import { makeTemporaryFolder } from '../runtime/temporary-folder.ts';
import { checkHistories, checkNodes, uncheckedHistories } from './check/check-histories.ts';
import { writeViolations } from './check/violation-files.ts';
import { runFaults } from './faults/schedule.ts';
import { Generators } from './generate/generators.ts';
import { generatorProblems, instrumentOf } from './generate/judgement.ts';
import { saturationOf } from './generate/saturation.ts';
import { type Cluster, LaunchError } from './launch/cluster.ts';
import { ClusterWatch } from './launch/cluster-watch.ts';
import { type Launched, launchTarget } from './launch/launch.ts';
import type { MetricsSource } from './metrics/metrics-server.ts';
import { RunMetrics } from './metrics/run-metrics.ts';
import { faultFigures } from './load/fault-figures.ts';
import { defaultLimits } from './load/instrument.ts';
import { Recorder, type RecorderSnapshot } from './load/recorder.ts';
import { StepRecorder } from './load/step-recorder.ts';
import { LiveThresholds } from './load/thresholds.ts';
import type { Phase, ScenarioResult, SkippedFault } from './result/schema.ts';
import { type Measured, provisionalResult, resultOf } from './run-result.ts';
import { RunTraces, traceProblems, type TraceOptions, withLosses } from './run-traces.ts';
import { faultsOf } from './scenario/nemesis.ts';
import { phaseDurations, PhaseTracker } from './scenario/phases.ts';
import { rateStepsOf } from './scenario/rate-steps.ts';
import { impossibleOn } from './scenario/target-consistency.ts';
import { isLaunched, runsOurNodes, subjectOf, type ValidScenario } from './scenario/valid-scenario.ts';

export interface ScenarioProgress {
  readonly elapsedMs: number;
  readonly phase: Phase;
  readonly fault: string | undefined;
  readonly snapshot: RecorderSnapshot;
  /** Everything that is known until then, as the result has it. Not cheap: for who looks on, once a second. */
  readonly soFar: () => ScenarioResult;
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
  /** Default: nothing is traced. */
  readonly traces?: TraceOptions | undefined;
  /** bin/windtunnel.js that nodes as processes are started with. Default: ours. */
  readonly program?: string;
  /** Told whose metrics to show from now on; of undefined when the load has ended. */
  readonly onMetrics?: (source: MetricsSource | undefined) => void;
  /** How long checking one history may take. Default 60 s. */
  readonly checkTimeLimitMs?: number;
}

const LEADER_TIMEOUT_MS = 30_000;
/** How long the cluster may take to serve again before a final read counts as failed. */
const FINAL_TIMEOUT_MS = 30_000;
const CHECK_TIME_LIMIT_MS = 60_000;

/**
 * Runs one scenario on its target: a cluster that is started for it and stopped after it, or one that runs already.
 * Throws LaunchError when the cluster cannot be started and GeneratorError when it cannot be prepared; nothing is left running.
 */
export async function runScenario(scenario: ValidScenario, options: RunScenarioOptions): Promise<ScenarioResult> {
  const { clock, signal, onStep } = options;
  const folder = join(options.folder, scenario.name);
  await mkdir(folder, { recursive: true });
  await using cleanup = new AsyncDisposableStack();

  const launched = isLaunched(scenario.target);
  const { nodes } = scenario.cluster;
  onStep(launched ? `starting ${nodes} ${scenario.target.kind === 'etcd' ? 'etcd servers' : 'nodes'}` : 'connecting');
  const random = new Random(options.seed);
  const traces = options.traces && (await RunTraces.start(options.traces, clock, random.fork('traces')));
  cleanup.defer(() => traces?.close());
  const { cluster, addresses, metrics, watch } = await startCluster(scenario, folder, options, traces, cleanup);
  const generators = await Generators.start({
    scenario,
    addresses,
    folder,
    seed: options.seed,
    clock,
    tracing: traces?.tracing,
  }).catch((error: unknown) => {
    // A node that ended by itself is the reason, whatever its clients saw of it.
    if (watch.surprises.length > 0) throw new LaunchError(watch.surprises.join('; '), { cause: error });
    throw error;
  });
  cleanup.defer(() => generators.terminate());

  // Who wants to see a cold start has no warm-up. What runs already is warm, and not ours to make tables in.
  if (launched && scenario.warmupMs > 0) {
    onStep('warming up');
    await generators.warmUp(signal);
  }
  onStep('load');
  const measured = await measure(scenario, options, { cluster, metrics, folder, watch, generators, random, traces });

  const kept = traces && (await gatherTraces(scenario, options, measured, { cluster, generators, traces, onStep }));
  // After a Ctrl-C the user wants an end; after a threshold ended the load the cluster is there to be asked.
  if (!signal.aborted && generators.failures.length === 0) {
    onStep('reading everything back');
    const problem = await generators.readBack(measured.finalReads, FINAL_TIMEOUT_MS);
    if (problem !== undefined) measured.invalid.push(problem);
  }
  onStep('completing the history');
  const { files: histories, complete, traces: generatorCounts } = await generators.close();
  if (launched) onStep('stopping the nodes');
  await cluster.stop();

  onStep('checking the history');
  const { failures } = generators;
  measured.invalid.push(...failures);
  const traceCounts = [
    ...(traces ? [traces.counts] : []),
    ...generatorCounts,
    ...cluster.events.filter((event) => event.type === 'traces'),
  ];
  const allTraces = kept && withLosses(kept, traceCounts);
  if (allTraces && options.traces) measured.invalid.push(...traceProblems(allTraces, traceCounts, options.traces));
  // A write that is missing in a history would look like one that nobody made.
  const checks = [
    ...(complete
      ? await checkHistories(histories, options.checkTimeLimitMs ?? CHECK_TIME_LIMIT_MS, clock)
      : uncheckedHistories(histories, 'a generator failed, so its history may lack operations')),
    // Others than our nodes do not say what they applied, nor from when on they led: there is nothing to check.
    ...(runsOurNodes(scenario.target)
      ? checkNodes(
          cluster.events.filter((event) => event.type !== 'traces'),
          clock,
        )
      : []),
  ];
  const historyFiles = histories.map((path) => relative(options.folder, path));
  return resultOf(scenario, {
    ...measured,
    seed: options.seed,
    nodes: cluster.nodes.map((node) => node.id),
    watch,
    checks: await writeViolations(checks, { folder: options.folder, scenario: scenario.name, seed: options.seed, historyFiles }),
    interrupted: signal.aborted,
    ...(allTraces && { traces: allTraces }),
    ...(failures.length > 0 && { failure: failures.join('; ') }),
    historyFiles,
    metricsFile: relative(options.folder, measured.metricsPath),
  });
}

/** While everything that holds spans is up. */
async function gatherTraces(
  scenario: ValidScenario,
  { folder, signal, seed }: RunScenarioOptions,
  { recorder, faults, startedWallMs, durationMs }: Measured,
  parts: { cluster: Cluster; generators: Generators; traces: RunTraces; onStep: (step: string) => void },
) {
  const { cluster, generators, traces, onStep } = parts;
  onStep('collecting traces');
  return traces.finish(cluster, generators, {
    statistics: recorder.statistics(),
    faults,
    startedWallMs,
    durationMs,
    seed,
    folder,
    scenario: scenario.name,
    isAborted: signal.aborted,
  });
}

async function startCluster(
  scenario: ValidScenario,
  folder: string,
  options: RunScenarioOptions,
  traces: RunTraces | undefined,
  cleanup: AsyncDisposableStack,
) {
  const { clock, seed, environment, program } = options;
  const dataFolder = makeTemporaryFolder('data');
  cleanup.defer(() => rm(dataFolder, { recursive: true, force: true }));
  const { cluster, addresses, metrics } = await launchTarget(scenario, {
    seed,
    dataFolder,
    logFolder: folder,
    clock,
    environment,
    program,
    tracing: traces?.nodeTracing,
    onStep: options.onStep,
  });
  cleanup.defer(() => cluster.stop());
  const watch = new ClusterWatch(cluster.events);
  if (scenario.target.kind !== 'external') await cluster.waitForLeader(LEADER_TIMEOUT_MS);
  return { cluster, addresses, metrics, watch };
}

interface Parts {
  readonly cluster: Cluster;
  readonly metrics: Launched['metrics'];
  /** Of the scenario. */
  readonly folder: string;
  readonly watch: ClusterWatch;
  readonly generators: Generators;
  readonly random: Random;
  readonly traces: RunTraces | undefined;
}

/** Load and faults, on one clock. */
async function measure(scenario: ValidScenario, options: RunScenarioOptions, parts: Parts): Promise<Measured> {
  const { clock, signal } = options;
  const { cluster, watch, generators, random, traces } = parts;
  const tracker = new PhaseTracker(scenario);
  const steps = stepRecorderOf(scenario);
  const planned = faultsOf(scenario, options.seed);
  const metrics = new RunMetrics({
    loads: Object.keys(scenario.loads),
    faults: planned.map(({ fault }) => ({ kind: fault.kind, target: subjectOf(fault) })),
    phaseAt: (ms) => tracker.phaseAt(ms),
    elapsedMs: () => clock.now() - originMs,
    readLinks: cluster.links && (() => cluster.links?.counters() ?? Promise.resolve([])),
    generators: () => generators.metrics,
    folder: parts.folder,
    endpoints: parts.metrics,
    clock,
  });
  const recorder = new Recorder((ms) => tracker.phaseAt(ms), scenario.recoveryMs, [
    ...(steps === undefined ? [] : [steps]),
    metrics.harness,
  ]);
  const live = new LiveThresholds(scenario.thresholds, recorder);
  const crossed = new AbortController();
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, crossed.signal, failed.signal]);
  const startedWallMs = clock.wallTime();
  const originMs = clock.now();
  const electedBetween = (fromMs: number, toMs: number) => {
    const wallMs = watch.firstLeaderBetween(startedWallMs + fromMs, startedWallMs + toMs);
    return wallMs === undefined ? undefined : wallMs - startedWallMs;
  };
  traces?.ask(cluster, generators);
  metrics.start();
  options.onMetrics?.((accept) => metrics.expose(accept));
  const known = { seed: options.seed, nodes: cluster.nodes.map(({ id }) => id), startedWallMs, recorder, tracker, watch };
  let fault: string | undefined;
  const report = () => {
    const elapsedMs = clock.now() - originMs;
    const soFar = () => provisionalResult(scenario, { ...known, elapsedMs });
    options.onProgress({ elapsedMs, phase: tracker.phaseAt(elapsedMs), fault, snapshot: recorder.snapshot(), soFar });
  };
  let cancelReport = clock.schedule(0, function again() {
    report();
    cancelReport = clock.schedule(100, again);
  });
  try {
    const [load, { faults, skipped }] = await Promise.all([
      generators
        .run({
          originMs,
          recorder,
          ...(traces && { onTrace: (event, traceId) => traces.ended(event, traceId, tracker.phaseAt(event.scheduledMs)) }),
          onSecond: (second) => {
            const untilMs = second.atMs + 1_000;
            const figures = () => faultFigures(recorder, electedBetween, untilMs);
            if (live.crossed(untilMs, phaseDurations(tracker.windows(untilMs)), figures).length > 0)
              crossed.abort(new Error('a threshold ended the run'));
          },
          signal: stop,
        })
        .then((report) => {
          // The load has ended before its time; so do the faults.
          if (generators.failures.length > 0) failed.abort(new Error('a generator failed'));
          return report;
        }),
      runFaults({
        faults: planned,
        impossible: ({ kind }) => impossibleOn(scenario.target, kind),
        context: {
          clock,
          target: cluster,
          witness: { operationsSucceeded: () => recorder.snapshot().ok, highestLeaderTerm: () => watch.highestLeaderTerm },
          random: random.fork('faults'),
        },
        clock,
        originMs,
        signal: stop,
        onStart: (atMs, scheduled) => {
          tracker.faultStarted(atMs);
          recorder.faults.began(scheduled, atMs);
          metrics.faultBegan(scheduled);
          fault = `${scheduled.kind} ${scheduled.target}`;
        },
        onCarriedOut: (atMs, scheduled) => recorder.faults.carriedOut(scheduled, atMs),
        onEnd: (atMs, scheduled) => {
          tracker.faultEnded(atMs);
          recorder.faults.ended(scheduled, atMs);
          metrics.faultEnded(scheduled);
          fault = undefined;
        },
      }),
    ]);
    const saturation =
      steps &&
      scenario.saturation &&
      saturationOf(scenario.saturation, steps.measured(load.durationMs), load.generators, defaultLimits(scenario));
    const invalid = [
      // Beyond the knee everything is late: there each step is judged by itself, with the thresholds.
      ...(saturation ? [] : generatorProblems(load.generators, scenario)),
      ...skipProblems(scenario, faults.length, skipped, stop.aborted),
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
      metricsPath: metrics.path,
      finalReads: load.finalReads,
      aborted: crossed.signal.aborted,
      recorder,
      tracker,
      live,
      faults,
      skippedFaults: skipped,
      saturation,
      figures: faultFigures(recorder, electedBetween, durationMs),
      instrument: instrumentOf(recorder.lag, load.generators),
      invalid,
    };
  } finally {
    cancelReport();
    options.onMetrics?.(undefined);
    await metrics.stop();
  }
}

function stepRecorderOf(scenario: ValidScenario): StepRecorder | undefined {
  const { saturation } = scenario;
  const load = saturation && scenario.loads[saturation.load];
  if (saturation === undefined || load?.executor !== 'ramping-arrival-rate') return undefined;
  return new StepRecorder(rateStepsOf(load, scenario), saturation.load, saturation.operation);
}

/** A fault that was skipped is none, and a run without any says nothing of what it is there for. */
function skipProblems(
  { faults, nemesis }: ValidScenario,
  carriedOut: number,
  skipped: readonly SkippedFault[],
  isAborted: boolean,
): string[] {
  if (isAborted) return [];
  if (nemesis !== undefined && carriedOut <= faults.length)
    return [
      `the nemesis carried out no fault: ${skipped.length > 0 ? `all ${skipped.length} were skipped` : 'those of the scenario left it no room'}`,
    ];
  if (nemesis === undefined && carriedOut === 0 && skipped.length > 0)
    return [`every fault was skipped: ${[...new Set(skipped.map(({ kind, reason }) => `${kind}: ${reason}`))].join('; ')}`];
  return [];
}
