// When operations should start. Pure: a schedule is a function of the load and of its random stream.

import type { Random } from '../../runtime/random.ts';
import type { ValidArrivalRate, ValidStage } from '../scenario/valid-scenario.ts';

/**
 * How many arrivals there should be up to an instant, turned round: the instant at which the expected number of arrivals
 * reaches `arrivals`. Must rise with `arrivals`.
 */
export interface RateProfile {
  /** The expected number of arrivals of the whole load. */
  readonly expectedArrivals: number;
  /** Milliseconds from the start of the load, for 0 <= arrivals <= expectedArrivals. */
  instantOf(arrivals: number): number;
}

/** Rising instants, milliseconds from the start of the load, one per call; undefined when there are no more. */
export type Arrivals = () => number | undefined;

export function constantRate(ratePerMs: number, durationMs: number): RateProfile {
  return {
    expectedArrivals: ratePerMs * durationMs,
    // Not a sum of intervals: after a day of those the last arrival would be off.
    instantOf: (arrivals) => arrivals / ratePerMs,
  };
}

/** An excess below this share of the arrivals is binary rounding: 0.07 x 700 is 49.00000000000001, and means 49. */
const ROUNDING = 1e-12;

/** A straight piece of the rate over time. `expected` counts from the start of the load. */
interface Ramp {
  readonly startMs: number;
  readonly durationMs: number;
  readonly ratePerMs: number;
  /** How much the rate changes per millisecond. */
  readonly slope: number;
  readonly expectedBefore: number;
  readonly expectedUntil: number;
}

/**
 * A rate that goes from target to target in straight lines. The expected arrivals are the area under them, which is inverted
 * exactly. A stretch without load holds no arrival: one that would fall on its beginning comes at its end, as the first of
 * a load comes at its start.
 * @param startRate and the stages' targets are arrivals per `timeUnitMs`.
 */
export function rampingRate(startRate: number, stages: readonly ValidStage[], timeUnitMs: number): RateProfile {
  const ramps: Ramp[] = [];
  let [startMs, rate, expectedBefore] = [0, startRate, 0];
  for (const { target, durationMs } of stages) {
    if (durationMs > 0 && rate + target > 0) {
      const expectedUntil = expectedBefore + ((rate + target) / 2 / timeUnitMs) * durationMs;
      const slope = (target - rate) / timeUnitMs / durationMs;
      ramps.push({ startMs, durationMs, ratePerMs: rate / timeUnitMs, slope, expectedBefore, expectedUntil });
      expectedBefore = expectedUntil;
    }
    startMs += durationMs;
    rate = target;
  }
  return {
    expectedArrivals: expectedBefore,
    instantOf(arrivals) {
      const ramp = ramps.find(({ expectedUntil }) => arrivals < expectedUntil * (1 - ROUNDING)) ?? ramps.at(-1);
      return ramp === undefined ? startMs : ramp.startMs + msInto(ramp, arrivals - ramp.expectedBefore);
    },
  };
}

/** How far into a ramp the area under it is `arrivals`: rate x t + slope x t^2 / 2 = arrivals, solved for t. */
function msInto({ ratePerMs, slope, durationMs }: Ramp, arrivals: number): number {
  if (arrivals <= 0) return 0;
  const rateThen = Math.sqrt(Math.max(0, ratePerMs * ratePerMs + 2 * slope * arrivals));
  // Not (rateThen - rate) / slope: that is 0 / 0 for a constant rate, and cancels for nearly constant ones.
  return Math.min(durationMs, (2 * arrivals) / (ratePerMs + rateThen));
}

/** Arrival k (from 0) when k arrivals are expected: evenly spaced, exactly rate x duration of them, rounded up. */
export function evenArrivals(profile: RateProfile): Arrivals {
  const total = Math.ceil(profile.expectedArrivals * (1 - ROUNDING));
  let next = 0;
  return () => (next < total ? profile.instantOf(next++) : undefined);
}

/**
 * A Poisson process: independent users. Gaps are exponential in the expected number of arrivals, and the profile turns them
 * into time (the time-rescaling theorem), so that it holds for rates that change. The number of arrivals is itself
 * random, with mean and variance rate x duration.
 */
export function poissonArrivals(profile: RateProfile, random: Random): Arrivals {
  let reached = 0;
  return () => {
    reached += random.exponential(1);
    return reached < profile.expectedArrivals ? profile.instantOf(reached) : undefined;
  };
}

export function arrivalsOf(load: ValidArrivalRate, random: Random): Arrivals {
  const profile =
    load.executor === 'constant-arrival-rate'
      ? constantRate(load.rate / load.timeUnitMs, load.durationMs)
      : rampingRate(load.startRate, load.stages, load.timeUnitMs);
  return load.arrivals === 'poisson' ? poissonArrivals(profile, random) : evenArrivals(profile);
}
