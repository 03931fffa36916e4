// The right to use one resource, until it is given back.

import { assert } from '../../runtime/assert.ts';

/**
 * Reachable exactly as long as the lease is: the pool holds an entry's token only while the entry is not leased. One
 * registration with a FinalizationRegistry per resource, instead of one per lease, so noticing leaks costs `acquire` nothing.
 */
export type LeaseToken = object;

/** A resource and what its pool knows of it. */
export interface Entry<T> {
  readonly value: T;
  /** Not handed out from this moment on. */
  readonly expiresAtMs: number;
  /** When it was last known to be usable: made, checked, or given back without complaint. */
  usableAtMs: number;
  idleSinceMs: number;
  /** undefined while leased. */
  token: LeaseToken | undefined;
}

/** The pool, as a lease sees it. */
export interface LeaseOwner<T> {
  giveBack(entry: Entry<T>, suspect: boolean): void;
  discard(entry: Entry<T>, reason: unknown): void;
}

/**
 * Use it as `using lease = await pool.acquire()`, which gives the resource back at the end of the block, or call
 * `release` / `discard` yourself, in a `finally`. Keep the lease, not only its value: a lease that is garbage-collected
 * counts as leaked, and its resource is destroyed.
 */
export class Lease<T> implements Disposable {
  readonly #owner: LeaseOwner<T>;
  #entry: Entry<T> | undefined;
  #token: LeaseToken | undefined;
  #suspect = false;

  constructor(owner: LeaseOwner<T>, entry: Entry<T>) {
    this.#owner = owner;
    this.#entry = entry;
    this.#token = entry.token;
    entry.token = undefined;
  }

  /** The resource. Throws AssertionError after the lease ended: somebody else may be using it by then. */
  get value(): T {
    assert(this.#entry !== undefined, 'a lease was used after its end');
    return this.#entry.value;
  }

  /** Whether the resource is still ours. */
  get active(): boolean {
    return this.#entry !== undefined;
  }

  /** Have the resource checked before its next use, however recently it was used. For when something went wrong that may or may not be its fault. */
  suspect(): void {
    this.#suspect = true;
  }

  /** Gives the resource back. Does nothing after the lease ended. */
  release(): void {
    const entry = this.#end();
    if (entry !== undefined) this.#owner.giveBack(entry, this.#suspect);
  }

  /** Has a broken resource destroyed instead of used again; `reason` goes to the pool's event. Does nothing after the lease ended. */
  discard(reason: unknown): void {
    const entry = this.#end();
    if (entry !== undefined) this.#owner.discard(entry, reason);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #end(): Entry<T> | undefined {
    const entry = this.#entry;
    if (entry === undefined) return undefined;
    entry.token = this.#token;
    this.#entry = undefined;
    this.#token = undefined;
    return entry;
  }
}
