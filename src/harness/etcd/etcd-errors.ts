// What a failed call of etcd means for the operation: was it applied or not, and is it worth another try. etcd says it with a gRPC
// status and a text (its `rpctypes`); gRPC itself adds its own. What neither says for sure is `maybe`.

import { status, type ServiceError } from '@grpc/grpc-js';

export class EtcdError extends Error {
  override readonly name = 'EtcdError';
  /** Of a bounded set: 'request-timed-out', 'no-leader', 'deadline-exceeded', ... */
  readonly code: string;
  /** Whether the operation may have been applied, or may yet be. */
  readonly maybeApplied: boolean;
  /** Whether the same request may succeed later, or at another node. */
  readonly retryable: boolean;

  constructor(
    code: string,
    message: string,
    { maybeApplied, retryable = false, cause }: { maybeApplied: boolean; retryable?: boolean; cause?: unknown },
  ) {
    super(message, { cause });
    this.code = code;
    this.maybeApplied = maybeApplied;
    this.retryable = retryable;
  }
}

interface Meaning {
  readonly code: string;
  readonly certainty: 'definite' | 'maybe';
  readonly retryable: boolean;
}

const meaning = (code: string, certainty: 'definite' | 'maybe', retryable: boolean): Meaning => ({ code, certainty, retryable });

/**
 * The texts behind 'etcdserver: ' that mean the same whatever comes after them, longest first. A request that was proposed to
 * Raft and not answered in time may be committed later, so all of that kind are `maybe`; what is refused before it is proposed, or
 * by the state machine, which then changes nothing, is `definite`.
 */
const ETCD_TEXTS: readonly (readonly [text: string, meaning: Meaning])[] = [
  // Refused at the door, because the client demands a leader.
  ['no leader', meaning('no-leader', 'definite', true)],
  // Too many proposals wait to be applied.
  ['too many requests', meaning('too-many-requests', 'definite', true)],
  ['not capable', meaning('not-capable', 'definite', false)],
  ['mvcc: database space exceeded', meaning('no-space', 'definite', false)],
  // With and without 'possibly due to previous leader failure' or 'connection lost'.
  ['request timed out', meaning('request-timed-out', 'maybe', false)],
  ['leader changed', meaning('leader-changed', 'maybe', true)],
  ['server stopped', meaning('server-stopped', 'maybe', true)],
  ['request is too large', meaning('request-too-large', 'definite', false)],
  ['too many operations in txn request', meaning('too-many-operations', 'definite', false)],
  ['duplicate key given in txn request', meaning('duplicate-key', 'definite', false)],
  ['mvcc: required revision', meaning('revision-not-available', 'definite', false)],
];

/** Statuses that etcd gives only to what it refused. */
const REFUSALS: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.FAILED_PRECONDITION,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.UNIMPLEMENTED,
]);

export function etcdErrorOf(error: Pick<ServiceError, 'code' | 'details'>): EtcdError {
  const { code, certainty, retryable } = meaningOf(error);
  return new EtcdError(code, error.details, { maybeApplied: certainty === 'maybe', retryable, cause: error });
}

function meaningOf({ code, details }: Pick<ServiceError, 'code' | 'details'>): Meaning {
  const text = details.startsWith('etcdserver: ') ? details.slice('etcdserver: '.length) : undefined;
  const known = text === undefined ? undefined : ETCD_TEXTS.find(([begin]) => text.startsWith(begin));
  if (known !== undefined) return known[1];
  // No connection came about, so nothing was sent. (One that broke says 'Connection dropped' or the error of its socket.)
  if (code === status.UNAVAILABLE && /^(No connection established|Name resolution failed)/.test(details))
    return meaning('connect-failed', 'definite', true);
  // etcd 3.4 gives no status to the deadline that it was told by the client, when it notices before gRPC does.
  if (code === status.UNKNOWN && details === 'context deadline exceeded') return meaning('deadline-exceeded', 'maybe', false);
  const name = (status[code] ?? 'UNKNOWN').toLowerCase().replaceAll('_', '-');
  // gRPC's own refusals have these statuses too (a request that cannot be written, a method that is not there), and are as definite.
  if (REFUSALS.has(code)) return meaning(name, 'definite', false);
  return meaning(name, 'maybe', code === status.UNAVAILABLE);
}
