// The log as the core sees it, in memory: terms by index, slices, truncation, and where two logs can still agree.

import { assert, AssertionError, known } from '../../runtime/assert.ts';
import type { Entry } from './protocol.ts';

/**
 * Invariants:
 * 1. Indexes are consecutive from `#offset + 1`; terms never decrease.
 * 2. An entry is never changed in place; it is replaced by `truncateFrom` and `append` only.
 */
export class Log {
  readonly #entries: Entry[];
  /** The index before the first entry held here. Compaction will raise it together with the term there. */
  readonly #offset = 0;
  /** The last slice taken: a leader asks for the same one once per follower. */
  #memo: { readonly from: number; readonly maxEntries: number; readonly maxBytes: number; readonly slice: Entry[] } | undefined;

  constructor(entries: readonly Entry[]) {
    this.#entries = [...entries];
  }

  get lastIndex(): number {
    return this.#offset + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries[this.#entries.length - 1]?.term ?? 0;
  }

  /** The term of the entry at `index`, 0 at index 0, undefined past the end. */
  termAt(index: number): number | undefined {
    return index === 0 ? 0 : this.#entries[index - this.#offset - 1]?.term;
  }

  /** Whether the log holds an entry with this index and term. True for (0, 0). */
  matches(index: number, term: number): boolean {
    return this.termAt(index) === term;
  }

  /** The entries must continue the log. */
  append(entries: readonly Entry[]): void {
    let { lastIndex, lastTerm } = this;
    for (const entry of entries) {
      // Not assert(): its message would be put together for every entry.
      if (entry.index !== ++lastIndex) throw new AssertionError(`appended index ${entry.index} where ${lastIndex} was due`);
      if (entry.term < lastTerm) throw new AssertionError(`appended term ${entry.term} after ${lastTerm}`);
      lastTerm = entry.term;
      this.#entries.push(entry);
    }
    this.#memo = undefined;
  }

  /** Removes `index` and everything after it. */
  truncateFrom(index: number): void {
    assert(index > this.#offset && index <= this.lastIndex, `cannot truncate at ${index} of ${this.lastIndex}`);
    this.#entries.length = index - this.#offset - 1;
    this.#memo = undefined;
  }

  /**
   * The first of `entries` that is not in the log, as a position in `entries`; their length when all are. They must follow
   * an entry that matches.
   */
  firstMissing(entries: readonly Entry[]): number {
    let at = 0;
    for (const entry of entries) {
      if (!this.matches(entry.index, entry.term)) break;
      at++;
    }
    return at;
  }

  /** The entries from `from` to `to`, both included. */
  range(from: number, to: number): Entry[] {
    return this.#entries.slice(from - this.#offset - 1, to - this.#offset);
  }

  /** Entries from `from` on, within the limits, but at least one when there is one. Do not change the result: it is shared. */
  slice(from: number, maxEntries: number, maxBytes: number): readonly Entry[] {
    const memo = this.#memo;
    if (memo !== undefined && memo.from === from && memo.maxEntries === maxEntries && memo.maxBytes === maxBytes)
      return memo.slice;
    const start = from - this.#offset - 1;
    let end = Math.min(this.#entries.length, start + maxEntries);
    let bytes = 0;
    for (let at = start; at < end; at++) {
      bytes += known(this.#entries[at], 'inside the log').data.length;
      if (bytes > maxBytes) end = Math.max(at, start + 1);
    }
    const slice = this.#entries.slice(start, end);
    this.#memo = { from, maxEntries, maxBytes, slice };
    return slice;
  }

  /**
   * The largest index <= `index` whose term is <= `term`: the last place at which this log and one that has `term` at
   * `index` could agree, because terms never decrease. 0 when there is none.
   */
  lastIndexUpToTerm(index: number, term: number): number {
    let low = 0;
    let high = Math.min(index, this.lastIndex);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (known(this.termAt(middle), 'inside the log') <= term) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
