// What retrying rejects with.

/**
 * Why there was no further attempt:
 * - 'attempts': as many were made as allowed.
 * - 'deadline': it passed, or the next attempt could not begin before it.
 * - 'budget': the shared retry budget is used up.
 * - 'fatal': the last error says that trying again cannot help.
 * - 'not-idempotent': the last attempt may have been applied, and the operation must not be applied twice.
 * - 'aborted': the caller's signal was aborted.
 */
export type GiveUpReason = 'attempts' | 'deadline' | 'budget' | 'fatal' | 'not-idempotent' | 'aborted';

/**
 * The operation did not succeed. `cause` is the last attempt's error; when no attempt has failed it is the abort reason, or undefined.
 * With `maybeApplied` false it was certainly not applied.
 */
export class RetryError extends Error {
  override readonly name = 'RetryError';
  readonly code = 'RETRY_GAVE_UP';
  readonly reason: GiveUpReason;
  /** Attempts begun, 0 when it was over before the first. */
  readonly attempts: number;
  /** Whether any attempt may have been applied: not only the last one, and one that was still under way at the end counts. */
  readonly maybeApplied: boolean;

  constructor(reason: GiveUpReason, attempts: number, maybeApplied: boolean, cause: unknown) {
    const last = cause instanceof Error ? `: ${cause.message}` : '';
    super(`gave up after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'} (${reason})${last}`, { cause });
    this.reason = reason;
    this.attempts = attempts;
    this.maybeApplied = maybeApplied;
  }
}
