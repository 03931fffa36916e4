// The memory of a run: what was scheduled, started and dropped, and how every operation ended and how long it took, in
// space that depends on neither rate nor duration (but for the timeline's few numbers a second).

import { LatencyHistogram } from '../result/histogram.ts';
import { latencyOf } from '../result/latency.ts';
import { PHASES } from '../result/schema.ts';
import type { Outcome, Phase, ScenarioResult, Second, Statistic } from '../result/schema.ts';
import { Availability } from './availability.ts';
import { FaultSpans } from './fault-spans.ts';
import { isRead } from './operation.ts';
import type { LoadEvent } from './operation.ts';
import { P99Recovery } from './p99-recovery.ts';
import { SuccessTimes } from './success-times.ts';
import { Timeline } from './timeline.ts';

const OUTCOMES = ['ok', 'fail', 'info'] as const satisfies readonly Outcome[];
const OUTCOME_INDEX = indexOf(OUTCOMES);
const PHASE_INDEX = indexOf(PHASES);

/** The operations that ended with the same load, operation, outcome and phase. */
export interface Measured {
  readonly load: string;
  readonly operation: string;
  readonly outcome: Outcome;
  /** Of the instant for which an operation was scheduled. */
  readonly phase: Phase;
  readonly count: number;
  /** How many of them are fails that are no errors: a cas that found another value. */
  readonly expected: number;
  /** Microseconds, from the scheduled instant to the end. */
  readonly responseTime: LatencyHistogram;
  /** Microseconds, from the actual send to the end. */
  readonly serviceTime: LatencyHistogram;
}

export interface Dropped {
  readonly load: string;
  readonly phase: Phase;
  readonly count: number;
}

/** The errors with the same load, operation, outcome, code and phase of the instant for which an operation was scheduled. */
export interface ErrorCount {
  readonly load: string;
  readonly operation: string;
  readonly outcome: 'fail' | 'info';
  readonly code: string;
  readonly phase: Phase;
  readonly count: number;
}

/** What is shown while a run is under way. */
export interface RecorderSnapshot {
  readonly scheduled: number;
  readonly started: number;
  readonly inFlight: number;
  readonly ok: number;
  /** Not ok, fails that are no errors left out. */
  readonly failed: number;
  readonly dropped: number;
  /** Operations that ended in the last whole second. */
  readonly ratePerSecond: number;
  /** Response time over the last seconds; undefined with fewer than 10 samples above it. */
  readonly p99Ms: number | undefined;
}

/** An operation that ended, as far as it is counted. Instants are milliseconds from the start of the scenario. */
export interface Ended {
  readonly load: string;
  readonly operation: string;
  readonly isRead: boolean;
  readonly outcome: Outcome;
  /** Of a fail or an info. */
  readonly code: string | undefined;
  /** A fail that is no error. */
  readonly expected: boolean;
  readonly scheduledMs: number;
  readonly sentMs: number;
  readonly atMs: number;
  /** See EndEvent. */
  readonly trace?: number | undefined;
}

/** Who else is told what became of every arrival. */
export interface Listener {
  scheduled?(atMs: number): void;
  started?(scheduledMs: number, sentMs: number): void;
  ended(event: Ended): void;
  dropped(load: string, atMs: number): void;
}

type Errors = ScenarioResult['errors'];
type ErrorsByPhase = NonNullable<ScenarioResult['errorsByPhase']>;
type Totals = ScenarioResult['totals'];

export class Recorder {
  readonly #phaseAt: (ms: number) => Phase;
  readonly #timeline: Timeline;
  /** Load -> operation -> its place among the cells. */
  readonly #places = new Map<string, Map<string, number>>();
  #placesTaken = 0;
  readonly #cells: ({ -readonly [K in keyof Measured]: Measured[K] } | undefined)[] = [];
  readonly #dropped: { load: string; phase: Phase; count: number }[] = [];
  readonly #errors = new Map<string, { -readonly [K in keyof ErrorCount]: ErrorCount[K] }>();
  readonly #outcomes: Record<Outcome, number> = { ok: 0, fail: 0, info: 0 };
  #scheduled = 0;
  #started = 0;
  #droppedCount = 0;
  #expected = 0;
  /** Microseconds from the scheduled instant of an operation to its actual send, behind the warm-up. */
  readonly lag = new LatencyHistogram();
  /** Of successful reads. */
  readonly reads = new SuccessTimes();
  /** Of successful writes, cas and adds. */
  readonly writes = new SuccessTimes();
  readonly availability = new Availability();
  readonly recovery: P99Recovery;
  /** Is told when they begin and end. */
  readonly faults: FaultSpans;
  #hasWrites = false;
  readonly #listeners: readonly Listener[];

  /**
   * @param phaseAt the phase of an instant, asked when an operation was due, ended or was dropped. Milliseconds from the start.
   * @param recoveryMs how long recovery lasts behind the end of a fault.
   */
  constructor(phaseAt: (ms: number) => Phase, recoveryMs = 0, listeners: readonly Listener[] = []) {
    this.#phaseAt = phaseAt;
    this.#listeners = listeners;
    this.#timeline = new Timeline(phaseAt);
    this.recovery = new P99Recovery(phaseAt);
    this.faults = new FaultSpans(recoveryMs);
  }

  /** An operation was due at `atMs`, whether or not it then started. */
  scheduled(atMs: number): void {
    this.#scheduled++;
    for (const listener of this.#listeners) listener.scheduled?.(atMs);
    this.#timeline.scheduled(atMs);
    this.availability.due(atMs);
    this.recovery.due(atMs);
  }

  /** No virtual user was free for the arrival at `atMs`. */
  dropped(load: string, atMs: number): void {
    this.#droppedCount++;
    this.#timeline.dropped(atMs);
    for (const listener of this.#listeners) listener.dropped(load, atMs);
    const phase = this.#phaseAt(atMs);
    const same = this.#dropped.find((dropped) => dropped.load === load && dropped.phase === phase);
    if (same === undefined) this.#dropped.push({ load, phase, count: 1 });
    else same.count++;
  }

  /** Takes events in the order in which they happened. */
  record(event: LoadEvent): void {
    if (event.type === 'invoke') this.started(event.scheduledMs, event.atMs);
    else {
      const { operation, type: outcome } = event;
      this.ended({ ...event, load: operation.load, operation: operation.operation, isRead: isRead(operation), outcome });
    }
  }

  /** An operation began. */
  started(scheduledMs: number, sentMs: number): void {
    const lagMs = sentMs - scheduledMs;
    this.#started++;
    for (const listener of this.#listeners) listener.started?.(scheduledMs, sentMs);
    if (this.#phaseAt(scheduledMs) !== 'warmup') this.lag.record(lagMs * 1_000);
    this.#timeline.started(sentMs, lagMs);
  }

  ended(event: Ended): void {
    const { load, operation, isRead, outcome, code, expected, scheduledMs, sentMs, atMs } = event;
    for (const listener of this.#listeners) listener.ended(event);
    const phase = this.#phaseAt(scheduledMs);
    const cell = this.#cell(load, operation, outcome, phase);
    const responseUs = (atMs - scheduledMs) * 1_000;
    const serviceUs = (atMs - sentMs) * 1_000;
    cell.count++;
    cell.responseTime.record(responseUs);
    cell.serviceTime.record(serviceUs);
    this.#outcomes[outcome]++;
    this.#timeline.ended(atMs, outcome, responseUs, serviceUs);
    this.#hasWrites ||= !isRead;
    if (outcome === 'ok') (isRead ? this.reads : this.writes).record(sentMs, atMs);
    else if (expected) {
      cell.expected++;
      this.#expected++;
    } else this.#error({ load, operation, outcome, code: code ?? 'unknown', phase });
    const isError = outcome !== 'ok' && !expected;
    this.faults.count(scheduledMs, isError);
    if (isError) return;
    this.availability.succeeded(atMs);
    this.recovery.answered(scheduledMs, atMs);
  }

  /** Whether any operation that is no read has ended, in whatever way. */
  get hasWrites(): boolean {
    return this.#hasWrites;
  }

  #cell(load: string, operation: string, outcome: Outcome, phase: Phase) {
    const at = (this.#placeOf(load, operation) * OUTCOMES.length + OUTCOME_INDEX[outcome]) * PHASES.length + PHASE_INDEX[phase];
    return (this.#cells[at] ??= {
      load,
      operation,
      outcome,
      phase,
      count: 0,
      expected: 0,
      responseTime: new LatencyHistogram(),
      serviceTime: new LatencyHistogram(),
    });
  }

  #placeOf(load: string, operation: string): number {
    let operations = this.#places.get(load);
    if (operations === undefined) this.#places.set(load, (operations = new Map<string, number>()));
    let place = operations.get(operation);
    if (place === undefined) operations.set(operation, (place = this.#placesTaken++));
    return place;
  }

  #error(error: Omit<ErrorCount, 'count'>): void {
    const key = `${error.outcome} ${error.phase} ${error.load} ${error.operation.length} ${error.operation} ${error.code}`;
    const same = this.#errors.get(key);
    if (same === undefined) this.#errors.set(key, { ...error, count: 1 });
    else same.count++;
  }

  /** Closes the next second of the timeline and gives it; see Timeline. */
  finishSecond(): Second {
    return this.#timeline.finishNext();
  }

  /** How many seconds of the timeline something happened in and are not finished. */
  get unfinishedSeconds(): number {
    return this.#timeline.unfinished;
  }

  /** Everything that ended, by load (in order of appearance), operation (by name), outcome and phase. Live: do not change. */
  measured(): Measured[] {
    const places = [...this.#places.values()].flatMap((operations) =>
      [...operations].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, place]) => place),
    );
    const size = OUTCOMES.length * PHASES.length;
    return places.flatMap((place) => this.#cells.slice(place * size, (place + 1) * size)).filter((cell) => cell !== undefined);
  }

  droppedByPhase(): readonly Dropped[] {
    return this.#dropped;
  }

  /** `measured`, as run.json has it. */
  statistics(): Statistic[] {
    return this.measured().map(({ load, operation, outcome, phase, count, responseTime, serviceTime }) => ({
      load,
      operation,
      outcome,
      phase,
      count,
      responseTime: latencyOf(responseTime),
      serviceTime: latencyOf(serviceTime),
    }));
  }

  timeline(): Second[] {
    return this.#timeline.seconds();
  }

  /**
   * @param durationMs what `okPerSecond` is taken over, > 0.
   * `fail` counts every fail, those of `expectedFailures` too.
   */
  totals(durationMs: number): Totals {
    const { ok, fail, info } = this.#outcomes;
    const okPerSecond = durationMs > 0 ? (ok * 1_000) / durationMs : 0;
    return { scheduled: this.#scheduled, started: this.#started, ok, fail, info, dropped: this.#droppedCount, okPerSecond };
  }

  /** Fails that are no errors: cas that found another value. */
  get expectedFailures(): number {
    return this.#expected;
  }

  /** Fails that are no errors are left out. Live: do not change. */
  errorCounts(): readonly ErrorCount[] {
    return [...this.#errors.values()];
  }

  /** How often each code was answered, most frequent first, fails that are no errors left out. */
  errors(): Errors {
    return [...sumsOf(this.errorCounts(), ({ code, outcome }) => ({ code, outcome }))].sort(byFrequency);
  }

  /** `errors`, in the order of the phases. */
  errorsByPhase(): ErrorsByPhase {
    return [...sumsOf(this.errorCounts(), ({ phase, code, outcome }) => ({ phase, code, outcome }))].sort(
      (a, b) => PHASE_INDEX[a.phase] - PHASE_INDEX[b.phase] || byFrequency(a, b),
    );
  }

  snapshot(): RecorderSnapshot {
    const { ok, fail, info } = this.#outcomes;
    const p99Us = this.#timeline.recentP99Us();
    return {
      scheduled: this.#scheduled,
      started: this.#started,
      inFlight: this.#started - ok - fail - info,
      ok,
      failed: fail + info - this.#expected,
      dropped: this.#droppedCount,
      ratePerSecond: this.#timeline.lastRate,
      p99Ms: p99Us === undefined ? undefined : p99Us / 1_000,
    };
  }
}

/** Errors that are alike in what `of` says of them, added up. */
function sumsOf<T extends object>(errors: readonly ErrorCount[], of: (error: ErrorCount) => T): Iterable<T & { count: number }> {
  const sums = new Map<string, T & { count: number }>();
  for (const error of errors) {
    const shared = of(error);
    const key = JSON.stringify(shared);
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { ...shared, count: error.count });
    else sum.count += error.count;
  }
  return sums.values();
}

function byFrequency(a: { count: number; code: string }, b: { count: number; code: string }): number {
  return b.count - a.count || (a.code < b.code ? -1 : 1);
}

function indexOf<T extends string>(names: readonly T[]): Readonly<Record<T, number>> {
  return Object.fromEntries(names.map((name, at) => [name, at])) as Record<T, number>;
}
