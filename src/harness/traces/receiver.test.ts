import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { TracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { encodeJson } from './otlp-json.ts';
import type { ReceivedSpan } from './received-span.ts';
import { type ReceiverLimits, startTraceReceiver, type TraceReceiver } from './receiver.ts';
import { addWrite, TraceBuilder } from './testing/trace-builder.ts';

const definitions = loadSync(new URL('./otlp.proto', import.meta.url).pathname, { longs: String });
const message = (name: string) =>
  definitions[`windtunnel.otlp.${name}`] as unknown as MessageTypeDefinition<object, Record<string, unknown>>;

let receiver: TraceReceiver;
let received: ReceivedSpan[];
let room: number;

async function start(limits: Partial<ReceiverLimits> = {}): Promise<void> {
  receiver = await startTraceReceiver({
    limits,
    onSpans: (spans) => {
      const taken = spans.slice(0, Math.max(0, room - received.length));
      received.push(...taken);
      return spans.length - taken.length;
    },
  });
}

beforeEach(async () => {
  received = [];
  room = Infinity;
  await start();
});
afterEach(() => receiver.close());

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/x-protobuf';

async function post(body: Buffer | string, headers: Record<string, string> = {}) {
  const response = await fetch(receiver.url, { method: 'POST', body, headers: { 'content-type': JSON_TYPE, ...headers } });
  const bytes = Buffer.from(await response.arrayBuffer());
  const isJson = response.headers.get('content-type') === JSON_TYPE;
  const name = response.status === 200 ? 'ExportTraceServiceResponse' : 'Problem';
  return {
    status: response.status,
    answer: isJson ? (JSON.parse(bytes.toString()) as Record<string, unknown>) : message(name).deserialize(bytes),
  };
}

/** A request with one span, changed. */
function frame(changes: object = {}): string {
  const span = {
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    name: 'x',
    kind: 1,
    startTimeUnixNano: '1764288000000000001',
    endTimeUnixNano: '1764288000000500000',
  };
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...span, ...changes }] }] }] });
}

describe.each([
  ['protobuf', ProtobufExporter],
  ['JSON', JsonExporter],
])("OpenTelemetry's own exporter, %s", (_, Exporter) => {
  test.each(['none', 'gzip'])('with compression %s delivers whole spans', async (compression) => {
    const exporter = new Exporter({ url: receiver.url, compression: compression as never });
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'shop', 'service.instance.id': 'cart-1' }),
      spanProcessors: [new SimpleSpanProcessor({ exporter })],
    });
    const tracer = provider.getTracer('test');
    const startMs = 1_764_288_000_123.456;
    const root = tracer.startSpan(
      'GET /cart',
      {
        kind: SpanKind.SERVER,
        startTime: startMs,
        attributes: { text: 'ä', number: 1.5, whole: 3, yes: true, list: ['a', 'b'] },
      },
      ROOT_CONTEXT,
    );
    const child = tracer.startSpan(
      'SELECT',
      {
        kind: SpanKind.CLIENT,
        startTime: startMs,
        links: [{ context: { traceId: '12'.repeat(16), spanId: '34'.repeat(8), traceFlags: 1 } }],
      },
      trace.setSpan(ROOT_CONTEXT, root),
    );
    child.addEvent('locked', { row: 7 }, startMs + 1);
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'deadlock' });
    child.end(startMs + 2.25);
    root.end(startMs + 5);
    await provider.forceFlush();
    await provider.shutdown();
    const byName = (name: string) => received.find((span) => span.name === name);
    const { traceId, spanId } = root.spanContext();
    expect(byName('GET /cart')).toMatchObject({
      traceId,
      spanId,
      kind: 'server',
      service: 'shop',
      instance: 'cart-1',
      attributes: { text: 'ä', number: 1.5, whole: 3, yes: true, list: '["a","b"]' },
    });
    expect(byName('GET /cart')).not.toHaveProperty('parentSpanId');
    const found = byName('SELECT');
    expect(found).toMatchObject({
      traceId,
      parentSpanId: spanId,
      kind: 'client',
      links: [{ traceId: '12'.repeat(16), spanId: '34'.repeat(8) }],
      events: [{ name: 'locked', attributes: { row: 7 } }],
      error: 'deadlock',
    });
    expect(found?.startMs).toBeCloseTo(startMs, 3);
    expect((found?.endMs ?? 0) - (found?.startMs ?? 0)).toBeCloseTo(2.25, 3);
  });
});

test('what is written as JSON is read as the same spans', async () => {
  const builder = new TraceBuilder();
  addWrite(builder, { generatorWait: 1.0625, failedAttempt: 2, mailbox: 3.5, fsync: 0.125 });
  expect((await post(encodeJson(builder.spans))).status).toBe(200);
  const sorted = (spans: readonly ReceivedSpan[]) => [...spans].sort((a, b) => a.spanId.localeCompare(b.spanId));
  expect(sorted(received)).toEqual(sorted(builder.spans));
});

test('a sender is told what there was no room for', async () => {
  room = 0;
  expect(await post(frame())).toEqual({
    status: 200,
    answer: { partialSuccess: { rejectedSpans: '1', errorMessage: 'no room for 1 of 1 spans' } },
  });
  const bytes = message('ExportTraceServiceRequest').serialize({
    resourceSpans: [
      {
        scopeSpans: [
          { spans: [{ traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 1), startTimeUnixNano: '1', endTimeUnixNano: '2' }] },
        ],
      },
    ],
  });
  expect((await post(bytes, { 'content-type': PROTOBUF_TYPE })).answer).toMatchObject({ partialSuccess: { rejectedSpans: '1' } });
});

describe('a frame that is wrong is refused with what is wrong', () => {
  test.each<[string, string, RegExp]>([
    ['no JSON', '{"resourceSpans": [', /^not JSON: /],
    ['a number', '5', /^the request must be an object, not 5$/],
    ['a list', '[]', /^the request must be an object, not \[\]$/],
    ['resources that are no list', '{"resourceSpans": {}}', /^resourceSpans must be a list, not \{\}$/],
    [
      'a span that is none',
      '{"resourceSpans":[{"scopeSpans":[{"spans":[null]}]}]}',
      /^resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[0\] must be an object, not null$/,
    ],
    ['a short trace id', frame({ traceId: 'abcd' }), /spans\[0\]\.traceId must be 16 bytes .*, not "abcd"$/],
    ['a trace id in base64', frame({ traceId: 'q'.repeat(32) }), /traceId must be 16 bytes/],
    ['an id of zeros', frame({ spanId: '0'.repeat(16) }), /spanId must be 8 bytes .* not all zero/],
    [
      'no start',
      frame({ startTimeUnixNano: undefined }),
      /startTimeUnixNano must be nanoseconds since 1970 as digits, not absent$/,
    ],
    ['a negative time', frame({ endTimeUnixNano: '-5' }), /endTimeUnixNano must be nanoseconds/],
    ['a kind that is none', frame({ kind: 9 }), /kind must be a number from 0 to 5, not 9$/],
    ['a name that is none', frame({ name: { a: 1 } }), /name must be text/],
    [
      'an attribute that is none',
      frame({ attributes: [{ key: 'a', value: 5 }] }),
      /attributes\[0\]\.value must be an object, not 5$/,
    ],
    [
      'a number that is none',
      frame({ attributes: [{ key: 'a', value: { intValue: 'many' } }] }),
      /intValue must be a number, not "many"$/,
    ],
    ['links that are none', frame({ links: [{ traceId: 'x' }] }), /links\[0\]\.traceId must be 16 bytes/],
  ])('%s', async (_, body, wanted) => {
    const { status, answer } = await post(body);
    expect({ status, code: answer['code'] }).toEqual({ status: 400, code: 3 });
    expect(answer['message']).toMatch(wanted);
    expect(received).toEqual([]);
    expect((await post(frame())).status).toBe(200);
  });

  test('protobuf that ends too early, and bytes that are none, in protobuf', async () => {
    const whole = message('ExportTraceServiceRequest').serialize({
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                {
                  traceId: Buffer.alloc(16, 1),
                  spanId: Buffer.alloc(8, 1),
                  name: 'x'.repeat(100),
                  startTimeUnixNano: '1',
                  endTimeUnixNano: '2',
                },
              ],
            },
          ],
        },
      ],
    });
    expect((await post(whole, { 'content-type': PROTOBUF_TYPE })).status).toBe(200);
    for (const bytes of [whole.subarray(0, whole.length - 20), Buffer.from('hello, world'), Buffer.alloc(50, 255)]) {
      const { status, answer } = await post(bytes, { 'content-type': PROTOBUF_TYPE });
      expect(status).toBe(400);
      expect(answer['message']).toMatch(/^not an ExportTraceServiceRequest in protobuf \(\d+ bytes\): |must be 16 bytes/);
    }
  });

  test('any damage to a frame is either refused or read, and the receiver goes on', async () => {
    const random = new Random(11);
    const builder = new TraceBuilder();
    addWrite(builder, { mailbox: 1, append: 1 });
    const json = encodeJson(builder.spans);
    const protobuf = message('ExportTraceServiceRequest').serialize({
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: builder.spans.map((span) => ({
                traceId: Buffer.from(span.traceId, 'hex'),
                spanId: Buffer.from(span.spanId, 'hex'),
                name: span.name,
                kind: 2,
                startTimeUnixNano: '17',
                endTimeUnixNano: '18',
                attributes: [{ key: 'a', value: { arrayValue: { values: [{ stringValue: 'b' }] } } }],
              })),
            },
          ],
        },
      ],
    });
    const statuses = new Set<number>();
    for (let round = 0; round < 150; round++) {
      const isJson = round % 2 === 0;
      const bytes = Buffer.from(isJson ? json : protobuf);
      for (let change = random.integer(1, 4); change > 0; change--)
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      const cut = random.chance(0.3) ? bytes.subarray(0, random.integer(0, bytes.length)) : bytes;
      statuses.add((await post(cut, { 'content-type': isJson ? JSON_TYPE : PROTOBUF_TYPE })).status);
    }
    expect(statuses).toEqual(new Set([200, 400]));
    expect((await post(json)).status).toBe(200);
  });

  test('lists in lists without end', async () => {
    const depth = 20_000;
    const nested = `${'{"arrayValue":{"values":['.repeat(depth)}{"intValue":"1"}${']}}'.repeat(depth)}`;
    const { status } = await post(frame().replace('"name":"x"', `"name":"x","attributes":[{"key":"deep","value":${nested}}]`));
    expect(status).toBe(200);
    expect(received[0]?.attributes['deep']).toBe('[[[["…"]]]]');
    let packed = Buffer.alloc(0);
    const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
    const field = (number: number, body: Buffer) =>
      Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(body.length)]), body]);
    for (let level = 0; level < 3_000; level++) packed = field(5, field(1, packed));
    const attribute = field(9, Buffer.concat([field(1, Buffer.from('deep')), field(2, packed)]));
    const bytes = field(1, field(2, field(2, attribute)));
    expect((await post(bytes, { 'content-type': PROTOBUF_TYPE })).status).toBe(400);
  });
});

describe('a request that is not for it', () => {
  test.each<[string, number, RequestInit, string]>([
    ['of another type', 415, { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } }, ''],
    [
      'of an unknown encoding',
      415,
      { method: 'POST', body: 'x', headers: { 'content-type': JSON_TYPE, 'content-encoding': 'br' } },
      '',
    ],
    ['that is no POST', 405, { method: 'GET' }, ''],
    ['of another path', 404, { method: 'POST', body: '{}', headers: { 'content-type': JSON_TYPE } }, '/../metrics'],
    [
      'of gzip that is none',
      400,
      { method: 'POST', body: 'x', headers: { 'content-type': JSON_TYPE, 'content-encoding': 'gzip' } },
      '',
    ],
  ])('%s is refused with %d', async (_, status, init, path) => {
    const response = await fetch(new URL(`${receiver.url}${path}`), init);
    expect(response.status).toBe(status);
    await response.arrayBuffer();
  });

  test('too large, packed or unpacked, is refused with 413', async () => {
    await receiver.close();
    await start({ bodyBytes: 10_000, unpackedBytes: 50_000 });
    const large = `{"a":"${'x'.repeat(60_000)}"}`;
    const { status, answer } = await post(gzipSync(large), { 'content-encoding': 'gzip' });
    expect(status).toBe(413);
    expect(answer['message']).toBe('a request has at most 50000 bytes when unpacked: send smaller batches');
    // The sender may find the connection closed before it has sent everything.
    const outcome = await post(large).then(
      (reply) => reply.status,
      () => 413,
    );
    expect(outcome).toBe(413);
    expect((await post(frame())).status).toBe(200);
  });

  test('that ends in the middle of its body, or never, harms nobody', async () => {
    await receiver.close();
    await start({ requestMs: 300 });
    const { port } = new URL(receiver.url);
    const head = `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: ${JSON_TYPE}\r\ncontent-length: 1000\r\n\r\n{"a`;
    const cut = connect(Number(port), '127.0.0.1');
    await new Promise<void>((resolve) => cut.write(head, () => resolve()));
    cut.destroy();
    const slow = connect(Number(port), '127.0.0.1');
    let said = '';
    slow.on('data', (bytes) => (said += bytes.toString()));
    slow.write(head);
    await new Promise((resolve) => slow.once('close', resolve));
    expect(said).toMatch(/^HTTP\/1\.1 408/);
    expect((await post(frame())).status).toBe(200);
  });
});
