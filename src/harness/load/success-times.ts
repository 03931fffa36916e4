// When operations succeeded, to the millisecond and in little memory: how long a fault kept everyone waiting, and when the
// first success came behind it.

import { InstantSet } from './instants.ts';

/** Firsts are all kept until there are this many, 4 MB; then those a millisecond apart in sending, then two, and so on. */
const MAX_FIRSTS = 262_144;

/** All instants are milliseconds from the start of the scenario, >= 0. */
export class SuccessTimes {
  readonly #ended = new InstantSet();
  /**
   * Successes that were sent later than everything that succeeded before them. The first success (by its end) among those sent
   * at or after any instant is always one of these, and both arrays rise.
   */
  #sentMs: number[] = [];
  #endedMs: number[] = [];
  #resolutionMs = 0;

  /** Fast when calls come nearly in the order of `endedMs`, as those of several generators do. */
  record(sentMs: number, endedMs: number): void {
    this.#ended.add(endedMs);
    this.#keepIfApart(sentMs, endedMs);
    if (this.#sentMs.length > MAX_FIRSTS) this.#thinOut();
  }

  /**
   * When the first success ended among the operations that were sent at or after an instant, or undefined when there is
   * none. Answers that were already on their way at that instant do not count. Exact for the first 262,144 successes; in a
   * longer run an operation sent in the first millisecond behind the instant may be overlooked, then in the first two, ...
   */
  firstSentAfter(ms: number): number | undefined {
    let low = 0;
    let high = this.#sentMs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sentMs[middle] as number) < ms) low = middle + 1;
      else high = middle;
    }
    return this.#endedMs[low];
  }

  /**
   * The longest time within [fromMs, toMs] without a success: before the first, between two, or behind the last, to the
   * millisecond. The whole time when there was none.
   */
  longestGap(fromMs: number, toMs: number): number {
    let longest = 0;
    let lastMs = fromMs;
    for (let slot = this.#ended.next(Math.ceil(fromMs)); slot !== undefined && slot <= toMs; slot = this.#ended.next(slot + 1)) {
      longest = Math.max(longest, slot - lastMs);
      lastMs = slot;
    }
    return Math.max(longest, toMs - lastMs);
  }

  #thinOut(): void {
    while (this.#sentMs.length > MAX_FIRSTS / 2) {
      this.#resolutionMs = Math.max(1, this.#resolutionMs * 2);
      const [sent, ended] = [this.#sentMs, this.#endedMs];
      this.#sentMs = [];
      this.#endedMs = [];
      for (const [at, sentMs] of sent.entries()) this.#keepIfApart(sentMs, ended[at] as number);
    }
  }

  #keepIfApart(sentMs: number, endedMs: number): void {
    let at = this.#endedMs.length;
    while (at > 0 && (this.#endedMs[at - 1] as number) > endedMs) at--;
    const before = this.#sentMs[at - 1];
    if (before !== undefined && (sentMs <= before || sentMs < before + this.#resolutionMs)) return;
    // Those that succeeded later and were not sent later tell nothing any more.
    let next = at;
    while (next < this.#sentMs.length && (this.#sentMs[next] as number) <= sentMs) next++;
    if (at === this.#sentMs.length) {
      this.#sentMs.push(sentMs);
      this.#endedMs.push(endedMs);
    } else {
      this.#sentMs.splice(at, next - at, sentMs);
      this.#endedMs.splice(at, next - at, endedMs);
    }
  }
}
