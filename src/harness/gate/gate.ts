// The whole gate, in order: both trees, the rounds, the verdicts, what of them is accepted, the exit code.

import { join } from 'node:path';
import { Random } from '../../runtime/random.ts';
import { conclude, type CutShort, type Judgement, judgeRounds, LOOKS } from '../compare/gate-rule.ts';
import { known } from '../../runtime/assert.ts';
import type { ValidScenario } from '../scenario/valid-scenario.ts';
import type { Metric } from './contest.ts';
import { EXIT, exitFor, type Reason } from '../report/exit.ts';
import { perOperation } from '../result/comparison.ts';
import { captureEnvironment } from '../result/environment.ts';
import { resultId } from '../result/files.ts';
import { type Gate, GATE_VERSION, type GateRatios, type GateSubject } from '../result/gate.ts';
import { accept, acceptancesBetween, readAccepted } from './accepted.ts';
import { pinnableCores } from './cores.ts';
import { medianOf } from './duet.ts';
import { BenchmarkContest } from './benchmark-contest.ts';
import { listBenchmarks } from './benchmarks.ts';
import { makeGateFolder } from './gate-folder.ts';
import type { Injection } from './injection.ts';
import { judgeAlone, type PlayOptions, playRounds, RERUN_SHARE, type Series, worseningsOf } from './play-rounds.ts';
import { ScenarioContest } from './scenario-contest.ts';
import { prepareTrees, type Tree } from './trees.ts';

/** Of a benchmark: the mean of 2,500 on two cores is 830, some suites take long to prepare, and some machines are busier. */
const ROUND_MS = 1_400;

/** What a window of a scenario takes besides its load: to start a cluster, to stop it, to check. */
const AROUND_WINDOW_MS = 8_000;

const LEAST_BUDGET_MS = 600_000;

/** In which all can have all their looks, by what a round took on two cores. It ends before when all is judged: after 21 of 54 minutes, of 65 benchmarks. */
export function budgetFor(benchmarks: number, scenarios: readonly Pick<ValidScenario, 'totalDurationMs'>[]): number {
  const windowsMs = scenarios.reduce((sum, { totalDurationMs }) => sum + 2 * (totalDurationMs + AROUND_WINDOW_MS), 0);
  const { rounds } = known(LOOKS.at(-1), 'there is a last look');
  return Math.max(LEAST_BUDGET_MS, (rounds * (benchmarks * ROUND_MS + windowsMs)) / (1 - RERUN_SHARE));
}

export interface GateOptions extends Pick<PlayOptions, 'clock' | 'signal' | 'onProgress'> {
  /** How long it may measure. Default: see `budgetFor`. */
  readonly budgetMs: number | undefined;
  /** Text that 'suite/name' of a benchmark contains; undefined: all. */
  readonly filter: string | undefined;
  /** Whether there are benchmarks at all. */
  readonly benchmarks: boolean;
  /** On processes of this machine. */
  readonly scenarios: readonly ValidScenario[];
  /** Of the nodes of HEAD in scenarios, for known-bad variants. */
  readonly headEnvironment?: ((node: string) => Readonly<Record<string, string>>) | undefined;
  /** What HEAD is slowed down by on purpose, in every benchmark. */
  readonly injection: Injection | undefined;
  /** A folder of the repository. */
  readonly checkout: string;
  readonly base: string;
  /** Undefined: the working tree. */
  readonly head: string | undefined;
  readonly seed: number;
  /** Whether what is inconclusive makes the gate fail. */
  readonly strict: boolean;
  /** Of the acceptances. It need not exist. */
  readonly acceptedPath: string;
  readonly command: readonly string[];
}

/**
 * @throws TreeError, DuetError or AcceptanceError when it cannot begin, and the reason of the signal when it is aborted before that. No
 * process and no checkout is left.
 */
export async function runGate(options: GateOptions): Promise<Gate> {
  const { clock, seed, signal, onProgress } = options;
  const accepted = await readAccepted(options.acceptedPath);
  const startedWallMs = clock.wallTime();
  const startMs = clock.now();
  await using cleanup = new AsyncDisposableStack();
  const folder = makeGateFolder(cleanup);
  const onStep = (step: string) => onProgress({ step, elapsedMs: clock.now() - startMs, remainingMs: undefined });
  const trees = await prepareTrees({ ...options, folder, onStep }, cleanup);
  const environment = await captureEnvironment(clock, { folder: trees.head.folder });
  const cores = pinnableCores();
  const random = new Random(seed).fork('gate');
  const folders = { base: join(trees.base.folder, 'bench'), head: join(trees.head.folder, 'bench') };
  onStep('listing the benchmarks of both');
  const list = options.benchmarks
    ? await listBenchmarks(folders, options.filter, { clock, signal, random: random.fork('list'), core: undefined })
    : { both: [], added: [], removed: [] };
  const benchmarks = list.both.map((id) => new BenchmarkContest(id, { folders, injection: options.injection }));
  const programs = { base: programOf(trees.base), head: programOf(trees.head) };
  const scenarios = options.scenarios.map(
    (scenario) => new ScenarioContest(scenario, { programs, folder, headEnvironment: options.headEnvironment }),
  );
  const budgetMs = options.budgetMs ?? budgetFor(benchmarks.length, options.scenarios);
  const series = await playRounds([...benchmarks, ...scenarios], { ...options, budgetMs, cores, random });
  const acceptances = await acceptancesBetween(accepted, trees.base, trees.head, clock);
  const by = signal.aborted ? 'the interruption' : 'the budget';
  const subjects = subjectsOf(series, benchmarks, by).map((subject) => accept(subject, acceptances));
  const used = new Set(subjects.map(({ acceptance }) => acceptance));
  const result: Omit<Gate, 'exit'> = {
    schema: 'windtunnel-gate',
    schemaVersion: GATE_VERSION,
    id: `${resultId(startedWallMs, environment.git)}-gate`,
    status: signal.aborted ? 'interrupted' : 'complete',
    startedAt: new Date(startedWallMs).toISOString(),
    finishedAt: new Date(clock.wallTime()).toISOString(),
    command: [...options.command],
    environment,
    base: sideOf(trees.base, options.base),
    head: sideOf(trees.head, options.head),
    seed,
    budgetSeconds: budgetMs / 1_000,
    pinnedTo: cores,
    ...(options.injection && { injected: options.injection }),
    subjects,
    counts: benchmarks.flatMap(({ counts }) => counts),
    added: [...list.added],
    removed: [...list.removed],
    unused: acceptances.filter((each) => !used.has(each)),
  };
  return { ...result, exit: gateExit(result, options.strict) };
}

function sideOf({ commit, dirty }: Tree, ref: string | undefined): Gate['base'] {
  return { ...(ref !== undefined && { ref }), commit, dirty };
}

function programOf({ folder }: Tree): string {
  return join(folder, 'bin', 'windtunnel.js');
}

/** What of every metric is told. @param by what ended the rounds of those that have too few */
export function subjectsOf(all: readonly Series[], benchmarks: readonly BenchmarkContest[], by: CutShort): GateSubject[] {
  const judgements = judgeRounds(new Map(all.map(({ metric, first }) => [metric.id, worseningsOf(metric.better, first)])));
  return all.map(({ contest, metric, ...series }) => {
    const first = known(judgements.get(metric.id), 'each is judged');
    const rerun = series.rerun.length === 0 ? undefined : judgeAlone(worseningsOf(metric.better, series.rerun));
    const calls = benchmarks.find(({ id }) => id === contest.id)?.calls;
    return {
      kind: contest.kind,
      ...metric,
      ...verdictOf(series, conclude(first, rerun, by)),
      ...(series.violated && { violated: true }),
      ...(series.base.length > 0 && { base: medianOf(series.base), head: medianOf(series.head) }),
      first: ratiosOf(metric, series.first, first),
      ...(rerun && { rerun: ratiosOf(metric, series.rerun, rerun) }),
      ...(calls !== undefined && { callsPerSample: calls }),
      seconds: series.seconds,
    };
  });
}

/** What was given up because it was disturbed has fewer rounds for that reason, and no other. */
function verdictOf(
  { error, disturbed }: Pick<Series, 'error' | 'disturbed'>,
  concluded: ReturnType<typeof conclude>,
): Pick<GateSubject, 'verdict' | 'reason'> {
  if (error !== undefined) return { verdict: 'failed', reason: error };
  return concluded.verdict === 'inconclusive' && disturbed !== undefined ? { ...concluded, reason: disturbed } : concluded;
}

/** Judged was how much worse it got; told is HEAD / BASE. */
function ratiosOf(
  { better }: Metric,
  rounds: readonly number[],
  { rounds: looked, estimate, pSlower, pFaster }: Judgement,
): GateRatios {
  const sign = better === 'lower' ? 1 : -1;
  const ends = estimate && [Math.exp(sign * estimate.low), Math.exp(sign * estimate.high)].sort((a, b) => a - b);
  return {
    rounds: [...rounds],
    judged: looked,
    ...(estimate && {
      ratio: Math.exp(sign * estimate.estimate),
      interval: ends as [number, number],
      confidence: estimate.confidence,
    }),
    pSlower,
    pFaster,
  };
}

export function gateExit(gate: Omit<Gate, 'exit'>, strict: boolean): Gate['exit'] {
  const reasons: Reason[] = [];
  for (const { id, verdict, reason, violated, first } of gate.subjects) {
    if (verdict === 'slower')
      reasons.push({ code: EXIT.regression, text: `${id} is slower: x${(first.ratio ?? NaN).toFixed(2)}` });
    if (verdict === 'failed')
      reasons.push({ code: violated === true ? EXIT.violated : EXIT.error, text: `${id} failed ${reason ?? ''}` });
    if (verdict === 'inconclusive' && strict)
      reasons.push({ code: EXIT.invalid, text: `${id} is inconclusive${reason === undefined ? '' : `: ${reason}`}` });
  }
  for (const { benchmark, count, base, head, verdict } of gate.counts) {
    if (verdict !== 'more') continue;
    const text = `${benchmark}: ${perOperation(base)} ${count} an operation became ${perOperation(head)}`;
    reasons.push({ code: EXIT.regression, text });
  }
  if (gate.status === 'interrupted') reasons.push({ code: EXIT.interrupted, text: 'interrupted before the end' });
  else if (gate.subjects.length === 0) reasons.push({ code: EXIT.error, text: 'BASE and HEAD have no benchmark in common' });
  return exitFor(reasons);
}
