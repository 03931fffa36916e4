// One span, from the code that measures it to whoever reads it: plain data, without behaviour.

import type { SpanName, SPANS } from './catalogue.ts';

/** Names a span in any process. 32 and 16 lower-case hexadecimal digits. */
export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
}

export type AttributeValue = string | number | boolean;

/** Something that happened while the span was open. */
export interface SpanEvent {
  readonly name: string;
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** A finished span as OpenTelemetry has it, of any name: also of systems that are not ours. */
export interface Span extends SpanContext {
  readonly name: string;
  readonly kind: (typeof SPANS)[SpanName]['kind'] | 'producer' | 'consumer';
  /** Absent at the root of a trace. */
  readonly parentSpanId?: string | undefined;
  /** Milliseconds since the Unix epoch, with a fraction. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Spans of other traces that this one has to do with: a request links to the batch that carried it. */
  readonly links?: readonly SpanContext[] | undefined;
  readonly events?: readonly SpanEvent[] | undefined;
  /** Why what it measured failed. */
  readonly error?: string | undefined;
}
