// Seeded random numbers. Nothing outside runtime/ calls Math.random: a run is repeated from its seed.

import { randomBytes } from 'node:crypto';
import { assert } from './assert.ts';

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes BigCrush, a few nanoseconds a draw. Not for secrets. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  /** The seed this generator was made from, for messages and result files. */
  readonly seed: number;

  /** @param seed an integer from 0 to 2^53 - 1. */
  constructor(seed: number) {
    assert(Number.isSafeInteger(seed) && seed >= 0, `a seed is an integer from 0 to 2^53 - 1, not ${seed}`);
    this.seed = seed;
    this.#a = 0;
    this.#b = seed >>> 0;
    this.#c = Math.floor(seed / 2 ** 32) >>> 0;
    // The first outputs still show the seed; the author prescribes at least 12 rounds.
    for (let round = 0; round < 15; round++) this.uint32();
  }

  /** A uniformly distributed integer from 0 to 2^32 - 1. */
  uint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum >>> 0;
  }

  /** A uniformly distributed number, 0 <= x < 1, with 53 random bits. */
  float(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** A uniformly distributed integer, `low` <= x <= `high`. */
  integer(low: number, high: number): number {
    assert(high >= low, `an empty range: ${low} to ${high}`);
    return low + Math.floor(this.float() * (high - low + 1));
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.float() < p;
  }

  /** An exponentially distributed number with the given mean: the gaps of a Poisson process. */
  exponential(mean: number): number {
    return -Math.log(1 - this.float()) * mean;
  }

  /** One of the items, each equally likely. Throws on an empty list. */
  pick<T>(items: readonly T[]): T {
    assert(items.length > 0, 'cannot pick from an empty list');
    return items[this.integer(0, items.length - 1)] as T;
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.integer(0, i);
      [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
    }
    return copy;
  }

  /** A new generator whose stream depends on this one's seed and the label only, not on how much was drawn. */
  fork(label: string): Random {
    // FNV-1a, once from each end of the seed, so that both halves of the new seed depend on all of label and seed.
    let high = 0x811c9dc5;
    let low = 0x01000193;
    for (const character of `${this.seed}/${label}`) {
      const code = character.codePointAt(0) as number;
      high = Math.imul(high ^ code, 0x01000193) >>> 0;
      low = Math.imul(low ^ code, 0x85ebca6b) >>> 0;
    }
    return new Random((high >>> 11) * 2 ** 32 + low);
  }
}

/** A seed that differs from run to run, for when the user gave none. Print it. */
export function freshSeed(): number {
  return randomBytes(6).readUIntBE(0, 6);
}
