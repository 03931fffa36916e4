// Whether the generators were good enough for their numbers to be the system's.

import type { LatencyHistogram } from '../result/histogram.ts';
import type { GeneratorInstrument, Instrument } from '../result/schema.ts';
import { defaultLimits, instrumentProblems, lagOf } from '../load/instrument.ts';
import type { ValidScenario } from '../scenario/valid-scenario.ts';

/** @param lag of all operations, microseconds: a percentile of several generators is not one of their percentiles. */
export function instrumentOf(lag: LatencyHistogram, generators: readonly GeneratorInstrument[]): Instrument {
  const most = (measure: (generator: GeneratorInstrument) => number) => Math.max(0, ...generators.map(measure));
  return {
    lag: lagOf(lag),
    eventLoopDelay: {
      p99: most(({ eventLoopDelay }) => eventLoopDelay.p99),
      max: most(({ eventLoopDelay }) => eventLoopDelay.max),
    },
    cpu: most(({ cpu }) => cpu),
    dropped: generators.reduce((sum, { dropped }) => sum + dropped, 0),
    generators: [...generators],
  };
}

/** Below this share of a core a generator that was late was not busy, but kept waiting. */
const IDLE_CPU = 0.5;

/** Why the run's numbers must not be used, generator by generator: one bad one is enough. Empty when there is no reason. */
export function generatorProblems(generators: readonly GeneratorInstrument[], scenario: ValidScenario): string[] {
  const functions = Object.entries(scenario.loads).flatMap(([name, { workload }]) =>
    workload.kind === 'function' ? [name] : [],
  );
  return generators.flatMap((each) => {
    const who = generators.length === 1 ? 'the generator' : `generator ${each.generator}`;
    const moments = each.moments.filter(({ atMs }) => atMs >= scenario.warmupMs);
    const problems = instrumentProblems({ ...each, moments }, scenario, defaultLimits(scenario), who);
    if (problems.length === 0) return [];
    const causes: string[] = [];
    if (each.cpu < IDLE_CPU)
      causes.push(`${who} used ${each.cpu.toFixed(2)} of a core: other work on this machine kept it waiting`);
    if (functions.length > 0)
      causes.push(
        `${who} also runs the functions of ${functions.join(', ')}: while one computes, nothing else is issued or answered`,
      );
    return [...problems, ...causes];
  });
}
