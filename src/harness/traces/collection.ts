// The traces of one scenario, from the first span that arrives to what the result says of them: joins the receiver, the
// selection and the store.

import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { sleep } from '../../runtime/clock.ts';
import { formatDuration } from '../../runtime/duration.ts';
import type { Random } from '../../runtime/random.ts';
import type { FaultWindow, KeptTrace, ScenarioResult, ScenarioTraces, Statistic } from '../result/schema.ts';
import type { SpanEvent } from '../../telemetry/span.ts';
import { assemble, type AssembledTrace } from './assembly.ts';
import { pathShares } from './path-shares.ts';
import { percentilesOf } from './percentiles.ts';
import { type ReceiverLimits, startTraceReceiver, type TraceReceiver } from './receiver.ts';
import { type ChosenTrace, type EndedOperation, type SelectionLimits, TraceSelection } from './selection.ts';
import { writeTraces, TRACES_FILE } from './trace-file.ts';
import { type StoreLimits, TraceStore } from './trace-store.ts';

export interface CollectionOptions {
  readonly random: Random;
  readonly clock: Clock;
  readonly limits?: {
    readonly receiver?: Partial<ReceiverLimits>;
    readonly selection?: Partial<SelectionLimits>;
    readonly store?: Partial<StoreLimits>;
  };
}

export type TracedFault = Pick<FaultWindow, 'kind' | 'nodes' | 'startMs' | 'endMs'>;

export interface FinishOptions {
  /** Of the whole scenario: what the percentiles are read from. */
  readonly statistics: readonly Statistic[];
  /**
   * Asks every process for the spans of these traces, which may be none. Resolves when each has sent what it had of them and of those
   * that it was asked for before; one that cannot answer may keep it waiting.
   */
  readonly ask: (traceIds: readonly string[]) => Promise<void>;
  /** The folder of run.json, and that of the scenario relative to it: where the file goes. */
  readonly folder: string;
  readonly scenario: string;
  /** What may be why something took long, or is missing. */
  readonly faults: readonly TracedFault[];
  /** When the scenario started, milliseconds since the Unix epoch. */
  readonly startedWallMs: number;
  /** How long to wait for spans that are still on their way, milliseconds. Default 10 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** When this long nothing arrived, nothing will: an instrumented system sends when it likes. */
const QUIET_MS = 1_500;
const POLL_MS = 25;
/** A process that dies takes the spans along that nobody asked for yet. */
const UNASKED_MS = 2_000;

export class TraceCollection {
  readonly #clock: Clock;
  readonly #receiver: TraceReceiver;
  readonly #listen: (host: string) => Promise<TraceReceiver>;
  /** At other addresses of this machine. */
  readonly #others: TraceReceiver[] = [];
  readonly #selection: TraceSelection;
  readonly #store: TraceStore;
  #spansLost = 0;

  private constructor(
    clock: Clock,
    receiver: TraceReceiver,
    listen: (host: string) => Promise<TraceReceiver>,
    selection: TraceSelection,
    store: TraceStore,
  ) {
    this.#clock = clock;
    this.#receiver = receiver;
    this.#listen = listen;
    this.#selection = selection;
    this.#store = store;
  }

  /** Begins to listen. Rejects when that is not possible. */
  static async start({ random, clock, limits = {} }: CollectionOptions): Promise<TraceCollection> {
    const store = new TraceStore(limits.store);
    const listen = (host?: string) =>
      startTraceReceiver({
        onSpans: (spans) => store.add(spans),
        limits: limits.receiver ?? {},
        ...(host !== undefined && { host }),
      });
    return new TraceCollection(clock, await listen(), listen, new TraceSelection(random, limits.selection), store);
  }

  /** Lets processes export to another address of this machine too; resolves with the URL there. Rejects when it cannot listen. */
  async listenAt(host: string): Promise<string> {
    const receiver = await this.#listen(host);
    this.#others.push(receiver);
    return receiver.url;
  }

  /** Where processes export to, OTLP/HTTP. */
  get url(): string {
    return this.#receiver.url;
  }

  /** Tells of an operation that ended and whose spans its processes still hold. */
  offer(operation: EndedOperation): void {
    this.#selection.offer(operation);
  }

  /** The recorder of some process overwrote or failed to send this many spans. */
  spansLost(count: number): void {
    this.#spansLost += count;
  }

  /** The traces to ask every process for, each told once. To be called every 500 ms or so: processes do not hold spans for long. */
  takeWanted(): string[] {
    this.#store.forget(this.#selection.takeForgotten());
    const wanted = this.#selection.take();
    this.#store.want(wanted);
    return [...wanted, ...this.#store.takeLinked()];
  }

  /**
   * Chooses which traces to keep, waits for those of their spans that are on their way, writes the file and says what was found.
   * Processes must be up still. Rejects when the file cannot be written, and with the signal's reason.
   */
  async finish(options: FinishOptions): Promise<ScenarioTraces> {
    const chosen = this.#selection.choose(percentilesOf(options.statistics));
    await this.#gather(chosen, options);
    const all = chosen.map((operation) => ({ ...operation, trace: this.#assemble(operation.traceId) }));
    const kept = all.filter(({ trace }) => trace.spans.length > 0);
    if (kept.length > 0)
      await writeTraces(
        join(options.folder, options.scenario, TRACES_FILE),
        kept.map(({ trace }) => withFaults(trace, options)),
      );
    const list = all.map(({ trace, ...operation }): KeptTrace => {
      const missing = explainedMissing(trace, operation, options.faults);
      return { ...operation, keptFor: [...operation.keptFor], ...(missing.length > 0 && { missing }) };
    });
    const { received, dropped } = this.#store.counts;
    return {
      ...(kept.length > 0 && { file: `${options.scenario}/${TRACES_FILE}` }),
      kept: list.length,
      incomplete: list.filter(({ missing }) => missing !== undefined).length,
      spansReceived: received,
      spansDropped: dropped,
      spansLost: this.#spansLost,
      list,
      criticalPaths: pathShares(all),
    };
  }

  /** Ends the receivers. */
  async close(): Promise<void> {
    await Promise.all([this.#receiver, ...this.#others].map((receiver) => receiver.close()));
  }

  #assemble(traceId: string): AssembledTrace {
    return assemble(traceId, (other) => this.#store.spansOf(other));
  }

  /** Until every process has sent what it had, and every chosen trace is complete or nothing more arrives. */
  async #gather(chosen: readonly ChosenTrace[], { ask, timeoutMs = 10_000, signal }: FinishOptions): Promise<void> {
    const untilMs = this.#clock.now() + timeoutMs;
    let [received, quietSinceMs] = [-1, 0];
    let open = chosen;
    // Once for what was asked for before, too: it may be on its way.
    for (let wanted = this.takeWanted(), asked = false; ; wanted = this.takeWanted()) {
      const nowMs = this.#clock.now();
      if (!asked || wanted.length > 0) {
        asked = true;
        await atMost(this.#clock, untilMs - nowMs, ask(wanted), signal);
        continue;
      }
      const { counts } = this.#store;
      if (counts.received !== received) [received, quietSinceMs] = [counts.received, nowMs];
      open = open.filter(({ traceId }) => this.#assemble(traceId).missing.length > 0);
      if (open.length === 0 || nowMs - quietSinceMs >= QUIET_MS || nowMs >= untilMs) return;
      await sleep(this.#clock, POLL_MS, signal);
    }
  }
}

/** Resolves with `what`, or after `longestMs`. Rejects like `what`, and with the signal's reason. */
async function atMost(clock: Clock, longestMs: number, what: Promise<void>, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([what, sleep(clock, Math.max(0, longestMs), AbortSignal.any([over.signal, ...(signal ? [signal] : [])]))]);
  } finally {
    over.abort();
  }
}

/** The trace with the faults during which it was, as events of its root. */
function withFaults(trace: AssembledTrace, { faults, startedWallMs }: FinishOptions): AssembledTrace {
  const { root } = trace;
  if (root === undefined) return trace;
  const events = faultEvents(faults, startedWallMs).filter(
    ({ fault: { startMs, endMs } }) => startedWallMs + startMs < root.endMs && startedWallMs + endMs > root.startMs,
  );
  if (events.length === 0) return trace;
  const withEvents = { ...root, events: [...(root.events ?? []), ...events.map(({ event }) => event)] };
  return { ...trace, root: withEvents, spans: trace.spans.map((span) => (span === root ? withEvents : span)) };
}

/** The beginnings and ends of faults as events of a span. */
export function faultEvents(
  faults: readonly TracedFault[],
  startedWallMs: number,
): { readonly fault: TracedFault; readonly event: SpanEvent }[] {
  return faults.flatMap((fault) => {
    const attributes = { 'windtunnel.fault': fault.kind, 'windtunnel.fault.nodes': fault.nodes.join(',') };
    return [
      { fault, event: { name: 'fault begins', timeMs: startedWallMs + fault.startMs, attributes } },
      { fault, event: { name: 'fault ends', timeMs: startedWallMs + fault.endMs, attributes } },
    ];
  });
}

/** What is missing of a trace, and the process that was killed about then, if one was. */
function explainedMissing(
  { missing }: AssembledTrace,
  { startMs, responseMs }: EndedOperation,
  faults: FinishOptions['faults'],
): string[] {
  if (missing.length === 0) return [];
  const killed = faults.filter(
    ({ kind, startMs: killedMs }) => kind === 'crash' && killedMs >= startMs && killedMs <= startMs + responseMs + UNASKED_MS,
  );
  return [
    ...missing,
    ...killed.map(
      ({ nodes, startMs: killedMs }) => `${nodes.join(', ')} was killed at ${formatDuration(killedMs)} with the spans it held`,
    ),
  ];
}

/** Whether of every load and phase behind the warm-up of which slowest requests are known, one is there whole. */
export function explainedBy({ list }: Pick<ScenarioTraces, 'list'>): ScenarioResult['verdicts']['explained'] {
  const slowest = list.filter(({ keptFor, phase }) => keptFor.includes('slowest') && phase !== 'warmup');
  const key = ({ load, phase }: KeptTrace) => JSON.stringify([load, phase]);
  const whole = new Set(slowest.filter(({ missing }) => missing === undefined).map(key));
  return slowest.length > 0 && slowest.every((each) => whole.has(key(each))) ? 'complete' : 'partial';
}
