// Runs the loads of a scenario: everything is issued on schedule, timed, recorded, and ended in an orderly way.

import { systemClock } from '../../runtime/clock.ts';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Second } from '../result/schema.ts';
import type { ValidScenario } from '../scenario/valid-scenario.ts';
import type { LoadTracing } from './load-tracing.ts';
import type { Invoke, LoadEvent, PlannedOperation, Saturate } from './operation.ts';
import { SpinBudget } from './pacer.ts';
import type { Recorder } from './recorder.ts';
import { RunningLoad } from './running-load.ts';
import type { LoadSummary, RunContext } from './running-load.ts';
import { type Share, shareOfLoad, WHOLE } from './share.ts';

/** Is told what happens, in order. One that counts no seconds has no `finishSecond`: someone else counts them. */
export type LoadRecorder = Pick<Recorder, 'record' | 'scheduled' | 'dropped'> &
  Partial<Pick<Recorder, 'finishSecond' | 'unfinishedSeconds'>>;

export interface RunLoadsOptions {
  readonly scenario: ValidScenario;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** What `clock` read when the scenario started, not later than now; faults count from there too. Default: now. */
  readonly originMs?: number;
  /** Arrivals and operations depend on its seed, not on what was drawn from it. */
  readonly random: Random;
  readonly invoke: Invoke;
  /** Needed for loads of autocannon's. */
  readonly saturate?: Saturate | undefined;
  /** Default: nothing is traced. */
  readonly tracing?: LoadTracing | undefined;
  readonly recorder: LoadRecorder;
  /** Which part of every load is issued here; see `shareOfLoad`. Default: all of it. */
  readonly share?: Share;
  /** Sees every operation begin and end, in order, after the recorder did. For the history. */
  readonly sink?: (event: LoadEvent) => void;
  /** Called for each second when it is over, and at the end for the last one, which is shorter. */
  readonly onSecond?: (second: Second) => void;
  /** When aborted, nothing begins any more; what is under way has its graceful stop, as at the end of a load. */
  readonly signal?: AbortSignal;
}

export interface LoadReport {
  /** From the start of the scenario until nothing was under way any more. */
  readonly durationMs: number;
  /** Whether `signal` ended it. */
  readonly stopped: boolean;
  /** How many process ids were used. */
  readonly processes: number;
  readonly loads: readonly LoadSummary[];
  /** Reads of everything that was changed, for when nothing disturbs any more: each object once. */
  readonly finalReads: readonly PlannedOperation[];
}

/**
 * Resolves when every load has ended and every operation that began is recorded as ended, exactly once.
 * Rejects with what `sink`, `onSecond` or the recorder threw: nothing begins any more then, what was under way is cut off at
 * once, and neither is told.
 */
export function runLoads(options: RunLoadsOptions): Promise<LoadReport> {
  return new LoadRun(options).run();
}

class LoadRun {
  readonly #options: RunLoadsOptions;
  readonly #clock: Clock;
  readonly #originMs: number;
  readonly #share: Share;
  readonly #loads: readonly RunningLoad[];
  readonly #done = Promise.withResolvers<LoadReport>();
  readonly #stop = () => this.#loads.forEach((load) => load.stop());
  #processes = 0;
  #finishedSeconds = 0;
  #cancelTick: Cancel = () => {};
  #failure: { readonly error: unknown } | undefined;

  constructor(options: RunLoadsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#originMs = options.originMs ?? this.#clock.now();
    this.#share = options.share ?? WHOLE;
    const { index, of } = this.#share;
    const loads = Object.entries(options.scenario.loads);
    const context = this.#createContext();
    this.#loads = loads.flatMap(([name, load], position) => {
      const share = shareOfLoad(load, position, this.#share);
      if (share === undefined) return [];
      const unique = { index: position * of + index, of: loads.length * of };
      return [new RunningLoad(name, load, share, unique, context, () => this.#maybeEnd())];
    });
  }

  run(): Promise<LoadReport> {
    const { signal } = this.#options;
    // A generator that has no part in any load.
    if (this.#loads.length === 0) this.#maybeEnd();
    if (signal?.aborted === true) {
      this.#stop();
      return this.#done.promise;
    }
    signal?.addEventListener('abort', this.#stop, { once: true });
    if (this.#options.recorder.finishSecond !== undefined && this.#loads.length > 0) this.#scheduleTick();
    for (const load of this.#loads) load.start();
    return this.#done.promise;
  }

  #createContext(): RunContext {
    const { recorder, sink, invoke, saturate, tracing, random } = this.#options;
    return {
      clock: this.#clock,
      originMs: this.#originMs,
      elapsedMs: () => this.#clock.now() - this.#originMs,
      random,
      budget: new SpinBudget(this.#clock),
      nextProcess: () => this.#processes++ * this.#share.of + this.#share.index,
      invoke,
      saturate,
      tracing,
      emit: (event) =>
        this.#guard(() => {
          recorder.record(event);
          sink?.(event);
        }),
      scheduled: (atMs) => this.#guard(() => recorder.scheduled(atMs)),
      dropped: (load, atMs) => this.#guard(() => recorder.dropped(load, atMs)),
    };
  }

  /** What records must not throw into the middle of what is recorded; it ends the run from outside instead. */
  #guard(action: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      action();
    } catch (error) {
      this.#failure = { error };
      this.#clock.scheduleImmediate(() => this.#loads.forEach((load) => load.cutOff()));
    }
  }

  #scheduleTick(): void {
    const nextMs = (this.#finishedSeconds + 1) * 1_000;
    this.#cancelTick = this.#clock.schedule(Math.max(0, this.#originMs + nextMs - this.#clock.now()), () => {
      while ((this.#finishedSeconds + 1) * 1_000 <= this.#clock.now() - this.#originMs) this.#finishSecond();
      this.#scheduleTick();
    });
  }

  #finishSecond(): void {
    this.#finishedSeconds++;
    this.#guard(() => {
      const second = this.#options.recorder.finishSecond?.();
      if (second !== undefined) this.#options.onSecond?.(second);
    });
  }

  #maybeEnd(): void {
    if (!this.#loads.every((load) => load.ended)) return;
    this.#cancelTick();
    this.#options.signal?.removeEventListener('abort', this.#stop);
    const durationMs = this.#clock.now() - this.#originMs;
    while ((this.#options.recorder.unfinishedSeconds ?? 0) > 0 && this.#failure === undefined) this.#finishSecond();
    if (this.#failure !== undefined) {
      this.#done.reject(this.#failure.error);
      return;
    }
    this.#done.resolve({
      durationMs,
      stopped: this.#options.signal?.aborted === true,
      processes: this.#processes,
      loads: this.#loads.map((load) => load.summary()),
      finalReads: withoutRepetitions(this.#loads.flatMap((load) => load.finalReads())),
    });
  }
}

/** Loads of one kind work on the same objects, and so do the generators. */
export function withoutRepetitions(reads: readonly PlannedOperation[]): PlannedOperation[] {
  const objects = new Map(reads.map((read) => [`${read.kind} ${'key' in read ? read.key : ''}`, read]));
  return [...objects.values()];
}
