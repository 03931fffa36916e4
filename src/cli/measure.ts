// What `bench`, `run` and `micro` have in common: measure, keep everything that was measured, print it, decide.

import { rmdir } from 'node:fs/promises';
import { systemClock } from '../runtime/clock.ts';
import { discoverSuites } from '../harness/micro/discover.ts';
import { runSuites } from '../harness/micro/runner.ts';
import { type ListenAddress, type MetricsServer, serveMetrics } from '../harness/metrics/metrics-server.ts';
import { writePage } from '../harness/page/write-page.ts';
import { exitOf } from '../harness/report/exit.ts';
import { createProgress } from '../harness/report/progress.ts';
import { renderSummary } from '../harness/report/summary.ts';
import { captureEnvironment } from '../harness/result/environment.ts';
import { createResultFolder, resultId, writeRun } from '../harness/result/files.ts';
import {
  type Microbenchmark,
  type ObserverCost,
  type Run,
  SCHEMA_VERSION,
  type ScenarioResult,
} from '../harness/result/schema.ts';
import { measureObserverCost } from '../harness/observer-cost.ts';
import { runScenario } from '../harness/run.ts';
import { failedResult } from '../harness/run-result.ts';
import type { TraceOptions } from '../harness/run-traces.ts';
import { ScenarioError } from '../harness/scenario/options.ts';
import type { ValidScenario } from '../harness/scenario/valid-scenario.ts';
import { codeProblems } from '../harness/target/error-codes.ts';
import { canaryEnvironment } from './canaries.ts';
import { UsageError } from './command.ts';
import { packageFolder, shortPath } from './folders.ts';
import { catchInterrupts } from './interrupt.ts';
import { LiveUi } from './live-ui.ts';
import { wantsColour, widthOf } from './terminal.ts';

export interface Plan {
  readonly profile?: string;
  readonly seed: number;
  readonly scenarios: readonly ValidScenario[];
  /** Absent: no microbenchmarks. */
  readonly micro?: { readonly timeBudgetMs: number; readonly filter?: string };
  /** What tracing costs is measured, this many times. */
  readonly observerRounds?: number;
  /** Absent: nothing is traced. */
  readonly traces?: TraceOptions | undefined;
  /** The folder of result folders. */
  readonly results: string;
  /** Where the harness serves its own metrics. Absent: nowhere. */
  readonly metricsAddress?: ListenAddress | undefined;
  /** Where its page is served while it is under way, 0 for any port; absent: it is not. */
  readonly uiPort?: number | undefined;
}

/**
 * Carries out a plan, writes results/<UTC>-<commit>/run.json and its page whatever happens, and resolves with the exit code.
 * @throws ScenarioError before anything is run, when a threshold could never fail, and LivePageError or MetricsServerError, when
 * its page or its metrics cannot be served
 */
export async function measure(plan: Plan): Promise<number> {
  const problems = plan.scenarios.flatMap(codeProblems);
  if (problems.length > 0) throw new ScenarioError(problems);
  const ui = plan.uiPort === undefined ? undefined : await LiveUi.open(plan.uiPort);
  const clock = systemClock;
  await using cleanup = new AsyncDisposableStack();
  const metrics = plan.metricsAddress && (await serveMetrics(plan.metricsAddress));
  if (metrics) cleanup.defer(() => metrics.close());
  const startedWallMs = clock.wallTime();
  const environment = await captureEnvironment(clock);
  const { id, folder } = await createResultFolder(plan.results, resultId(startedWallMs, environment.git));
  const stream = process.stderr;
  const progress = createProgress({ stream, clock, colour: wantsColour(stream) });
  const interruption = catchInterrupts(() =>
    progress.note('interrupted: stopping, and keeping what has been measured (once more ends at once)'),
  );
  const { signal } = interruption;
  if (metrics) progress.note(`the harness's own metrics: ${metrics.url}`);
  const microbenchmarks: Microbenchmark[] = [];
  const scenarios: ScenarioResult[] = [];
  let observerCost: ObserverCost | undefined;
  const runSoFar = (status: Run['status'], underWay: readonly ScenarioResult[] = []): Run => ({
    schema: 'windtunnel-run',
    schemaVersion: SCHEMA_VERSION,
    id,
    status,
    startedAt: new Date(startedWallMs).toISOString(),
    finishedAt: new Date(clock.wallTime()).toISOString(),
    command: process.argv.slice(2),
    ...(plan.profile !== undefined && { profile: plan.profile }),
    environment,
    microbenchmarks,
    scenarios: [...scenarios, ...underWay],
    ...(observerCost && { observerCost }),
    exit: exitOf({ status, microbenchmarks, scenarios, observerCost }),
  });
  const save = async (status: Run['status']): Promise<{ readonly run: Run; readonly path: string; readonly page?: string }> => {
    const run = runSoFar(status);
    const path = await writeRun(folder, run);
    const page = await pageOf(run, folder);
    return { run, path, ...(page !== undefined && { page }) };
  };
  if (ui !== undefined) {
    ui.show((underWay) => runSoFar('interrupted', underWay));
    progress.note(`live page: ${ui.address}`);
  }
  const show = { progress, ui };
  try {
    if (plan.micro) {
      microbenchmarks.push(...(await runMicro(plan.micro, show, signal)));
      // Until the end it counts as interrupted: that is what it is, should this process be killed before.
      await save('interrupted');
    }
    if (plan.observerRounds !== undefined) {
      observerCost = await measureObserverCost({
        rounds: plan.observerRounds,
        seed: plan.seed,
        clock,
        signal,
        onStep: (step) => {
          progress.note(step);
          ui?.step(step);
        },
      });
    }
    for (const scenario of plan.scenarios) {
      if (signal.aborted) break;
      scenarios.push(await runOne(scenario, plan, { folder, metrics, signal, ...show }));
      ui?.scenarioEnded();
      await save('interrupted');
    }
  } catch (error) {
    // Nothing was measured: no folder either. One that holds something stays.
    await rmdir(folder).catch(() => {});
    ui?.close();
    throw error;
  } finally {
    progress.end();
    interruption.dispose();
  }
  const { run, path, page } = await save(signal.aborted ? 'interrupted' : 'complete');
  const out = process.stdout;
  out.write(
    renderSummary(run, {
      colour: wantsColour(out),
      width: widthOf(out),
      path: shortPath(path),
      ...(page !== undefined && { page: shortPath(page) }),
    }),
  );
  await ui?.finish(run, page && shortPath(page));
  return run.exit.code;
}

/** The path of the page. That it cannot be made is said, and takes nothing from what was measured. */
async function pageOf(run: Run, folder: string): Promise<string | undefined> {
  try {
    return await writePage(run, folder);
  } catch (error) {
    process.stderr.write(`windtunnel: no page: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

/** Where one sees what is going on. */
interface Show {
  readonly progress: ReturnType<typeof createProgress>;
  readonly ui: LiveUi | undefined;
}

async function runMicro(
  micro: NonNullable<Plan['micro']>,
  { progress, ui }: Show,
  signal: AbortSignal,
): Promise<Microbenchmark[]> {
  const suites = await discoverSuites(packageFolder('bench'));
  let last = '';
  const results = await runSuites(suites, {
    timeBudgetMs: micro.timeBudgetMs,
    ...(micro.filter !== undefined && { filter: micro.filter }),
    signal,
    onProgress: ({ id, suiteIndex, suiteCount, benchmarkIndex, benchmarkCount, result }) => {
      if (result !== undefined || id === last) return;
      last = id;
      const step = `microbenchmark ${id} (suite ${suiteIndex + 1} of ${suiteCount}, ${benchmarkIndex + 1} of ${benchmarkCount})`;
      progress.note(step);
      ui?.step(step);
    },
  });
  if (results.length === 0 && micro.filter !== undefined && !signal.aborted) {
    throw new UsageError(
      `no microbenchmark matches '${micro.filter}'; the suites are ${suites.map((suite) => suite.name).join(', ')}`,
    );
  }
  return results;
}

interface Surroundings extends Show {
  /** Of run.json. */
  readonly folder: string;
  readonly metrics: MetricsServer | undefined;
  readonly signal: AbortSignal;
}

async function runOne(
  scenario: ValidScenario,
  plan: Plan,
  { folder, progress, ui, metrics, signal }: Surroundings,
): Promise<ScenarioResult> {
  const startedWallMs = systemClock.wallTime();
  let loading = false;
  try {
    return await runScenario(scenario, {
      folder,
      seed: plan.seed,
      clock: systemClock,
      signal,
      environment: canaryEnvironment,
      traces: plan.traces,
      onMetrics: (source) => {
        if (metrics) metrics.source = source;
      },
      onStep: (step) => {
        if (loading) progress.end();
        loading = step === 'load';
        if (loading) progress.begin(scenario.name, scenario.totalDurationMs);
        else progress.note(`${scenario.name}: ${step}`);
        ui?.step(`${scenario.name}: ${step}`);
      },
      onProgress: (known) => {
        const { elapsedMs, phase, fault, snapshot } = known;
        ui?.progress(scenario, known);
        progress.update({
          elapsedMs,
          ratePerSecond: snapshot.ratePerSecond,
          ...(snapshot.p99Ms !== undefined && { p99Ms: snapshot.p99Ms }),
          failed: snapshot.failed,
          dropped: snapshot.dropped,
          phase,
          ...(fault !== undefined && { fault }),
        });
      },
    });
  } catch (error) {
    // The other scenarios, and what has been measured before, are not lost with this one.
    progress.end();
    return failedResult(scenario, plan.seed, startedWallMs, error instanceof Error ? error.message : String(error));
  }
}
