// The steps of a load that rises in them: its stretches of constant rate.

import type { ScenarioData, ValidRampingArrivalRate } from './valid-scenario.ts';

/** Instants are milliseconds from the start of the scenario. */
export interface RateStep {
  /** Arrivals per second, > 0. */
  readonly rate: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** The steps of a load behind the warm-up, in their order; neighbours of the same rate are one. */
export function rateStepsOf(load: ValidRampingArrivalRate, { warmupMs }: Pick<ScenarioData, 'warmupMs'>): RateStep[] {
  const steps: RateStep[] = [];
  let [startMs, target] = [load.startTimeMs, load.startRate];
  for (const stage of load.stages) {
    const endMs = startMs + stage.durationMs;
    const rate = (stage.target * 1_000) / load.timeUnitMs;
    if (stage.target === target && rate > 0 && endMs > Math.max(startMs, warmupMs)) {
      const last = steps.at(-1);
      if (last !== undefined && last.rate === rate && last.endMs === startMs) steps[steps.length - 1] = { ...last, endMs };
      else steps.push({ rate, startMs: Math.max(startMs, warmupMs), endMs });
    }
    [startMs, target] = [endMs, stage.target];
  }
  return steps;
}
