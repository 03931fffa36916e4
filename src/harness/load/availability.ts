// When operations waited and nobody got an answer: how long a system served nobody.

import { InstantSet } from './instants.ts';

/** All instants are milliseconds from the start of the scenario, >= 0. */
export class Availability {
  readonly #due = new InstantSet();
  readonly #succeeded = new InstantSet();

  /** The schedule wanted an operation, whether or not it then started. */
  due(atMs: number): void {
    this.#due.add(atMs);
  }

  succeeded(atMs: number): void {
    this.#succeeded.add(atMs);
  }

  /**
   * The sum of the stretches within [fromMs, toMs] in which an operation was due and none succeeded, each counted whole when it is
   * longer than `gapMs` and not at all otherwise. A stretch begins with the first operation that was due behind the last success:
   * where nobody asks, nothing is unavailable. To the millisecond.
   */
  unavailable(fromMs: number, toMs: number, gapMs: number): number {
    let sum = 0;
    // What was due before, and has had no answer since, waits at `fromMs`.
    let successMs = this.#succeeded.previous(Math.floor(fromMs)) ?? 0;
    while (successMs < toMs) {
      const waitingMs = this.#due.next(Math.floor(successMs));
      const nextMs = this.#succeeded.next(Math.floor(successMs) + 1) ?? Number.POSITIVE_INFINITY;
      if (waitingMs !== undefined) {
        const stretchMs = Math.min(nextMs, toMs) - Math.max(waitingMs, successMs, fromMs);
        if (stretchMs > gapMs) sum += stretchMs;
      }
      successMs = nextMs;
    }
    return sum;
  }
}
