// What a load did in each of its steps of constant rate, in space that does not depend on the rate.

import { LatencyHistogram } from '../result/histogram.ts';
import type { RateStep } from '../scenario/rate-steps.ts';
import type { Ended, Listener } from './recorder.ts';

export interface MeasuredStep extends RateStep {
  /** Operations that were due in the step, whether or not they then began. */
  readonly due: number;
  /** Operations that were answered in the step, whenever they were due, and with no error. */
  readonly answered: number;
  /** Operations that were due in the step and ended in an error. */
  readonly errors: number;
  /** Arrivals in the step for which no virtual user was free. */
  readonly dropped: number;
  /** Microseconds, of those that were due in the step and are of the operation that is meant. */
  readonly responseTime: LatencyHistogram;
  /** Microseconds by which operations that were due in the step began late. */
  readonly lag: LatencyHistogram;
}

export class StepRecorder implements Listener {
  readonly #load: string;
  readonly #operation: string | undefined;
  readonly #steps: { -readonly [K in keyof MeasuredStep]: MeasuredStep[K] }[];

  /** @param operation whose response time is recorded; undefined: that of all operations of the load. */
  constructor(steps: readonly RateStep[], load: string, operation: string | undefined) {
    this.#load = load;
    this.#operation = operation;
    this.#steps = steps.map((step) => ({
      ...step,
      due: 0,
      answered: 0,
      errors: 0,
      dropped: 0,
      responseTime: new LatencyHistogram(),
      lag: new LatencyHistogram(),
    }));
  }

  ended({ load, operation, outcome, expected, scheduledMs, sentMs, atMs }: Ended): void {
    if (load !== this.#load) return;
    const isGood = outcome === 'ok' || expected;
    const answeredIn = this.#at(atMs);
    if (answeredIn !== undefined && isGood) answeredIn.answered++;
    const dueIn = this.#at(scheduledMs);
    if (dueIn === undefined) return;
    dueIn.due++;
    dueIn.lag.record((sentMs - scheduledMs) * 1_000);
    if (!isGood) dueIn.errors++;
    if (this.#operation === undefined || operation === this.#operation) dueIn.responseTime.record((atMs - scheduledMs) * 1_000);
  }

  dropped(load: string, atMs: number): void {
    const step = load === this.#load ? this.#at(atMs) : undefined;
    if (step === undefined) return;
    step.due++;
    step.dropped++;
  }

  /** Those that were over by then. Live: do not change. */
  measured(untilMs: number): readonly MeasuredStep[] {
    return this.#steps.filter(({ endMs }) => endMs <= untilMs);
  }

  #at(ms: number) {
    return this.#steps.find(({ startMs, endMs }) => ms >= startMs && ms < endMs);
  }
}
