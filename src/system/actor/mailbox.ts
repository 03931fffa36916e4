// A bounded queue of what an actor has still to handle, with a stated policy for when it is full.

import { RingQueue } from '../../runtime/ring-queue.ts';

/**
 * What happens to a message that finds the mailbox full.
 * - `wait`: the sender waits in line, first come first served, until there is room.
 * - `reject`: the sender is told at once, with MailboxFullError.
 * - `drop-newest`: the message becomes a dead letter.
 * - `drop-oldest`: the oldest message in the mailbox becomes a dead letter and makes room.
 */
export type FullPolicy = 'wait' | 'reject' | 'drop-newest' | 'drop-oldest';

export interface MailboxOptions<P extends FullPolicy = FullPolicy> {
  /** Messages it holds, an integer from 1 to 2^24. */
  readonly capacity: number;
  readonly whenFull: P;
}

const POLICIES: readonly FullPolicy[] = ['wait', 'reject', 'drop-newest', 'drop-oldest'];
const MAX_CAPACITY = 2 ** 24;

/** Throws RangeError, naming the value, unless the options can be served. */
export function checkMailboxOptions({ capacity, whenFull }: MailboxOptions): void {
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_CAPACITY)
    throw new RangeError(`mailbox.capacity is an integer from 1 to ${MAX_CAPACITY}, not ${capacity}`);
  if (!POLICIES.includes(whenFull)) throw new RangeError(`mailbox.whenFull is one of ${POLICIES.join(', ')}, not ${whenFull}`);
}

/** What became of an entry that was added. */
export type Admission<T> =
  | { readonly kind: 'stored' }
  /** `accepted` resolves when the entry gets its place and rejects when the mailbox is emptied before. */
  | { readonly kind: 'waiting'; readonly accepted: Promise<void> }
  | { readonly kind: 'rejected' }
  /** `entry` is the one that lost its place: the new one or the oldest one. */
  | { readonly kind: 'dropped'; readonly entry: T };

/** The one value of kind `stored`, so that the usual case allocates nothing and is told by identity. */
export const STORED = { kind: 'stored' } as const;

/** Measures how long entries stay. Absent, nothing is measured and nothing is stored for it. */
export interface WaitMeter {
  now(): number;
  waited(durationMs: number): void;
}

interface Waiter<T> {
  readonly entry: T;
  readonly admit: () => void;
  readonly refuse: (error: Error) => void;
}

/**
 * Invariants:
 * 1. `depth` <= capacity.
 * 2. Somebody waits in line only while the mailbox is full, so an entry never overtakes another.
 */
export class Mailbox<T> {
  readonly capacity: number;
  readonly whenFull: FullPolicy;
  readonly #entries = new RingQueue<T>();
  readonly #meter: WaitMeter | undefined;
  readonly #storedAt: RingQueue<number> | undefined;
  #line: RingQueue<Waiter<T>> | undefined;

  constructor(options: MailboxOptions, meter?: WaitMeter) {
    this.capacity = options.capacity;
    this.whenFull = options.whenFull;
    this.#meter = meter;
    this.#storedAt = meter && new RingQueue<number>();
  }

  /** Entries it holds. */
  get depth(): number {
    return this.#entries.length;
  }

  /** Senders in line for a place. Only under the policy `wait`. */
  get waiting(): number {
    return this.#line === undefined ? 0 : this.#line.length;
  }

  add(entry: T): Admission<T> {
    if (this.#entries.length < this.capacity) {
      this.#store(entry);
      return STORED;
    }
    return this.#overflow(entry);
  }

  /** Takes the oldest entry, and gives its place to the first in line. Only while `depth` > 0. */
  take(): T {
    if (this.#meter !== undefined && this.#storedAt !== undefined)
      this.#meter.waited(this.#meter.now() - (this.#storedAt.shift() as number));
    const entry = this.#entries.shift() as T;
    if (this.#line !== undefined && this.#line.length > 0) {
      const next = this.#line.shift() as Waiter<T>;
      this.#store(next.entry);
      next.admit();
    }
    return entry;
  }

  /** Removes and returns everything, oldest first, the line included; those in line are refused with `error()`. */
  empty(error: () => Error): T[] {
    const entries: T[] = [];
    while (this.#entries.length > 0) {
      entries.push(this.#entries.shift() as T);
      this.#storedAt?.shift();
    }
    while (this.#line !== undefined && this.#line.length > 0) {
      const waiter = this.#line.shift() as Waiter<T>;
      entries.push(waiter.entry);
      waiter.refuse(error());
    }
    return entries;
  }

  #store(entry: T): void {
    this.#entries.push(entry);
    if (this.#meter !== undefined) this.#storedAt?.push(this.#meter.now());
  }

  #overflow(entry: T): Admission<T> {
    switch (this.whenFull) {
      case 'wait':
        return { kind: 'waiting', accepted: this.#wait(entry) };
      case 'reject':
        return { kind: 'rejected' };
      case 'drop-newest':
        return { kind: 'dropped', entry };
      case 'drop-oldest': {
        const oldest = this.#entries.shift() as T;
        this.#storedAt?.shift();
        this.#store(entry);
        return { kind: 'dropped', entry: oldest };
      }
    }
  }

  #wait(entry: T): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#line ??= new RingQueue();
    this.#line.push({ entry, admit: resolve, refuse: reject });
    return promise;
  }
}
