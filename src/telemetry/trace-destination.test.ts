// Where traces go: what the words mean, and that each exporter delivers a whole trace, read back by code that is not its own.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SpanExport } from './span-export.ts';
import type { Span } from './span.ts';
import { openCollector } from './testing/collector.ts';
import { spanIdOf, spanOf, traceIdOf } from './testing/spans.ts';
import { ThriftReader, type ThriftStruct } from './testing/thrift.ts';
import {
  createExporter,
  formatTraceDestination,
  parseTraceDestination,
  type TraceDestination,
  traceDestinationOf,
} from './trace-destination.ts';

test.each<[string, TraceDestination]>([
  ['otlp', { kind: 'otlp', url: 'http://127.0.0.1:4318/v1/traces' }],
  ['otlp=http://collector:4318', { kind: 'otlp', url: 'http://collector:4318/v1/traces' }],
  ['otlp=https://collector/own/path', { kind: 'otlp', url: 'https://collector/own/path' }],
  ['jaeger', { kind: 'jaeger', url: 'http://127.0.0.1:14268/api/traces' }],
  ['jaeger=http://jaeger:14268', { kind: 'jaeger', url: 'http://jaeger:14268/api/traces' }],
  ['jaeger=udp://agent', { kind: 'jaeger-udp', host: 'agent', port: 6_832 }],
  ['jaeger=udp://agent:7000', { kind: 'jaeger-udp', host: 'agent', port: 7_000 }],
  ['file=/tmp/spans.jsonl', { kind: 'file', path: '/tmp/spans.jsonl' }],
])('%s', (text, destination) => {
  expect(parseTraceDestination(text, {})).toEqual(destination);
  expect(parseTraceDestination(formatTraceDestination(destination), {})).toEqual(destination);
});

test.each([
  ['zipkin=http://127.0.0.1', "'zipkin=http://127.0.0.1' is no destination"],
  ['otlp=collector:4318', "'collector:4318' is not an http:// or https:// address"],
  ['otlp=', "'' is not an address"],
  ['jaeger=ftp://host', "'ftp://host' is not an http:// or https:// address"],
  ['file', 'a file needs a path'],
])('%s is refused', (text, message) => {
  expect(() => parseTraceDestination(text, {})).toThrow(message);
});

test('the environment of OpenTelemetry says where to, and never silently nowhere', () => {
  expect(traceDestinationOf({})).toBeUndefined();
  expect(traceDestinationOf({ OTEL_TRACES_EXPORTER: 'none' })).toBe('off');
  expect(traceDestinationOf({ OTEL_TRACES_EXPORTER: 'jaeger' })).toEqual({
    kind: 'jaeger',
    url: 'http://127.0.0.1:14268/api/traces',
  });
  expect(traceDestinationOf({ OTEL_TRACES_EXPORTER: 'jaeger', OTEL_EXPORTER_JAEGER_ENDPOINT: 'http://j:1/api/traces' })).toEqual({
    kind: 'jaeger',
    url: 'http://j:1/api/traces',
  });
  expect(traceDestinationOf({ OTEL_TRACES_EXPORTER: 'jaeger', OTEL_EXPORTER_JAEGER_AGENT_HOST: 'j' })).toEqual({
    kind: 'jaeger-udp',
    host: 'j',
    port: 6_832,
  });
  expect(traceDestinationOf({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://o:4318/base/' })).toEqual({
    kind: 'otlp',
    url: 'http://o:4318/base/v1/traces',
  });
  expect(traceDestinationOf({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://o:1/x' })).toEqual({
    kind: 'otlp',
    url: 'http://o:1/x',
  });
  expect(() => traceDestinationOf({ OTEL_TRACES_EXPORTER: 'zipkin' })).toThrow("OTEL_TRACES_EXPORTER='zipkin'");
});

const TRACE = '0123456789abcdeffedcba9876543210';
const RESOURCE = { 'service.name': 'windtunnel-node', 'service.instance.id': 'n1' };

/** A trace of three spans: nested, with a link, an event and an error. */
const SPANS: readonly Span[] = [
  spanOf({ name: 'client.execute', kind: 'client', traceId: TRACE, spanId: spanIdOf(1), parentSpanId: undefined }),
  spanOf({
    name: 'raft.quorum',
    traceId: TRACE,
    spanId: spanIdOf(2),
    parentSpanId: spanIdOf(1),
    links: [{ traceId: traceIdOf(0x99), spanId: spanIdOf(0x77) }],
    events: [{ name: 'sent again', timeMs: 1_700_000_000_001, attributes: { peer: 'n2' } }],
  }),
  spanOf({ name: 'store.read', traceId: TRACE, spanId: 'fedcba9876543210', parentSpanId: spanIdOf(1), error: 'sql-error' }),
];

async function deliver(destination: TraceDestination): Promise<void> {
  const sender = new SpanExport({ exporter: await createExporter(destination), resource: RESOURCE });
  sender.add(SPANS);
  await sender.close(10_000);
  expect(sender.counts).toEqual({ exported: SPANS.length, dropped: 0 });
}

function tagsOf(span: ThriftStruct): Record<string, unknown> {
  const tags = span.get(10) as readonly ThriftStruct[];
  // The second field says which of those behind it holds the value: text, double, bool or long.
  return Object.fromEntries(tags.map((tag) => [tag.get(1), tag.get(3 + (tag.get(2) as number))]));
}

/** Field numbers are those of jaeger.thrift. */
function expectWholeTrace(batches: readonly ThriftStruct[]): void {
  for (const batch of batches) expect((batch.get(1) as ThriftStruct).get(1)).toBe('windtunnel-node');
  const spans = batches.flatMap((batch) => batch.get(2) as readonly ThriftStruct[]);
  expect(spans.map((span) => span.get(5))).toEqual(SPANS.map(({ name }) => name));
  for (const span of spans) {
    expect(span.get(1)).toBe(BigInt.asIntN(64, 0xfedcba9876543210n));
    expect(span.get(2)).toBe(0x0123456789abcdefn);
    expect(span.get(8)).toBe(1_700_000_000_000_250n);
    expect(span.get(9)).toBe(3_250n);
    expect(tagsOf(span)).toMatchObject({ 'windtunnel.node.id': 'n1', 'service.instance.id': 'n1' });
  }
  const [root, quorum, read] = spans as [ThriftStruct, ThriftStruct, ThriftStruct];
  expect([root.get(3), root.get(4)]).toEqual([1n, 0n]);
  expect([quorum.get(3), quorum.get(4)]).toEqual([2n, 1n]);
  expect([read.get(3), read.get(4)]).toEqual([BigInt.asIntN(64, 0xfedcba9876543210n), 1n]);
  const [link] = quorum.get(6) as readonly [ThriftStruct];
  expect([link.get(2), link.get(3), link.get(4)]).toEqual([0x99n, 0n, 0x77n]);
  const [log] = quorum.get(11) as readonly [ThriftStruct];
  expect(log.get(1)).toBe(1_700_000_000_001_000n);
  expect(tagsOf(root)).toMatchObject({ 'span.kind': 'client' });
  expect(tagsOf(read)).toMatchObject({ error: true, 'otel.status_description': 'sql-error' });
}

test('a whole trace as Thrift over HTTP, as a Jaeger collector takes it', async () => {
  const { bodies, types, origin } = await openCollector(200);
  await deliver(parseTraceDestination(`jaeger=${origin}`, {}));
  expect(new Set(types)).toEqual(new Set(['application/x-thrift']));
  const batches = bodies.map((body) => {
    const reader = new ThriftReader(body);
    const batch = reader.struct();
    expect(reader.atEnd).toBe(true);
    return batch;
  });
  expectWholeTrace(batches);
});

test('a whole trace as Thrift over UDP, as a Jaeger agent takes it', async () => {
  const agent = createSocket('udp4');
  onTestFinished(() => {
    agent.close();
  });
  const packets: Buffer[] = [];
  agent.on('message', (packet) => packets.push(packet));
  agent.bind(0, '127.0.0.1');
  await once(agent, 'listening');
  await deliver(parseTraceDestination(`jaeger=udp://127.0.0.1:${agent.address().port}`, {}));
  while (packets.length === 0) await once(agent, 'message');
  const batches = packets.map((packet) => {
    const { name, arguments: words } = new ThriftReader(packet).message();
    expect(name).toBe('emitBatch');
    return words.get(1) as ThriftStruct;
  });
  expectWholeTrace(batches);
});

test('what a collector refuses is counted as dropped', async () => {
  const { origin } = await openCollector(500);
  for (const destination of [`jaeger=${origin}`, `otlp=${origin}/nowhere`]) {
    const exporter = await createExporter(parseTraceDestination(destination, {}));
    const sender = new SpanExport({ exporter, resource: RESOURCE });
    sender.add(SPANS);
    await sender.flush();
    expect(sender.counts, destination).toMatchObject({ exported: 0, dropped: SPANS.length });
    expect(sender.counts.problem).not.toBe('');
    await sender.close(1_000);
  }
});

test('a whole trace as lines of OTLP in JSON', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'windtunnel-traces-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'spans.jsonl');
  await deliver({ kind: 'file', path });
  await deliver({ kind: 'file', path });
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  const { resourceSpans } = JSON.parse(lines[1] as string) as {
    resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[];
  };
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  expect(spans.map(({ name, traceId, spanId }) => ({ name, traceId, spanId }))).toEqual(
    SPANS.map(({ name, traceId, spanId }) => ({ name, traceId, spanId })),
  );
  expect(spans[1]).toMatchObject({ parentSpanId: spanIdOf(1), startTimeUnixNano: '1700000000000250000' });
});
