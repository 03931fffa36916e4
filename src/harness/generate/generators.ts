// The generators of a run: one thread or several, each of which issues a part of every load. This end counts what they did, and
// keeps what is known when one of them fails.

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { known } from '../../runtime/assert.ts';
import { type Clock, sharedTimeOffsetMs } from '../../runtime/clock.ts';
import { cryptoIds } from '../../telemetry/trace-ids.ts';
import type { TraceCounts } from '../../telemetry/tracing.ts';
import { mergeHistories } from '../history/merge.ts';
import { withoutRepetitions } from '../load/generator.ts';
import type { PlannedOperation } from '../load/operation.ts';
import { traceIdOf } from '../load/load-tracing.ts';
import type { Ended, Recorder } from '../load/recorder.ts';
import type { GeneratorInstrument, Second } from '../result/schema.ts';
import type { ValidScenario } from '../scenario/valid-scenario.ts';
import type { TargetAddresses } from '../target/connect.ts';
import { EventBatchReader } from './event-batch.ts';
import { GeneratorThread } from './generator-thread.ts';
import { GeneratorWatch } from './generator-watch.ts';
import type { GeneratorBatch, GeneratorTracing, TargetModule } from './protocol.ts';

export interface GeneratorsOptions {
  readonly scenario: ValidScenario;
  readonly addresses: TargetAddresses;
  /** Where the histories are written. */
  readonly folder: string;
  readonly seed: number;
  /** The machine's: threads share no other. */
  readonly clock: Clock;
  /** Default: nothing is traced. */
  readonly tracing?: Omit<GeneratorTracing, 'prefix'> | undefined;
  /** What is loaded instead of the system at `addresses`. For tests. */
  readonly target?: TargetModule;
  /** How long a generator may take to connect. Default 90 s: the system under test may need 30 s to serve at all. */
  readonly startLimitMs?: number;
  /** After how long without a sign of life a generator is given up. Default 30 s: one that is only slow must not be taken for one that is stuck. */
  readonly silenceLimitMs?: number;
}

export interface GenerateOptions {
  /** What the clock read when the scenario started, not later than now. */
  readonly originMs: number;
  readonly recorder: Recorder;
  /** Called for every operation that ended and has a trace. */
  readonly onTrace?: (event: Ended, traceId: string) => void;
  /** Called for each second when every generator has told of all of it, and at the end for the last one, which is shorter. */
  readonly onSecond: (second: Second) => void;
  /** When aborted, nothing begins any more; what is under way has its graceful stop. */
  readonly signal: AbortSignal;
}

export interface GenerateReport {
  /** From the start of the scenario until nothing was under way any more. */
  readonly durationMs: number;
  /** Reads of everything that was changed: each object once. */
  readonly finalReads: readonly PlannedOperation[];
  readonly generators: readonly GeneratorInstrument[];
}

export interface Histories {
  readonly files: readonly string[];
  /** Whether every operation that may have happened is in them: not when a generator failed. */
  readonly complete: boolean;
  /** Spans sent and lost, of those generators that could say. */
  readonly traces: readonly TraceCounts[];
}

export class Generators {
  readonly #options: GeneratorsOptions;
  readonly #threads: readonly GeneratorThread[];

  private constructor(options: GeneratorsOptions, threads: readonly GeneratorThread[]) {
    this.#options = options;
    this.#threads = threads;
  }

  /** Starts and connects them. Throws GeneratorError when one of them cannot: then none is left. */
  static async start(options: GeneratorsOptions): Promise<Generators> {
    const { scenario, addresses, folder, seed, clock, target, tracing, startLimitMs = 90_000, silenceLimitMs = 30_000 } = options;
    const of = scenario.generators;
    const threads = Array.from({ length: of }, (_, index) => {
      const name = of === 1 ? 'the generator' : `generator ${index + 1}`;
      const historyPart = of === 1 ? '' : `.g${index + 1}`;
      const own = tracing && { ...tracing, prefix: cryptoIds.spanId() };
      const data = { scenario, addresses, seed, share: { index, of }, folder, historyPart, target, tracing: own };
      return new GeneratorThread({ name, data, clock, startLimitMs, silenceLimitMs });
    });
    const generators = new Generators(options, threads);
    try {
      await Promise.all(threads.map((thread) => thread.ready));
      return generators;
    } catch (error) {
      await generators.terminate();
      throw error;
    }
  }

  /** Why generators failed, of those that did. */
  get failures(): readonly string[] {
    return this.#threads.flatMap(({ failure }) => failure?.message ?? []);
  }

  /** What each said last of itself and its client, in the Prometheus text format. */
  get metrics(): readonly string[] {
    return this.#threads.map((thread) => thread.metrics);
  }

  /** Load before the load, that nobody records. Ends early when `signal` is aborted, and with a generator that fails. */
  async warmUp(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const stop = () => stopAll(this.#threads);
    signal.addEventListener('abort', stop, { once: true });
    try {
      await Promise.allSettled(this.#living().map((thread) => thread.ask({ type: 'warm-up' }, 'warm')));
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /**
   * Resolves when every operation of every generator that did not fail has ended and is recorded. When one fails the others
   * stop. Rejects with what `onSecond` or the recorder threw; the generators may be terminated then.
   */
  run(options: GenerateOptions): Promise<GenerateReport> {
    return new GenerateRun(this.#threads, this.#options.scenario.warmupMs, options).run();
  }

  /** The spans of these traces are wanted. */
  want(traceIds: readonly string[]): void {
    for (const thread of this.#living()) thread.tell({ type: 'want', traceIds });
  }

  /** Resolves when they have sent what they had of those. Never rejects. */
  async spansSent(): Promise<void> {
    await Promise.all(this.#living().map((thread) => thread.spansSent()));
  }

  /** Makes reads behind the end of the load, as the end of the history. Resolves with what went wrong, if anything. */
  async readBack(reads: readonly PlannedOperation[], timeoutMs: number): Promise<string | undefined> {
    const thread = this.#living()[0];
    if (thread === undefined) return 'no generator is left for the final reads';
    try {
      return (await thread.ask({ type: 'read-back', reads, timeoutMs }, 'was-read-back')).problem;
    } catch (error) {
      return `the final reads failed: ${(error as Error).message}`;
    }
  }

  /** Ends the generators, and makes one history of their parts. Throws what writing or reading a history may throw. */
  async close(): Promise<Histories> {
    const closed = await Promise.allSettled(this.#living().map((thread) => thread.ask({ type: 'close' }, 'closed')));
    // Also when one failed only now.
    const complete = this.failures.length === 0;
    await this.terminate();
    const answers = closed.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    const parts = answers.map(({ histories }) => histories);
    const traces = answers.flatMap((answer) => answer.traces ?? []);
    if (!complete) return { files: await this.#filesThatAreThere(), complete, traces };
    if (parts.length === 1) return { files: parts.flat(), complete, traces };
    return { files: await this.#merge(parts), complete, traces };
  }

  /** Ends the threads wherever they are. May be called again. */
  async terminate(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #living(): GeneratorThread[] {
    return this.#threads.filter(({ failure }) => failure === undefined);
  }

  async #merge(parts: readonly (readonly string[])[]): Promise<string[]> {
    // Every generator has the same kinds in the same order.
    const files: string[] = [];
    for (const [at, first] of known(parts[0], 'a generator').entries()) {
      const ofKind = parts.map((histories) => known(histories[at], 'a part of each history'));
      const merged = first.replace(/\.g\d+\.jsonl$/, '.jsonl');
      await mergeHistories(ofKind, merged);
      await Promise.all(ofKind.map((part) => rm(part)));
      files.push(merged);
    }
    return files;
  }

  async #filesThatAreThere(): Promise<string[]> {
    const { folder } = this.#options;
    return (await readdir(folder)).filter((name) => /^history-.*\.jsonl$/.test(name)).map((name) => join(folder, name));
  }
}

/** They begin nothing any more. */
function stopAll(threads: readonly GeneratorThread[]): void {
  for (const thread of threads) thread.tell({ type: 'stop' });
}

/** One generator while the load runs. */
interface Running {
  readonly thread: GeneratorThread;
  readonly watch: GeneratorWatch;
  readonly reader: EventBatchReader;
  /** Everything until then has been told; Infinity when it has told everything. */
  untilMs: number;
}

class GenerateRun {
  readonly #options: GenerateOptions;
  readonly #running: readonly Running[];
  readonly #bug = Promise.withResolvers<never>();
  #finishedSeconds = 0;
  #lastMs = 0;

  constructor(threads: readonly GeneratorThread[], warmupMs: number, options: GenerateOptions) {
    this.#options = options;
    const { recorder } = options;
    this.#running = threads.map((thread, at) => {
      const watch = new GeneratorWatch(at + 1, warmupMs);
      const reader = new EventBatchReader({
        scheduled: (atMs) => recorder.scheduled(atMs),
        dropped(load, atMs) {
          recorder.dropped(load, atMs);
          watch.dropped();
        },
        started(scheduledMs, sentMs) {
          recorder.started(scheduledMs, sentMs);
          watch.started(scheduledMs, sentMs);
        },
        ended(event) {
          recorder.ended(event);
          if (event.trace !== undefined) options.onTrace?.(event, traceIdOf(thread.tracePrefix, event.trace));
        },
      });
      return { thread, watch, reader, untilMs: 0 };
    });
  }

  async run(): Promise<GenerateReport> {
    const { originMs, signal, recorder } = this.#options;
    const sharedOriginMs = originMs + sharedTimeOffsetMs();
    for (const running of this.#running) running.thread.onBatch = (batch) => this.#guard(() => this.#receive(running, batch));
    signal.addEventListener('abort', this.#stop, { once: true });
    if (signal.aborted) this.#stop();
    try {
      const ended = Promise.all(this.#running.map((running) => this.#load(running, sharedOriginMs)));
      const reports = (await Promise.race([ended, this.#bug.promise])).filter((report) => report !== undefined);
      while (recorder.unfinishedSeconds > 0) this.#finishSecond();
      return {
        durationMs: Math.max(this.#lastMs, ...reports.map(({ durationMs }) => durationMs)),
        finalReads: withoutRepetitions(reports.flatMap(({ finalReads }) => finalReads)),
        generators: this.#running.map(({ watch }) => watch.instrument()),
      };
    } finally {
      signal.removeEventListener('abort', this.#stop);
      for (const { thread } of this.#running) thread.onBatch = () => {};
    }
  }

  readonly #stop = (): void => stopAll(this.#running.map(({ thread }) => thread));

  /** Undefined when the generator failed, which its thread knows; then nobody goes on. */
  async #load(running: Running, sharedOriginMs: number) {
    try {
      return await running.thread.ask({ type: 'begin', sharedOriginMs }, 'loaded');
    } catch {
      this.#stop();
      return undefined;
    } finally {
      running.untilMs = Infinity;
      this.#guard(() => this.#finishSeconds());
    }
  }

  #receive(running: Running, { untilMs, events, sample }: GeneratorBatch): void {
    running.reader.read(events);
    if (sample !== undefined) running.watch.sample(sample, untilMs);
    running.untilMs = untilMs;
    this.#lastMs = Math.max(this.#lastMs, untilMs);
    this.#finishSeconds();
  }

  #finishSeconds(): void {
    const untilMs = Math.min(...this.#running.map((each) => each.untilMs), this.#lastMs);
    while ((this.#finishedSeconds + 1) * 1_000 <= untilMs) this.#finishSecond();
  }

  #finishSecond(): void {
    this.#finishedSeconds++;
    this.#options.onSecond(this.#options.recorder.finishSecond());
  }

  /** What counts must not throw into the middle of what is counted; it ends the run from outside instead. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#bug.reject(error);
    }
  }
}
