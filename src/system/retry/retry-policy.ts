// Try again, but not too soon, not too often, not too late, and not what may have been applied already.

import { assert, known, unreachable } from '../../runtime/assert.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import { checkedBackoff, LONGEST_TIMER_MS, nextDelayMs } from './backoff.ts';
import type { BackoffOptions } from './backoff.ts';
import { classifyByProperties, retryAfterByProperty } from './classify.ts';
import type { Classification } from './classify.ts';
import { INTERRUPTED, Limit } from './limit.ts';
import type { RetryBudget } from './retry-budget.ts';
import { RetryError } from './retry-error.ts';
import type { GiveUpReason } from './retry-error.ts';

/** One attempt, as the operation sees it. */
export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Aborts when the caller aborts or the deadline passes. An operation that ignores it goes on unheard. */
  readonly signal: AbortSignal;
  /** Milliseconds from now to the overall deadline, 0 when it has passed; Infinity when there is none. */
  readonly remainingMs: number;
}

/** A retry that is about to happen, for telemetry. */
export interface RetryEvent {
  /** The number of the attempt that failed. */
  readonly attempt: number;
  readonly error: unknown;
  readonly classification: Classification;
  /** Milliseconds until the next attempt. */
  readonly delayMs: number;
}

export interface RetryPolicyOptions extends BackoffOptions {
  /** Attempts in all, the first included: 1 or more, Infinity allowed. */
  readonly attempts: number;
  readonly random: Random;
  /** Shared by all callers of one service. Default: no limit on retries in sum. */
  readonly budget?: RetryBudget;
  /** What an error means. Default: `classifyByProperties`. */
  readonly classify?: (error: unknown) => Classification;
  /**
   * How long the service asked to wait, in milliseconds (>= 0), in place of the backoff; undefined when it did not ask. It may exceed capMs, but
   * not the deadline. 0 means at once (the next turn of the event loop). Unless jitter is 'none', up to baseMs is added to any other hint, so that callers who were told the same do
   * not return together. Default: the error's `retryAfterMs` property.
   */
  readonly retryAfterMs?: (error: unknown) => number | undefined;
  /** Called before each wait. What it throws surfaces as an uncaught exception and changes no outcome. */
  readonly onRetry?: (event: RetryEvent) => void;
  /** Default `systemClock`. */
  readonly clock?: Clock;
}

/** What belongs to one operation and not to the policy. */
export interface RetryCallOptions {
  /** Whether the operation can be applied twice without harm. Default false: an attempt that ends 'maybe' is the last. */
  readonly idempotent?: boolean;
  readonly signal?: AbortSignal;
  /** For all attempts and waits together, in milliseconds from now, at most 2^31 - 1. 0 or less has passed already. Default: none. */
  readonly deadlineMs?: number;
}

export type RetryOptions = RetryPolicyOptions & RetryCallOptions;

/** Exponential backoff with jitter, a deadline and a budget, for operations of which some must not be applied twice. Holds no state of its own. */
export class RetryPolicy {
  readonly #backoff: Required<BackoffOptions>;
  readonly #attempts: number;
  readonly #random: Random;
  readonly #budget: RetryBudget | undefined;
  readonly #classify: (error: unknown) => Classification;
  readonly #retryAfterMs: (error: unknown) => number | undefined;
  readonly #onRetry: ((event: RetryEvent) => void) | undefined;
  readonly #clock: Clock;

  /** Throws AssertionError, naming the offending value, when an option is out of range. */
  constructor(options: RetryPolicyOptions) {
    const { attempts } = options;
    const whole = Number.isSafeInteger(attempts) || attempts === Number.POSITIVE_INFINITY;
    assert(whole && attempts >= 1, `attempts is a whole number of at least 1 or Infinity, not ${attempts}`);
    this.#backoff = checkedBackoff(options);
    this.#attempts = attempts;
    this.#random = options.random;
    this.#budget = options.budget;
    this.#classify = options.classify ?? classifyByProperties;
    this.#retryAfterMs = options.retryAfterMs ?? retryAfterByProperty;
    this.#onRetry = options.onRetry;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Resolves with the first attempt that succeeds. Rejects with RetryError, which says why there is no further attempt and whether any of them
   * may have been applied. Aborting or passing the deadline rejects at once, without waiting for the attempt under way. Rejects with
   * AssertionError when deadlineMs is out of range (nothing was attempted), and with what `classify` or `retryAfterMs` throw.
   */
  async execute<T>(operation: (attempt: Attempt) => Promise<T>, call: RetryCallOptions = {}): Promise<T> {
    const { idempotent = false, signal, deadlineMs = Number.POSITIVE_INFINITY } = call;
    checkDeadline(deadlineMs);
    const limit = new Limit(this.#clock, signal, deadlineMs);
    if (limit.ended !== undefined) throw new RetryError(limit.ended, 0, false, signal?.reason);
    this.#budget?.deposit();
    let maybeApplied = false;
    let backoffMs = this.#backoff.baseMs;
    let lastError: unknown;
    try {
      for (let number = 1; ; number++) {
        try {
          return await limit.race(operation(new LimitedAttempt(number, limit)));
        } catch (error) {
          // What is interrupted is under way, and may yet be applied.
          if (error === INTERRUPTED) throw endedBy(limit, number, true, lastError, signal);
          lastError = error;
        }
        const classification = this.#classify(lastError);
        maybeApplied ||= classification === 'maybe' || classification === 'fatal-maybe';
        const mustStop = this.#mustStop(number, classification, idempotent);
        if (mustStop !== undefined) throw new RetryError(mustStop, number, maybeApplied, lastError);
        const hintMs = this.#hintOf(lastError);
        if (hintMs === undefined) backoffMs = nextDelayMs(this.#backoff, number, backoffMs, this.#random);
        const delayMs = hintMs ?? backoffMs;
        const cannotWait = this.#cannotWait(delayMs, limit);
        if (cannotWait !== undefined) throw new RetryError(cannotWait, number, maybeApplied, lastError);
        if (this.#onRetry !== undefined) tell(this.#onRetry, { attempt: number, error: lastError, classification, delayMs });
        await limit.pause(delayMs);
        if (limit.check() !== undefined) throw endedBy(limit, number, maybeApplied, lastError, signal);
      }
    } finally {
      limit.close();
    }
  }

  #mustStop(number: number, classification: Classification, idempotent: boolean): GiveUpReason | undefined {
    switch (classification) {
      case 'fatal':
      case 'fatal-maybe':
        return 'fatal';
      case 'maybe':
        if (!idempotent) return 'not-idempotent';
        break;
      case 'definite':
        break;
      default:
        unreachable(classification);
    }
    return number >= this.#attempts ? 'attempts' : undefined;
  }

  /** Asks the budget last: its token is spent only on a retry that will be made. */
  #cannotWait(delayMs: number, limit: Limit): GiveUpReason | undefined {
    if (delayMs >= limit.remainingMs) return 'deadline';
    return this.#budget === undefined || this.#budget.tryWithdraw() ? undefined : 'budget';
  }

  #hintOf(error: unknown): number | undefined {
    const askedMs = this.#retryAfterMs(error);
    // Comes from the network: nonsense is not obeyed.
    if (askedMs === undefined || !Number.isFinite(askedMs) || askedMs < 0) return undefined;
    const spreadMs = askedMs === 0 || this.#backoff.jitter === 'none' ? 0 : this.#random.float() * this.#backoff.baseMs;
    return Math.min(LONGEST_TIMER_MS, askedMs + spreadMs);
  }
}

/** `new RetryPolicy(options).execute(operation, options)`, for code that has one operation and no policy to keep. */
export async function retry<T>(operation: (attempt: Attempt) => Promise<T>, options: RetryOptions): Promise<T> {
  return new RetryPolicy(options).execute(operation, options);
}

class LimitedAttempt implements Attempt {
  readonly number: number;
  readonly #limit: Limit;

  constructor(number: number, limit: Limit) {
    this.number = number;
    this.#limit = limit;
  }

  get signal(): AbortSignal {
    return this.#limit.signal;
  }

  get remainingMs(): number {
    return Math.max(0, this.#limit.remainingMs);
  }
}

function checkDeadline(deadlineMs: number): void {
  if (deadlineMs <= LONGEST_TIMER_MS || deadlineMs === Number.POSITIVE_INFINITY) return;
  assert(false, `deadlineMs is at most ${LONGEST_TIMER_MS} milliseconds, not ${deadlineMs}`);
}

function endedBy(limit: Limit, attempts: number, maybeApplied: boolean, lastError: unknown, signal: AbortSignal | undefined) {
  const reason = known(limit.ended, 'the limit ended nothing');
  return new RetryError(reason, attempts, maybeApplied, lastError ?? signal?.reason);
}

/** Calls an observer so that its bug is seen and yet does not hide the outcome of an operation that may have been applied. */
function tell(onRetry: (event: RetryEvent) => void, event: RetryEvent): void {
  try {
    onRetry(event);
  } catch (bug) {
    queueMicrotask(() => {
      throw bug;
    });
  }
}
