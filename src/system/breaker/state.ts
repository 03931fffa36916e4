// What can be seen of a circuit breaker from outside: its state, its counters, and what it tells a listener.

import type { CallTimeoutError } from './errors.ts';

/** Each state holds only the data that means something in it. */
export type BreakerState =
  | {
      readonly kind: 'closed';
      readonly consecutiveFailures: number;
      /** Calls and failures in the sliding window as of the last recorded call; 0 without a failure rate. */
      readonly windowCalls: number;
      readonly windowFailures: number;
    }
  | {
      readonly kind: 'open';
      /** Opened by hand; stays so until `close()`. */
      readonly forced: boolean;
      /** The instant on the breaker's clock from which a call becomes a probe; infinite when forced. */
      readonly untilMs: number;
      /** Openings since the breaker was last closed; 0 when forced. */
      readonly openings: number;
    }
  | {
      readonly kind: 'half-open';
      readonly probesInFlight: number;
      readonly successes: number;
      readonly openings: number;
    };

/** Totals since the breaker was made. Admitted calls = succeeded + failed + ignored + inFlight. */
export interface BreakerStatistics {
  readonly state: BreakerState['kind'];
  readonly succeeded: number;
  /** Counted failures, timeouts included. */
  readonly failed: number;
  /** Calls that ended in an error that is not a failure, were cancelled by their caller, or whose permit was given back. */
  readonly ignored: number;
  readonly timedOut: number;
  /** Calls refused with BreakerOpenError, or with no permit. */
  readonly rejected: number;
  /** How many of the results above came after the state they began in had ended, and so moved nothing. */
  readonly late: number;
  /** Times the breaker opened, by hand or by itself. */
  readonly opened: number;
  readonly inFlight: number;
}

/**
 * Told what happens, synchronously, after the breaker's own state has moved. A listener that throws changes no outcome: its error
 * surfaces as an uncaught exception, as with EventTarget.
 */
export interface BreakerListener {
  stateChanged?(to: BreakerState, from: BreakerState): void;
  rejected?(): void;
  succeeded?(): void;
  /** A counted failure. */
  failed?(error: unknown): void;
  /** Comes before `failed` with the same error. */
  timedOut?(error: CallTimeoutError): void;
}
