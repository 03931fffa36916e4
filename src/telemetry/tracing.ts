// Tracing of one process: its tracer, the spans it keeps for who wants them afterwards, and the live export of those that head
// sampling chose.

import { systemClock } from '../runtime/clock.ts';
import type { ResourceAttributes } from './readable-span.ts';
import { type ExportCounts, SpanExport } from './span-export.ts';
import { SpanRecorder } from './span-recorder.ts';
import type { Span } from './span.ts';
import { createExporter, type TraceDestination } from './trace-destination.ts';
import { Tracer } from './tracer.ts';

export interface TracingOptions {
  /** Who measures: `service.name`, `service.instance.id`. */
  readonly resource: ResourceAttributes;
  /** Where the spans of wanted traces go: URL of an OTLP receiver. Default: none are kept. */
  readonly receiver?: string | undefined;
  /** Where the spans of sampled traces go. Default: nowhere. */
  readonly destination?: TraceDestination | undefined;
}

/** The receiver of a run is always there, but not always to be reached. One attempt takes up to 10 s. */
const RECEIVER_ATTEMPTS = 4;

/** Of both ways together. */
export type TraceCounts = ExportCounts;

export class Tracing {
  readonly tracer: Tracer;
  /** Takes a span that was measured elsewhere in this process. */
  readonly add: (span: Span, sampled: boolean) => void;
  readonly #recorder: SpanRecorder | undefined;
  readonly #wanted: SpanExport | undefined;
  readonly #exports: readonly SpanExport[];

  private constructor(wanted: SpanExport | undefined, live: SpanExport | undefined) {
    const recorder = wanted && new SpanRecorder({ onWanted: wanted.add });
    this.#recorder = recorder;
    this.#wanted = wanted;
    this.#exports = [wanted, live].filter((each) => each !== undefined);
    this.add = (span, sampled) => {
      recorder?.add(span);
      if (sampled) live?.add([span]);
    };
    this.tracer = new Tracer({
      // The machine's clock: that of a node may be skewed on purpose.
      wallTime: () => systemClock.wallTime(),
      onSpan: this.add,
    });
  }

  /** Loads the exporters, so that nothing has to be loaded under load. */
  static async start(options: TracingOptions): Promise<Tracing> {
    const { resource, receiver, destination } = options;
    const open = async (to: TraceDestination, attempts: number) =>
      new SpanExport({ exporter: await createExporter(to), resource, attempts });
    const [wanted, live] = await Promise.all([
      receiver && open({ kind: 'otlp', url: receiver }, RECEIVER_ATTEMPTS),
      destination && open(destination, 1),
    ]);
    return new Tracing(wanted || undefined, live);
  }

  /** Sends what there is of these traces, and whatever comes of them. */
  want(traceIds: readonly string[]): void {
    this.#recorder?.want(traceIds);
  }

  /** Resolves when what there was of wanted traces has been sent, or is lost. */
  async wantedSent(): Promise<void> {
    await this.#wanted?.flush();
  }

  get counts(): TraceCounts {
    return this.#exports
      .map(({ counts }) => counts)
      .reduce((sum, each) => ({ ...sum, ...each, exported: sum.exported + each.exported, dropped: sum.dropped + each.dropped }), {
        exported: 0,
        dropped: 0,
      });
  }

  /** Sends what waits, for at most `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    await Promise.all(this.#exports.map((each) => each.close(timeoutMs)));
  }
}
