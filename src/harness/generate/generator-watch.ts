// How one generator fared: in all, and as a series over the run that does not grow with it.

import { LatencyHistogram } from '../result/histogram.ts';
import type { GeneratorInstrument, GeneratorMoment } from '../result/schema.ts';
import { lagOf, type ThreadLoad } from '../load/instrument.ts';
import type { ThreadSample } from './protocol.ts';

/** Then two neighbours become one, so that a run of a day has as many as one of half an hour. Even. */
const MOST_MOMENTS = 1_800;

interface Stretch {
  readonly moment: GeneratorMoment;
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
  #series: Stretch[] = [];
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
    this.#add({ moment, samples: 1 });
  }

  instrument(): GeneratorInstrument {
    return {
      generator: this.#number,
      started: this.#started,
      lag: lagOf(this.#lag),
      ...this.#soFar,
      dropped: this.#dropped,
      moments: this.#series.map(({ moment }) => moment),
    };
  }

  #add(stretch: Stretch): void {
    const last = this.#series.at(-1);
    if (last !== undefined && last.samples < this.#samplesPerMoment) {
      this.#series[this.#series.length - 1] = together(last, stretch);
      return;
    }
    if (this.#series.length === MOST_MOMENTS) {
      this.#samplesPerMoment *= 2;
      this.#series = this.#series.flatMap((each, at) => (at % 2 === 0 ? [together(each, this.#series[at + 1] as Stretch)] : []));
    }
    this.#series.push(stretch);
  }
}

/** The worst of both, and what adds up added up. */
function together(first: Stretch, second: Stretch): Stretch {
  const [a, b] = [first.moment, second.moment];
  const samples = first.samples + second.samples;
  const lagMax = a.lagMax === undefined || b.lagMax === undefined ? (a.lagMax ?? b.lagMax) : Math.max(a.lagMax, b.lagMax);
  const moment = {
    atMs: a.atMs,
    started: a.started + b.started,
    dropped: a.dropped + b.dropped,
    ...(lagMax !== undefined && { lagMax }),
    eventLoopDelay: {
      p99: Math.max(a.eventLoopDelay.p99, b.eventLoopDelay.p99),
      max: Math.max(a.eventLoopDelay.max, b.eventLoopDelay.max),
    },
    cpu: (a.cpu * first.samples + b.cpu * second.samples) / samples,
  };
  return { moment, samples };
}
