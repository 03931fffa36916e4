// What was handed to the disk, and how much of it is known to be there.

import { assert } from '../../runtime/assert.ts';
import type { Effect, Entry, HardState } from './protocol.ts';
import { RingQueue } from '../../runtime/ring-queue.ts';

type PersistEffect = Extract<Effect, { type: 'persist' }>;

interface Outstanding {
  readonly sequence: number;
  /** When it was handed to the disk. */
  readonly sinceTick: number;
  /** Up to here the log in memory is what this effect, once durable, leaves on disk. Lowered when the log is truncated. */
  coveredIndex: number;
}

/**
 * At most one persist effect per step: what changes during a step is gathered in it and closed by `finish`.
 *
 * Invariants:
 * 1. Sequences are 1, 2, 3 ...
 * 2. The disk holds exactly the log in memory up to `durableIndex`. Confirmation of an effect counts only for the part
 *    of the log that no later effect replaced.
 */
export class Persistence {
  #sequence = 0;
  #confirmed = 0;
  #hardStateSequence = 0;
  #durableIndex: number;
  readonly #outstanding = new RingQueue<Outstanding>();
  #open: { -readonly [K in keyof PersistEffect]: PersistEffect[K] } | undefined;
  #openFrom = Number.POSITIVE_INFINITY;

  /** @param durableIndex the last index of the log that was read from disk. */
  constructor(durableIndex: number) {
    this.#durableIndex = durableIndex;
  }

  get durableIndex(): number {
    return this.#durableIndex;
  }

  /** Whether the current term and vote are on disk: until then nothing may be said that depends on them. */
  get hardStateIsDurable(): boolean {
    return this.#hardStateSequence <= this.#confirmed;
  }

  /** Since when the disk has owed the oldest entries that it was given and has not confirmed; undefined when it owes none. */
  get owedSinceTick(): number | undefined {
    return this.#outstanding.first?.sinceTick;
  }

  /** The term or the vote changed. */
  hardStateChanged(effects: Effect[], hardState: HardState): void {
    const open = this.#begin(effects);
    open.hardState = hardState;
    this.#hardStateSequence = open.sequence;
  }

  /** Entries from `from` on were appended; if `replaced`, in place of others. */
  entriesChanged(effects: Effect[], from: number, replaced: boolean): void {
    this.#begin(effects);
    this.#openFrom = Math.min(this.#openFrom, from);
    if (!replaced) return;
    this.#durableIndex = Math.min(this.#durableIndex, from - 1);
    for (const outstanding of this.#outstanding) outstanding.coveredIndex = Math.min(outstanding.coveredIndex, from - 1);
  }

  /** Closes this step's effect, if there is one. `entriesFrom` gives the log from an index to its end. */
  finish(nowTick: number, lastIndex: number, entriesFrom: (index: number) => readonly Entry[]): void {
    if (this.#open === undefined) return;
    if (this.#openFrom <= lastIndex) {
      this.#open.entries = entriesFrom(this.#openFrom);
      this.#outstanding.push({ sequence: this.#open.sequence, sinceTick: nowTick, coveredIndex: lastIndex });
    }
    this.#open = undefined;
    this.#openFrom = Number.POSITIVE_INFINITY;
  }

  /** Everything up to `sequence` is on disk. */
  confirm(sequence: number): void {
    assert(sequence <= this.#sequence, `persisted ${sequence} of ${this.#sequence}`);
    this.#confirmed = Math.max(this.#confirmed, sequence);
    for (
      let first = this.#outstanding.first;
      first !== undefined && first.sequence <= sequence;
      first = this.#outstanding.first
    ) {
      this.#durableIndex = Math.max(this.#durableIndex, first.coveredIndex);
      this.#outstanding.shift();
    }
  }

  #begin(effects: Effect[]): { -readonly [K in keyof PersistEffect]: PersistEffect[K] } {
    if (this.#open === undefined) {
      this.#open = { type: 'persist', sequence: ++this.#sequence, hardState: undefined, entries: [] };
      effects.push(this.#open);
    }
    return this.#open;
  }
}
