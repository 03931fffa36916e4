// Sends spans on, a batch at a time, and counts what does not arrive: an exporter of OpenTelemetry's says that only in its log.

import { type Cancel, type Clock, sleep, systemClock } from '../runtime/clock.ts';
import {
  type ExportResult,
  readableSpan,
  type Resource,
  type ResourceAttributes,
  resourceOf,
  type SpanExporter,
} from './readable-span.ts';
import type { Span } from './span.ts';

export interface SpanExportOptions {
  readonly exporter: SpanExporter;
  readonly resource: ResourceAttributes;
  /** How many spans may wait, >= 1; what comes beyond is dropped. Default 16,384. */
  readonly mostWaiting?: number;
  /** How many go at once: encoding them holds up the event loop, about 10 us each. Default 128. */
  readonly batch?: number;
  /** How long a span waits for others at most, milliseconds. Default 500. */
  readonly everyMs?: number;
  /**
   * How often a batch is sent at most, >= 1: a fault may keep a node from whoever receives its spans for longer than an exporter tries.
   * Default 1.
   */
  readonly attempts?: number;
  readonly clock?: Clock;
}

export interface ExportCounts {
  readonly exported: number;
  /** There was no room for them, or the exporter failed. */
  readonly dropped: number;
  /** Why, of the latest that were dropped. */
  readonly problem?: string;
}

/** The other code says that it failed. */
const SUCCESS: ExportResult['code'] = 0;

export class SpanExport {
  readonly #exporter: SpanExporter;
  readonly #resource: Resource;
  readonly #mostWaiting: number;
  readonly #batch: number;
  readonly #everyMs: number;
  readonly #attempts: number;
  readonly #clock: Clock;
  #waiting: Span[] = [];
  #cancel: Cancel | undefined;
  #running: Promise<void> | undefined;
  #exported = 0;
  #dropped = 0;
  #problem: string | undefined;

  constructor(options: SpanExportOptions) {
    const { exporter, resource, mostWaiting = 16_384, batch = 128, everyMs = 500, attempts = 1, clock = systemClock } = options;
    this.#exporter = exporter;
    this.#resource = resourceOf(resource);
    this.#mostWaiting = mostWaiting;
    this.#batch = batch;
    this.#everyMs = everyMs;
    this.#attempts = attempts;
    this.#clock = clock;
  }

  get counts(): ExportCounts {
    return {
      exported: this.#exported,
      dropped: this.#dropped,
      ...(this.#problem !== undefined && { problem: this.#problem }),
    };
  }

  readonly add = (spans: readonly Span[]): void => {
    const room = this.#mostWaiting - this.#waiting.length;
    for (const span of spans.slice(0, Math.max(0, room))) this.#waiting.push(span);
    if (spans.length > room) this.#drop(spans.length - Math.max(0, room), `more than ${this.#mostWaiting} spans were waiting`);
    if (this.#running === undefined)
      this.#cancel ??= this.#clock.scheduleBackground(this.#everyMs, () => {
        void this.flush();
      });
  };

  /** Resolves when everything that waits has been sent, or dropped. */
  flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Sends what waits, for at most `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.schedule(timeoutMs, resolve);
    const closed = this.flush().then(() => this.#exporter.shutdown());
    await Promise.race([closed.catch((error: unknown) => this.#note(error)), late]);
    cancel();
    if (this.#waiting.length > 0) this.#drop(this.#waiting.splice(0).length, `not sent within ${timeoutMs} ms`);
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#batch);
      try {
        await this.#sendRepeatedly(batch);
        this.#exported += batch.length;
      } catch (error) {
        this.#drop(batch.length, this.#note(error));
      }
    }
  }

  async #sendRepeatedly(batch: readonly Span[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#send(batch);
      } catch (error) {
        if (attempt === this.#attempts) throw error;
        await sleep(this.#clock, this.#everyMs);
      }
    }
  }

  #send(batch: readonly Span[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#exporter.export(
        batch.map((span) => readableSpan(span, this.#resource)),
        ({ code, error }) =>
          code === SUCCESS ? resolve() : reject(error ?? new Error('the exporter failed and does not say why')),
      );
    });
  }

  #note(error: unknown): string {
    return (this.#problem = error instanceof Error ? error.message : String(error));
  }

  #drop(count: number, problem: string): void {
    this.#dropped += count;
    this.#problem = problem;
  }
}
