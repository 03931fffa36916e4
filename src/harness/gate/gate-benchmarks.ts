// The gate of the microbenchmarks: rounds until each can be judged, a rerun of what is slower, all within a budget.
//
// The benchmarks take turns, a round each, so that the rounds of one lie minutes apart: what the machine did in one minute is in one of
// them. When the budget ends, all have about as many rounds.

import { assert, known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import { type Judgement, judgeRounds, LOOKS } from '../compare/gate-rule.ts';
import { compareCounts } from '../compare/microbenchmarks.ts';
import type { CountComparison } from '../result/comparison.ts';
import { type BenchmarkList, listBenchmarks, type PreparedBenchmark, prepareBenchmark } from './benchmarks.ts';
import { type Duet, type DuetSamples, medianOf, playDuet, roundOf, type Surroundings } from './duet.ts';
import { DuetError } from './duet-process.ts';
import type { Injection } from './injection.ts';

export interface GateProgress {
  /** What is being done. */
  readonly step: string;
  readonly elapsedMs: number;
  /** Until the end of the look under way, from the rounds so far; undefined before the first. */
  readonly remainingMs: number | undefined;
}

export interface GateBenchmarksOptions {
  readonly folders: Duet['folders'];
  /** Text that 'suite/name' contains. */
  readonly filter: string | undefined;
  /** What HEAD is slowed down by on purpose, where it is. */
  readonly injectionFor: (id: string) => Injection | undefined;
  readonly budgetMs: number;
  /** To take turns on; empty: nothing is pinned. */
  readonly cores: readonly number[];
  readonly random: Random;
  readonly clock: Clock;
  /** When aborted, what has been measured is the result. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: GateProgress) => void;
  /** Told the samples of every round, for who judges them otherwise. */
  readonly onRound?: (id: string, which: 'first' | 'rerun', samples: DuetSamples) => void;
}

export interface GatedBenchmark {
  readonly id: string;
  /** ln(HEAD / BASE) of each. */
  readonly first: readonly number[];
  /** Empty when there was nothing to confirm. */
  readonly rerun: readonly number[];
  /** Medians of every round, nanoseconds per operation. */
  readonly base: readonly number[];
  readonly head: readonly number[];
  readonly calls: number | undefined;
  readonly seconds: number;
  readonly error: string | undefined;
}

export interface GatedBenchmarks {
  readonly benchmarks: readonly GatedBenchmark[];
  readonly counts: readonly CountComparison[];
  readonly list: BenchmarkList;
}

interface Subject {
  readonly id: string;
  prepared: PreparedBenchmark | undefined;
  readonly first: number[];
  readonly rerun: number[];
  readonly base: number[];
  readonly head: number[];
  milliseconds: number;
  error: string | undefined;
}

/** Kept of the budget for the reruns. */
const RERUN_SHARE = 0.15;

/** @throws DuetError when the benchmarks of a tree cannot be listed, and the reason of the signal when it is aborted before they are */
export async function gateBenchmarks(options: GateBenchmarksOptions): Promise<GatedBenchmarks> {
  const gate = new BenchmarkGate(options);
  const list = await gate.list();
  const subjects = list.both.map((id) => subjectOf(id));
  for (const look of LOOKS) {
    const due = subjects.filter(({ error }) => error === undefined).filter(({ id }) => gate.isOpen(id, subjects));
    await gate.measureUntil(look.rounds, due, 'first');
    await gate.confirm(subjects);
  }
  return {
    list,
    benchmarks: subjects.map(({ prepared, milliseconds, ...rest }) => ({
      ...rest,
      calls: prepared?.duet.calls,
      seconds: milliseconds / 1_000,
    })),
    counts: subjects.flatMap(({ id, prepared }) => countsOf(id, prepared)),
  };
}

function subjectOf(id: string): Subject {
  return { id, prepared: undefined, first: [], rerun: [], base: [], head: [], milliseconds: 0, error: undefined };
}

function countsOf(id: string, prepared: PreparedBenchmark | undefined): CountComparison[] {
  const { base, head } = prepared?.counts ?? {};
  if (base === undefined || head === undefined) return [];
  const mutable = ({ operations, counted }: typeof base) => ({ operations, counted: { ...counted } });
  return compareCounts([
    { id, counts: mutable(base) },
    { id, counts: mutable(head) },
  ]);
}

class BenchmarkGate {
  readonly #options: GateBenchmarksOptions;
  readonly #startMs: number;
  #rounds = 0;
  #roundsMs = 0;

  constructor(options: GateBenchmarksOptions) {
    this.#options = options;
    this.#startMs = options.clock.now();
  }

  list(): Promise<BenchmarkList> {
    const { folders, filter } = this.#options;
    this.#tell('listing the benchmarks of both', undefined);
    return listBenchmarks(folders, filter, this.#surroundings());
  }

  isOpen(id: string, subjects: readonly Subject[]): boolean {
    return known(judged(subjects).get(id), 'every subject is judged').verdict === 'inconclusive';
  }

  /** A round of each in turn, until all have so many, or the time is over. */
  async measureUntil(rounds: number, subjects: readonly Subject[], which: 'first' | 'rerun'): Promise<void> {
    const { random, budgetMs } = this.#options;
    const limitMs = which === 'first' ? (1 - RERUN_SHARE) * budgetMs : budgetMs;
    for (;;) {
      const due = subjects.filter((each) => each[which].length < rounds && each.error === undefined);
      const left = due.reduce((sum, each) => sum + rounds - each[which].length, 0);
      if (left === 0) return;
      for (const [at, subject] of random.shuffle(due).entries()) {
        if (this.#options.signal.aborted || this.#elapsedMs() > limitMs) return;
        const what = which === 'first' ? '' : ', to confirm';
        this.#tell(`${subject.id}, round ${subject[which].length + 1} of ${rounds}${what}`, left - at);
        await this.#round(subject, which);
      }
    }
  }

  /** Measures afresh what is slower and was not confirmed yet, until that is confirmed or not. */
  async confirm(subjects: readonly Subject[]): Promise<void> {
    for (const [id, { verdict }] of judged(subjects)) {
      const subject = known(
        subjects.find((each) => each.id === id),
        'it was judged',
      );
      if (verdict !== 'slower' || subject.rerun.length > 0) continue;
      for (const look of LOOKS) {
        await this.measureUntil(look.rounds, [subject], 'rerun');
        if (judgeAlone(subject.rerun).verdict !== 'inconclusive') break;
      }
    }
  }

  /** A benchmark that fails is out of the gate, and the others are not. */
  async #round(subject: Subject, which: 'first' | 'rerun'): Promise<void> {
    const { folders, injectionFor, clock, signal, onRound } = this.#options;
    const startMs = clock.now();
    try {
      subject.prepared ??= await prepareBenchmark(subject.id, folders, injectionFor(subject.id), this.#surroundings());
      const samples = await playDuet(subject.prepared.duet, this.#surroundings());
      const round = roundOf(samples);
      assert(Number.isFinite(round), `${subject.id} took no time`);
      subject[which].push(round);
      subject.base.push(medianOf(samples.base));
      subject.head.push(medianOf(samples.head));
      onRound?.(subject.id, which, samples);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof DuetError)) throw error;
      subject.error = error.message;
    } finally {
      const tookMs = clock.now() - startMs;
      subject.milliseconds += tookMs;
      this.#roundsMs += tookMs;
      this.#rounds++;
    }
  }

  /** Each round has its own chance, and the next core. */
  #surroundings(): Surroundings {
    const { clock, signal, random, cores } = this.#options;
    const core = cores.length === 0 ? undefined : known(cores[this.#rounds % cores.length], 'within the cores');
    return { clock, signal, random: random.fork(`round ${this.#rounds}`), core };
  }

  #tell(step: string, roundsLeft: number | undefined): void {
    const mean = this.#rounds === 0 ? undefined : this.#roundsMs / this.#rounds;
    const remainingMs = mean === undefined || roundsLeft === undefined ? undefined : mean * roundsLeft;
    this.#options.onProgress({ step, elapsedMs: this.#elapsedMs(), remainingMs });
  }

  #elapsedMs(): number {
    return this.#options.clock.now() - this.#startMs;
  }
}

function judged(subjects: readonly Subject[]): Map<string, Judgement> {
  return judgeRounds(new Map(subjects.map(({ id, first }) => [id, first])));
}

/** As if there were no others. */
export function judgeAlone(rounds: readonly number[]): Judgement {
  return known(judgeRounds(new Map([['', rounds]])).get(''), 'it is judged');
}
