// What an error of etcd means: a maybe taken for a no would be a false alarm of the checkers, or hide what they are there for.

import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { etcdErrorOf } from './etcd-errors.ts';

const { UNAVAILABLE, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, OUT_OF_RANGE } = status;

test.each<[code: status, details: string, expected: [code: string, certainty: 'no' | 'maybe', again: 'again' | 'final']]>([
  // Before it was proposed.
  [UNAVAILABLE, 'etcdserver: no leader', ['no-leader', 'no', 'again']],
  [RESOURCE_EXHAUSTED, 'etcdserver: too many requests', ['too-many-requests', 'no', 'again']],
  [INVALID_ARGUMENT, 'etcdserver: request is too large', ['request-too-large', 'no', 'final']],
  [INVALID_ARGUMENT, 'etcdserver: key is not provided', ['invalid-argument', 'no', 'final']],
  [status.PERMISSION_DENIED, 'etcdserver: permission denied', ['permission-denied', 'no', 'final']],
  [status.UNIMPLEMENTED, 'unknown service etcdserverpb.KV', ['unimplemented', 'no', 'final']],
  // By the state machine.
  [RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded', ['no-space', 'no', 'final']],
  [OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted', ['revision-not-available', 'no', 'final']],
  // No connection.
  [UNAVAILABLE, 'No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1', ['connect-failed', 'no', 'again']],
  [UNAVAILABLE, 'Name resolution failed for target dns:nowhere:1', ['connect-failed', 'no', 'again']],
  // Proposed, and nobody knows.
  [UNAVAILABLE, 'etcdserver: request timed out', ['request-timed-out', 'maybe', 'final']],
  [
    UNAVAILABLE,
    'etcdserver: request timed out, possibly due to previous leader failure',
    ['request-timed-out', 'maybe', 'final'],
  ],
  [UNAVAILABLE, 'etcdserver: leader changed', ['leader-changed', 'maybe', 'again']],
  [UNAVAILABLE, 'etcdserver: server stopped', ['server-stopped', 'maybe', 'again']],
  // Sent, and the connection broke.
  [UNAVAILABLE, 'Connection dropped', ['unavailable', 'maybe', 'again']],
  [UNAVAILABLE, 'read ECONNRESET', ['unavailable', 'maybe', 'again']],
  [DEADLINE_EXCEEDED, 'Deadline exceeded after 5.0s', ['deadline-exceeded', 'maybe', 'final']],
  [status.UNKNOWN, 'context deadline exceeded', ['deadline-exceeded', 'maybe', 'final']],
  [status.CANCELLED, 'Cancelled on client', ['cancelled', 'maybe', 'final']],
  // gRPC's own, when the answer does not fit.
  [RESOURCE_EXHAUSTED, 'Received message larger than max (70000000 vs 67108864)', ['resource-exhausted', 'maybe', 'final']],
  // Never heard of.
  [UNAVAILABLE, 'etcdserver: something new', ['unavailable', 'maybe', 'again']],
  [status.UNKNOWN, 'etcdserver: something new', ['unknown', 'maybe', 'final']],
  [status.INTERNAL, 'panic', ['internal', 'maybe', 'final']],
  [99 as status, 'a status from the future', ['unknown', 'maybe', 'final']],
])('%i %s', (code, details, [name, certainty, again]) => {
  expect(etcdErrorOf({ code, details })).toMatchObject({
    code: name,
    message: details,
    maybeApplied: certainty === 'maybe',
    retryable: again === 'again',
  });
});
