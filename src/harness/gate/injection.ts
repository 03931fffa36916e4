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

/** Compiles the work, and says about how long it takes. */
const FIRST_UNITS = 20_000;

const TIMED_TIMES = 24;

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
 * Batch and work take turns, so that a machine that gets slower meanwhile does so for both, and about as long, so that both are disturbed
 * as often. Of each the lower quartile counts: what disturbs only adds.
 * @param batch the benchmark's own work, once.
 */
export async function unitsPerBatch(
  { kind }: Injection,
  batch: () => void | Promise<void>,
  clock: Clock,
): Promise<UnitsPerBatch> {
  const work = workOf(kind);
  const timed = async (what: () => void | Promise<void>) => {
    const startMs = clock.now();
    await what();
    return clock.now() - startMs;
  };
  await timed(() => work(FIRST_UNITS));
  const units = Math.max(1, Math.round((FIRST_UNITS * (await timed(batch))) / (await timed(() => work(FIRST_UNITS)))));
  const [batches, works]: [number[], number[]] = [[], []];
  for (let time = 0; time < TIMED_TIMES; time++) {
    batches.push(await timed(batch));
    works.push(await timed(() => work(units)));
  }
  return (units * lowerQuartile(batches)) / lowerQuartile(works);
}

function lowerQuartile(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >>> 2] as number;
}

/** The extra work of the next batch, as a function that does it: what is drawn is drawn before it. @param calls in the batch. */
export function injectedWork({ kind, share }: Injection, units: UnitsPerBatch, calls: number, random: Random): () => void {
  const work = workOf(kind);
  if (kind !== 'tail') return () => work(Math.round(share * units));
  let slow = 0;
  for (let call = 0; call < calls; call++) if (random.chance(share)) slow++;
  return () => work(Math.round((slow * (TAIL_FACTOR - 1) * units) / calls));
}
