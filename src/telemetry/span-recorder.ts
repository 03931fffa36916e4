// Keeps the spans of the last moments, of every request, and gives out those of the few traces that somebody wants: which those are
// is known only when a request is over, and most spans are never more than an object in memory. The idea is that of L. Zhang et al.,
// "The Benefit of Hindsight: Tracing Edge-Cases in Distributed Systems" (NSDI 2023).

import { assert } from '../runtime/assert.ts';
import type { Span } from './span.ts';

export interface SpanRecorderOptions {
  /** How many spans are kept, >= 1; the oldest go first. Default 65,536, about 40 MB and several seconds of a busy node. */
  readonly capacity?: number;
  /** How many wanted traces are remembered, for spans that end later, >= 1. Default 16,384. */
  readonly mostWanted?: number;
  /** Given every span of a wanted trace, once. */
  readonly onWanted: (spans: readonly Span[]) => void;
}

export class SpanRecorder {
  readonly #spans: (Span | undefined)[];
  readonly #mostWanted: number;
  readonly #onWanted: (spans: readonly Span[]) => void;
  /** In the order in which they were wanted. */
  readonly #wanted = new Set<string>();
  #next = 0;

  constructor({ capacity = 65_536, mostWanted = 16_384, onWanted }: SpanRecorderOptions) {
    assert(Number.isSafeInteger(capacity) && capacity >= 1, `a recorder keeps at least one span, not ${capacity}`);
    assert(Number.isSafeInteger(mostWanted) && mostWanted >= 1, `a recorder remembers at least one trace, not ${mostWanted}`);
    this.#spans = Array.from({ length: capacity });
    this.#mostWanted = mostWanted;
    this.#onWanted = onWanted;
  }

  add(span: Span): void {
    if (this.#wanted.has(span.traceId)) {
      this.#onWanted([span]);
      return;
    }
    this.#spans[this.#next] = span;
    this.#next = (this.#next + 1) % this.#spans.length;
  }

  /** Gives out what there is of these traces, oldest first, and from now on whatever comes of them. */
  want(traceIds: readonly string[]): void {
    const fresh = new Set(traceIds.filter((id) => !this.#wanted.has(id)));
    if (fresh.size === 0) return;
    for (const id of fresh) this.#wanted.add(id);
    for (const id of this.#wanted) {
      if (this.#wanted.size <= this.#mostWanted) break;
      this.#wanted.delete(id);
    }
    const found: Span[] = [];
    for (let at = 0; at < this.#spans.length; at++) {
      const place = (this.#next + at) % this.#spans.length;
      const span = this.#spans[place];
      if (span === undefined || !fresh.has(span.traceId)) continue;
      found.push(span);
      this.#spans[place] = undefined;
    }
    if (found.length > 0) this.#onWanted(found);
  }
}
