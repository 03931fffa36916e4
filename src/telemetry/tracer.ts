// Measures spans of the catalogue, by hand: whoever has a tracer says when something begins and ends. Nothing is patched, and
// who has none pays nothing.

import { type AttributesOf, type SpanName, SPANS } from './catalogue.ts';
import { DistributedContext } from './context.ts';
import type { AttributeValue, Span, SpanContext, SpanEvent } from './span.ts';
import { cryptoIds, type IdSource } from './trace-ids.ts';

export interface TracerOptions {
  /** Milliseconds since the Unix epoch, UTC, on a clock that all processes of the trace share as well as they can. */
  readonly wallTime: () => number;
  /** Told every span when it has ended. `sampled`: whether its trace was chosen by head sampling. */
  readonly onSpan: (span: Span, sampled: boolean) => void;
  /** Default `cryptoIds`. */
  readonly ids?: IdSource;
}

/** What is known of a span when it has ended. */
export interface EndedSpan<Name extends SpanName> {
  /** Milliseconds since the Unix epoch. */
  readonly startMs: number;
  /** Default now. */
  readonly endMs?: number;
  readonly attributes?: AttributesOf<Name>;
  readonly links?: readonly SpanContext[];
  readonly error?: string;
}

export class Tracer {
  readonly #options: TracerOptions;
  readonly #ids: IdSource;

  constructor(options: TracerOptions) {
    this.#options = options;
    this.#ids = options.ids ?? cryptoIds;
  }

  /** Milliseconds since the Unix epoch. */
  now(): number {
    return this.#options.wallTime();
  }

  /** Begins a span now, or at `startMs`. Nobody hears of it before it ends. */
  start<Name extends SpanName>(
    name: Name,
    parent: DistributedContext,
    attributes?: AttributesOf<Name>,
    startMs?: number,
  ): ActiveSpan<Name> {
    return this.begin(name, parent.child(this.#ids), attributes, startMs);
  }

  /** As `start`, for a span whose place in its trace has been chosen. */
  begin<Name extends SpanName>(
    name: Name,
    context: DistributedContext,
    attributes?: AttributesOf<Name>,
    startMs?: number,
  ): ActiveSpan<Name> {
    return new ActiveSpan(name, context, startMs ?? this.now(), attributes, this.#options);
  }

  /** Begins the first span of a trace of its own. */
  startRoot<Name extends SpanName>(
    name: Name,
    sampled: boolean,
    attributes?: AttributesOf<Name>,
    startMs?: number,
  ): ActiveSpan<Name> {
    return this.begin(name, DistributedContext.root({ ids: this.#ids, sampled }), attributes, startMs);
  }

  /** A span that has no children and is over: what it measured was noticed only now. Returns where it is. */
  record<Name extends SpanName>(name: Name, parent: DistributedContext, ended: EndedSpan<Name>): SpanContext {
    const span = this.start(name, parent, ended.attributes, ended.startMs);
    for (const link of ended.links ?? []) span.link(link);
    if (ended.error !== undefined) span.fail(ended.error);
    span.end(ended.endMs);
    return span.context;
  }
}

export class ActiveSpan<Name extends SpanName> {
  /** To be the parent of others, here or where it travels to. */
  readonly context: DistributedContext;
  readonly startMs: number;
  readonly #name: Name;
  readonly #options: TracerOptions;
  #attributes: Readonly<Record<string, AttributeValue>>;
  #links: SpanContext[] | undefined;
  #events: SpanEvent[] | undefined;
  #error: string | undefined;
  #ended = false;

  /** Use `Tracer.start`. */
  constructor(
    name: Name,
    context: DistributedContext,
    startMs: number,
    attributes: AttributesOf<Name> | undefined,
    options: TracerOptions,
  ) {
    this.#name = name;
    this.context = context;
    this.startMs = startMs;
    this.#attributes = (attributes ?? {}) as Record<string, AttributeValue>;
    this.#options = options;
  }

  set(attributes: AttributesOf<Name>): void {
    this.#attributes = { ...this.#attributes, ...(attributes as Record<string, AttributeValue>) };
  }

  link({ traceId, spanId }: SpanContext): void {
    (this.#links ??= []).push({ traceId, spanId });
  }

  /** Something happened now, or at `timeMs`. */
  event(name: string, attributes: SpanEvent['attributes'] = {}, timeMs = this.#options.wallTime()): void {
    (this.#events ??= []).push({ name, timeMs, attributes });
  }

  /** What it measures failed; `type` is a code of few values. */
  fail(type: string): void {
    this.#error = type;
    this.#attributes = { ...this.#attributes, 'error.type': type };
  }

  /** Over, now or at `endMs`, and not before it began. Only the first call counts. */
  end(endMs = this.#options.wallTime()): void {
    if (this.#ended) return;
    this.#ended = true;
    const { traceId, spanId, parentSpanId, sampled } = this.context;
    this.#options.onSpan(
      {
        name: this.#name,
        kind: SPANS[this.#name].kind,
        traceId,
        spanId,
        parentSpanId,
        startMs: this.startMs,
        endMs: Math.max(this.startMs, endMs),
        attributes: this.#attributes,
        links: this.#links,
        events: this.#events,
        error: this.#error,
      },
      sampled,
    );
  }
}
