// The spans of consensus, told to the tracing as the host tells it.

import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { DistributedContext } from '../../telemetry/context.ts';
import type { Span } from '../../telemetry/span.ts';
import { seededIds } from '../../telemetry/trace-ids.ts';
import { Tracer } from '../../telemetry/tracer.ts';
import type { Message } from '../raft/protocol.ts';
import { RaftTracing } from './raft-tracing.ts';

function leader() {
  const clock = new VirtualClock(1_000);
  const ids = seededIds(new Random(1));
  const spans: Span[] = [];
  const tracer = new Tracer({ wallTime: () => clock.wallTime(), ids, onSpan: (span) => spans.push(span) });
  const tracing = new RaftTracing(tracer, 'n1', ['n2', 'n3']);
  tracing.happened({ type: 'role', role: 'leader', term: 2, leader: 'n1' });
  const request = () => ({ context: DistributedContext.root({ ids }), arrivedMs: tracer.now(), depth: 1 });
  /** One turn of the mailbox with one traced write. */
  const propose = (index: number) => {
    const trace = request();
    tracing.drained(trace);
    tracing.beginProposing([trace]);
    const proposal = tracing.proposed(index, trace);
    tracing.endProposing();
    return proposal;
  };
  const send = (to: string, first: number, last: number) => tracing.sending(to, [appendRequest(to, first, last)]);
  const named = (name: string) => spans.filter((span) => span.name === name);
  return { clock, tracing, propose, send, named, spans };
}

function appendRequest(to: string, first: number, last: number): Message {
  const entries = Array.from({ length: last - first + 1 }, (_, at) => ({
    term: 2,
    index: first + at,
    kind: 'command' as const,
    data: new Uint8Array(),
  }));
  return {
    type: 'append-request',
    from: 'n1',
    to,
    term: 2,
    previousIndex: first - 1,
    previousTerm: 2,
    entries,
    commitIndex: 0,
    round: 0,
  };
}

function accepted(from: string, matchIndex: number): Message {
  return { type: 'append-response', from, to: 'n1', term: 2, round: 0, accepted: true, matchIndex };
}

test('a write is linked to its batch, which ends when it is committed; a slower peer ends later', () => {
  const { clock, tracing, propose, send, named } = leader();
  const proposal = propose(1);
  send('n2', 1, 1);
  send('n3', 1, 1);
  clock.advance(3);
  tracing.received(accepted('n2', 1));
  tracing.happened({ type: 'commit', index: 1, term: 2 });
  if (proposal) tracing.quorum(proposal, 1);
  expect(named('raft.replicate').map(({ attributes, endMs }) => [attributes['windtunnel.peer.id'], endMs])).toEqual([
    ['n2', 1_003],
  ]);
  const [batch] = named('raft.batch');
  expect(batch).toMatchObject({ endMs: 1_003, attributes: { 'windtunnel.batch.entries': 1, 'windtunnel.raft.index': 1 } });
  expect(named('raft.quorum')[0]?.links).toEqual([{ traceId: batch?.traceId, spanId: batch?.spanId }]);
  clock.advance(5);
  tracing.received(accepted('n3', 1));
  expect(named('raft.replicate')).toHaveLength(2);
  expect(named('raft.replicate')[1]).toMatchObject({ endMs: 1_008, parentSpanId: batch?.spanId, traceId: batch?.traceId });
});

test('an acknowledgement of a part is none of the batch', () => {
  const { tracing, propose, send, named } = leader();
  propose(1);
  propose(2);
  send('n2', 1, 2);
  tracing.received(accepted('n2', 1));
  expect(named('raft.replicate')).toHaveLength(1);
  tracing.received(accepted('n2', 2));
  expect(named('raft.replicate')).toHaveLength(2);
});

test('what goes with a frame is the replication of each batch in it; with a frame without entries goes nothing', () => {
  const { tracing, propose, send, named } = leader();
  propose(1);
  propose(2);
  const traces = send('n2', 1, 2);
  expect(traces.map(({ firstIndex, lastIndex }) => [firstIndex, lastIndex])).toEqual([
    [1, 1],
    [2, 2],
  ]);
  tracing.received(accepted('n2', 2));
  expect(named('raft.replicate').map(({ spanId }) => spanId)).toEqual(traces.map(({ context }) => context.spanId));
  expect(tracing.sending('n2', [{ ...appendRequest('n2', 3, 3), entries: [] } as Message])).toEqual([]);
});

test('a peer that answers nothing costs a bounded memory, however often it is sent the same', () => {
  const { tracing, propose, send, named } = leader();
  for (let index = 1; index <= 400; index++) {
    propose(index);
    send('n2', index, index);
    for (let repetition = 0; repetition < 5; repetition++) send('n3', Math.max(1, index - 10), index);
    tracing.received(accepted('n2', index));
    tracing.happened({ type: 'commit', index, term: 2 });
  }
  const given = named('raft.replicate').filter(({ attributes }) => attributes['windtunnel.peer.id'] === 'n3');
  expect(given).toHaveLength(400 - 256);
  for (const { events } of given) expect(events?.map(({ name }) => name)).toEqual(['sent again', 'not-acknowledged']);
});

test('whoever stops leading gives up what is open, and says so', () => {
  const { tracing, propose, send, named } = leader();
  propose(1);
  send('n2', 1, 1);
  tracing.happened({ type: 'role', role: 'follower', term: 3, leader: 'n2' });
  expect(named('raft.batch')[0]?.events?.map(({ name }) => name)).toEqual(['leadership-lost']);
  expect(named('raft.replicate')[0]?.events?.map(({ name }) => name)).toEqual(['leadership-lost']);
  tracing.received(accepted('n2', 1));
  expect(named('raft.batch')).toHaveLength(1);
});

test('what a follower makes durable is a part of what the leader sent, with the fsync below it', () => {
  const { clock, tracing, spans, named } = leader();
  const sender = DistributedContext.root();
  tracing.beginReceiving([{ context: sender, firstIndex: 5, lastIndex: 7 }]);
  const append = tracing.appending(3, 7);
  // A vote has no entries.
  expect(tracing.appending(0, 0)).toBeUndefined();
  tracing.endReceiving();
  expect(tracing.appending(3, 10)).toBeUndefined();
  clock.advance(10);
  tracing.appended([append, undefined], 0.004, 512);
  expect(named('raft.append')).toMatchObject([
    {
      traceId: sender.traceId,
      parentSpanId: sender.spanId,
      startMs: 1_000,
      endMs: 1_010,
      attributes: { 'windtunnel.raft.index': 7 },
    },
  ]);
  expect(named('raft.fsync')).toMatchObject([
    {
      parentSpanId: named('raft.append')[0]?.spanId,
      startMs: 1_006,
      endMs: 1_010,
      attributes: { 'windtunnel.batch.bytes': 512 },
    },
  ]);
  expect(spans).toHaveLength(2);
});

test('what a follower makes durable of several batches is a part of each, and of no other', () => {
  const { tracing, named } = leader();
  const contexts = [1, 2, 3, 4].map(() => DistributedContext.root());
  tracing.beginReceiving(contexts.map((context, at) => ({ context, firstIndex: 10 * at + 1, lastIndex: 10 * at + 10 })));
  // Entries 18 to 21; then 22 to 25, of another message in the same frame.
  const appends = [tracing.appending(4, 21), tracing.appending(4, 25)];
  // Entries that nobody traces.
  expect(tracing.appending(2, 52)).toBeUndefined();
  tracing.endReceiving();
  tracing.appended(appends, 0.001, 64);
  expect(named('raft.append').map(({ traceId }) => contexts.findIndex((each) => each.traceId === traceId))).toEqual([1, 2, 2]);
  expect(named('raft.fsync').map(({ parentSpanId }) => parentSpanId)).toEqual(named('raft.append').map(({ spanId }) => spanId));
});

test('a turn without traced writes, or of which all were refused, is no batch', () => {
  const { tracing, named, propose } = leader();
  tracing.beginProposing([]);
  expect(tracing.proposed(1, undefined)).toBeUndefined();
  tracing.endProposing();
  tracing.beginProposing([{ context: DistributedContext.root(), arrivedMs: 0, depth: 0 }]);
  tracing.endProposing();
  expect(named('raft.batch')).toEqual([]);
  expect(propose(2)?.batch.lastIndex).toBe(2);
});
