// Every way an operation can fail, once: its stable code, its gRPC status, whether it may have been applied, and whether
// trying again can help. Retry, breaker and checkers all read this.

import { status } from '@grpc/grpc-js';

interface ErrorKind {
  readonly status: status;
  /** `definite`: the operation was not and will not be applied. `maybe`: nobody can say. */
  readonly certainty: 'definite' | 'maybe';
  /** Whether the same request can succeed later or elsewhere. */
  readonly retryable: boolean;
  /** Whether it says something bad about the endpoint that answered (or did not): what a circuit breaker counts. */
  readonly endpointFault: boolean;
}

const kind = (
  grpcStatus: status,
  certainty: ErrorKind['certainty'],
  what: 'retryable' | 'final',
  whose: 'endpoint' | 'request' = 'request',
): ErrorKind => ({ status: grpcStatus, certainty, retryable: what === 'retryable', endpointFault: whose === 'endpoint' });

export const ERRORS = {
  /** The node is a follower; the leader is named when it is known. */
  'not-leader': kind(status.FAILED_PRECONDITION, 'definite', 'retryable'),
  /** No leader is known: an election is under way, or there is no majority. */
  'no-leader': kind(status.UNAVAILABLE, 'definite', 'retryable'),
  /** The node stopped being leader before the write was committed. It may still be. */
  'leadership-lost': kind(status.UNAVAILABLE, 'maybe', 'retryable'),
  /** The node has as much work waiting as it takes. */
  overloaded: kind(status.RESOURCE_EXHAUSTED, 'definite', 'retryable'),
  /** The deadline had passed before the work began. */
  expired: kind(status.DEADLINE_EXCEEDED, 'definite', 'final'),
  /** The deadline passed while the work was under way. */
  'deadline-exceeded': kind(status.DEADLINE_EXCEEDED, 'maybe', 'final'),
  /** One attempt took too long; the operation still has time for another. */
  'attempt-timeout': kind(status.DEADLINE_EXCEEDED, 'maybe', 'retryable', 'endpoint'),
  cancelled: kind(status.CANCELLED, 'maybe', 'final'),
  'shutting-down': kind(status.UNAVAILABLE, 'definite', 'retryable'),
  /** No connection could be made, so nothing was sent. */
  'connect-failed': kind(status.UNAVAILABLE, 'definite', 'retryable', 'endpoint'),
  /** The connection broke after the request was sent. */
  'connection-lost': kind(status.UNAVAILABLE, 'maybe', 'retryable', 'endpoint'),
  /** The client's circuit breaker for that endpoint is open. */
  'breaker-open': kind(status.UNAVAILABLE, 'definite', 'retryable'),
  /** The client's pool of sessions had none to give in time. */
  'pool-exhausted': kind(status.RESOURCE_EXHAUSTED, 'definite', 'retryable'),
  /** The client is not connected any more. */
  disconnected: kind(status.CANCELLED, 'definite', 'final'),
  'invalid-request': kind(status.INVALID_ARGUMENT, 'definite', 'final'),
  'sql-error': kind(status.INVALID_ARGUMENT, 'definite', 'final'),
  constraint: kind(status.ALREADY_EXISTS, 'definite', 'final'),
  'forbidden-sql': kind(status.PERMISSION_DENIED, 'definite', 'final'),
  'not-deterministic': kind(status.INVALID_ARGUMENT, 'definite', 'final'),
  'result-too-large': kind(status.OUT_OF_RANGE, 'definite', 'final'),
  /** The cluster has forgotten this client's earlier writes, so it cannot tell whether this one is a repetition. */
  'session-expired': kind(status.FAILED_PRECONDITION, 'maybe', 'final'),
  /** A repetition of a write that the client itself had reported as answered. */
  'already-answered': kind(status.ABORTED, 'maybe', 'final'),
  /** Too many writes of one client are unanswered for the cluster to remember them all. */
  'session-window': kind(status.RESOURCE_EXHAUSTED, 'definite', 'retryable'),
  internal: kind(status.INTERNAL, 'maybe', 'final'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

export interface Leader {
  readonly id: string;
  /** host:port */
  readonly endpoint: string;
}

/** A failed operation. `maybeApplied` is the registry's word unless an earlier attempt of the same operation says more. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: ErrorCode;
  readonly maybeApplied: boolean;
  readonly leader: Leader | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details: { leader?: Leader | undefined; maybeApplied?: boolean; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.maybeApplied = details.maybeApplied ?? ERRORS[code].certainty === 'maybe';
    this.leader = details.leader;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  get endpointFault(): boolean {
    return ERRORS[this.code].endpointFault;
  }
}

/** The error itself, or any other thrown value as `internal`. */
export function toRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  return new RpcError('internal', error instanceof Error ? error.message : String(error), { cause: error });
}
