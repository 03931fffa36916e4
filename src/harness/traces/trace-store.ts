// The spans that arrived, by trace, in bounded memory. Those of wanted traces stay; all others wait in a buffer of their own,
// the oldest trace out first, because an instrumented system may export everything before anybody knows what is wanted.

import type { ReceivedSpan } from './received-span.ts';

export interface StoreLimits {
  /** Of wanted traces. */
  readonly spans: number;
  readonly bytes: number;
  /** Of traces that nobody wants yet. */
  readonly waitingSpans: number;
  readonly waitingBytes: number;
  readonly spansOfOneTrace: number;
  /** Traces that are wanted because another one links to them. */
  readonly linkedTraces: number;
}

export const STORE_LIMITS: StoreLimits = {
  spans: 200_000,
  bytes: 128 * 2 ** 20,
  waitingSpans: 20_000,
  waitingBytes: 16 * 2 ** 20,
  spansOfOneTrace: 2_000,
  linkedTraces: 20_000,
};

export interface StoreCounts {
  /** Every span that arrived, wanted or not, twice when it was sent twice. */
  readonly received: number;
  /** Of wanted traces, for want of room. */
  readonly dropped: number;
  /** Let go because nobody had wanted their trace by then. */
  readonly unwanted: number;
}

interface StoredTrace {
  readonly spans: Map<string, ReceivedSpan>;
  bytes: number;
}

export class TraceStore {
  readonly #limits: StoreLimits;
  /** Traces that were asked for. */
  readonly #requested = new Set<string>();
  /** Traces that these link to -> those that do. */
  readonly #linkedFrom = new Map<string, Set<string>>();
  /** What is here of both. */
  readonly #kept = new Map<string, StoredTrace>();
  readonly #waiting = new Map<string, StoredTrace>();
  #newlyLinked = new Set<string>();
  #spans = 0;
  #bytes = 0;
  #waitingSpans = 0;
  #waitingBytes = 0;
  #received = 0;
  #dropped = 0;
  #unwanted = 0;

  constructor(limits: Partial<StoreLimits> = {}) {
    this.#limits = { ...STORE_LIMITS, ...limits };
  }

  get counts(): StoreCounts {
    return { received: this.#received, dropped: this.#dropped, unwanted: this.#unwanted };
  }

  /** Spans in memory, those that wait included. */
  get size(): number {
    return this.#spans + this.#waitingSpans;
  }

  /** From now on the spans of these traces are kept, and those that wait already, too. */
  want(traceIds: Iterable<string>): void {
    for (const traceId of traceIds) {
      if (this.#requested.has(traceId)) continue;
      this.#requested.add(traceId);
      this.#keep(traceId);
      for (const span of this.spansOf(traceId)) this.#follow(span);
    }
  }

  /** Nobody wants these any longer, nor what only they link to. */
  forget(traceIds: Iterable<string>): void {
    for (const traceId of traceIds) {
      if (!this.#requested.delete(traceId)) continue;
      const linked = this.spansOf(traceId).flatMap(({ links = [] }) => links);
      this.#removeUnneeded(traceId);
      for (const { traceId: other } of linked) {
        const from = this.#linkedFrom.get(other);
        if (from?.delete(traceId) !== true || from.size > 0) continue;
        this.#linkedFrom.delete(other);
        this.#newlyLinked.delete(other);
        this.#removeUnneeded(other);
      }
    }
  }

  /** Takes what arrived. Returns how many of the spans were dropped for want of room. */
  add(spans: readonly ReceivedSpan[]): number {
    const before = this.#dropped;
    for (const span of spans) {
      this.#received++;
      const trace = this.#kept.get(span.traceId);
      if (trace === undefined) this.#wait(span);
      else if (this.#store(trace, span)) this.#follow(span);
    }
    return this.#dropped - before;
  }

  /** The traces that wanted ones link to and that were not told before. */
  takeLinked(): string[] {
    const taken = [...this.#newlyLinked];
    this.#newlyLinked = new Set();
    return taken;
  }

  /** What is here of a wanted trace, in the order of arrival. */
  spansOf(traceId: string): readonly ReceivedSpan[] {
    return [...(this.#kept.get(traceId)?.spans.values() ?? [])];
  }

  #keep(traceId: string): void {
    if (this.#kept.has(traceId)) return;
    const trace: StoredTrace = { spans: new Map(), bytes: 0 };
    this.#kept.set(traceId, trace);
    const waiting = this.#waiting.get(traceId);
    if (waiting === undefined) return;
    this.#release(traceId, waiting);
    for (const span of waiting.spans.values()) this.#store(trace, span);
  }

  #store(trace: StoredTrace, span: ReceivedSpan): boolean {
    // Senders repeat what they had no answer to.
    if (trace.spans.has(span.spanId)) return false;
    const bytes = sizeOf(span);
    const { spans, bytes: most, spansOfOneTrace } = this.#limits;
    if (this.#spans >= spans || this.#bytes + bytes > most || trace.spans.size >= spansOfOneTrace) {
      this.#dropped++;
      return false;
    }
    trace.spans.set(span.spanId, span);
    trace.bytes += bytes;
    this.#spans++;
    this.#bytes += bytes;
    return true;
  }

  /** One level only: what linked traces link to is not followed. */
  #follow({ traceId, links = [] }: ReceivedSpan): void {
    if (!this.#requested.has(traceId)) return;
    for (const { traceId: other } of links) {
      if (other === traceId) continue;
      const from = this.#linkedFrom.get(other);
      if (from !== undefined) from.add(traceId);
      else if (this.#linkedFrom.size < this.#limits.linkedTraces) {
        this.#linkedFrom.set(other, new Set([traceId]));
        if (!this.#requested.has(other)) this.#newlyLinked.add(other);
        this.#keep(other);
      }
    }
  }

  #removeUnneeded(traceId: string): void {
    const trace = this.#kept.get(traceId);
    if (trace === undefined || this.#requested.has(traceId) || this.#linkedFrom.has(traceId)) return;
    this.#kept.delete(traceId);
    this.#spans -= trace.spans.size;
    this.#bytes -= trace.bytes;
  }

  #wait(span: ReceivedSpan): void {
    let trace = this.#waiting.get(span.traceId);
    if (trace === undefined) this.#waiting.set(span.traceId, (trace = { spans: new Map(), bytes: 0 }));
    if (trace.spans.has(span.spanId)) return;
    const bytes = sizeOf(span);
    trace.spans.set(span.spanId, span);
    trace.bytes += bytes;
    this.#waitingSpans++;
    this.#waitingBytes += bytes;
    for (const [traceId, oldest] of this.#waiting) {
      if (this.#waitingSpans <= this.#limits.waitingSpans && this.#waitingBytes <= this.#limits.waitingBytes) break;
      this.#release(traceId, oldest);
      this.#unwanted += oldest.spans.size;
    }
  }

  #release(traceId: string, trace: StoredTrace): void {
    this.#waiting.delete(traceId);
    this.#waitingSpans -= trace.spans.size;
    this.#waitingBytes -= trace.bytes;
  }
}

/** About how many bytes of memory a span takes. */
function sizeOf({ name, attributes, links = [], events = [], error = '' }: ReceivedSpan): number {
  let bytes = 400 + 2 * (name.length + error.length) + 200 * links.length;
  for (const own of [attributes, ...events.map((event) => event.attributes)]) {
    bytes += 100;
    for (const [key, value] of Object.entries(own))
      bytes += 32 + 2 * (key.length + (typeof value === 'string' ? value.length : 4));
  }
  return bytes;
}
