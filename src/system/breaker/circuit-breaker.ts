// Stop calling what is failing: the circuit breaker as its users see it.

import { unreachable } from '../../runtime/assert.ts';
import { BreakerOpenError, CallTimeoutError } from './errors.ts';
import { BreakerMachine, REFUSED } from './machine.ts';
import { breakerSettings } from './options.ts';
import type { BreakerOptions, BreakerSettings } from './options.ts';
import { Permit } from './permit.ts';
import type { BreakerState, BreakerStatistics } from './state.ts';

/** A call to guard. The signal aborts when the caller cancels or the breaker stops waiting; a call that ignores it goes on unheard. */
export type GuardedCall<T> = (signal: AbortSignal) => Promise<T>;

/** What one `execute` may be given. */
export interface ExecuteOptions {
  /** Passed on to the call. A call that fails after it was aborted is ignored: its error says nothing about the service. */
  readonly signal?: AbortSignal;
}

/**
 * Guards calls to one service (M. Nygard, "Release It!"). Closed, it lets every call through and counts failures; open, it refuses every call
 * at once; half-open, it lets a few probes through and closes when enough of them succeed. A result of a call begun before the last change
 * of state is delivered to its caller and moves nothing. It sets no timer of its own other than one per call when `callTimeoutMs` is given.
 */
export class CircuitBreaker {
  readonly #settings: BreakerSettings;
  readonly #machine: BreakerMachine;

  /** Throws AssertionError, naming the offending value, when an option is out of range. */
  constructor(options: BreakerOptions) {
    this.#settings = breakerSettings(options);
    this.#machine = new BreakerMachine(this.#settings);
  }

  /** A snapshot. An open breaker whose time is over still says open: the next call makes it half-open. */
  get state(): BreakerState {
    return this.#machine.state;
  }

  /** A snapshot of the counters, for telemetry. */
  get statistics(): BreakerStatistics {
    return this.#machine.statistics;
  }

  /**
   * Makes the call if the breaker lets it through, and settles as the call does.
   *
   * Rejects with BreakerOpenError (definitely not executed), with the signal's reason when it was aborted before the call (definitely not
   * executed), with CallTimeoutError when the call takes longer than `callTimeoutMs` (maybe executed; the late result is dropped), or with
   * whatever the call throws or rejects with.
   */
  async execute<T>(call: GuardedCall<T>, options?: ExecuteOptions): Promise<T> {
    const signal = options?.signal;
    signal?.throwIfAborted();
    const generation = this.#machine.admit();
    if (generation === REFUSED) throw this.#refusal();
    const { callTimeoutMs } = this.#settings;
    if (callTimeoutMs !== undefined) return this.#executeTimed(call, signal, generation, callTimeoutMs);
    let result: T;
    try {
      // A signal of its own, not a shared one: listeners left on a shared signal would pile up.
      result = await call(signal ?? new AbortController().signal);
    } catch (error) {
      throw this.#outcomeOf(generation, error, signal);
    }
    this.#machine.succeed(generation);
    return result;
  }

  /**
   * Leave to make one call, or undefined when it must not be made. For hot paths, and for calls whose result arrives elsewhere. The holder
   * settles the permit; `callTimeoutMs` does not apply to it.
   */
  tryAcquire(): Permit | undefined {
    const generation = this.#machine.admit();
    return generation === REFUSED ? undefined : new Permit(this.#machine, generation);
  }

  /** Opens the breaker, and keeps it open until `close()`. */
  open(): void {
    this.#machine.forceOpen();
  }

  /** Closes the breaker with all counters at zero. Does nothing when it is closed. */
  close(): void {
    this.#machine.forceClosed();
  }

  #executeTimed<T>(call: GuardedCall<T>, signal: AbortSignal | undefined, generation: number, timeoutMs: number): Promise<T> {
    const machine = this.#machine;
    return new Promise<T>((resolve, reject) => {
      const controller = new AbortController();
      const passOnAbort = () => controller.abort(signal?.reason);
      signal?.addEventListener('abort', passOnAbort, { once: true });
      let waiting = true;
      const stopWaiting = (): boolean => {
        if (!waiting) return false;
        waiting = false;
        cancelTimer();
        signal?.removeEventListener('abort', passOnAbort);
        return true;
      };
      const cancelTimer = this.#settings.clock.schedule(timeoutMs, () => {
        stopWaiting();
        const error = new CallTimeoutError(timeoutMs);
        reject(error);
        machine.timeOut(generation, error);
        controller.abort(error);
      });
      const onResult = (result: T) => {
        if (!stopWaiting()) return;
        machine.succeed(generation);
        resolve(result);
      };
      const onError = (error: unknown) => {
        if (!stopWaiting()) return;
        reject(this.#outcomeOf(generation, error, signal));
      };
      begin(call, controller.signal).then(onResult, onError);
    });
  }

  /** Settles a call that ended in an error, and answers what its caller is to see: that error, or the bug of an `isFailure` that threw. */
  #outcomeOf(generation: number, error: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted === true) {
      this.#machine.ignore(generation);
      return error;
    }
    try {
      this.#machine.settleError(generation, error);
      return error;
    } catch (bug) {
      return bug;
    }
  }

  #refusal(): BreakerOpenError {
    const state = this.#machine.state;
    switch (state.kind) {
      case 'open': {
        if (state.forced) return new BreakerOpenError('the circuit breaker was opened by hand', undefined);
        const retryAfterMs = this.#machine.retryAfterMs;
        return new BreakerOpenError(`the circuit breaker is open; try again in ${retryAfterMs} ms`, retryAfterMs);
      }
      case 'half-open':
        return new BreakerOpenError('the circuit breaker is half-open and all its probes are taken', undefined);
      case 'closed':
        // A listener closed it while this call was being refused.
        return new BreakerOpenError('the circuit breaker was open', 0);
      default:
        return unreachable(state);
    }
  }
}

/** Starts a call; what it throws at once becomes a rejection. */
async function begin<T>(call: GuardedCall<T>, signal: AbortSignal): Promise<T> {
  return call(signal);
}
