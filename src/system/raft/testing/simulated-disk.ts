// A disk that forgets what was not synced. Writes are made durable in order, many with one sync, after a random time; a crash
// keeps any prefix of what was under way, down to a part of one write.

import type { Cancel, Clock } from '../../../runtime/clock.ts';
import type { Random } from '../../../runtime/random.ts';
import type { Effect, Entry, HardState, Recovery } from '../protocol.ts';

export type Write = Extract<Effect, { type: 'persist' }>;

/** What a write leaves on the disk. A canary may replace it. */
export type StoreWrite = (disk: SimulatedDisk, write: Write, entryCount: number) => void;

export class SimulatedDisk {
  hardState: HardState = { term: 0, votedFor: undefined };
  entries: Entry[] = [];
  /** Since it replaced one that was lost. */
  recovery: Recovery | undefined;
  /** Mean time of one sync, milliseconds. */
  meanSyncMs = 2;
  #stalledUntilMs = 0;
  #unsynced: Write[] = [];
  /** How many of the unsynced writes the sync under way covers. */
  #syncing = 0;
  #cancel: Cancel | undefined;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #store: StoreWrite;

  constructor(clock: Clock, random: Random, store: StoreWrite = storeWrite) {
    this.#clock = clock;
    this.#random = random;
    this.#store = store;
  }

  /** Whether the entry is durable here. */
  holds(index: number, term: number): boolean {
    return this.entries[index - 1]?.term === term;
  }

  write(write: Write, onDurable: (sequence: number) => void): void {
    this.#unsynced.push(write);
    if (this.#syncing === 0) this.#sync(onDurable);
  }

  /** Syncs that begin from now on do not end before so many milliseconds have passed. */
  stall(durationMs: number): void {
    this.#stalledUntilMs = this.#clock.now() + durationMs;
  }

  #sync(onDurable: (sequence: number) => void): void {
    this.#syncing = this.#unsynced.length;
    const stalledMs = Math.max(0, this.#stalledUntilMs - this.#clock.now());
    this.#cancel = this.#clock.schedule(stalledMs + this.#random.exponential(this.meanSyncMs), () => {
      const done = this.#unsynced.splice(0, this.#syncing);
      this.#syncing = 0;
      for (const write of done) this.#store(this, write, write.entries.length);
      if (this.#unsynced.length > 0) this.#sync(onDurable);
      onDurable((done.at(-1) as Write).sequence);
    });
  }

  /** An empty disk in the place of this one. */
  lose(incarnation: number): void {
    this.hardState = { term: 0, votedFor: undefined };
    this.entries = [];
    this.recovery = { incarnation, over: false };
  }

  /** Power fails. Returns how many unsynced writes survived whole, of how many, and whether the next one did in part. */
  crash(): { survived: number; of: number; torn: boolean } {
    this.#cancel?.();
    const writes = this.#unsynced;
    this.#unsynced = [];
    this.#syncing = 0;
    const survived = this.#random.chance(0.4) ? 0 : this.#random.integer(0, writes.length);
    for (const write of writes.slice(0, survived)) this.#store(this, write, write.entries.length);
    const next = writes[survived];
    const torn = next !== undefined && this.#random.chance(0.5);
    // The hard state comes first in a write, then the entries one by one.
    if (torn) this.#store(this, next, this.#random.integer(0, next.entries.length));
    return { survived, of: writes.length, torn };
  }
}

/** The first `entryCount` entries of a write replace everything from their place on. */
export const storeWrite: StoreWrite = (disk, { hardState, entries }, entryCount) => {
  if (hardState !== undefined) disk.hardState = hardState;
  const first = entries[0];
  if (first === undefined || entryCount === 0) return;
  disk.entries.length = first.index - 1;
  for (let at = 0; at < entryCount; at++) disk.entries.push(entries[at] as Entry);
};
