// The breaker's decisions: who is let through, and how results move the state. Synchronous; it waits for nothing and sets no timer.

import { unreachable } from '../../runtime/assert.ts';
import type { CallTimeoutError } from './errors.ts';
import { FailureWindow } from './failure-window.ts';
import type { BreakerSettings } from './options.ts';
import type { BreakerState, BreakerStatistics } from './state.ts';

/** What `admit` answers when the call must not be made. */
export const REFUSED = -1;

type State =
  | { readonly kind: 'closed'; consecutiveFailures: number }
  | { readonly kind: 'open'; readonly forced: boolean; readonly untilMs: number; readonly openings: number }
  | { readonly kind: 'half-open'; probesInFlight: number; successes: number; readonly openings: number; youngestProbeMs: number };

/**
 * The state machine of a circuit breaker (M. Nygard, "Release It!", chapter "Stability Patterns").
 *
 * Invariants:
 * 1. Every change of state begins a new generation. A result moves the state only if its call was admitted in the same generation.
 * 2. In half-open, probesInFlight <= maxProbes and successes < successThreshold.
 * 3. No call is admitted while open, so no result belongs to a generation that is open.
 *
 * Open ends lazily: there is no timer, the first call at or after `untilMs` becomes the first probe.
 */
export class BreakerMachine {
  readonly #settings: BreakerSettings;
  readonly #window: FailureWindow | undefined;
  #state: State = { kind: 'closed', consecutiveFailures: 0 };
  #generation = 0;
  #succeeded = 0;
  #failed = 0;
  #ignored = 0;
  #timedOut = 0;
  #rejected = 0;
  #late = 0;
  #opened = 0;
  #inFlight = 0;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
    const rate = settings.failureRate;
    this.#window = rate === undefined ? undefined : new FailureWindow(rate.windowMs, rate.buckets);
  }

  get state(): BreakerState {
    return this.#seen(this.#state);
  }

  get statistics(): BreakerStatistics {
    return {
      state: this.#state.kind,
      succeeded: this.#succeeded,
      failed: this.#failed,
      ignored: this.#ignored,
      timedOut: this.#timedOut,
      rejected: this.#rejected,
      late: this.#late,
      opened: this.#opened,
      inFlight: this.#inFlight,
    };
  }

  /** Milliseconds until a call can become a probe; undefined when nobody knows, because only `close` or a probe's result decides. */
  get retryAfterMs(): number | undefined {
    const state = this.#state;
    if (state.kind !== 'open' || state.forced) return undefined;
    return Math.max(0, state.untilMs - this.#settings.clock.now());
  }

  /** The generation to report the call's result with, or REFUSED. */
  admit(): number {
    const state = this.#state;
    switch (state.kind) {
      case 'closed':
        this.#inFlight++;
        return this.#generation;
      case 'open':
        return this.#settings.clock.now() < state.untilMs ? this.#refuse() : this.#admitFirstProbe(state.openings);
      case 'half-open':
        if (state.probesInFlight < this.#settings.maxProbes) {
          state.probesInFlight++;
          state.youngestProbeMs = this.#settings.clock.now();
          this.#inFlight++;
          return this.#generation;
        }
        if (this.#settings.clock.now() - state.youngestProbeMs >= this.#settings.probeTimeoutMs) this.#trip(state.openings + 1);
        return this.#refuse();
      default:
        return unreachable(state);
    }
  }

  succeed(generation: number): void {
    this.#inFlight--;
    this.#succeeded++;
    if (this.#isCurrent(generation)) this.#countSuccess();
    const { listener } = this.#settings;
    if (listener.succeeded !== undefined) tell(() => listener.succeeded?.());
  }

  /** Settles a call that ended in an error: a failure, or one that the options do not count. */
  settleError(generation: number, error: unknown): void {
    let counts: boolean;
    try {
      counts = this.#settings.isFailure(error);
    } catch (bug) {
      // The predicate's bug is the caller's to see, but it must not keep a probe's place.
      this.ignore(generation);
      throw bug;
    }
    if (counts) this.#fail(generation, error);
    else this.ignore(generation);
  }

  timeOut(generation: number, error: CallTimeoutError): void {
    this.#timedOut++;
    const { listener } = this.#settings;
    if (listener.timedOut !== undefined) tell(() => listener.timedOut?.(error));
    this.#fail(generation, error);
  }

  /** The call is over and says nothing about the service; a probe's place becomes free. */
  ignore(generation: number): void {
    this.#inFlight--;
    this.#ignored++;
    if (this.#isCurrent(generation) && this.#state.kind === 'half-open') this.#state.probesInFlight--;
  }

  /** Opens until `close`. */
  forceOpen(): void {
    if (this.#state.kind === 'open' && this.#state.forced) return;
    this.#opened++;
    this.#become({ kind: 'open', forced: true, untilMs: Number.POSITIVE_INFINITY, openings: 0 });
  }

  forceClosed(): void {
    if (this.#state.kind !== 'closed') this.#close();
  }

  #refuse(): number {
    this.#rejected++;
    const { listener } = this.#settings;
    if (listener.rejected !== undefined) tell(() => listener.rejected?.());
    return REFUSED;
  }

  #admitFirstProbe(openings: number): number {
    this.#inFlight++;
    const generation = this.#generation + 1;
    this.#become({ kind: 'half-open', probesInFlight: 1, successes: 0, openings, youngestProbeMs: this.#settings.clock.now() });
    return generation;
  }

  #fail(generation: number, error: unknown): void {
    this.#inFlight--;
    this.#failed++;
    if (this.#isCurrent(generation)) this.#countFailure();
    const { listener } = this.#settings;
    if (listener.failed !== undefined) tell(() => listener.failed?.(error));
  }

  #isCurrent(generation: number): boolean {
    if (generation === this.#generation) return true;
    this.#late++;
    return false;
  }

  #countSuccess(): void {
    const state = this.#state;
    if (state.kind === 'closed') {
      state.consecutiveFailures = 0;
      this.#window?.record(this.#settings.clock.now(), false);
    } else if (state.kind === 'half-open') {
      state.probesInFlight--;
      state.successes++;
      if (state.successes >= this.#settings.successThreshold) this.#close();
    }
  }

  #countFailure(): void {
    const state = this.#state;
    if (state.kind === 'closed') {
      state.consecutiveFailures++;
      this.#window?.record(this.#settings.clock.now(), true);
      if (state.consecutiveFailures >= this.#settings.failureThreshold || this.#rateIsTooHigh()) this.#trip(1);
    } else if (state.kind === 'half-open') {
      state.probesInFlight--;
      this.#trip(state.openings + 1);
    }
  }

  #rateIsTooHigh(): boolean {
    const rate = this.#settings.failureRate;
    const window = this.#window;
    if (rate === undefined || window === undefined) return false;
    return window.calls >= rate.minimumCalls && window.failures / window.calls >= rate.threshold;
  }

  #trip(openings: number): void {
    const { resetTimeoutMs, maxResetTimeoutMs, clock } = this.#settings;
    const waitMs = Math.min(maxResetTimeoutMs, resetTimeoutMs * 2 ** (openings - 1));
    this.#opened++;
    this.#become({ kind: 'open', forced: false, untilMs: clock.now() + waitMs, openings });
  }

  #close(): void {
    this.#become({ kind: 'closed', consecutiveFailures: 0 });
  }

  #become(next: State): void {
    const from = this.#state;
    const { listener } = this.#settings;
    const before = listener.stateChanged === undefined ? undefined : this.#seen(from);
    this.#state = next;
    this.#generation++;
    this.#window?.clear();
    if (before !== undefined) {
      const after = this.#seen(next);
      tell(() => listener.stateChanged?.(after, before));
    }
  }

  #seen(state: State): BreakerState {
    switch (state.kind) {
      case 'closed': {
        const window = this.#window;
        const { kind, consecutiveFailures } = state;
        return { kind, consecutiveFailures, windowCalls: window?.calls ?? 0, windowFailures: window?.failures ?? 0 };
      }
      case 'open':
        return { ...state };
      case 'half-open': {
        const { kind, probesInFlight, successes, openings } = state;
        return { kind, probesInFlight, successes, openings };
      }
      default:
        return unreachable(state);
    }
  }
}

/** Calls a listener so that its bug is seen and yet does not turn the outcome of a call that happened into an error. */
function tell(notify: () => void): void {
  try {
    notify();
  } catch (bug) {
    queueMicrotask(() => {
      throw bug;
    });
  }
}
