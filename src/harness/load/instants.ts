// A set of instants, to the millisecond, in little memory.

/** 64 Ki milliseconds, about a minute; doubled as a run lasts longer. A day takes 10.8 MB. */
const INITIAL_WORDS = 2_048;

/** One bit a millisecond. All instants are milliseconds from the start of the scenario, >= 0. */
export class InstantSet {
  #bits = new Uint32Array(INITIAL_WORDS);

  add(ms: number): void {
    const slot = Math.floor(ms);
    const word = slot >>> 5;
    if (word >= this.#bits.length) this.#grow(word + 1);
    // Setting a bit keeps the word a 32-bit integer; the array takes it as unsigned.
    this.#bits[word] = (this.#bits[word] as number) | (1 << (slot & 31));
  }

  /** The first millisecond at or after `slot` (a whole number, >= 0) that is in the set. */
  next(slot: number): number | undefined {
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

  /** The last millisecond at or before `slot` (a whole number, >= 0) that is in the set. */
  previous(slot: number): number | undefined {
    // The bits behind the slot in its own word are masked off.
    const mask = -1 >>> (31 - (slot & 31));
    for (let word = Math.min(slot >>> 5, this.#bits.length - 1); word >= 0; word--) {
      const found = (this.#bits[word] as number) & (word === slot >>> 5 ? mask : -1);
      if (found !== 0) return word * 32 + 31 - Math.clz32(found);
    }
    return undefined;
  }

  #grow(words: number): void {
    const grown = new Uint32Array(Math.max(words, this.#bits.length * 2));
    grown.set(this.#bits);
    this.#bits = grown;
  }
}
