import { describe, expect, test } from 'vitest';
import { TraceStore } from './trace-store.ts';
import type { ReceivedSpan } from './received-span.ts';
import { addWrite, TraceBuilder } from './testing/trace-builder.ts';

/** A request and its batch. */
function write(seed: number) {
  const builder = new TraceBuilder(seed);
  const root = addWrite(builder, { mailbox: 1, append: 1, fsync: 1, peerNetwork: 1 });
  const own = builder.spans.filter(({ traceId }) => traceId === root.traceId);
  const batch = builder.spans.filter(({ traceId }) => traceId !== root.traceId);
  return { id: root.traceId, batchId: (batch[0] as ReceivedSpan).traceId, own, batch, all: builder.spans };
}

describe('the store of traces', () => {
  test('keeps what is wanted, and wants the batch it links to, once', () => {
    const { id, batchId, own, batch } = write(1);
    const store = new TraceStore();
    store.want([id]);
    store.add(own);
    expect(store.takeLinked()).toEqual([batchId]);
    expect(store.takeLinked()).toEqual([]);
    store.add(batch);
    expect(store.spansOf(id)).toEqual(own);
    expect(store.spansOf(batchId)).toEqual(batch);
    expect(store.counts).toEqual({ received: own.length + batch.length, dropped: 0, unwanted: 0 });
  });

  test('has what came before anybody wanted it, batch and all', () => {
    const { id, batchId, own, batch, all } = write(1);
    const store = new TraceStore();
    store.add(all);
    expect(store.spansOf(id)).toEqual([]);
    store.want([id]);
    expect(store.spansOf(id)).toEqual(own);
    expect(store.spansOf(batchId)).toEqual(batch);
  });

  test('follows links one level and no further', () => {
    const [one, two] = [write(1), write(2)];
    const chained = one.batch.map((span) => ({ ...span, links: [{ traceId: two.id, spanId: '1'.repeat(16) }] }));
    const store = new TraceStore();
    store.want([one.id]);
    store.add([...one.own, ...chained]);
    expect(store.takeLinked()).toEqual([one.batchId]);
    // Until the batch itself is asked for.
    store.want([one.batchId]);
    expect(store.takeLinked()).toEqual([two.id]);
  });

  test('counts a span once that was sent twice', () => {
    const { id, own } = write(1);
    const store = new TraceStore();
    store.want([id]);
    store.add(own);
    store.add(own);
    expect(store.spansOf(id)).toEqual(own);
    expect(store.size).toBe(own.length);
  });

  test('what is forgotten leaves nothing, except a batch that another wants', () => {
    const [one, two] = [write(1), write(2)];
    // Two requests in one batch.
    const sharing = two.own.map((span) =>
      span.links === undefined ? span : { ...span, links: [{ traceId: one.batchId, spanId: '1'.repeat(16) }] },
    );
    const store = new TraceStore();
    store.want([one.id, two.id]);
    store.add([...one.all, ...sharing]);
    store.forget([one.id]);
    expect(store.spansOf(one.id)).toEqual([]);
    expect(store.spansOf(one.batchId)).toEqual(one.batch);
    store.forget([two.id]);
    expect(store.size).toBe(0);
    store.add(one.batch);
    expect(store.spansOf(one.batchId)).toEqual([]);
  });

  test('drops and counts what does not fit', () => {
    const { id, own } = write(1);
    for (const limits of [{ spans: 3 }, { spansOfOneTrace: 3 }]) {
      const store = new TraceStore(limits);
      store.want([id]);
      expect(store.add(own)).toBe(own.length - 3);
      expect(store.counts.dropped).toBe(own.length - 3);
      expect(store.spansOf(id)).toEqual(own.slice(0, 3));
    }
    const store = new TraceStore({ bytes: 3_000 });
    store.want([id]);
    const large = own.map((span) => ({ ...span, attributes: { text: 'x'.repeat(1_000) } }));
    expect(store.add(large)).toBe(own.length - 1);
  });

  test('of traces that nobody wants the oldest goes first, and memory stays bounded', () => {
    const store = new TraceStore({ waitingSpans: 100 });
    const writes = Array.from({ length: 50 }, (_, seed) => write(seed + 1));
    for (const { own } of writes) {
      store.add(own);
      expect(store.size).toBeLessThanOrEqual(100);
    }
    store.want(writes.map(({ id }) => id));
    const there = writes.map(({ id }) => store.spansOf(id).length > 0);
    const kept = Math.floor(100 / (writes[0]?.own.length ?? 1));
    expect(there).toEqual(writes.map((_, at) => at >= writes.length - kept));
    expect(store.counts.unwanted).toBe(writes.slice(0, -kept).reduce((sum, { own }) => sum + own.length, 0));
  });

  test('a span with links without end wants a bounded number of traces', () => {
    const { id, own } = write(1);
    const store = new TraceStore({ linkedTraces: 50 });
    store.want([id]);
    const links = Array.from({ length: 5_000 }, (_, at) => ({
      traceId: at.toString(16).padStart(32, 'f'),
      spanId: '1'.repeat(16),
    }));
    store.add([{ ...(own[0] as ReceivedSpan), links }]);
    expect(store.takeLinked()).toHaveLength(50);
  });
});
