// The traces of one scenario while it runs: who is asked for spans, when, and what makes them unfit to rely on.

import { type Cancel, type Clock, every } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { formatTraceDestination, type TraceDestination } from '../telemetry/trace-destination.ts';
import { type TraceCounts, Tracing } from '../telemetry/tracing.ts';
import type { Generators } from './generate/generators.ts';
import type { Cluster } from './launch/cluster.ts';
import type { NodeTracing } from './launch/node-cluster.ts';
import type { Ended } from './load/recorder.ts';
import type { Phase, ScenarioTraces, Statistic } from './result/schema.ts';
import { faultEvents, TraceCollection, type TracedFault } from './traces/collection.ts';

export interface TraceOptions {
  /** Where sampled traces go, besides those that are kept. */
  readonly destination: TraceDestination | undefined;
  /** Which share of the requests is sampled, 0 to 1. */
  readonly sample: number;
}

export interface FinishedScenario {
  readonly statistics: readonly Statistic[];
  readonly faults: readonly TracedFault[];
  readonly startedWallMs: number;
  readonly durationMs: number;
  readonly seed: number;
  /** The folder of run.json. */
  readonly folder: string;
  readonly scenario: string;
  /** After a Ctrl-C the user wants an end. */
  readonly isAborted: boolean;
}

/** Processes hold spans for seconds only, and what a request linked to is asked for when its own spans have come. */
const ASK_EVERY_MS = 1_000;
const FINISH_TIMEOUT_MS = 10_000;
const ABORTED_TIMEOUT_MS = 2_000;

export class RunTraces {
  readonly #options: TraceOptions;
  readonly #clock: Clock;
  readonly #collection: TraceCollection;
  #cancel: Cancel = () => {};
  #ownCounts: TraceCounts = { exported: 0, dropped: 0 };

  private constructor(options: TraceOptions, clock: Clock, collection: TraceCollection) {
    this.#options = options;
    this.#clock = clock;
    this.#collection = collection;
  }

  static async start(options: TraceOptions, clock: Clock, random: Random): Promise<RunTraces> {
    return new RunTraces(options, clock, await TraceCollection.start({ random, clock }));
  }

  /** For nodes, which may not reach this process where the generators do. */
  get nodeTracing(): NodeTracing {
    return { ...this.tracing, receiverAt: (host) => this.#collection.listenAt(host) };
  }

  /** For whoever measures spans. */
  get tracing(): TraceOptions & { readonly receiver: string } {
    return { ...this.#options, receiver: this.#collection.url };
  }

  /** From now on the spans of traces that are worth keeping are asked for. */
  ask(cluster: Cluster, generators: Generators): void {
    this.#cancel = every(this.#clock, ASK_EVERY_MS, () => this.#broadcast(this.#collection.takeWanted(), cluster, generators));
  }

  ended(event: Ended, traceId: string, phase: Phase): void {
    const { load, operation, outcome, scheduledMs, sentMs, atMs } = event;
    const [responseMs, serviceMs] = [atMs - scheduledMs, atMs - sentMs];
    this.#collection.offer({ traceId, load, operation, outcome, phase, startMs: scheduledMs, responseMs, serviceMs });
  }

  /** Chooses which traces are kept, and gathers them. Everything that holds spans must be up still. */
  async finish(cluster: Cluster, generators: Generators, finished: FinishedScenario): Promise<ScenarioTraces> {
    this.#cancel();
    const { isAborted, durationMs: _durationMs, seed: _seed, ...rest } = finished;
    await this.#tellScenario(finished);
    return this.#collection.finish({
      ...rest,
      ask: async (traceIds) => {
        this.#broadcast(traceIds, cluster, generators);
        await Promise.all([cluster.tracesSent(), generators.spansSent()]);
      },
      timeoutMs: isAborted ? ABORTED_TIMEOUT_MS : FINISH_TIMEOUT_MS,
    });
  }

  /** The scenario and its faults, where sampled traces go. */
  async #tellScenario({ scenario, seed, faults, startedWallMs, durationMs }: FinishedScenario): Promise<void> {
    const { destination } = this.#options;
    if (destination === undefined) return;
    const tracing = await Tracing.start({ resource: { 'service.name': 'windtunnel' }, destination });
    const attributes = { 'windtunnel.scenario': scenario, 'windtunnel.seed': seed };
    const span = tracing.tracer.startRoot('load.scenario', true, attributes, startedWallMs);
    for (const { event } of faultEvents(faults, startedWallMs)) span.event(event.name, event.attributes, event.timeMs);
    span.end(startedWallMs + durationMs);
    await tracing.close(ABORTED_TIMEOUT_MS);
    this.#ownCounts = tracing.counts;
  }

  /** What became of the spans of this process. */
  get counts(): TraceCounts {
    return this.#ownCounts;
  }

  async close(): Promise<void> {
    this.#cancel();
    await this.#collection.close();
  }

  #broadcast(traceIds: readonly string[], cluster: Cluster, generators: Generators): void {
    if (traceIds.length === 0) return;
    cluster.wantTraces(traceIds);
    generators.want(traceIds);
  }
}

/** With the spans that the processes said, at their end, to have lost. */
export function withLosses(traces: ScenarioTraces, counts: readonly TraceCounts[]): ScenarioTraces {
  return { ...traces, spansLost: traces.spansLost + counts.reduce((sum, { dropped }) => sum + dropped, 0) };
}

/** Why nobody should rely on the traces, if so. */
export function traceProblems(
  { spansLost, spansDropped }: ScenarioTraces,
  counts: readonly TraceCounts[],
  { destination }: TraceOptions,
): string[] {
  const lost = spansLost + spansDropped;
  if (lost === 0) return [];
  const why = counts.find(({ dropped }) => dropped > 0)?.problem;
  const where = destination && ` (sampled ones go to ${formatTraceDestination(destination)})`;
  return [`${lost} spans were dropped, so its traces are not whole${why === undefined ? '' : `: ${why}`}${where ?? ''}`];
}
