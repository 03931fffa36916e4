// What ends a retried operation from outside: its caller's signal and its deadline.

import type { Cancel, Clock } from '../../runtime/clock.ts';

/** What `race` rejects with when the limit ends it. Compared by identity. */
export const INTERRUPTED = Symbol('interrupted');

export type Ending = 'aborted' | 'deadline';

/**
 * One operation's limit. It holds at most one timer and one listener, which `close` removes. Made for one waiter at a time: `race` and `pause`
 * are never pending together.
 */
export class Limit {
  readonly #clock: Clock;
  readonly #outer: AbortSignal | undefined;
  readonly #dueMs: number;
  readonly #onAbort: (() => void) | undefined;
  #cancelTimer: Cancel | undefined;
  #ended: Ending | undefined;
  #reason: unknown;
  #controller: AbortController | undefined;
  #interrupt: (() => void) | undefined;

  /** @param deadlineMs from now, at most 2^31 - 1; Infinity for none; 0 or less has passed. */
  constructor(clock: Clock, signal: AbortSignal | undefined, deadlineMs: number) {
    this.#clock = clock;
    this.#outer = signal;
    this.#dueMs = deadlineMs === Number.POSITIVE_INFINITY ? deadlineMs : clock.now() + deadlineMs;
    if (signal?.aborted === true) this.#ended = 'aborted';
    else if (deadlineMs <= 0) this.#ended = 'deadline';
    if (this.#ended !== undefined) return;
    if (signal !== undefined) {
      this.#onAbort = () => this.#end('aborted', signal.reason);
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
    if (deadlineMs !== Number.POSITIVE_INFINITY) {
      this.#cancelTimer = clock.schedule(deadlineMs, () => this.#endByDeadline());
    }
  }

  /** What ended it, as far as its signal and timer have said. */
  get ended(): Ending | undefined {
    return this.#ended;
  }

  /** Why no further attempt may begin, or undefined when one may. Looks at the clock, because the timer may be late. */
  check(): Ending | undefined {
    if (this.#ended === undefined && this.remainingMs <= 0) this.#endByDeadline();
    return this.#ended;
  }

  /** Milliseconds to the deadline; Infinity when there is none. */
  get remainingMs(): number {
    return this.#dueMs === Number.POSITIVE_INFINITY ? this.#dueMs : this.#dueMs - this.#clock.now();
  }

  /** Aborts when the limit ends. Made on first use: most operations that are fast never look at it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Settles as `work` does, or rejects with INTERRUPTED as soon as the limit ends; what `work` does later is dropped. */
  race<T>(work: Promise<T>): Promise<T> {
    if (this.#onAbort === undefined && this.#cancelTimer === undefined) return work;
    return new Promise<T>((resolve, reject) => {
      const interrupt = () => reject(INTERRUPTED);
      if (this.#ended !== undefined) interrupt();
      this.#interrupt = interrupt;
      work.then(resolve, reject);
    });
  }

  /** Resolves after `delayMs`, or as soon as the limit ends. 0 is the next turn of the event loop, so that others get theirs. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = delayMs === 0 ? this.#clock.scheduleImmediate(resolve) : this.#clock.schedule(delayMs, resolve);
      this.#interrupt = () => {
        cancel();
        resolve();
      };
    });
  }

  close(): void {
    this.#cancelTimer?.();
    if (this.#onAbort !== undefined) this.#outer?.removeEventListener('abort', this.#onAbort);
  }

  #endByDeadline(): void {
    this.#end('deadline', new DOMException('the deadline passed', 'TimeoutError'));
  }

  #end(ending: Ending, reason: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = ending;
    this.#reason = reason;
    this.#interrupt?.();
    this.#controller?.abort(reason);
  }
}
