// How one generator fared: in all, and as a series over the run that does not grow with it.

import { LatencyHistogram } from '../result/histogram.ts';
import type { GeneratorInstrument, GeneratorMoment } from '../result/schema.ts';
import { lagOf, type ThreadLoad } from '../load/instrument.ts';
import type { ThreadSample } from './protocol.ts';

/** Then two neighbours become one, so that a run of a day has as many as one of half an hour. Even. */
const MOST_MOMENTS = 1_800;

interface Moment extends GeneratorMoment {
  /** How many samples it is made of. */
  readonly samples: number;
}

export class GeneratorWatch {
  readonly #number: number;
  readonly #warmupMs: number;
  readonly #lag = new LatencyHistogram();
  #started = 0;
  #dropped = 0;
  #soFar: ThreadLoad = { eventLoopDelay: { p99: 0, max: 0 }, cpu: 0 };
  #moments: Moment[] = [];
  #samplesPerMoment = 1;
  /** Since the last sample. */
  #sinceMs = 0;
  #recent: { started: number; dropped: number; lagMaxMs: number | undefined } = { started: 0, dropped: 0, lagMaxMs: undefined };

  /** @param number from 1. */
  constructor(number: number, warmupMs: number) {
    this.#number = number;
    this.#warmupMs = warmupMs;
  }

  started(scheduledMs: number, sentMs: number): void {
    const lagMs = sentMs - scheduledMs;
    this.#started++;
    if (scheduledMs >= this.#warmupMs) this.#lag.record(lagMs * 1_000);
    this.#recent.started++;
    if (this.#recent.lagMaxMs === undefined || lagMs > this.#recent.lagMaxMs) this.#recent.lagMaxMs = lagMs;
  }

  dropped(): void {
    this.#dropped++;
    this.#recent.dropped++;
  }

  /** Closes what happened since the last sample. @param untilMs when this one was taken. */
  sample({ recent, soFar }: ThreadSample, untilMs: number): void {
    const { started, dropped, lagMaxMs } = this.#recent;
    const moment = { atMs: this.#sinceMs, started, dropped, ...(lagMaxMs !== undefined && { lagMax: lagMaxMs }), ...recent };
    this.#soFar = soFar;
    this.#sinceMs = untilMs;
    this.#recent = { started: 0, dropped: 0, lagMaxMs: undefined };
    this.#add({ ...moment, samples: 1 });
  }

  instrument(): GeneratorInstrument {
    return {
      generator: this.#number,
      started: this.#started,
      lag: lagOf(this.#lag),
      ...this.#soFar,
      dropped: this.#dropped,
      moments: this.#moments.map(({ samples: _, ...moment }) => moment),
    };
  }

  #add(moment: Moment): void {
    const last = this.#moments.at(-1);
    if (last !== undefined && last.samples < this.#samplesPerMoment) {
      this.#moments[this.#moments.length - 1] = together(last, moment);
      return;
    }
    if (this.#moments.length === MOST_MOMENTS) {
      this.#samplesPerMoment *= 2;
      this.#moments = this.#moments.flatMap((each, at) =>
        at % 2 === 0 ? [together(each, this.#moments[at + 1] as Moment)] : [],
      );
    }
    this.#moments.push(moment);
  }
}

/** The worst of both, and what adds up added up. */
function together(a: Moment, b: Moment): Moment {
  const samples = a.samples + b.samples;
  const lagMax = a.lagMax === undefined || b.lagMax === undefined ? (a.lagMax ?? b.lagMax) : Math.max(a.lagMax, b.lagMax);
  return {
    atMs: a.atMs,
    started: a.started + b.started,
    dropped: a.dropped + b.dropped,
    ...(lagMax !== undefined && { lagMax }),
    eventLoopDelay: {
      p99: Math.max(a.eventLoopDelay.p99, b.eventLoopDelay.p99),
      max: Math.max(a.eventLoopDelay.max, b.eventLoopDelay.max),
    },
    cpu: (a.cpu * a.samples + b.cpu * b.samples) / samples,
    samples,
  };
}
