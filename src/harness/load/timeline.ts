// What happened in each second of a run.

import { assert } from '../../runtime/assert.ts';
import { Distribution } from '../result/distribution.ts';
import { LatencyHistogram } from '../result/histogram.ts';
import type { Outcome, Phase, Second } from '../result/schema.ts';

/** Live percentiles are over this many seconds, so that they follow what happens and still have enough samples. */
const LIVE_SECONDS = 5;

interface OpenSecond {
  scheduled: number;
  started: number;
  ok: number;
  fail: number;
  info: number;
  dropped: number;
  lagMaxMs: number | undefined;
  responseTime: LatencyHistogram | undefined;
  serviceTime: LatencyHistogram | undefined;
  distribution: Distribution | undefined;
  /** What is left of these when the second is over. */
  latencies: Latencies | undefined;
}

type Latencies = Pick<Second, 'p50' | 'p99' | 'max' | 'serviceP99' | 'distribution'>;

/** An operation belongs to the second in which it was scheduled, started or ended, one by one. */
export class Timeline {
  readonly #seconds: OpenSecond[] = [];
  readonly #phaseAt: (ms: number) => Phase;
  #finished = 0;

  constructor(phaseAt: (ms: number) => Phase) {
    this.#phaseAt = phaseAt;
  }

  scheduled(atMs: number): void {
    this.#at(atMs).scheduled++;
  }

  dropped(atMs: number): void {
    this.#at(atMs).dropped++;
  }

  started(atMs: number, lagMs: number): void {
    const second = this.#at(atMs);
    second.started++;
    if (second.lagMaxMs === undefined || lagMs > second.lagMaxMs) second.lagMaxMs = lagMs;
  }

  ended(atMs: number, outcome: Outcome, responseUs: number, serviceUs: number): void {
    const second = this.#at(atMs);
    assert(second.latencies === undefined, `an operation ended at ${atMs} ms, in a second that was already over`);
    second[outcome]++;
    (second.responseTime ??= new LatencyHistogram()).record(responseUs);
    (second.serviceTime ??= new LatencyHistogram()).record(serviceUs);
    (second.distribution ??= new Distribution()).record(responseUs);
  }

  /** Closes the next second and gives it. Operations that end from now on must belong to a later one. */
  finishNext(): Second {
    const at = this.#finished++;
    const second = this.#at(at * 1_000);
    second.latencies = latenciesOf(second);
    // The last few stay, for the live percentiles.
    const old = this.#seconds[at - LIVE_SECONDS];
    if (old !== undefined) old.responseTime = undefined;
    second.serviceTime = undefined;
    second.distribution = undefined;
    return this.#second(second, at);
  }

  /** How many seconds something happened in and are not finished. */
  get unfinished(): number {
    return Math.max(0, this.#seconds.length - this.#finished);
  }

  /** Operations that ended in the second finished last; 0 before there is one. */
  get lastRate(): number {
    const second = this.#seconds[this.#finished - 1];
    return second === undefined ? 0 : second.ok + second.fail + second.info;
  }

  /** Response time at p99 over the last seconds and the one under way, microseconds; undefined with too few samples. */
  recentP99Us(): number | undefined {
    const recent = new LatencyHistogram();
    for (let at = Math.max(0, this.#finished - LIVE_SECONDS); at < this.#seconds.length; at++) {
      const { responseTime } = this.#seconds[at] as OpenSecond;
      if (responseTime !== undefined) recent.merge(responseTime);
    }
    return recent.percentile(99);
  }

  /** Every second up to the last one in which something happened. */
  seconds(): Second[] {
    return this.#seconds.map((second, at) => this.#second(second, at));
  }

  #at(atMs: number): OpenSecond {
    const at = Math.floor(atMs / 1_000);
    while (this.#seconds.length <= at) {
      this.#seconds.push({
        scheduled: 0,
        started: 0,
        ok: 0,
        fail: 0,
        info: 0,
        dropped: 0,
        lagMaxMs: undefined,
        responseTime: undefined,
        serviceTime: undefined,
        distribution: undefined,
        latencies: undefined,
      });
    }
    return this.#seconds[at] as OpenSecond;
  }

  #second(second: OpenSecond, at: number): Second {
    const { scheduled, started, ok, fail, info, dropped, lagMaxMs } = second;
    return {
      atMs: at * 1_000,
      phase: this.#phaseAt(at * 1_000),
      scheduled,
      started,
      ok,
      fail,
      info,
      dropped,
      ...(second.latencies ?? latenciesOf(second)),
      ...(lagMaxMs === undefined ? {} : { lagMax: lagMaxMs }),
    };
  }
}

function latenciesOf({ responseTime, serviceTime, distribution }: OpenSecond): Latencies {
  if (responseTime === undefined || serviceTime === undefined) return {};
  const latencies: Latencies = { max: responseTime.max / 1_000 };
  const [p50, p99, serviceP99] = [responseTime.percentile(50), responseTime.percentile(99), serviceTime.percentile(99)];
  if (p50 !== undefined) latencies.p50 = p50 / 1_000;
  if (p99 !== undefined) latencies.p99 = p99 / 1_000;
  if (serviceP99 !== undefined) latencies.serviceP99 = serviceP99 / 1_000;
  const counts = distribution?.encode();
  if (counts !== undefined) latencies.distribution = counts;
  return latencies;
}
