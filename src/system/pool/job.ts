// One call of a manager that takes time: a create or an asynchronous recycle, with its deadline.

import type { Cancel, Clock } from '../../runtime/clock.ts';
import { ManagerTimeoutError } from './pool-errors.ts';
import type { Supply, Waiter } from './waiting-line.ts';

export interface JobOutcome<R> {
  /** The time was over, and the job is abandoned. Called at most once, before `succeeded` or `failed`. */
  overdue(error: ManagerTimeoutError): void;
  /** The call settled; look at `abandoned` to see whether anybody still wants to know. */
  succeeded(result: R): void;
  failed(error: unknown): void;
}

/** A supply that ends by itself. */
export class Job<T> implements Supply<T> {
  waiter: Waiter<T> | undefined = undefined;
  readonly startedAtMs: number;
  #abandoned = false;
  #cancelTimer: Cancel = () => {};
  readonly #controller = new AbortController();

  constructor(clock: Clock) {
    this.startedAtMs = clock.now();
  }

  /** Whether it was given up; what it still yields is late. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  start<R>(
    clock: Clock,
    what: string,
    timeoutMs: number,
    call: (signal: AbortSignal) => Promise<R>,
    outcome: JobOutcome<R>,
  ): void {
    if (timeoutMs !== Number.POSITIVE_INFINITY) {
      this.#cancelTimer = clock.schedule(timeoutMs, () => {
        const error = new ManagerTimeoutError(`${what} took longer than ${timeoutMs} ms`);
        this.abandon(error);
        outcome.overdue(error);
      });
    }
    void this.#run(call, outcome);
  }

  /** Aborts the call's signal with `reason` and cancels the deadline. */
  abandon(reason: unknown): void {
    if (this.#abandoned) return;
    this.#abandoned = true;
    this.#cancelTimer();
    this.#controller.abort(reason);
  }

  async #run<R>(call: (signal: AbortSignal) => Promise<R>, outcome: JobOutcome<R>): Promise<void> {
    let result: R;
    try {
      result = await call(this.#controller.signal);
    } catch (error) {
      this.#cancelTimer();
      outcome.failed(error);
      return;
    }
    this.#cancelTimer();
    outcome.succeeded(result);
  }
}
