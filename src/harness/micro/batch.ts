// Loops that run an operation many times, and how many times make a good sample.

import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Benchmark } from './benchmark.ts';

/** Reading the clock costs about 50 ns and a timer interrupt a few us: against 2 ms neither counts. */
const SAMPLE_MS = 2;

/** No real operation needs more calls than this for 2 ms. */
const MOST_CALLS = 10_000_000;

/** Where results go, so that the work that made them must be done. */
const sink: { value: unknown } = { value: undefined };

export type Batch = () => void | Promise<void>;

/** A function that performs `calls` calls of the operation, one after another. */
export function batchOf({ operation, kind }: Benchmark, calls: number): Batch {
  return kind === 'async' ? () => awaitTimes(operation, calls) : () => callTimes(operation, calls);
}

function callTimes(operation: () => unknown, calls: number): void {
  for (let call = 0; call < calls; call++) sink.value = operation();
}

async function awaitTimes(operation: () => unknown, calls: number): Promise<void> {
  for (let call = 0; call < calls; call++) sink.value = await operation();
}

/** Forgets the last result, so that what one benchmark made does not burden the next. */
export function emptySink(): void {
  sink.value = undefined;
}

/**
 * Shows the synchronous loop several operations before any is measured. V8 inlines the operation that a loop has always
 * called, and may then remove its work; and the first benchmark would be measured inlined and the others not. After this
 * every operation is an opaque call, 2-3 ns of it included in every number.
 */
export function primeLoops(): void {
  let count = 0;
  for (const operation of [() => count++, () => [count], () => `${count}`]) callTimes(operation, 5_000);
  emptySink();
}

/** A tenth of a millisecond of them, or more: reading the clock does not count. */
const COMPARED_CALLS = 20_000;
const COMPARISONS = 21;

/** In turn, because a loop that always gets the same one is compiled for that one, and does nothing at all. */
const EMPTY_OPERATIONS: readonly (() => unknown)[] = [() => undefined, () => null, () => false, () => 0];

/**
 * How many times as long as a call that does nothing a synchronous call takes: the median of 21 comparisons, both within a moment, because
 * a machine that others use is twice as fast in one moment as in the next. After `primeLoops`, which keeps a call of nothing from vanishing.
 */
export function timesAnEmptyCall({ operation }: Benchmark, clock: Clock): number {
  const msOf = (each: () => unknown) => {
    const startMs = clock.now();
    callTimes(each, COMPARED_CALLS);
    return clock.now() - startMs;
  };
  const ratios = Array.from({ length: COMPARISONS }, (_, at) => {
    const empty = known(EMPTY_OPERATIONS[at % EMPTY_OPERATIONS.length], 'within them');
    return msOf(operation) / msOf(empty);
  });
  return known(ratios.sort((a, b) => a - b)[COMPARISONS >>> 1], 'there is a middle');
}

/**
 * Finds how many calls last about `sampleMs`, and warms the operation up on the way: runs batches for `budgetMs` (at least one),
 * and answers from the median of the last ones, when the code is compiled. Never more than 10 million. Throws when they take
 * no time at all.
 */
export async function calibrate(
  benchmark: Benchmark,
  clock: Clock,
  budgetMs: number,
  signal: AbortSignal,
  sampleMs = SAMPLE_MS,
): Promise<number> {
  const endMs = clock.now() + budgetMs;
  const recent: number[] = [];
  let calls = 1;
  do {
    const startMs = clock.now();
    await batchOf(benchmark, calls)();
    const elapsedMs = clock.now() - startMs;
    // tinybench would sample for ever: its budget is the sum of its samples.
    if (elapsedMs === 0 && calls === MOST_CALLS) throw new Error(`${calls} calls took no time: optimised away?`);
    recent.push(callsPerSample(calls, elapsedMs, sampleMs));
    if (recent.length > 5) recent.shift();
    // A batch of microseconds says little about how many make milliseconds: approach in steps.
    calls = Math.min(calls * 10, callsPerSample(calls, elapsedMs, sampleMs));
  } while (clock.now() < endMs && !signal.aborted);
  return recent.toSorted((a, b) => a - b)[recent.length >>> 1] as number;
}

function callsPerSample(calls: number, elapsedMs: number, sampleMs: number): number {
  const wanted = elapsedMs > 0 ? Math.round((calls * sampleMs) / elapsedMs) : MOST_CALLS;
  return Math.min(MOST_CALLS, Math.max(1, wanted));
}
