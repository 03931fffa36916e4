// What all closed loops share: a user begins its next operation when its last one has ended, unless it may not.

import type { Cancel } from '../../runtime/clock.ts';
import { MOST_PER_TURN } from './executor.ts';
import type { ExecutorContext } from './executor.ts';
import type { VirtualUser } from './virtual-users.ts';

/**
 * A user that was refused at once waits this long before its next attempt. A system that is down refuses without delay (a
 * closed port, an open circuit breaker), and a closed loop would turn into a busy loop that takes the core the system needs
 * for its recovery and fills the history with nothing.
 */
export const REFUSED_PAUSE_MS = 10;
const REFUSED_WITHIN_MS = 1;

/** From its construction to `stop`, which comes by itself at the end of the load. */
export class ClosedLoop {
  readonly #context: ExecutorContext;
  readonly #endMs: number;
  readonly #mayBegin: (user: VirtualUser) => boolean;
  /** Timers of the executor, and of users that pause. */
  readonly #timers = new Set<Cancel>();
  #cancelTurn: Cancel | undefined;
  #begunThisTurn = 0;
  #nextTurn: { readonly user: VirtualUser; readonly freeAtMs: number }[] = [];
  #running = true;

  /** @param mayBegin is asked right before a user begins an operation; one that may not is left alone until `begin`. */
  constructor(endMs: number, context: ExecutorContext, mayBegin: (user: VirtualUser) => boolean) {
    this.#endMs = endMs;
    this.#context = context;
    this.#mayBegin = mayBegin;
  }

  /** Calls back when the load starts, and sees to its end. */
  start(startTimeMs: number, onStart: () => void): void {
    this.at(this.#endMs, () => this.stop());
    this.at(startTimeMs, onStart);
  }

  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#cancelTurn?.();
    for (const cancel of this.#timers) cancel();
    this.#context.finished();
  }

  /** A user has nothing to do. */
  begin(user: VirtualUser, freeAtMs: number): void {
    if (!this.#running || freeAtMs >= this.#endMs) return;
    // Answers that come at once, one after another in microtasks, would keep the event loop from ever turning.
    this.#cancelTurn ??= this.#context.clock.scheduleImmediate(() => this.#turn());
    if (this.#begunThisTurn >= MOST_PER_TURN) {
      this.#nextTurn.push({ user, freeAtMs });
      return;
    }
    if (!this.#mayBegin(user)) return;
    this.#begunThisTurn++;
    this.#context.scheduled(freeAtMs);
    this.#context.users.begin(user, freeAtMs);
  }

  /** A user's operation has ended. */
  freed(user: VirtualUser): void {
    const refused = user.failed && user.endedMs - user.sentMs < REFUSED_WITHIN_MS;
    if (!refused) this.begin(user, user.endedMs);
    else this.at(user.endedMs + REFUSED_PAUSE_MS, () => this.begin(user, this.#context.elapsedMs()));
  }

  /** Calls back at an instant of the scenario, at once if it has passed, but not after `stop`. */
  at(atMs: number, callback: () => void): Cancel {
    if (!this.#running) return () => {};
    const cancelTimer = this.#context.clock.schedule(Math.max(0, atMs - this.#context.elapsedMs()), () => {
      this.#timers.delete(cancel);
      callback();
    });
    const cancel = () => {
      this.#timers.delete(cancel);
      cancelTimer();
    };
    this.#timers.add(cancel);
    return cancel;
  }

  #turn(): void {
    this.#cancelTurn = undefined;
    this.#begunThisTurn = 0;
    const waiting = this.#nextTurn;
    this.#nextTurn = [];
    for (const { user, freeAtMs } of waiting) this.begin(user, freeAtMs);
  }
}
