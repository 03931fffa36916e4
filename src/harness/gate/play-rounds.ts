// Rounds of every contest until each of its metrics can be judged, a rerun of what is slower, all within a budget.
//
// The contests take turns, a round each, so that the rounds of one lie minutes apart: what the machine did in one minute is in one of
// them. When the budget ends, all have about as many rounds.

import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import { type Judgement, judgeRounds, LOOKS } from '../compare/gate-rule.ts';
import {
  type Contest,
  ContestError,
  DisturbedError,
  type Metric,
  type Pair,
  type RoundKind,
  ViolationError,
  type Surroundings,
} from './contest.ts';

export interface GateProgress {
  /** What is being done. */
  readonly step: string;
  readonly elapsedMs: number;
  /** Until the end of the look under way, from the rounds so far; undefined before the first. */
  readonly remainingMs: number | undefined;
}

export interface PlayOptions {
  readonly budgetMs: number;
  /** To take turns on; empty: nothing is pinned. */
  readonly cores: readonly number[];
  readonly random: Random;
  readonly clock: Clock;
  /** When aborted, what has been measured is the result. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: GateProgress) => void;
}

/** What was measured of one metric. */
export interface Series {
  readonly contest: Contest;
  readonly metric: Metric;
  /** ln(HEAD / BASE) of each. */
  readonly first: readonly number[];
  /** Empty when there was nothing to confirm. */
  readonly rerun: readonly number[];
  /** Of every round, in the metric's unit. */
  readonly base: readonly number[];
  readonly head: readonly number[];
  /** How long its contest was measured. */
  readonly seconds: number;
  /** Why its contest is out of the gate. */
  readonly error: string | undefined;
  /** Whether that is because a cluster answered what is wrong. */
  readonly violated: boolean;
  /** Why its contest has fewer rounds than it was due. */
  readonly disturbed: string | undefined;
}

interface Entry {
  readonly contest: Contest;
  /** For each metric, the pairs of its rounds. */
  readonly rounds: Record<RoundKind, (readonly Pair[])[]>;
  milliseconds: number;
  played: number;
  /** Rounds that said nothing, one after the other. */
  disturbances: number;
  disturbed: string | undefined;
  error: ContestError | undefined;
}

/** Kept of the budget for the reruns. */
export const RERUN_SHARE = 0.15;

/** After so many rounds in a row that said nothing, a contest is given up: the machine is too busy for it. */
const MOST_DISTURBANCES = 5;

/** For each metric, in the order of the contests. What a budget or an abort cuts short has fewer rounds. */
export async function playRounds(contests: readonly Contest[], options: PlayOptions): Promise<Series[]> {
  const gate = new RoundKeeper(contests, options);
  for (const look of LOOKS) {
    await gate.measureUntil(look.rounds);
    await gate.confirm();
  }
  return gate.series();
}

class RoundKeeper {
  readonly #options: PlayOptions;
  readonly #entries: readonly Entry[];
  readonly #startMs: number;
  #rounds = 0;

  constructor(contests: readonly Contest[], options: PlayOptions) {
    this.#options = options;
    this.#startMs = options.clock.now();
    this.#entries = contests.map((contest) => ({
      contest,
      rounds: { first: [], rerun: [] },
      milliseconds: 0,
      played: 0,
      disturbances: 0,
      disturbed: undefined,
      error: undefined,
    }));
  }

  /** A round in turn of each that has a metric of which nothing can be said yet, until they have so many, or the time is over. */
  measureUntil(rounds: number): Promise<void> {
    const judged = this.#judged();
    const isOpen = ({ contest }: Entry) => contest.metrics.some(({ id }) => judged.get(id)?.verdict === 'inconclusive');
    return this.#play(rounds, this.#entries.filter(isOpen), 'first');
  }

  /** Measures afresh what is slower and was not confirmed yet, until that is confirmed or not. */
  async confirm(): Promise<void> {
    const judged = this.#judged();
    for (const entry of this.#entries) {
      const slower = entry.contest.metrics.flatMap(({ id }, at) => (judged.get(id)?.verdict === 'slower' ? [at] : []));
      if (slower.length === 0 || entry.rounds.rerun.length > 0) continue;
      for (const look of LOOKS) {
        await this.#play(look.rounds, [entry], 'rerun');
        if (slower.every((at) => judgeAlone(worsenings(entry, at, 'rerun')).verdict !== 'inconclusive')) break;
      }
    }
  }

  series(): Series[] {
    return this.#entries.flatMap((entry) => {
      const { contest, rounds, milliseconds, error, disturbed } = entry;
      return contest.metrics.map((metric, at) => {
        const all = [...pairsOf(entry, at, 'first'), ...pairsOf(entry, at, 'rerun')];
        return {
          contest,
          metric,
          first: pairsOf(entry, at, 'first').map(logRatio),
          rerun: pairsOf(entry, at, 'rerun').map(logRatio),
          base: all.map(({ base }) => base),
          head: all.map(({ head }) => head),
          seconds: milliseconds / 1_000,
          error: error?.message,
          violated: error instanceof ViolationError,
          disturbed: rounds.first.length === 0 || isGivenUp(entry) ? disturbed : undefined,
        };
      });
    });
  }

  async #play(rounds: number, entries: readonly Entry[], which: RoundKind): Promise<void> {
    const { random, budgetMs, signal } = this.#options;
    const limitMs = which === 'first' ? (1 - RERUN_SHARE) * budgetMs : budgetMs;
    for (;;) {
      const due = random.shuffle(entries.filter((each) => this.#isDue(each, which, rounds)));
      if (due.length === 0) return;
      for (const entry of due) {
        if (signal.aborted || this.#elapsedMs() > limitMs) return;
        const what = which === 'first' ? '' : ', to confirm';
        const step = `${entry.contest.id}, round ${entry.rounds[which].length + 1} of ${rounds}${what}`;
        this.#options.onProgress({ step, elapsedMs: this.#elapsedMs(), remainingMs: this.#remainingMs(rounds, entries, which) });
        await this.#round(entry, which);
      }
    }
  }

  #isDue(entry: Entry, which: RoundKind, rounds: number): boolean {
    return entry.rounds[which].length < rounds && entry.error === undefined && !isGivenUp(entry);
  }

  async #round(entry: Entry, which: RoundKind): Promise<void> {
    const { clock, signal } = this.#options;
    const startMs = clock.now();
    try {
      entry.rounds[which].push(await entry.contest.play(which, this.#surroundings()));
      entry.disturbances = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof DisturbedError) {
        entry.disturbances++;
        entry.disturbed = error.message;
      } else if (error instanceof ContestError) entry.error = error;
      else throw error;
    } finally {
      entry.milliseconds += clock.now() - startMs;
      entry.played++;
      this.#rounds++;
    }
  }

  /** Each round has its own chance, and the next core. */
  #surroundings(): Surroundings {
    const { clock, signal, random, cores } = this.#options;
    const coreAt = (place: number) => known(cores[place % cores.length], 'within the cores');
    return {
      clock,
      signal,
      random: random.fork(`round ${this.#rounds}`),
      core: cores.length === 0 ? undefined : coreAt(this.#rounds),
      spareCore: cores.length < 2 ? undefined : coreAt(this.#rounds + 1),
    };
  }

  /** Where a contest has had no round, one takes as long as those of the others do on average. */
  #remainingMs(rounds: number, entries: readonly Entry[], which: RoundKind): number | undefined {
    if (this.#rounds === 0) return undefined;
    const mean = this.#entries.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / this.#rounds;
    return entries
      .filter((each) => this.#isDue(each, which, rounds))
      .map(
        ({ milliseconds, played, rounds: had }) => (rounds - had[which].length) * (played === 0 ? mean : milliseconds / played),
      )
      .reduce((sum, each) => sum + each, 0);
  }

  #judged(): Map<string, Judgement> {
    const ids = this.#entries.flatMap((entry) =>
      entry.contest.metrics.map(({ id }, at) => [id, worsenings(entry, at, 'first')] as const),
    );
    return judgeRounds(new Map(ids));
  }

  #elapsedMs(): number {
    return this.#options.clock.now() - this.#startMs;
  }
}

function isGivenUp({ disturbances }: Entry): boolean {
  return disturbances >= MOST_DISTURBANCES;
}

function pairsOf({ rounds }: Entry, metric: number, which: RoundKind): Pair[] {
  return rounds[which].map((pairs) => known(pairs[metric], 'a round has a pair for each metric'));
}

function worsenings(entry: Entry, at: number, which: RoundKind): number[] {
  const { better } = known(entry.contest.metrics[at], 'it is one of them');
  return worseningsOf(better, pairsOf(entry, at, which).map(logRatio));
}

function logRatio({ base, head }: Pair): number {
  return Math.log(head / base);
}

/** What the rule judges: above 0 where HEAD is worse. @param rounds ln(HEAD / BASE) of each */
export function worseningsOf(better: Metric['better'], rounds: readonly number[]): number[] {
  return rounds.map((round) => (better === 'lower' ? round : -round));
}

/** As if there were no others. */
export function judgeAlone(rounds: readonly number[]): Judgement {
  return known(judgeRounds(new Map([['', rounds]])).get(''), 'it is judged');
}
