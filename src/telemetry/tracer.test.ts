// The tracer, and what keeps and sends its spans.

import { expect, test } from 'vitest';
import { Random } from '../runtime/random.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { DistributedContext } from './context.ts';
import type { SpanExporter } from './readable-span.ts';
import { SpanExport } from './span-export.ts';
import { SpanRecorder } from './span-recorder.ts';
import type { Span } from './span.ts';
import { spanIdOf, spanOf, traceIdOf } from './testing/spans.ts';
import { seededIds } from './trace-ids.ts';
import { Tracer } from './tracer.ts';

function tracerOf(clock = new VirtualClock(1_000)) {
  const spans: { readonly span: Span; readonly sampled: boolean }[] = [];
  const tracer = new Tracer({
    wallTime: () => clock.wallTime(),
    ids: seededIds(new Random(1)),
    onSpan: (span, sampled) => spans.push({ span, sampled }),
  });
  return { clock, tracer, spans };
}

test('a span is told once, when it ends, with its place in the trace', () => {
  const { clock, tracer, spans } = tracerOf();
  const root = tracer.startRoot('client.execute', true);
  const child = tracer.start('retry.attempt', root.context, { 'windtunnel.attempt': 1 });
  clock.advance(5);
  child.link({ traceId: traceIdOf(1), spanId: spanIdOf(1) });
  child.set({ 'server.address': 'n1' });
  child.fail('connection-lost');
  expect(spans).toEqual([]);
  child.end();
  child.end();
  clock.advance(1);
  root.end();
  expect(spans.map(({ span }) => span.name)).toEqual(['retry.attempt', 'client.execute']);
  expect(spans[0]).toEqual({
    sampled: true,
    span: {
      name: 'retry.attempt',
      kind: 'internal',
      traceId: root.context.traceId,
      spanId: child.context.spanId,
      parentSpanId: root.context.spanId,
      startMs: 1_000,
      endMs: 1_005,
      attributes: { 'windtunnel.attempt': 1, 'server.address': 'n1', 'error.type': 'connection-lost' },
      links: [{ traceId: traceIdOf(1), spanId: spanIdOf(1) }],
      events: undefined,
      error: 'connection-lost',
    },
  });
  expect(spans[1]?.span).toMatchObject({ kind: 'client', parentSpanId: undefined, startMs: 1_000, endMs: 1_006 });
});

test('what is noticed afterwards is recorded with its times, and no span ends before it began', () => {
  const { clock, tracer, spans } = tracerOf();
  const parent = new DistributedContext({ traceId: traceIdOf(7), spanId: spanIdOf(7), sampled: false });
  clock.advance(10);
  tracer.record('raft.mailbox', parent, { startMs: 1_002, endMs: 1_004 });
  tracer.record('raft.quorum', parent, { startMs: 1_008, endMs: 1_003, error: 'lost' });
  expect(spans.map(({ span: { startMs, endMs, error }, sampled }) => ({ startMs, endMs, error, sampled }))).toEqual([
    { startMs: 1_002, endMs: 1_004, error: undefined, sampled: false },
    { startMs: 1_008, endMs: 1_008, error: 'lost', sampled: false },
  ]);
});

test('a recorder gives out the spans of wanted traces, those that end later too, each once', () => {
  const given: string[] = [];
  const recorder = new SpanRecorder({ capacity: 8, onWanted: (spans) => given.push(...spans.map(({ spanId }) => spanId)) });
  const add = (trace: number, span: number) => recorder.add(spanOf({ traceId: traceIdOf(trace), spanId: spanIdOf(span) }));
  for (let span = 1; span <= 6; span++) add(span % 2, span);
  expect(given).toEqual([]);
  recorder.want([traceIdOf(1)]);
  expect(given).toEqual([1, 3, 5].map(spanIdOf));
  add(1, 7);
  recorder.want([traceIdOf(1)]);
  add(0, 8);
  expect(given).toEqual([1, 3, 5, 7].map(spanIdOf));
});

test('a recorder is bounded: the oldest spans and the oldest wishes are forgotten', () => {
  const given: string[] = [];
  const recorder = new SpanRecorder({
    capacity: 4,
    mostWanted: 2,
    onWanted: (spans) => given.push(...spans.map(({ spanId }) => spanId)),
  });
  const add = (trace: number, span: number) => recorder.add(spanOf({ traceId: traceIdOf(trace), spanId: spanIdOf(span) }));
  for (let span = 1; span <= 6; span++) add(1, span);
  recorder.want([traceIdOf(1)]);
  expect(given).toEqual([3, 4, 5, 6].map(spanIdOf));
  recorder.want([traceIdOf(2), traceIdOf(3)]);
  add(1, 7);
  add(3, 8);
  expect(given).toEqual([3, 4, 5, 6, 8].map(spanIdOf));
});

/** Takes batches when it is told to. */
function heldExporter() {
  const batches: string[][] = [];
  const waiting: ((error?: Error) => void)[] = [];
  const exporter: SpanExporter = {
    export(spans, done) {
      batches.push(spans.map((span) => span.spanContext().spanId));
      waiting.push((error) => done(error ? { code: 1, error } : { code: 0 }));
    },
    shutdown: () => Promise.resolve(),
  };
  const settle = (failure?: Error) => {
    waiting.shift()?.(failure);
    return new Promise(setImmediate);
  };
  return { exporter, batches, settle };
}

test('an export sends batches one after another, and counts what has no room or does not arrive', async () => {
  const clock = new VirtualClock();
  const { exporter, batches, settle } = heldExporter();
  const spans = Array.from({ length: 12 }, (_, at) => spanOf({ spanId: spanIdOf(at + 1) }));
  const sender = new SpanExport({ exporter, resource: {}, mostWaiting: 7, batch: 3, everyMs: 100, clock });
  sender.add(spans.slice(0, 5));
  expect(batches).toEqual([]);
  await clock.advanceAsync(100);
  expect(batches).toEqual([[1, 2, 3].map(spanIdOf)]);
  sender.add(spans.slice(5));
  expect(sender.counts).toMatchObject({ exported: 0, dropped: 2, problem: 'more than 7 spans were waiting' });
  await settle();
  await settle(new Error('refused'));
  expect(sender.counts).toEqual({ exported: 3, dropped: 5, problem: 'refused' });
  await settle();
  await settle();
  expect(batches.map((batch) => batch.length)).toEqual([3, 3, 3, 1]);
  expect(sender.counts).toMatchObject({ exported: 7, dropped: 5 });
});

test('an export sends a batch again as often as it may, before it drops it', async () => {
  const clock = new VirtualClock();
  const { exporter, batches, settle } = heldExporter();
  const sender = new SpanExport({ exporter, resource: {}, everyMs: 100, attempts: 3, clock });
  const failTimes = async (times: number) => {
    for (let time = 0; time < times; time++) {
      await clock.advanceAsync(100);
      await settle(new Error('out of reach'));
    }
    await clock.advanceAsync(100);
  };
  sender.add([spanOf({ spanId: spanIdOf(1) })]);
  await failTimes(2);
  expect(sender.counts).toEqual({ exported: 0, dropped: 0 });
  await settle();
  expect(sender.counts).toEqual({ exported: 1, dropped: 0 });
  sender.add([spanOf({ spanId: spanIdOf(2) })]);
  await failTimes(3);
  expect(sender.counts).toEqual({ exported: 1, dropped: 1, problem: 'out of reach' });
  expect(batches).toEqual([1, 1, 1, 2, 2, 2].map((number) => [spanIdOf(number)]));
});

test('all spans of an export share one resource: exporters repeat it for each that is another object', async () => {
  const clock = new VirtualClock();
  const resources: unknown[] = [];
  const exporter: SpanExporter = {
    export(spans, done) {
      resources.push(...spans.map(({ resource }) => resource));
      done({ code: 0 });
    },
    shutdown: () => Promise.resolve(),
  };
  const sender = new SpanExport({ exporter, resource: { 'service.name': 'a' }, batch: 2, clock });
  sender.add([1, 2, 3].map((number) => spanOf({ spanId: spanIdOf(number) })));
  await sender.flush();
  expect(resources).toHaveLength(3);
  expect(new Set(resources).size).toBe(1);
});

test('an export that is closed sends what waits, and gives up what does not go in time', async () => {
  const clock = new VirtualClock();
  const { exporter, batches, settle } = heldExporter();
  const sender = new SpanExport({ exporter, resource: {}, batch: 2, clock });
  sender.add([1, 2, 3].map((number) => spanOf({ spanId: spanIdOf(number) })));
  const closed = sender.close(1_000);
  await settle();
  await clock.advanceAsync(1_000);
  await closed;
  expect(batches).toHaveLength(2);
  expect(sender.counts.exported).toBe(2);
});
