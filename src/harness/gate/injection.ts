// Known slowdowns, to prove that the gate sees them: real work, done by the program that runs a benchmark, behind the benchmark's own.

import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';

export const INJECTION_KINDS = ['work', 'allocation', 'tail'] as const;
export type InjectionKind = (typeof INJECTION_KINDS)[number];

export interface Injection {
  /**
   * - work: arithmetic, `share` of the benchmark's own time.
   * - allocation: short-lived objects that take `share` of its time to make, and leave garbage.
   * - tail: `share` of its operations take ten times as long; of 1 %, the mean grows by 9 %.
   */
  readonly kind: InjectionKind;
  /** Above 0; 0.2 for 20 %. */
  readonly share: number;
}

/** By how much a slow operation of the kind `tail` is slower. */
const TAIL_FACTOR = 10;

/** Enough to be timed, few enough to be repeated. */
const UNITS_TIMED = 2_000;

const TIMED_TIMES = 9;

/** How many units of its work take as long as the benchmark itself does, for one batch. Measured once, and kept for all rounds. */
export type UnitsPerBatch = number;

/** Where results go, so that the work that made them must be done. */
const sink: { value: unknown } = { value: undefined };

function arithmetic(units: number): void {
  let state = 1;
  for (let unit = 0; unit < units; unit++) {
    for (let step = 0; step < 20; step++) state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + step;
  }
  sink.value = state;
}

function allocate(units: number): void {
  for (let unit = 0; unit < units; unit++) sink.value = { unit, before: [unit, unit + 1, unit + 2, unit + 3] };
}

function workOf(kind: InjectionKind): (units: number) => void {
  return kind === 'allocation' ? allocate : arithmetic;
}

/**
 * The medians of several turns, taken alternately, so that a machine that gets slower meanwhile does so for both.
 * @param batch the benchmark's own work, once.
 */
export async function unitsPerBatch(
  { kind }: Injection,
  batch: () => void | Promise<void>,
  clock: Clock,
): Promise<UnitsPerBatch> {
  const work = workOf(kind);
  const ratios: number[] = [];
  for (let time = 0; time < TIMED_TIMES; time++) {
    const startMs = clock.now();
    await batch();
    const betweenMs = clock.now();
    work(UNITS_TIMED);
    ratios.push((UNITS_TIMED * (betweenMs - startMs)) / (clock.now() - betweenMs));
  }
  return ratios.sort((a, b) => a - b)[TIMED_TIMES >>> 1] as number;
}

/** The extra work of the next batch, as a function that does it: what is drawn is drawn before it. @param calls in the batch. */
export function injectedWork({ kind, share }: Injection, units: UnitsPerBatch, calls: number, random: Random): () => void {
  const work = workOf(kind);
  if (kind !== 'tail') return () => work(Math.round(share * units));
  let slow = 0;
  for (let call = 0; call < calls; call++) if (random.chance(share)) slow++;
  return () => work(Math.round((slow * (TAIL_FACTOR - 1) * units) / calls));
}
