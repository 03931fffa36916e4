// How a load issues its operations: the executors, with k6's options.

import type { Duration } from '../../runtime/duration.ts';
import type { HttpWorkload, Workload } from './workloads.ts';

interface LoadBase {
  readonly workload: Workload;
  /** When this load starts, from the start of the scenario. Default 0. */
  readonly startTime?: Duration;
  /** How long operations under way may take to finish after the load ended. Default '5s'. */
  readonly gracefulStop?: Duration;
}

/** Open loop: operations start on schedule, whether or not earlier ones have finished. k6's constant-arrival-rate. */
export interface ConstantArrivalRate extends LoadBase {
  readonly executor: 'constant-arrival-rate';
  /** Operations to start per `timeUnit`, > 0. */
  readonly rate: number;
  /** Default '1s'. */
  readonly timeUnit?: Duration;
  readonly duration: Duration;
  /** Concurrent operations to begin with, >= 1. */
  readonly preAllocatedVUs: number;
  /** The most concurrent operations; an arrival that finds none free is a dropped iteration. Default preAllocatedVUs. */
  readonly maxVUs?: number;
  /** Default 'even'. */
  readonly arrivals?: 'even' | 'poisson';
}

/** One stretch of a ramp: from where the stage before it ended, in a straight line, to `target`. */
export interface Stage {
  readonly target: number;
  /** 0 for a jump. A stage with the target of the one before it is constant. */
  readonly duration: Duration;
}

/**
 * Open loop, with a rate that goes from `startRate` through the targets of the stages. Arrivals follow the line exactly: the
 * k-th is where the area under it reaches k. k6's ramping-arrival-rate.
 */
export interface RampingArrivalRate extends LoadBase {
  readonly executor: 'ramping-arrival-rate';
  /** Operations to start per `timeUnit` at the beginning, >= 0. Default 0. */
  readonly startRate?: number;
  /** Default '1s'. */
  readonly timeUnit?: Duration;
  /** At least one; targets are operations to start per `timeUnit`, >= 0. The load lasts as long as all of them. */
  readonly stages: readonly Stage[];
  /** Concurrent operations to begin with, >= 1. */
  readonly preAllocatedVUs: number;
  /** The most concurrent operations; an arrival that finds none free is a dropped iteration. Default preAllocatedVUs. */
  readonly maxVUs?: number;
  /** Default 'even'. */
  readonly arrivals?: 'even' | 'poisson';
}

/** Closed loop: each of `vus` starts its next operation when its last one has finished. k6's constant-vus. */
export interface ConstantVus extends LoadBase {
  readonly executor: 'constant-vus';
  /** >= 1. */
  readonly vus: number;
  readonly duration: Duration;
}

/** Closed loop, with a number of users that goes from `startVUs` through the targets of the stages. k6's ramping-vus. */
export interface RampingVus extends LoadBase {
  readonly executor: 'ramping-vus';
  /** >= 0. Default 1. */
  readonly startVUs?: number;
  /** At least one; targets are whole numbers of users. The load lasts as long as all of them. */
  readonly stages: readonly Stage[];
  /**
   * How long a user that must go may take to finish its operation; it is cut off then. Once the load has ended, its
   * `gracefulStop` counts for all. Default '30s'.
   */
  readonly gracefulRampDown?: Duration;
}

/**
 * Closed loop: `vus` users share `iterations`, each taking the next one when its last one has finished. The load ends with the
 * last iteration, or after `maxDuration` with fewer. What else is timed (faults, the warm-up) goes by `maxDuration`. k6's
 * shared-iterations.
 */
export interface SharedIterations extends LoadBase {
  readonly executor: 'shared-iterations';
  /** >= 1. */
  readonly vus: number;
  /** How many operations in all, at least `vus`. */
  readonly iterations: number;
  /** Default '10m'. */
  readonly maxDuration?: Duration;
}

/**
 * Closed loop, as fast as it goes: autocannon's connections each send their next request when an answer has come, to find out what
 * an HTTP server can do at most. Every answer is timed and counted one by one, as for any other load, and autocannon's own statistics
 * are left alone: no sample is made up. What users would feel a closed loop cannot show, because it waits with a server that is slow;
 * let an arrival rate run beside it. autocannon does not verify certificates, and does not know HEAD or 1xx answers.
 */
export interface Autocannon extends LoadBase {
  readonly executor: 'autocannon';
  readonly workload: HttpWorkload;
  /** 1 to 10,000. */
  readonly connections: number;
  /** Requests under way on each connection at a time, 1 to 1,000. Default 1. */
  readonly pipelining?: number;
  readonly duration: Duration;
  /** The load ends earlier after so many requests, at least `connections`. Default: it does not. */
  readonly amount?: number;
}

export type Load = ConstantArrivalRate | RampingArrivalRate | ConstantVus | RampingVus | SharedIterations | Autocannon;

export interface StepsOptions {
  /** The rate of the first step, > 0. */
  readonly from: number;
  /** No step has a higher rate; the last one has this one when the steps lead to it. */
  readonly to: number;
  /** By how much each step is higher than the one before it, > 0. */
  readonly by: number;
  /** Of each step. A p99 takes 1,000 operations. */
  readonly duration: Duration;
}

/** Stages of a load that rises in steps of constant rate. Throws RangeError for steps that lead nowhere. */
export function steps({ from, to, by, duration }: StepsOptions): Stage[] {
  if (!(from > 0 && by > 0 && to >= from && Number.isFinite(to)))
    throw new RangeError(`steps go up from a rate > 0 by a rate > 0, not from ${from} to ${to} by ${by}`);
  // Not a sum of steps, and a little slack: 0.1 + 2 x 0.1 is 0.30000000000000004.
  const count = Math.floor((to - from) / by + 1e-9) + 1;
  return Array.from({ length: count }, (_, at) => from + at * by).flatMap((target) => [
    { target, duration: 0 },
    { target, duration },
  ]);
}
