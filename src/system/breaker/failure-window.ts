// How many of the recent calls failed: a sliding window over time in constant memory.

/**
 * A ring of equal buckets. `record` is O(1) but for clearing the buckets that time has passed over, at most all of them once.
 * It covers the running bucket and the `buckets - 1` before it, so a call counts for between (1 - 1/buckets) and 1 windows.
 *
 * Invariant: `calls` and `failures` are the sums over all buckets, and 0 <= failures <= calls.
 */
export class FailureWindow {
  readonly #bucketMs: number;
  readonly #calls: Uint32Array;
  readonly #failures: Uint32Array;
  /** Number of the running bucket, counted from instant 0 of the clock. */
  #newest = Number.NEGATIVE_INFINITY;
  #totalCalls = 0;
  #totalFailures = 0;

  /** @param windowMs its length, > 0. @param buckets how many parts it has, >= 1. */
  constructor(windowMs: number, buckets: number) {
    this.#bucketMs = windowMs / buckets;
    this.#calls = new Uint32Array(buckets);
    this.#failures = new Uint32Array(buckets);
  }

  /** Calls in the window as of the last `record`. */
  get calls(): number {
    return this.#totalCalls;
  }

  /** Failures in the window as of the last `record`. */
  get failures(): number {
    return this.#totalFailures;
  }

  /** Counts a call that ended at `nowMs`, which must not go backwards. */
  record(nowMs: number, failed: boolean): void {
    const bucket = Math.floor(nowMs / this.#bucketMs);
    if (bucket > this.#newest) this.#moveTo(bucket);
    const slot = this.#newest % this.#calls.length;
    this.#calls[slot] = (this.#calls[slot] as number) + 1;
    this.#totalCalls++;
    if (!failed) return;
    this.#failures[slot] = (this.#failures[slot] as number) + 1;
    this.#totalFailures++;
  }

  /** Forgets every call. */
  clear(): void {
    this.#calls.fill(0);
    this.#failures.fill(0);
    this.#totalCalls = 0;
    this.#totalFailures = 0;
  }

  #moveTo(bucket: number): void {
    const size = this.#calls.length;
    if (bucket - this.#newest >= size) this.clear();
    else {
      for (let passed = this.#newest + 1; passed <= bucket; passed++) {
        const slot = passed % size;
        this.#totalCalls -= this.#calls[slot] as number;
        this.#totalFailures -= this.#failures[slot] as number;
        this.#calls[slot] = 0;
        this.#failures[slot] = 0;
      }
    }
    this.#newest = bucket;
  }
}
