// When response times were back to normal behind a fault: p99 within 20 % of what it was before the first one.
//
// An operation is slow when it took longer than that, failed, was dropped or is still without an answer, so of what was due only
// what was fast in time has to be counted. A p99 of the few operations of one second is an accident of single samples; whether
// more of them were slow than the one in a hundred that p99 allows, beyond chance, is not.

import { formatDuration } from '../../runtime/duration.ts';
import { LatencyHistogram } from '../result/histogram.ts';
import type { Phase } from '../result/schema.ts';

/** How near p99 has to come to its baseline. */
export const TOLERANCE = 1.2;

const SLICE_MS = 100;
/** Windows last a second, and begin every 100 ms. */
const WINDOW_SLICES = 10;
/** For so long every window has to be normal. */
const HOLD_SLICES = 20;
/** Fewer operations a second than this say nothing about a percentile. */
const FEWEST_PER_SECOND = 20;
/** A p99 of fewer operations than this is no baseline. */
const FEWEST_IN_BASELINE = 100;
/** A normal window looks worse than this by chance once in so many. */
const FALSE_ALARMS = 1_000;

export type RecoveryTime =
  /** From the end of the fault until the first normal window began, in steps of 100 ms. */
  | { readonly kind: 'recovered'; readonly afterMs: number }
  | { readonly kind: 'not-recovered' }
  | { readonly kind: 'unknown'; readonly reason: string };

/** All instants are milliseconds from the start of the scenario, >= 0. */
export class P99Recovery {
  readonly #phaseAt: (ms: number) => Phase;
  /** Of operations that were due and answered before the first fault, behind the warm-up. */
  readonly #baseline = new LatencyHistogram();
  #baselineFromMs = Number.POSITIVE_INFINITY;
  #baselineToMs = 0;
  /** Microseconds; kept from the first operation on that was due behind the start of a fault. */
  #limitUs: number | undefined;
  /** By slices of the instant at which operations were due, behind the baseline. A day takes 7 MB. */
  #due = new Uint32Array(1_024);
  #lastDueMs = 0;
  #fast = new Uint32Array(1_024);

  constructor(phaseAt: (ms: number) => Phase) {
    this.#phaseAt = phaseAt;
  }

  /** An operation was due, whether or not it then started. */
  due(atMs: number): void {
    if (isBeforeFaults(this.#phaseAt(atMs))) return;
    const slice = this.#sliceOf(atMs);
    this.#due[slice] = (this.#due[slice] as number) + 1;
    this.#lastDueMs = Math.max(this.#lastDueMs, atMs);
  }

  /** One that was due at `scheduledMs` was answered as it should be. */
  answered(scheduledMs: number, atMs: number): void {
    const responseUs = (atMs - scheduledMs) * 1_000;
    const phase = this.#phaseAt(scheduledMs);
    if (!isBeforeFaults(phase)) {
      this.#limitUs ??= this.#limitNow();
      if (responseUs > this.#limitUs) return;
      const slice = this.#sliceOf(scheduledMs);
      this.#fast[slice] = (this.#fast[slice] as number) + 1;
    } else if (phase === 'baseline' && isBeforeFaults(this.#phaseAt(atMs))) {
      this.#baseline.record(responseUs);
      this.#baselineFromMs = Math.min(this.#baselineFromMs, scheduledMs);
      this.#baselineToMs = Math.max(this.#baselineToMs, scheduledMs);
    }
  }

  /** What p99 has to come back to, milliseconds; undefined without a baseline that is worth the name. */
  get limitMs(): number | undefined {
    return this.#baseline.count < FEWEST_IN_BASELINE ? undefined : (this.#limitUs ?? this.#limitNow()) / 1_000;
  }

  /** @param untilMs where the next fault begins, or the run ends. */
  after(faultEndMs: number, untilMs: number): RecoveryTime {
    const { count } = this.#baseline;
    const perSecond = (count * 1_000) / Math.max(1, this.#baselineToMs - this.#baselineFromMs);
    if (count < FEWEST_IN_BASELINE || perSecond < FEWEST_PER_SECOND)
      return { kind: 'unknown', reason: `too few operations to compare with before the first fault (${count})` };
    // Behind the last operation, after Ctrl-C or while the last ones end, nothing is fast or slow.
    const endMs = Math.min(untilMs, this.#lastDueMs + SLICE_MS);
    const [first, end] = [Math.ceil(faultEndMs / SLICE_MS), Math.floor(endMs / SLICE_MS)];
    if (end - first < HOLD_SLICES) {
      const left = formatDuration(Math.max(0, endMs - faultEndMs));
      const reason = `the load went on for ${left} until the next fault or its end, less than ${formatDuration(HOLD_SLICES * SLICE_MS)}`;
      return { kind: 'unknown', reason };
    }
    let normal = 0;
    for (let at = first; at + WINDOW_SLICES <= end; at++) {
      normal = this.#isNormal(at) ? normal + 1 : 0;
      if (normal <= HOLD_SLICES - WINDOW_SLICES) continue;
      const begin = at - normal + 1;
      return { kind: 'recovered', afterMs: begin === first ? 0 : begin * SLICE_MS - faultEndMs };
    }
    return { kind: 'not-recovered' };
  }

  #isNormal(slice: number): boolean {
    let [due, fast] = [0, 0];
    for (let at = slice; at < slice + WINDOW_SLICES; at++) {
      due += this.#due[at] ?? 0;
      fast += this.#fast[at] ?? 0;
    }
    return due >= FEWEST_PER_SECOND && due - fast <= mostSlowByChance(due);
  }

  /** With few samples their maximum stands in for the percentile, as everywhere. */
  #limitNow(): number {
    return (this.#baseline.percentile(99) ?? this.#baseline.max) * TOLERANCE;
  }

  #sliceOf(atMs: number): number {
    const slice = Math.floor(atMs / SLICE_MS);
    if (slice >= this.#due.length) {
      this.#due = grown(this.#due, slice + 1);
      this.#fast = grown(this.#fast, slice + 1);
    }
    return slice;
  }
}

function isBeforeFaults(phase: Phase): boolean {
  return phase === 'warmup' || phase === 'baseline';
}

function grown(counts: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(length, counts.length * 2));
  larger.set(counts);
  return larger;
}

/** Of `operations`, each slow with probability 1 %: the number that is exceeded in fewer than one of 1,000 cases. */
export function mostSlowByChance(operations: number): number {
  const share = 0.01;
  // Beyond this the binomial distribution is normal enough, and its first term would be too small for a number.
  if (operations > 20_000) return Math.ceil(operations * share + 3.1 * Math.sqrt(operations * share * (1 - share)));
  let probability = (1 - share) ** operations;
  let cumulative = probability;
  let slow = 0;
  while (1 - cumulative >= 1 / FALSE_ALARMS && slow < operations) {
    slow++;
    probability *= (((operations - slow + 1) / slow) * share) / (1 - share);
    cumulative += probability;
  }
  return slow;
}
