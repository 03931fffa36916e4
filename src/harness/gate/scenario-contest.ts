// A scenario of the gate: each round is a window of load on a fresh cluster of BASE and one on a fresh cluster of HEAD, one after the
// other, with the same seed, so that both meet the same arrivals, keys and faults. The harness is the same for both. Rounds take turns in
// who is first (ABBA), so that what grows or fades meanwhile is no advantage of either.

import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LatencyHistogram } from '../result/histogram.ts';
import type { ScenarioResult } from '../result/schema.ts';
import { runScenario } from '../run.ts';
import type { ValidScenario } from '../scenario/valid-scenario.ts';
import {
  type Contest,
  ContestError,
  DisturbedError,
  type Metric,
  type Pair,
  ViolationError,
  type Surroundings,
} from './contest.ts';
import { type Side, SIDES } from './duet.ts';

export interface ScenarioContestOptions {
  /** bin/windtunnel.js of each, which their nodes are started with. */
  readonly programs: Readonly<Record<Side, string>>;
  /** Where windows keep what they write until they end. */
  readonly folder: string;
  /** Of the nodes of HEAD, for known-bad variants. */
  readonly headEnvironment?: ((node: string) => Readonly<Record<string, string>>) | undefined;
  /** Plays one window. For tests; default: on a cluster of processes. */
  readonly run?: typeof runScenario;
}

/** A metric, and where a result has it. */
interface Figure extends Metric {
  readonly of: (result: ScenarioResult) => number | undefined;
}

export class ScenarioContest implements Contest {
  readonly kind = 'scenario';
  readonly id: string;
  readonly metrics: readonly Metric[];
  readonly #figures: readonly Figure[];
  readonly #scenario: ValidScenario;
  readonly #options: ScenarioContestOptions;
  #rounds = 0;

  constructor(scenario: ValidScenario, options: ScenarioContestOptions) {
    this.id = scenario.name;
    this.#scenario = scenario;
    this.#figures = figuresOf(scenario);
    this.metrics = this.#figures.map(({ id, unit, better }) => ({ id, unit, better }));
    this.#options = options;
  }

  async play(_: unknown, surroundings: Surroundings): Promise<readonly Pair[]> {
    const order = this.#rounds++ % 2 === 0 ? SIDES : SIDES.toReversed();
    const measured: Partial<Record<Side, readonly number[]>> = {};
    for (const side of order) measured[side] = await this.#window(side, surroundings);
    const { base = [], head = [] } = measured;
    return base.map((value, at) => ({ base: value, head: head[at] as number }));
  }

  /** A value for each metric. */
  async #window(side: Side, { clock, signal, random }: Surroundings): Promise<readonly number[]> {
    const { programs, headEnvironment, run = runScenario } = this.#options;
    const folder = await mkdtemp(join(this.#options.folder, `${this.id}-${side}-`));
    try {
      const result = await run(this.#scenario, {
        folder,
        seed: random.seed,
        clock,
        signal,
        onStep: () => {},
        onProgress: () => {},
        program: programs[side],
        ...(side === 'head' && headEnvironment && { environment: headEnvironment }),
      }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw new ContestError(`${side.toUpperCase()}: ${(error as Error).message}`, { cause: error });
      });
      signal.throwIfAborted();
      return this.#valuesOf(side, result);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #valuesOf(side: Side, result: ScenarioResult): readonly number[] {
    const name = side.toUpperCase();
    const wrong = result.checks.find(({ verdict }) => verdict === 'violated');
    if (wrong !== undefined) throw new ViolationError(`${name} answered what is wrong: ${wrong.checker} is violated`);
    if (result.status === 'failed') throw new ContestError(`${name}: ${result.statusReason ?? 'the scenario failed'}`);
    if (result.invalid[0] !== undefined) throw new DisturbedError(`${name}: ${result.invalid[0]}`);
    return this.#figures.map(({ id, of }) => {
      const value = of(result);
      if (value === undefined || value <= 0) throw new DisturbedError(`${name} has no ${id}`);
      return value;
    });
  }
}

/**
 * Response times of what is due at an arrival rate, apart from faults; throughput where all load is a closed loop, which takes what it can
 * get; and of each fault how long until writes succeed again.
 */
function figuresOf({ name, loads, faults }: ValidScenario): readonly Figure[] {
  const open = Object.entries(loads).flatMap(([load, { executor }]) => (executor.endsWith('-arrival-rate') ? [load] : []));
  const responseTime = (percentile: number): Figure => ({
    id: `${name} p${percentile}`,
    unit: 'ms',
    better: 'lower',
    of: (result) => quantile(result, open, percentile),
  });
  const throughput: Figure = { id: `${name} throughput`, unit: 'per second', better: 'higher', of: successesPerSecond };
  return [
    ...(open.length > 0 ? [responseTime(50), responseTime(99)] : [throughput]),
    ...faults.map(({ kind }, at): Figure => ({
      id: `${name} ${kind} ${at + 1}: first write`,
      unit: 'ms',
      better: 'lower',
      of: (result) => result.faults[at]?.firstWriteMs,
    })),
  ];
}

function baselineOf({ statistics }: ScenarioResult): ScenarioResult['statistics'] {
  return statistics.filter(({ phase, outcome }) => phase === 'baseline' && outcome === 'ok');
}

/** Milliseconds. Undefined when there were too few for it. */
function quantile(result: ScenarioResult, loads: readonly string[], percentile: number): number | undefined {
  const all = new LatencyHistogram();
  for (const { load, responseTime } of baselineOf(result))
    if (loads.includes(load)) all.merge(LatencyHistogram.decode(responseTime.histogram));
  const us = all.percentile(percentile);
  return us === undefined ? undefined : us / 1_000;
}

function successesPerSecond(result: ScenarioResult): number | undefined {
  const ok = baselineOf(result).reduce((sum, { count }) => sum + count, 0);
  const baseline = result.phases.filter(({ phase }) => phase === 'baseline');
  const ms = baseline.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  return ms > 0 ? (ok * 1_000) / ms : undefined;
}
