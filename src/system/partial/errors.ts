// Why a node has no answer, when the node itself did not say.

/** The node did not answer in time. What it was asked to do may have happened, and may still happen. */
export class NodeTimeoutError extends Error {
  override readonly name = 'NodeTimeoutError';
  readonly code = 'NODE_TIMEOUT';
  readonly maybeApplied = true;
  readonly node: string;
  readonly timeoutMs: number;

  /** @param timeoutMs how long it was waited for, in milliseconds. */
  constructor(node: string, timeoutMs: number) {
    super(`no answer from ${node} within ${timeoutMs} ms`);
    this.node = node;
    this.timeoutMs = timeoutMs;
  }
}

/**
 * Why the rest was no longer waited for:
 * - 'quorum-reached': with `returnEarly`, enough nodes had answered.
 * - 'quorum-impossible': with `returnEarly`, so many had failed that the others could not make a quorum.
 * - 'aborted': the caller's signal was aborted.
 */
export type CancelReason = 'quorum-reached' | 'quorum-impossible' | 'aborted';

/** The node was not waited for to the end. */
export class NodeCancelledError extends Error {
  override readonly name = 'NodeCancelledError';
  readonly code = 'NODE_CANCELLED';
  readonly node: string;
  readonly reason: CancelReason;
  /** False when the node had not been called yet. */
  readonly maybeApplied: boolean;

  /** @param called whether the node had been called. @param cause the signal's reason, if it was aborted. */
  constructor(node: string, reason: CancelReason, called: boolean, cause?: unknown) {
    super(`${node} was ${called ? 'no longer waited for' : 'not called'}: ${reason}`, { cause });
    this.node = node;
    this.reason = reason;
    this.maybeApplied = called;
  }
}
