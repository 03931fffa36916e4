// A clock that is wrong on demand: its wall time jumps, and both its readings run faster or slower than the true ones.

import type { Cancel, Clock } from '../../runtime/clock.ts';

/** Right until it is skewed. Its monotonic reading never jumps and never goes back, whatever is done to it. */
export class SkewedClock implements Clock {
  readonly #true: Clock;
  #offsetMs = 0;
  #drift = 1;
  /** When the drift began: the true reading, and this clock's. */
  #sinceTrueMs: number;
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#true = clock;
    this.#sinceTrueMs = clock.now();
    this.#sinceMs = this.#sinceTrueMs;
  }

  /**
   * @param drift how many times as fast as the true clock, > 0. A new skew replaces the former one, what the former drift had
   * added to the wall time included. Timers that are set already fire when they would have.
   */
  skew(offsetMs: number, drift: number): void {
    const trueMs = this.#true.now();
    this.#sinceMs = this.now();
    this.#sinceTrueMs = trueMs;
    this.#offsetMs = offsetMs;
    this.#drift = drift;
  }

  now(): number {
    return this.#sinceMs + (this.#true.now() - this.#sinceTrueMs) * this.#drift;
  }

  wallTime(): number {
    const drifted = (this.#true.now() - this.#sinceTrueMs) * (this.#drift - 1);
    return this.#true.wallTime() + this.#offsetMs + drifted;
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    return this.#true.schedule(delayMs / this.#drift, callback);
  }

  scheduleBackground(delayMs: number, callback: () => void): Cancel {
    return this.#true.scheduleBackground(delayMs / this.#drift, callback);
  }

  scheduleImmediate(callback: () => void): Cancel {
    return this.#true.scheduleImmediate(callback);
  }
}
