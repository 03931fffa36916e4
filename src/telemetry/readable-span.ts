// Our spans as the exporters of OpenTelemetry take them.

import type { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { AttributeValue, Span, SpanContext } from './span.ts';

/** What every exporter of OpenTelemetry's SDK is. */
export type SpanExporter = Pick<OTLPTraceExporter, 'export' | 'shutdown'>;
export type ReadableSpan = Parameters<SpanExporter['export']>[0][number];
export type ExportResult = Parameters<Parameters<SpanExporter['export']>[1]>[0];

/** Who measured the spans: attributes of the resource. */
export type ResourceAttributes = Readonly<Record<string, AttributeValue>>;
export type Resource = ReadableSpan['resource'];

const KINDS: Readonly<Record<Span['kind'], number>> = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 };
const SAMPLED = 1;
const STATUS_UNSET = 0;
const STATUS_ERROR = 2;
const SCOPE = { name: 'windtunnel' } as const;

/** To be made once for all spans of a process: exporters tell resources apart by identity, and send each with its own spans. */
export function resourceOf(attributes: ResourceAttributes): Resource {
  const resource: Resource = { attributes, merge: (other) => other ?? resource } as Resource;
  return resource;
}

export function readableSpan(span: Span, resource: Resource): ReadableSpan {
  const { name, kind, traceId, spanId, parentSpanId, startMs, endMs, attributes, links = [], events = [], error } = span;
  return {
    name,
    kind: KINDS[kind],
    spanContext: () => contextOf({ traceId, spanId }),
    ...(parentSpanId !== undefined && { parentSpanContext: contextOf({ traceId, spanId: parentSpanId }) }),
    startTime: hrTime(startMs),
    endTime: hrTime(endMs),
    duration: hrTime(endMs - startMs),
    status: error === undefined ? { code: STATUS_UNSET } : { code: STATUS_ERROR, message: error },
    attributes,
    links: links.map((link) => ({ context: contextOf(link) })),
    events: events.map((event) => ({ name: event.name, time: hrTime(event.timeMs), attributes: event.attributes })),
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf({ traceId, spanId }: SpanContext) {
  return { traceId, spanId, traceFlags: SAMPLED };
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
