// Watches the generator itself: the numbers of a saturated generator are not the system's.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../../runtime/clock.ts';
import { formatDuration } from '../../runtime/duration.ts';
import type { LatencyHistogram } from '../result/histogram.ts';
import type { GeneratorInstrument, GeneratorMoment, Instrument } from '../result/schema.ts';
import type { ValidScenario } from '../scenario/valid-scenario.ts';

/** How often the event loop's delay is sampled. Node's histogram holds whole periods: this is taken off again. */
const DELAY_RESOLUTION_MS = 10;

/** Milliseconds of the event loop's delay, and microseconds of CPU of the thread that generates load. */
export interface InstrumentSources {
  readonly delays: EventLoopDelays;
  /** Of the time since the last sample. Another one of its own, because what Node measures cannot be added up. */
  readonly recentDelays: EventLoopDelays;
  /**
   * Of this thread, not of the process: what saturates is the thread, and compiler, garbage collector or worker threads at
   * its side may add up to more than a core while it is idle.
   */
  cpuMicros(): number;
}

export interface EventLoopDelays {
  percentile(p: number): number;
  readonly max: number;
  readonly count: number;
  enable(): void;
  disable(): void;
  reset(): void;
}

export function nodeSources(): InstrumentSources {
  return {
    delays: monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS }),
    recentDelays: monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS }),
    cpuMicros() {
      const { user, system } = process.threadCpuUsage();
      return user + system;
    },
  };
}

/** What the thread itself can say of how it fared; how late it issued is in the events. */
export type ThreadLoad = Pick<Instrument, 'eventLoopDelay' | 'cpu'>;

/** Measures from its construction, or the last `begin`, to `stop`. */
export class InstrumentProbe {
  readonly #clock: Clock;
  readonly #sources: InstrumentSources;
  #startedAtMs = 0;
  #cpuAtStart = 0;
  #sampledAtMs: number;
  #cpuAtSample: number;

  constructor(clock: Clock, sources: InstrumentSources = nodeSources()) {
    this.#clock = clock;
    this.#sources = sources;
    this.begin();
    this.#sampledAtMs = this.#startedAtMs;
    this.#cpuAtSample = this.#cpuAtStart;
    sources.delays.enable();
    sources.recentDelays.enable();
  }

  /** Forgets what was measured before: the warm-up of the generator is not held against it. */
  begin(): void {
    this.#startedAtMs = this.#clock.now();
    this.#cpuAtStart = this.#sources.cpuMicros();
    this.#sources.delays.reset();
  }

  /** @param dropped how many iterations were dropped. */
  stop(lag: LatencyHistogram, dropped: number): Instrument {
    const soFar = this.soFar();
    this.#sources.delays.disable();
    this.#sources.recentDelays.disable();
    return { lag: lagOf(lag), ...soFar, dropped };
  }

  soFar(): ThreadLoad {
    return threadLoad(this.#sources.delays, this.#clock.now() - this.#startedAtMs, this.#sources.cpuMicros() - this.#cpuAtStart);
  }

  /** Since the last sample, or the construction. */
  sample(): ThreadLoad {
    const [nowMs, cpuMicros] = [this.#clock.now(), this.#sources.cpuMicros()];
    const sample = threadLoad(this.#sources.recentDelays, nowMs - this.#sampledAtMs, cpuMicros - this.#cpuAtSample);
    this.#sampledAtMs = nowMs;
    this.#cpuAtSample = cpuMicros;
    this.#sources.recentDelays.reset();
    return sample;
  }
}

function threadLoad(delays: EventLoopDelays, elapsedMs: number, cpuMicros: number): ThreadLoad {
  return {
    eventLoopDelay: delays.count === 0 ? { p99: 0, max: 0 } : { p99: delayMs(delays.percentile(99)), max: delayMs(delays.max) },
    cpu: elapsedMs > 0 ? cpuMicros / 1_000 / elapsedMs : 0,
  };
}

/** @param lag microseconds. */
export function lagOf(lag: LatencyHistogram): Instrument['lag'] {
  const [p50, p99] = [lag.percentile(50), lag.percentile(99)];
  return {
    ...(p50 === undefined ? {} : { p50: p50 / 1_000 }),
    ...(p99 === undefined ? {} : { p99: p99 / 1_000 }),
    max: lag.max / 1_000,
  };
}

function delayMs(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - DELAY_RESOLUTION_MS);
}

export interface InstrumentLimits {
  /** Of the schedule lag and of the event loop's delay at p99, milliseconds. */
  readonly latenessMs: number;
  /** Of one core. */
  readonly cpu: number;
}

/**
 * Lateness: a fortieth of what an operation may take, but at least 10 ms. The deadline is what the scenario itself calls slow,
 * so a generator that is late by 1/40 of it (50 ms for the default 2 s) is still far from being taken for the system; and
 * below 10 ms lies what any loaded machine does. It is generous on purpose: on a CI machine with 2 cores the whole
 * cluster runs beside the generator, a restarting node alone takes a core for half a second, and the scheduler then makes
 * anyone wait for 10-25 ms. Lateness below the limit hides nothing, because response times count from the
 * schedule; it is reported as lag.
 */
export function defaultLimits({ operationTimeoutMs }: Pick<ValidScenario, 'operationTimeoutMs'>): InstrumentLimits {
  return { latenessMs: Math.max(10, operationTimeoutMs / 40), cpu: 0.95 };
}

/**
 * Why the run's numbers must not be used: empty when the instrument was good enough.
 * @param who names the generator in the sentences.
 *
 * Dropped iterations alone are no reason. They mean that every virtual user was waiting for an answer, and that is the
 * system's doing as long as the generator kept to its schedule: an outage *should* drop iterations, and they are reported
 * as such. Only when the generator was late as well may it have been the one that was too slow to free its users.
 */
export function instrumentProblems(
  {
    lag,
    eventLoopDelay,
    cpu,
    dropped,
    moments = [],
  }: Omit<Instrument, 'generators'> & Partial<Pick<GeneratorInstrument, 'moments'>>,
  scenario: Pick<ValidScenario, 'operationTimeoutMs'>,
  limits: InstrumentLimits = defaultLimits(scenario),
  who = 'the generator',
): string[] {
  const limit = formatDuration(limits.latenessMs);
  const problems: string[] = [];
  // With too few operations for a p99 the median has to do: the maximum of any run is an accident.
  const [name, lateMs] = lag.p99 === undefined ? (['p50', lag.p50 ?? 0] as const) : (['p99', lag.p99] as const);
  if (lateMs > limits.latenessMs) {
    problems.push(
      `${who} started operations late: schedule lag ${name} ${formatDuration(lateMs)}, limit ${limit}${worst(moments, ({ lagMax = 0 }) => lagMax)}`,
    );
    if (dropped > 0)
      problems.push(`${dropped} iterations were dropped while ${who} was late: they cannot be told from the system's`);
  }
  if (eventLoopDelay.p99 > limits.latenessMs)
    problems.push(
      `${who}'s event loop was blocked: delay p99 ${formatDuration(eventLoopDelay.p99)}, limit ${limit}${worst(moments, (moment) => moment.eventLoopDelay.max)}`,
    );
  if (cpu > limits.cpu)
    problems.push(
      `${who} was saturated: ${cpu.toFixed(2)} of a core, limit ${limits.cpu}${worst(moments, (moment) => moment.cpu)}; lower the rate or use a faster machine`,
    );
  return problems;
}

/** When it was worst, for people who look at the timeline then. */
function worst(moments: readonly GeneratorMoment[], measure: (moment: GeneratorMoment) => number): string {
  const [first, ...others] = moments;
  if (first === undefined) return '';
  const { atMs } = others.reduce((found, moment) => (measure(moment) > measure(found) ? moment : found), first);
  return `, worst at ${formatDuration(atMs)}`;
}
