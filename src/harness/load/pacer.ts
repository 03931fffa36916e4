// Wakes up on time. Timers alone are a millisecond or more late (measured at 1,000 arrivals/s: p50 0.6 ms, p99 3.7 ms);
// spinning on the event loop is not (p99 0.1 ms), but takes a core from the system under test. So: a timer for most of the
// wait, and turns of the event loop for the rest of it, as long as a budget lasts.

import type { Cancel, Clock } from '../../runtime/clock.ts';

/** A timer fires up to a bit more than its resolution of 1 ms late: it is set this much too early, and the rest is spun. */
const TIMER_SLACK_MS = 1.5;

/** Nearer than this is now: below the resolution of clocks, and of the sums that make up virtual time. */
export const DUE_TOLERANCE_MS = 1e-6;

/** Timers overflow beyond 2^31 ms; a longer wait wakes up in between and goes on waiting. */
const LONGEST_TIMER_MS = 2 ** 30;

/** How much time may be spent spinning: a token bucket of milliseconds, shared by all pacers of a process. */
export class SpinBudget {
  readonly #clock: Clock;
  readonly #share: number;
  readonly #mostMs: number;
  #leftMs: number;
  #refilledAtMs: number;

  /**
   * @param share of the time, 0 (timers only) to 1. Default 0.1: at low rates every arrival is on time, and at high rates a
   * tenth of a core is the price.
   * @param mostMs what can be saved up, >= 0.
   */
  constructor(clock: Clock, share = 0.1, mostMs = 20) {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`the share of time to spin is from 0 to 1, not ${share}`);
    if (!(mostMs >= 0)) throw new RangeError(`the spin budget is >= 0 ms, not ${mostMs}`);
    this.#clock = clock;
    this.#share = share;
    this.#mostMs = mostMs;
    this.#leftMs = mostMs * share;
    this.#refilledAtMs = clock.now();
  }

  /** Milliseconds that may be spun now. */
  available(nowMs: number = this.#clock.now()): number {
    this.#leftMs = Math.min(this.#mostMs, this.#leftMs + (nowMs - this.#refilledAtMs) * this.#share);
    this.#refilledAtMs = nowMs;
    return this.#leftMs;
  }

  spend(ms: number): void {
    this.#leftMs -= ms;
  }
}

/** Calls `onDue` once for each `arm`, never early. One wait at a time. */
export class Pacer {
  readonly #clock: Clock;
  readonly #budget: SpinBudget;
  readonly #onDue: () => void;
  #dueMs = 0;
  #spinSinceMs = 0;
  #cancel: Cancel | undefined;

  /** @param onDue is called from a timer or from a turn of the event loop, never from inside `arm`. */
  constructor(clock: Clock, budget: SpinBudget, onDue: () => void) {
    this.#clock = clock;
    this.#budget = budget;
    this.#onDue = onDue;
  }

  /** Waits until the clock reads `dueMs`; an instant that has passed is due in the next turn of the event loop. */
  arm(dueMs: number): void {
    this.cancel();
    this.#dueMs = dueMs;
    this.#wait();
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #wait = (): void => {
    const nowMs = this.#clock.now();
    const waitMs = this.#dueMs - nowMs;
    if (waitMs <= DUE_TOLERANCE_MS) this.#cancel = this.#clock.scheduleImmediate(this.#fire);
    // A timer of less than a millisecond lasts one all the same.
    else if (waitMs >= TIMER_SLACK_MS + 1) this.#sleep(waitMs - TIMER_SLACK_MS);
    else if (this.#budget.available(nowMs) < waitMs) this.#sleep(waitMs);
    else {
      this.#spinSinceMs = nowMs;
      this.#cancel = this.#clock.scheduleImmediate(this.#spin);
    }
  };

  #sleep(ms: number): void {
    this.#cancel = this.#clock.schedule(Math.min(ms, LONGEST_TIMER_MS), this.#wake);
  }

  readonly #wake = (): void => {
    if (this.#dueMs - this.#clock.now() <= DUE_TOLERANCE_MS) this.#fire();
    else this.#wait();
  };

  readonly #spin = (): void => {
    const nowMs = this.#clock.now();
    const spunMs = nowMs - this.#spinSinceMs;
    this.#budget.spend(spunMs);
    this.#spinSinceMs = nowMs;
    if (this.#dueMs - nowMs <= DUE_TOLERANCE_MS) this.#fire();
    // A turn takes no time on a virtual clock: there only a timer can make it pass.
    else if (spunMs === 0) this.#sleep(this.#dueMs - nowMs);
    else this.#cancel = this.#clock.scheduleImmediate(this.#spin);
  };

  readonly #fire = (): void => {
    this.#cancel = undefined;
    this.#onDue();
  };
}
