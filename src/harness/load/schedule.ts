// When operations should start. Pure: a schedule is a function of the load and of its random stream.

import type { Random } from '../../runtime/random.ts';
import type { ValidConstantArrivalRate } from '../scenario/valid-scenario.ts';

/**
 * How many arrivals there should be up to an instant, turned round: the instant at which the expected number of arrivals
 * reaches `arrivals`. Must rise with `arrivals`. It is all that an executor with another rate over time has to give: a
 * ramping one inverts the area under its ramps.
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

export function arrivalsOf(load: ValidConstantArrivalRate, random: Random): Arrivals {
  const profile = constantRate(load.rate / load.timeUnitMs, load.durationMs);
  return load.arrivals === 'poisson' ? poissonArrivals(profile, random) : evenArrivals(profile);
}
