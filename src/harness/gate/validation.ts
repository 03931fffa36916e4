// Gates whose truth is known, many of them, recorded to the last sample: of the same code, quiet and with a busy neighbour, and of code
// that was made slower by a known share. In a gate with an injection, chance decides which benchmarks get it; the others are the same.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import { entryPoint } from '../../runtime/entry-point.ts';
import { Random } from '../../runtime/random.ts';
import { RULE } from '../compare/gate-validation.ts';
import { captureEnvironment } from '../result/environment.ts';
import { ResultError } from '../result/error.ts';
import {
  type Validation,
  VALIDATION_VERSION,
  type ValidationBenchmark,
  type ValidationGate,
  validationSchema,
} from '../result/gate-validation.ts';
import { pinnableCores, pinned } from './cores.ts';
import type { DuetSamples } from './duet.ts';
import { BenchmarkContest } from './benchmark-contest.ts';
import { listBenchmarks } from './benchmarks.ts';
import { makeGateFolder } from './gate-folder.ts';
import { playRounds } from './play-rounds.ts';
import type { Injection } from './injection.ts';
import { prepareTrees } from './trees.ts';

export interface Condition {
  readonly name: string;
  readonly injection?: Injection;
  readonly neighbour?: true;
}

export const CONDITIONS: readonly Condition[] = [
  { name: 'quiet' },
  { name: 'busy', neighbour: true },
  ...[0.02, 0.03, 0.05, 0.1, 0.2].map((share): Condition => {
    return { name: `work ${Math.round(100 * share)} %`, injection: { kind: 'work', share } };
  }),
  ...[0.05, 0.1].map((share): Condition => {
    return { name: `allocation ${Math.round(100 * share)} %`, injection: { kind: 'allocation', share } };
  }),
  { name: 'tail 1 %', injection: { kind: 'tail', share: 0.01 } },
];

export interface ValidationOptions {
  readonly checkout: string;
  readonly filter: string | undefined;
  /** Of each condition. */
  readonly gates: number;
  /** For all of them. A gate that does not end within it is not recorded. */
  readonly budgetMs: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
  /** Told after every gate: what is recorded is kept, whatever happens after. */
  readonly onGate: (soFar: Validation) => Promise<void>;
}

/** Resolves with what was recorded, possibly no gate. @throws TreeError or DuetError when it cannot begin */
export async function validateGate(options: ValidationOptions): Promise<Validation> {
  const { clock, signal, seed, onStep } = options;
  const startedAt = new Date(clock.wallTime()).toISOString();
  const endMs = clock.now() + options.budgetMs;
  await using cleanup = new AsyncDisposableStack();
  const folder = makeGateFolder(cleanup);
  const trees = await prepareTrees({ ...options, base: 'HEAD', head: 'HEAD', folder }, cleanup);
  const folders = { base: join(trees.base.folder, 'bench'), head: join(trees.head.folder, 'bench') };
  const environment = await captureEnvironment(clock, { folder: options.checkout });
  const validation: Validation = {
    schema: 'windtunnel-gate-validation',
    schemaVersion: VALIDATION_VERSION,
    rule: RULE,
    startedAt,
    environment,
    commit: trees.base.commit,
    seed,
    gates: [],
  };
  // The rule is in the file before the first round is.
  await options.onGate(validation);
  const random = new Random(seed);
  for (let turn = 0; turn < options.gates; turn++) {
    for (const condition of random.fork(`order ${turn}`).shuffle(CONDITIONS)) {
      const leftMs = endMs - clock.now();
      if (signal.aborted || leftMs <= 0) return validation;
      onStep(`gate ${validation.gates.length + 1} of ${options.gates * CONDITIONS.length}: ${condition.name}`);
      const gate = await recordWholeGate(condition, random.fork(`gate ${turn} ${condition.name}`), folders, leftMs, options);
      if (gate === undefined) return validation;
      validation.gates.push(gate);
      await options.onGate(validation);
    }
  }
  return validation;
}

/** Resolves with nothing when the time was over, or it was aborted, before its end: what was cut short would count as inconclusive. */
async function recordWholeGate(
  condition: Condition,
  random: Random,
  folders: Readonly<Record<'base' | 'head', string>>,
  leftMs: number,
  options: ValidationOptions,
): Promise<ValidationGate | undefined> {
  const over = new AbortController();
  const cancel = options.clock.schedule(leftMs, () => over.abort(new Error('the budget is over')));
  const signal = AbortSignal.any([options.signal, over.signal]);
  try {
    const gate = await recordGate(condition, random, folders, { ...options, signal });
    return signal.aborted ? undefined : gate;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return undefined;
    throw error;
  } finally {
    cancel();
  }
}

async function recordGate(
  condition: Condition,
  random: Random,
  folders: Readonly<Record<'base' | 'head', string>>,
  { clock, signal, filter }: ValidationOptions,
): Promise<ValidationGate> {
  const startedAt = new Date(clock.wallTime()).toISOString();
  await using cleanup = new AsyncDisposableStack();
  const cores = pinnableCores();
  if (condition.neighbour) {
    const neighbour = startNeighbour(cores[0]);
    cleanup.defer(() => stop(neighbour));
  }
  const chosen = random.fork('injections');
  const injected = new Map<string, Injection | undefined>();
  const rounds = { first: new Map<string, DuetSamples[]>(), rerun: new Map<string, DuetSamples[]>() };
  const list = await listBenchmarks(folders, filter, { clock, signal, random: random.fork('list'), core: undefined });
  const contests = list.both.map((id) => {
    const injection = condition.injection !== undefined && chosen.chance(0.5) ? condition.injection : undefined;
    injected.set(id, injection);
    return new BenchmarkContest(id, {
      folders,
      injection,
      onRound: (which, samples) => rounds[which].set(id, [...(rounds[which].get(id) ?? []), samples]),
    });
  });
  const series = await playRounds(contests, { budgetMs: Infinity, cores, random, clock, signal, onProgress: () => {} });
  const recorded = series.filter(({ error }) => error === undefined);
  return {
    condition: condition.name,
    seed: random.seed,
    startedAt,
    benchmarks: recorded.map(({ metric: { id }, seconds }): ValidationBenchmark => {
      const injection = injected.get(id);
      return {
        id,
        ...(injection && { injected: injection }),
        first: (rounds.first.get(id) ?? []).map(rounded),
        rerun: (rounds.rerun.get(id) ?? []).map(rounded),
        seconds,
      };
    }),
  };
}

/** Five digits are more than a clock has to say. */
function rounded({ base, head }: DuetSamples): { base: number[]; head: number[] } {
  const round = (samples: readonly number[]) => samples.map((sample) => Number(sample.toPrecision(5)));
  return { base: round(base), head: round(head) };
}

function startNeighbour(core: number | undefined): ChildProcess {
  const program = fileURLToPath(entryPoint(new URL('./neighbour-program.ts', import.meta.url), import.meta.url));
  const [command, words] = pinned(core, process.execPath, [program]);
  return spawn(command, words, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], detached: true });
}

async function stop(neighbour: ChildProcess): Promise<void> {
  if (neighbour.exitCode !== null || neighbour.signalCode !== null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  neighbour.once('exit', () => resolve());
  neighbour.kill('SIGKILL');
  await promise;
}

/**
 * A recorded validation, or the gates of all that are in a folder.
 * @throws ResultError naming the file and what of it does not fit: also when two of a folder were recorded under different rules
 */
export async function readValidations(path: string): Promise<Pick<Validation, 'rule' | 'gates'>> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return readValidation(path);
  const files = (await readdir(path)).filter((name) => name.endsWith('.json')).sort();
  const read = await Promise.all(files.map((name) => readValidation(join(path, name))));
  const [first] = read;
  if (first === undefined) throw new ResultError('missing', `no recorded validation in ${path}`);
  const other = read.findIndex(({ rule }) => !isDeepStrictEqual(rule, first.rule));
  if (other >= 0)
    throw new ResultError(
      'invalid',
      `${join(path, known(files[other], 'it was read'))} was recorded under another rule than ${files[0]}: judge it alone`,
    );
  return { rule: first.rule, gates: read.flatMap(({ gates }) => gates) };
}

async function readValidation(path: string): Promise<Validation> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new ResultError('missing', `no recorded validation at ${path}`, { cause: error });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ResultError('not-json', `${path} is not JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`, {
      cause: error,
    });
  }
  const checked = validationSchema.safeParse(value);
  if (checked.success) return checked.data;
  const issue = known(checked.error.issues[0], 'there is an issue when it does not fit');
  throw new ResultError(
    'invalid',
    `${path} is no validation of this version: ${issue.path.map(String).join('.')}: ${issue.message}`,
  );
}
