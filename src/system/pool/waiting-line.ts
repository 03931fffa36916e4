// Who waits for a resource, in order, and which supply (a resource being made or checked) is meant for whom.

import type { Lease } from './lease.ts';

/** A resource on its way: being made, or being checked before reuse. */
export interface Supply<T> {
  /** Whom it is meant for; undefined when nobody needs it (any more). Set by WaitingLine only. */
  waiter: Waiter<T> | undefined;
}

/** A caller inside `acquire`. The last five fields are WaitingLine's own. */
export interface Waiter<T> {
  readonly joinedAtMs: number;
  readonly resolve: (lease: Lease<T>) => void;
  readonly reject: (error: unknown) => void;
  /** Ends its timer and its listening to a signal. */
  stopWatching: () => void;
  supply: Supply<T> | undefined;
  order: number;
  inLine: boolean;
  previous: Waiter<T> | undefined;
  next: Waiter<T> | undefined;
}

/**
 * A doubly linked list, so that a waiter can leave from the middle in constant time.
 *
 * 1. A supply is meant for at most one waiter, a waiter has at most one supply, and both know.
 * 2. Never are there a spare supply and a waiter without one.
 * 3. `needy` is the oldest waiter without a supply.
 *
 * A supply says for whom a create is made, hence who hears of its failure. It does not say who gets the resource: that is
 * always the oldest waiter, whose own supply then passes to the next one in need.
 */
export class WaitingLine<T> {
  #first: Waiter<T> | undefined;
  #last: Waiter<T> | undefined;
  #needy: Waiter<T> | undefined;
  #size = 0;
  #needyCount = 0;
  #order = 0;
  readonly #spare = new Set<Supply<T>>();

  get size(): number {
    return this.#size;
  }

  get first(): Waiter<T> | undefined {
    return this.#first;
  }

  get needy(): Waiter<T> | undefined {
    return this.#needy;
  }

  get needyCount(): number {
    return this.#needyCount;
  }

  get hasSpare(): boolean {
    return this.#spare.size > 0;
  }

  join(waiter: Waiter<T>): void {
    waiter.order = this.#order++;
    waiter.inLine = true;
    waiter.previous = this.#last;
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
    this.#size++;
    this.#becomeNeedy(waiter);
  }

  leave(waiter: Waiter<T>): void {
    if (!waiter.inLine) return;
    const { supply, next } = waiter;
    if (supply === undefined) {
      this.#needyCount--;
      if (waiter === this.#needy) this.#needy = needyFrom(next);
    }
    waiter.inLine = false;
    waiter.supply = undefined;
    if (waiter.previous === undefined) this.#first = next;
    else waiter.previous.next = next;
    if (next === undefined) this.#last = waiter.previous;
    else next.previous = waiter.previous;
    waiter.previous = undefined;
    waiter.next = undefined;
    this.#size--;
    if (supply !== undefined) this.#assign(supply);
  }

  /** The oldest waiter, taken out of the line. */
  takeFirst(): Waiter<T> | undefined {
    const waiter = this.#first;
    if (waiter !== undefined) this.leave(waiter);
    return waiter;
  }

  /** A new supply is on its way: for the oldest waiter in need, or spare. */
  announce(supply: Supply<T>): void {
    this.#assign(supply);
  }

  /** A supply arrived or failed. Returns the waiter it was meant for, who is still in line. */
  withdraw(supply: Supply<T>): Waiter<T> | undefined {
    this.#spare.delete(supply);
    const { waiter } = supply;
    if (waiter === undefined) return undefined;
    supply.waiter = undefined;
    this.#becomeNeedy(waiter);
    return waiter;
  }

  #assign(supply: Supply<T>): void {
    const waiter = this.#needy;
    supply.waiter = waiter;
    if (waiter === undefined) {
      this.#spare.add(supply);
      return;
    }
    waiter.supply = supply;
    this.#needyCount--;
    this.#needy = needyFrom(waiter.next);
  }

  #becomeNeedy(waiter: Waiter<T>): void {
    waiter.supply = undefined;
    this.#needyCount++;
    if (this.#needy === undefined || waiter.order < this.#needy.order) this.#needy = waiter;
    for (const supply of this.#spare) {
      this.#spare.delete(supply);
      this.#assign(supply);
      break;
    }
  }
}

function needyFrom<T>(waiter: Waiter<T> | undefined): Waiter<T> | undefined {
  let at = waiter;
  // Waiters with a supply are at most as many as the pool is large, and mostly at the front.
  while (at !== undefined && at.supply !== undefined) at = at.next;
  return at;
}
