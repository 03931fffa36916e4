// Something of which the gate measures both sides, round by round: a microbenchmark, or a scenario on a cluster.

import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { GateSubject } from '../result/gate.ts';

export interface Contest {
  readonly kind: GateSubject['kind'];
  /** Names it in progress. */
  readonly id: string;
  /** Each is judged by itself. */
  readonly metrics: readonly Metric[];
  /**
   * One round.
   * @throws ContestError when it cannot be measured: it is out of the gate then, and the others are not. DisturbedError when this
   * round says nothing. The reason of the signal when it is aborted.
   */
  play(which: RoundKind, surroundings: Surroundings): Promise<readonly Pair[]>;
}

export interface Metric extends Pick<GateSubject, 'unit' | 'better'> {
  /** As the gate prints it: 'suite/name', or scenario and metric. */
  readonly id: string;
}

/** What one round measured, in the unit of its metric, above 0. */
export interface Pair {
  readonly base: number;
  readonly head: number;
}

export interface Surroundings {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly random: Random;
  /** That both sides run on, where they can be pinned; undefined: wherever they like. */
  readonly core: number | undefined;
  /** Another one, for one side to get ready on meanwhile. Default: one gets ready after the other. */
  readonly spareCore?: number | undefined;
}

/** The rounds that a verdict falls by, or the fresh ones that confirm it. */
export type RoundKind = 'first' | 'rerun';

/** Either side cannot be measured. The message says which and why. */
export class ContestError extends Error {
  override readonly name: string = 'ContestError';
}

/** A round in which something else was at work. */
export class DisturbedError extends Error {
  override readonly name = 'DisturbedError';
}

/** A cluster answered what is wrong. */
export class ViolationError extends ContestError {
  override readonly name = 'ViolationError';
}
