// What a circuit breaker rejects with. Each error says whether the guarded operation may have happened.

/** The call was refused: the breaker is open, or every half-open probe is taken. The operation was definitely not executed. */
export class BreakerOpenError extends Error {
  override readonly name = 'BreakerOpenError';
  readonly code = 'BREAKER_OPEN';
  readonly maybeApplied = false;
  /**
   * Milliseconds until the breaker lets a probe through, or undefined when no such instant is known: it was opened by hand,
   * or its probes are out and their results decide.
   */
  readonly retryAfterMs: number | undefined;

  /** @param retryAfterMs milliseconds > 0, or undefined when unknown. */
  constructor(message: string, retryAfterMs: number | undefined) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The operation did not settle within the breaker's `callTimeoutMs`. It may have happened, and may still happen. */
export class CallTimeoutError extends Error {
  override readonly name = 'CallTimeoutError';
  readonly code = 'CALL_TIMEOUT';
  readonly maybeApplied = true;
  /** The limit that was exceeded, in milliseconds. */
  readonly timeoutMs: number;

  /** @param timeoutMs the limit that was exceeded, in milliseconds. */
  constructor(timeoutMs: number) {
    super(`no result within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}
