// OTLP as JSON: what senders post, and the lines of a file of traces, which collectors and Jaeger read too.

import type { AttributeValue } from '../../telemetry/span.ts';
import { OtlpError } from './otlp-error.ts';
import type { ReceivedSpan } from './received-span.ts';

const KIND_NUMBERS: Record<ReceivedSpan['kind'], number> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };

/** The object that a JSON request or one line of a file holds. Throws OtlpError. */
export function decodeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OtlpError(`not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** One line, without its end: TracesData with a resource for every process. Times keep a fraction of a microsecond. */
export function encodeJson(spans: readonly ReceivedSpan[]): string {
  const processes = new Map<string, ReceivedSpan[]>();
  for (const span of spans) {
    const key = JSON.stringify([span.service, span.instance]);
    const own = processes.get(key);
    if (own === undefined) processes.set(key, [span]);
    else own.push(span);
  }
  return JSON.stringify({
    resourceSpans: [...processes.values()].map((own) => ({
      resource: { attributes: resourceOf(own[0] as ReceivedSpan) },
      scopeSpans: [{ scope: { name: 'windtunnel' }, spans: own.map(spanFields) }],
    })),
  });
}

function resourceOf({ service, instance }: ReceivedSpan): object[] {
  return attributeList({ 'service.name': service, ...(instance !== '' && { 'service.instance.id': instance }) });
}

function spanFields(span: ReceivedSpan): object {
  const { traceId, spanId, parentSpanId, name, kind, startMs, endMs, attributes, events, links, error } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: KIND_NUMBERS[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: attributeList(attributes),
    ...(events !== undefined && {
      events: events.map((event) => ({
        timeUnixNano: nanoseconds(event.timeMs),
        name: event.name,
        attributes: attributeList(event.attributes),
      })),
    }),
    ...(links !== undefined && { links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })) }),
    ...(error !== undefined && { status: { code: 2, message: error } }),
  };
}

function attributeList(attributes: Readonly<Record<string, AttributeValue>>): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** Digits, because the number has more of them than JSON's readers keep. */
function nanoseconds(ms: number): string {
  const whole = Math.floor(ms);
  const rest = Math.round((ms - whole) * 1e6);
  return rest === 1e6 ? `${whole + 1}000000` : `${whole}${String(rest).padStart(6, '0')}`;
}
