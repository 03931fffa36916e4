// The resources that nobody uses, and the timer that takes them away when they have lain too long or grown too old.

import type { Cancel } from '../../runtime/clock.ts';
import type { Entry } from './lease.ts';
import type { CheckedPoolOptions } from './pool-options.ts';
import { RingQueue } from '../../runtime/ring-queue.ts';

export interface IdleShelfOwner<T> {
  /** How many resources may go for being idle: those above `min`. */
  surplus(): number;
  expired(entry: Entry<T>, reason: 'idle' | 'lifetime'): void;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Ordered by how long they have been idle. At most one timer, set for the earliest expiry or before it. */
export class IdleShelf<T> {
  readonly #entries = new RingQueue<Entry<T>>();
  readonly #options: CheckedPoolOptions;
  readonly #owner: IdleShelfOwner<T>;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #cancelTimer: Cancel = () => {};

  constructor(options: CheckedPoolOptions, owner: IdleShelfOwner<T>) {
    this.#options = options;
    this.#owner = owner;
  }

  get size(): number {
    return this.#entries.length;
  }

  put(entry: Entry<T>, now: number): void {
    entry.idleSinceMs = now;
    this.#entries.push(entry);
    this.#wakeAt(Math.min(now + this.#options.idleTimeoutMs, entry.expiresAtMs), now);
  }

  /** The one that `take` would return. Only when `size` > 0. */
  peek(): Entry<T> {
    return (this.#options.order === 'lifo' ? this.#entries.last : this.#entries.first) as Entry<T>;
  }

  /** The next to be used. Only when `size` > 0. */
  take(): Entry<T> {
    return (this.#options.order === 'lifo' ? this.#entries.pop() : this.#entries.shift()) as Entry<T>;
  }

  /** Takes all and stops the timer. */
  clear(): Entry<T>[] {
    this.#cancelTimer();
    return this.#entries.removeWhere(() => true);
  }

  #wakeAt(dueAtMs: number, now: number): void {
    if (dueAtMs >= this.#wakeAtMs) return;
    this.#cancelTimer();
    this.#wakeAtMs = dueAtMs;
    // Waking up early is harmless: #evict looks at each and sets the timer again.
    this.#cancelTimer = this.#options.clock.scheduleBackground(Math.min(dueAtMs - now, LONGEST_TIMER_MS), () => this.#evict());
  }

  #evict(): void {
    const { clock, idleTimeoutMs } = this.#options;
    const now = clock.now();
    let surplus = this.#owner.surplus();
    let nextAtMs = Number.POSITIVE_INFINITY;
    const gone = this.#entries.removeWhere((entry) => {
      const idleUntilMs = entry.idleSinceMs + idleTimeoutMs;
      const goes = now >= entry.expiresAtMs || (now >= idleUntilMs && surplus > 0);
      if (goes) surplus--;
      // One that stays although it was idle for too long is kept warm; only age can take it.
      else nextAtMs = Math.min(nextAtMs, entry.expiresAtMs, now >= idleUntilMs ? Number.POSITIVE_INFINITY : idleUntilMs);
      return goes;
    });
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.#wakeAt(nextAtMs, now);
    for (const entry of gone) this.#owner.expired(entry, now >= entry.expiresAtMs ? 'lifetime' : 'idle');
  }
}
