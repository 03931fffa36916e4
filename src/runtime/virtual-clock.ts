// A clock that moves only when it is told to, for tests and for the simulated cluster.

import type { Cancel, Clock } from './clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * Virtual time in milliseconds, starting at 0. Timers due at the same instant fire in the order in which they were set,
 * so a run is a function of its inputs.
 */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #timers: Timer[] = [];
  readonly #epochMs: number;

  /** @param epochMs what `wallTime()` answers at virtual time 0, milliseconds since the Unix epoch. */
  constructor(epochMs = 0) {
    this.#epochMs = epochMs;
  }

  now(): number {
    return this.#nowMs;
  }

  wallTime(): number {
    return this.#epochMs + this.#nowMs;
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#insert(timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  }

  scheduleBackground(delayMs: number, callback: () => void): Cancel {
    return this.schedule(delayMs, callback);
  }

  scheduleImmediate(callback: () => void): Cancel {
    return this.schedule(0, callback);
  }

  /** How many timers are pending. Zero after a component was closed means that it leaked none. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** When the next timer is due, in virtual milliseconds, or undefined when none is pending. */
  get nextDueMs(): number | undefined {
    return this.#timers[0]?.dueMs;
  }

  /** Moves time forward by `durationMs`, firing what falls due on the way, synchronously, at its own instant. */
  advance(durationMs: number): void {
    const end = this.#nowMs + durationMs;
    for (let next = this.#timers[0]; next !== undefined && next.dueMs <= end; next = this.#timers[0]) this.#fire(next);
    this.#nowMs = end;
  }

  /** Like `advance`, but lets promises settle before the first timer, after each and at the end. */
  async advanceAsync(durationMs: number): Promise<void> {
    const end = this.#nowMs + durationMs;
    await settle();
    for (let next = this.#timers[0]; next !== undefined && next.dueMs <= end; next = this.#timers[0]) {
      this.#fire(next);
      await settle();
    }
    this.#nowMs = end;
    await settle();
  }

  #fire(timer: Timer): void {
    this.#timers.shift();
    this.#nowMs = timer.dueMs;
    timer.callback();
  }

  #insert(timer: Timer): void {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      // Later `order` goes behind equal `dueMs`: first set, first fired.
      if ((this.#timers[middle] as Timer).dueMs <= timer.dueMs) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
  }
}

/** Lets every promise that can settle without a timer settle. */
export function settle(): Promise<void> {
  // A turn of the event loop runs after the microtask queue has drained completely.
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
