// The whole gate, in order: both trees, the rounds, the verdicts, what of them is accepted, the exit code.

import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../runtime/random.ts';
import { conclude, type CutShort, type Judgement, judgeRounds } from '../compare/gate-rule.ts';
import { EXIT, exitFor, type Reason } from '../report/exit.ts';
import { perOperation } from '../result/comparison.ts';
import { captureEnvironment } from '../result/environment.ts';
import { resultId } from '../result/files.ts';
import { type Gate, GATE_VERSION, type GateRatios, type GateSubject } from '../result/gate.ts';
import { accept, acceptancesBetween, readAccepted } from './accepted.ts';
import { pinnableCores } from './cores.ts';
import { medianOf } from './duet.ts';
import { type GateBenchmarksOptions, type GatedBenchmark, gateBenchmarks, judgeAlone } from './gate-benchmarks.ts';
import type { Injection } from './injection.ts';
import { prepareTrees, type Tree } from './trees.ts';

export interface GateOptions extends Pick<GateBenchmarksOptions, 'filter' | 'budgetMs' | 'clock' | 'signal' | 'onProgress'> {
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
  // Node resolves links: a folder behind one would not be the folder that the programs see.
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'windtunnel-gate-')));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const onStep = (step: string) => onProgress({ step, elapsedMs: clock.now() - startMs, remainingMs: undefined });
  const trees = await prepareTrees({ ...options, folder, onStep }, cleanup);
  const environment = await captureEnvironment(clock, { folder: trees.head.folder });
  const cores = pinnableCores();
  const measured = await gateBenchmarks({
    ...options,
    folders: { base: join(trees.base.folder, 'bench'), head: join(trees.head.folder, 'bench') },
    cores,
    injectionFor: () => options.injection,
    random: new Random(seed).fork('gate'),
  });
  const acceptances = await acceptancesBetween(accepted, trees.base, trees.head, clock);
  const by = signal.aborted ? 'the interruption' : 'the budget';
  const subjects = subjectsOf(measured.benchmarks, by).map((subject) => accept(subject, acceptances));
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
    budgetSeconds: options.budgetMs / 1_000,
    pinnedTo: cores,
    ...(options.injection && { injected: options.injection }),
    subjects,
    counts: [...measured.counts],
    added: [...measured.list.added],
    removed: [...measured.list.removed],
    unused: acceptances.filter((each) => !used.has(each)),
  };
  return { ...result, exit: gateExit(result, options.strict) };
}

function sideOf({ commit, dirty }: Tree, ref: string | undefined): Gate['base'] {
  return { ...(ref !== undefined && { ref }), commit, dirty };
}

function subjectsOf(benchmarks: readonly GatedBenchmark[], by: CutShort): GateSubject[] {
  const judgements = judgeRounds(new Map(benchmarks.map(({ id, first }) => [id, first])));
  return benchmarks.map((benchmark) => {
    const first = judgements.get(benchmark.id) as Judgement;
    const rerun = benchmark.rerun.length === 0 ? undefined : judgeAlone(benchmark.rerun);
    return {
      kind: 'microbenchmark',
      id: benchmark.id,
      unit: 'ns',
      better: 'lower',
      ...(benchmark.error === undefined ? conclude(first, rerun, by) : { verdict: 'failed', reason: benchmark.error }),
      ...(benchmark.base.length > 0 && { base: medianOf(benchmark.base), head: medianOf(benchmark.head) }),
      first: ratiosOf(benchmark.first, first),
      ...(rerun && { rerun: ratiosOf(benchmark.rerun, rerun) }),
      ...(benchmark.calls !== undefined && { callsPerSample: benchmark.calls }),
      seconds: benchmark.seconds,
    };
  });
}

function ratiosOf(rounds: readonly number[], { rounds: looked, estimate, pSlower, pFaster }: Judgement): GateRatios {
  return {
    rounds: [...rounds],
    judged: looked,
    ...(estimate && {
      ratio: Math.exp(estimate.estimate),
      interval: [Math.exp(estimate.low), Math.exp(estimate.high)],
      confidence: estimate.confidence,
    }),
    pSlower,
    pFaster,
  };
}

export function gateExit(gate: Omit<Gate, 'exit'>, strict: boolean): Gate['exit'] {
  const reasons: Reason[] = [];
  for (const { id, verdict, reason, first } of gate.subjects) {
    if (verdict === 'slower')
      reasons.push({ code: EXIT.regression, text: `${id} is slower: x${(first.ratio ?? NaN).toFixed(2)}` });
    if (verdict === 'failed') reasons.push({ code: EXIT.error, text: `${id} failed ${reason ?? ''}` });
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
