// Remembers the configurations that a search has been in, so that none is explored twice.

/** The part of the search's position that the cache needs. Bitsets are little-endian words of 32 operations. */
export interface Configuration {
  readonly state: number;
  /** Hash of the set of linearized required operations. */
  readonly hash: number;
  /** The lowest required operation that is not linearized: all below it are. */
  readonly low: number;
  /** The highest required operation that is linearized, or -1. */
  readonly high: number;
  readonly required: Int32Array;
  readonly optional: Int32Array;
}

// Layout of an entry: these fields, then the words of `required` from low to high, then all words of `optional`.
const HASH = 0;
const STATE = 1;
const LOW = 2;
const WORDS = 3;
const FIELDS = 4;

/**
 * A set of configurations with subsumption: of two that differ only in the optional operations they have used, the one
 * that used fewer can do whatever the other can, so the other need not be explored.
 *
 * Open addressing over offsets into one growing array. Only the words between the lowest missing and the highest
 * linearized operation are stored, so an entry costs tens of bytes however long the history is.
 */
export class ConfigurationCache {
  #slots = new Int32Array(256);
  #arena = new Int32Array(1_024);
  #used = 0;
  #entries = 0;

  get entries(): number {
    return this.#entries;
  }

  get bytes(): number {
    return this.#slots.byteLength + this.#arena.byteLength;
  }

  /** Adds the configuration. False when it, or one that subsumes it, is there already. */
  add(configuration: Configuration): boolean {
    if (2 * (this.#entries + 1) > this.#slots.length) this.#rehash();
    const mask = this.#slots.length - 1;
    const hash = mix(configuration.hash, configuration.state);
    const firstWord = configuration.low >>> 5;
    const words = configuration.high < configuration.low ? 0 : (configuration.high >>> 5) - firstWord + 1;
    let slot = hash & mask;
    for (let entry = this.#slots[slot] as number; entry !== 0; entry = this.#slots[slot] as number) {
      if (this.#sameRequired(entry, hash, words, configuration)) {
        if (this.#usesSubset(entry, words, configuration.optional)) return false;
        if (this.#usesSuperset(entry, words, configuration.optional)) {
          this.#arena.set(configuration.optional, entry + FIELDS + words);
          return true;
        }
      }
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = this.#store(configuration, hash, firstWord, words);
    this.#entries++;
    return true;
  }

  #sameRequired(entry: number, hash: number, words: number, { state, low, required }: Configuration): boolean {
    const arena = this.#arena;
    if (arena[entry + HASH] !== hash || arena[entry + STATE] !== state) return false;
    if (arena[entry + LOW] !== low || arena[entry + WORDS] !== words) return false;
    const firstWord = low >>> 5;
    for (let word = 0; word < words; word++) {
      if (arena[entry + FIELDS + word] !== required[firstWord + word]) return false;
    }
    return true;
  }

  #usesSubset(entry: number, words: number, optional: Int32Array): boolean {
    const begin = entry + FIELDS + words;
    for (let word = 0; word < optional.length; word++) {
      if (((this.#arena[begin + word] as number) & ~(optional[word] as number)) !== 0) return false;
    }
    return true;
  }

  #usesSuperset(entry: number, words: number, optional: Int32Array): boolean {
    const begin = entry + FIELDS + words;
    for (let word = 0; word < optional.length; word++) {
      if (((optional[word] as number) & ~(this.#arena[begin + word] as number)) !== 0) return false;
    }
    return true;
  }

  #store(configuration: Configuration, hash: number, firstWord: number, words: number): number {
    // Offset 0 means an empty slot, so entries begin at 1.
    const entry = this.#used + 1;
    const end = entry + FIELDS + words + configuration.optional.length;
    if (end > this.#arena.length) {
      const grown = new Int32Array(Math.max(end, this.#arena.length * 2));
      grown.set(this.#arena);
      this.#arena = grown;
    }
    const arena = this.#arena;
    arena[entry + HASH] = hash;
    arena[entry + STATE] = configuration.state;
    arena[entry + LOW] = configuration.low;
    arena[entry + WORDS] = words;
    for (let word = 0; word < words; word++) arena[entry + FIELDS + word] = configuration.required[firstWord + word] as number;
    arena.set(configuration.optional, entry + FIELDS + words);
    this.#used = end - 1;
    return entry;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 4);
    const mask = slots.length - 1;
    for (const entry of this.#slots) {
      if (entry === 0) continue;
      let slot = (this.#arena[entry + HASH] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
    this.#slots = slots;
  }
}

/** The finalizer of MurmurHash3 (Austin Appleby), over both parts. */
export function mix(a: number, b: number): number {
  let hash = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}
