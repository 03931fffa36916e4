// When operations succeeded, to the millisecond and in little memory: how long a fault kept everyone waiting, and when the
// first success came behind it.

/** 64 Ki milliseconds, about a minute; doubled as a run lasts longer. A day takes 10.8 MB. */
const INITIAL_WORDS = 2_048;

/** Firsts are all kept until there are this many, 4 MB; then those a millisecond apart in sending, then two, and so on. */
const MAX_FIRSTS = 262_144;

/** All instants are milliseconds from the start of the scenario, >= 0. */
export class SuccessTimes {
  /** One bit a millisecond: something succeeded in it. */
  #bits = new Uint32Array(INITIAL_WORDS);
  /**
   * Successes that were sent later than everything that succeeded before them. The first success (by its end) among those sent
   * at or after any instant is always one of these, and both arrays rise.
   */
  #sentMs: number[] = [];
  #endedMs: number[] = [];
  #resolutionMs = 0;

  /** Fast when calls come nearly in the order of `endedMs`, as those of several generators do. */
  record(sentMs: number, endedMs: number): void {
    const slot = Math.floor(endedMs);
    const word = slot >>> 5;
    if (word >= this.#bits.length) this.#grow(word + 1);
    // Setting a bit keeps the word a 32-bit integer; the array takes it as unsigned.
    this.#bits[word] = (this.#bits[word] as number) | (1 << (slot & 31));
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
    for (
      let slot = this.#nextSuccess(Math.ceil(fromMs));
      slot !== undefined && slot <= toMs;
      slot = this.#nextSuccess(slot + 1)
    ) {
      longest = Math.max(longest, slot - lastMs);
      lastMs = slot;
    }
    return Math.max(longest, toMs - lastMs);
  }

  /** The first millisecond at or after `slot` in which something succeeded. */
  #nextSuccess(slot: number): number | undefined {
    // The bits before the slot in its own word are masked off; later words count as a whole.
    let mask = -1 << (slot & 31);
    for (let word = slot >>> 5; word < this.#bits.length; word++) {
      const found = (this.#bits[word] as number) & mask;
      // The lowest bit set: x & -x isolates it.
      if (found !== 0) return word * 32 + 31 - Math.clz32(found & -found);
      mask = -1;
    }
    return undefined;
  }

  #grow(words: number): void {
    const grown = new Uint32Array(Math.max(words, this.#bits.length * 2));
    grown.set(this.#bits);
    this.#bits = grown;
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
