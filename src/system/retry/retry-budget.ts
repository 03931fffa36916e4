// A limit on retries that all callers of a service share, so that an outage does not multiply their load.

import { assert } from '../../runtime/assert.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Clock } from '../../runtime/clock.ts';

export interface RetryBudgetOptions {
  /** Retries that each operation earns, 0 to 1: 0.1 lets retries add 10 % to the load. */
  readonly ratio: number;
  /** The most tokens (retries) that can be saved up, >= 1. The budget starts full. */
  readonly capacity: number;
  /** Tokens that time alone brings, so that callers with little traffic can retry too; per second, >= 0. Default 0. */
  readonly refillPerSecond?: number;
  /** Default `systemClock`. */
  readonly clock?: Clock;
}

/**
 * A token bucket (as in Finagle's RetryBudget and gRPC's retry throttling, gRFC A6): every operation deposits `ratio` of a token, every retry
 * takes one. Over any stretch, retries <= capacity + ratio * operations + refillPerSecond * seconds.
 *
 * Invariant: 0 <= tokens <= capacity.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #capacity: number;
  readonly #refillPerMs: number;
  readonly #clock: Clock;
  #tokens: number;
  /** Since the budget starts full, how much time the first refill counts does not matter. */
  #refilledMs = 0;

  /** Throws AssertionError, naming the offending value, when an option is out of range. */
  constructor({ ratio, capacity, refillPerSecond = 0, clock = systemClock }: RetryBudgetOptions) {
    assert(ratio >= 0 && ratio <= 1, `ratio is a share from 0 to 1, not ${ratio}`);
    assert(Number.isFinite(capacity) && capacity >= 1, `capacity is a number of retries of at least 1, not ${capacity}`);
    assert(Number.isFinite(refillPerSecond) && refillPerSecond >= 0, `refillPerSecond is at least 0, not ${refillPerSecond}`);
    this.#ratio = ratio;
    this.#capacity = capacity;
    this.#refillPerMs = refillPerSecond / 1_000;
    this.#clock = clock;
    this.#tokens = capacity;
  }

  /** Tokens left, refills up to now included. */
  get tokens(): number {
    this.#refill();
    return this.#tokens;
  }

  /** An operation begins. */
  deposit(): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + this.#ratio);
  }

  /** Takes a token for one retry; false, and nothing taken, when there is none. */
  tryWithdraw(): boolean {
    this.#refill();
    // Ten deposits of 0.1 make a token, although they do not add up to 1 in binary.
    if (this.#tokens < 1 - 1e-9) return false;
    this.#tokens = Math.max(0, this.#tokens - 1);
    return true;
  }

  #refill(): void {
    if (this.#refillPerMs === 0) return;
    const nowMs = this.#clock.now();
    this.#tokens = Math.min(this.#capacity, this.#tokens + (nowMs - this.#refilledMs) * this.#refillPerMs);
    this.#refilledMs = nowMs;
  }
}
