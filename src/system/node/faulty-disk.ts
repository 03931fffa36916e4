// A disk that is slow or full on demand, around the files of the log. (The database of the state machine syncs only at its
// checkpoints, in a thread of its own, where nobody waits for it; its file system calls are SQLite's and are left alone.)

import { type Clock, sleep } from '../../runtime/clock.ts';
import type { LogFile, LogFolder } from './log-files.ts';

export class FaultyDisk {
  readonly #clock: Clock;
  #full = false;
  #delayMs = 0;
  /** Ends the delays under way. */
  #slow = new AbortController();
  #syncs: number[] = [];

  /** @param clock the true one: a skewed clock must not change how slow the disk is. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds that every sync takes longer; 0: not any more, and those that wait go on. Forgets the syncs measured so far. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
    this.#slow.abort();
    this.#slow = new AbortController();
    if (delayMs > 0) this.#syncs = [];
  }

  full(full: boolean): void {
    this.#full = full;
  }

  /** How long syncs took, milliseconds, since `slow` was told of a delay. */
  get syncs(): readonly number[] {
    return this.#syncs;
  }

  /** The same folder, on this disk. */
  readonly around = (folder: LogFolder): LogFolder => ({
    list: () => folder.list(),
    open: async (name) => this.#file(await folder.open(name)),
    create: async (name) => {
      if (this.#full) throw noSpace();
      return this.#file(await folder.create(name));
    },
    remove: (name) => folder.remove(name),
    sync: () => this.#sync(() => folder.sync()),
  });

  #file(file: LogFile): LogFile {
    return {
      read: (offset, length) => file.read(offset, length),
      append: async (bytes) => {
        if (!this.#full) return file.append(bytes);
        // As a disk does that fills up: some of it fits.
        await file.append(bytes.subarray(0, Math.floor(bytes.byteLength / 2)));
        throw noSpace();
      },
      truncate: (size) => file.truncate(size),
      sync: () => this.#sync(() => file.sync()),
      close: () => file.close(),
    };
  }

  async #sync(sync: () => Promise<void>): Promise<void> {
    if (this.#delayMs === 0) return sync();
    const { signal } = this.#slow;
    const startMs = this.#clock.now();
    // The delay before the sync: nothing is durable meanwhile, as on a disk that really is slow.
    await sleep(this.#clock, this.#delayMs, signal).catch(() => {});
    await sync();
    if (!signal.aborted) this.#syncs.push(this.#clock.now() - startMs);
  }
}

function noSpace(): NodeJS.ErrnoException {
  return Object.assign(new Error('ENOSPC: no space left on device, write (injected)'), { code: 'ENOSPC' });
}
