// The options of a circuit breaker: what they mean, what they default to, and what is refused.

import { assert } from '../../runtime/assert.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { BreakerListener } from './state.ts';

/** Trip when the share of failures among recent calls is too high. */
export interface FailureRateOptions {
  /** The share of failures that opens the breaker, 0 < threshold <= 1. */
  readonly threshold: number;
  /** How far back a call counts, in milliseconds (> 0). Calls leave the window a whole bucket at a time. */
  readonly windowMs: number;
  /** Below this number of calls in the window (>= 1) the rate says nothing and does not trip. */
  readonly minimumCalls: number;
  /** Buckets the window is kept in, 1 to 1,000. More are more exact and cost memory. Default 10. */
  readonly buckets?: number;
}

/** At least one of `failureThreshold` and `failureRate` must be given; with both, whichever is reached first opens the breaker. */
export interface BreakerOptions {
  /** Opens after this many counted failures in a row (>= 1). */
  readonly failureThreshold?: number;
  readonly failureRate?: FailureRateOptions;
  /** How long the breaker stays open before it lets probes through, in milliseconds (> 0). */
  readonly resetTimeoutMs: number;
  /** Each opening that follows a failed probe doubles the reset timeout, up to this, in milliseconds. Default: `resetTimeoutMs`, no growth. */
  readonly maxResetTimeoutMs?: number;
  /** Probes that must succeed before the breaker closes (>= 1). Default 1. */
  readonly successThreshold?: number;
  /** Probes in flight at the same time while half-open (>= 1). Default 1. */
  readonly maxProbes?: number;
  /**
   * When every probe is out and the youngest has run for this long, in milliseconds (> 0), all are taken for lost and the breaker opens
   * again; otherwise a probe that hangs would keep it half-open for ever. Default: the longer of `resetTimeoutMs` and `callTimeoutMs`.
   */
  readonly probeTimeoutMs?: number;
  /** How long `execute` waits for a call, in milliseconds (> 0, at most 2^31 - 1). Default: for ever. Permits have no time limit. */
  readonly callTimeoutMs?: number;
  /**
   * Whether an error is the service's failure. One that is not (a bad request) moves nothing: it neither counts as failure nor proves
   * health. A CallTimeoutError of this breaker always counts. Default: every error is a failure.
   */
  readonly isFailure?: (error: unknown) => boolean;
  readonly listener?: BreakerListener;
  /** Default `systemClock`. */
  readonly clock?: Clock;
}

/** BreakerOptions with every default filled in and every value checked. */
export interface BreakerSettings {
  readonly failureThreshold: number;
  readonly failureRate: Required<FailureRateOptions> | undefined;
  readonly resetTimeoutMs: number;
  readonly maxResetTimeoutMs: number;
  readonly successThreshold: number;
  readonly maxProbes: number;
  readonly probeTimeoutMs: number;
  readonly callTimeoutMs: number | undefined;
  readonly isFailure: (error: unknown) => boolean;
  readonly listener: BreakerListener;
  readonly clock: Clock;
}

/** Beyond this Node's timers fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Checks options and fills in defaults. Throws AssertionError that names the offending value. */
export function breakerSettings(options: BreakerOptions): BreakerSettings {
  const { failureThreshold, failureRate, resetTimeoutMs, callTimeoutMs } = options;
  assert(failureThreshold !== undefined || failureRate !== undefined, 'a breaker needs failureThreshold, failureRate or both');
  checkDuration('resetTimeoutMs', resetTimeoutMs);
  if (callTimeoutMs !== undefined) {
    checkDuration('callTimeoutMs', callTimeoutMs);
    assert(callTimeoutMs <= LONGEST_TIMER_MS, `callTimeoutMs is at most ${LONGEST_TIMER_MS}, not ${callTimeoutMs}`);
  }
  const settings: BreakerSettings = {
    failureThreshold: failureThreshold ?? Number.POSITIVE_INFINITY,
    failureRate: failureRate === undefined ? undefined : { buckets: 10, ...failureRate },
    resetTimeoutMs,
    maxResetTimeoutMs: options.maxResetTimeoutMs ?? resetTimeoutMs,
    successThreshold: options.successThreshold ?? 1,
    maxProbes: options.maxProbes ?? 1,
    probeTimeoutMs: options.probeTimeoutMs ?? Math.max(resetTimeoutMs, callTimeoutMs ?? 0),
    callTimeoutMs,
    isFailure: options.isFailure ?? (() => true),
    listener: options.listener ?? {},
    clock: options.clock ?? systemClock,
  };
  if (failureThreshold !== undefined) checkCount('failureThreshold', failureThreshold);
  checkCount('successThreshold', settings.successThreshold);
  checkCount('maxProbes', settings.maxProbes);
  checkDuration('probeTimeoutMs', settings.probeTimeoutMs);
  assert(
    Number.isFinite(settings.maxResetTimeoutMs) && settings.maxResetTimeoutMs >= resetTimeoutMs,
    `maxResetTimeoutMs is at least resetTimeoutMs (${resetTimeoutMs}), not ${settings.maxResetTimeoutMs}`,
  );
  if (settings.failureRate !== undefined) checkFailureRate(settings.failureRate);
  return settings;
}

function checkFailureRate({ threshold, windowMs, minimumCalls, buckets }: Required<FailureRateOptions>): void {
  assert(threshold > 0 && threshold <= 1, `failureRate.threshold is a share above 0 and at most 1, not ${threshold}`);
  checkDuration('failureRate.windowMs', windowMs);
  checkCount('failureRate.minimumCalls', minimumCalls);
  assert(Number.isInteger(buckets) && buckets >= 1 && buckets <= 1_000, `failureRate.buckets is 1 to 1000, not ${buckets}`);
}

function checkCount(name: string, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 1, `${name} is a whole number of at least 1, not ${value}`);
}

function checkDuration(name: string, value: number): void {
  assert(Number.isFinite(value) && value > 0, `${name} is a number of milliseconds above 0, not ${value}`);
}
