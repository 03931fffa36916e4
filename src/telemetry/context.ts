// Which trace a piece of work belongs to, and what its callers wanted known along the way.

import { type Baggage, type BaggageEntry, checkBaggage, NO_BAGGAGE } from './baggage.ts';
import { cryptoIds, type IdSource } from './trace-ids.ts';

export interface ContextFields {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** The span this one was called from; undefined at a root. */
  readonly parentSpanId?: string | undefined;
  /** Whether the caller records this trace. */
  readonly sampled: boolean;
  /** The W3C tracestate as it is to be passed on; '' when there is none. */
  readonly traceState?: string;
  readonly baggage?: Baggage;
}

export interface RootOptions {
  /** Default `cryptoIds`. */
  readonly ids?: IdSource;
  /** Default true. */
  readonly sampled?: boolean;
  readonly baggage?: Baggage;
}

/** Immutable: every change is a new context. */
export class DistributedContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly sampled: boolean;
  readonly traceState: string;
  readonly baggage: Baggage;

  /** For values that were checked; `root`, `child` and the extractors make contexts from scratch. */
  constructor({ traceId, spanId, parentSpanId, sampled, traceState = '', baggage = NO_BAGGAGE }: ContextFields) {
    this.traceId = traceId;
    this.spanId = spanId;
    this.parentSpanId = parentSpanId;
    this.sampled = sampled;
    this.traceState = traceState;
    this.baggage = baggage;
  }

  /** The first context of a new trace. */
  static root({ ids = cryptoIds, sampled = true, baggage = NO_BAGGAGE }: RootOptions = {}): DistributedContext {
    return new DistributedContext({ traceId: ids.traceId(), spanId: ids.spanId(), sampled, baggage });
  }

  /** A context for work that this one's work asks for: same trace, same baggage, new span. */
  child(ids: IdSource = cryptoIds): DistributedContext {
    const { traceId, spanId, sampled, traceState, baggage } = this;
    return new DistributedContext({ traceId, spanId: ids.spanId(), parentSpanId: spanId, sampled, traceState, baggage });
  }

  /** The value stored in the baggage under `key`. */
  baggageValue(key: string): string | undefined {
    return this.baggage.get(key)?.value;
  }

  /**
   * The same context with one more item of baggage. It travels with every call made on behalf of this work, so keep it short
   * and free of secrets. `properties` is W3C metadata of the entry ('' or 'key=value;flag', passed on unread). Throws
   * BaggageError for a key or properties that no header can carry.
   */
  withBaggage(key: string, value: string, properties = ''): DistributedContext {
    checkBaggage(key, properties);
    const baggage = new Map<string, BaggageEntry>(this.baggage).set(key, { value, properties });
    return new DistributedContext({ ...this.#fields(), baggage });
  }

  /** The same context without one item of baggage. */
  withoutBaggage(key: string): DistributedContext {
    const baggage = new Map(this.baggage);
    baggage.delete(key);
    return new DistributedContext({ ...this.#fields(), baggage });
  }

  #fields(): ContextFields {
    const { traceId, spanId, parentSpanId, sampled, traceState, baggage } = this;
    return { traceId, spanId, parentSpanId, sampled, traceState, baggage };
  }
}
