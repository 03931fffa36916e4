// What a scenario is: which cluster, which load with which workload, which faults, and what must hold. Scenario modules
// under scenarios/ export one as their default export, made by `defineScenario`.

import type { Duration } from '../../runtime/duration.ts';

/** Operations on single keys; every answer is checked for linearizability, key by key. */
export interface RegistersWorkload {
  readonly kind: 'registers';
  /** How many keys, 1 to 1,000,000. Default 100. */
  readonly keys?: number;
  /** Relative weights of the operations, each >= 0, not all 0. Default { read: 5, write: 4, cas: 1 }. */
  readonly mix?: { readonly read?: number; readonly write?: number; readonly cas?: number };
  /** Which key an operation takes. `zipfian` has exponent 0.99, as in YCSB. Default 'uniform'. */
  readonly distribution?: 'uniform' | 'zipfian';
}

/** Adds unique elements to a set and reads the whole set at the end: shows whether an acknowledged write was lost. */
export interface SetWorkload {
  readonly kind: 'set';
}

export type Workload = RegistersWorkload | SetWorkload;

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

export type Load = ConstantArrivalRate | RampingArrivalRate | ConstantVus | RampingVus | SharedIterations;

interface FaultBase {
  /** From the start of the scenario. */
  readonly at: Duration;
  /** How long it lasts, > 0. */
  readonly duration: Duration;
  /**
   * One node: its name ('n1'), the role a node has at that moment, or a 'random' one. Or several: 'all' of them, a bare 'majority'
   * with the leader in it, or the largest 'minority'.
   */
  readonly target: 'leader' | 'follower' | 'random' | 'all' | 'majority' | 'minority' | (string & {});
}

/** SIGKILL. After `duration` the node is started again on its data. */
export interface CrashFault extends FaultBase {
  readonly kind: 'crash';
}

/**
 * SIGSTOP, and SIGCONT after `duration`: the node neither hears nor answers, its connections stay open, and when it goes on
 * it does not know that time has passed.
 */
export interface PauseFault extends FaultBase {
  readonly kind: 'pause';
}

/** A planned restart: SIGTERM, the node ends in good order, and `duration` after the fault began it is started on its data. */
export interface RestartFault extends FaultBase {
  readonly kind: 'restart';
}

/**
 * The node's wall clock jumps by `offset`, and from then on its clocks run `drift` times as fast as they should, so that all of
 * its timers are early or late. Afterwards they are right again.
 */
export interface ClockSkewFault extends FaultBase {
  readonly kind: 'clock-skew';
  /** Milliseconds, or text with a sign: '+500ms', '-2s'. Up to a day. Default 0. */
  readonly offset?: number | string;
  /** 0.5 to 2. Default 1. */
  readonly drift?: number;
}

/** Every fdatasync of the node's log takes `delay` longer, up to 30 s. */
export interface SlowDiskFault extends FaultBase {
  readonly kind: 'slow-disk';
  readonly delay: Duration;
}

/**
 * The node's next write to its log ends in the middle: no space. The node ends by itself then; after `duration` it is started
 * again, with room on its disk.
 */
export interface FullDiskFault extends FaultBase {
  readonly kind: 'full-disk';
}

/**
 * SIGKILL, and the node's data is deleted; after `duration` it is started with nothing, and the fault lasts until it has caught up.
 * Of one node, and once in a scenario: the cluster survives one loss at a time. All the others must run for it to catch up.
 */
export interface WipeFault extends FaultBase {
  readonly kind: 'wipe';
}

export type Fault = CrashFault | PauseFault | RestartFault | WipeFault | ClockSkewFault | SlowDiskFault | FullDiskFault;

export type ThresholdInput =
  string | { readonly threshold: string; readonly abortOnFail?: boolean; readonly delayAbortEval?: Duration };

export interface Scenario {
  /** Lower case letters, digits and '-'. */
  readonly name: string;
  /** What it teaches and what one should see: a sentence or two. */
  readonly description: string;
  readonly cluster: {
    /** 1 to 9. */
    readonly nodes: number;
    /** Who serves reads: the leader, or every node in turn through a read index. Default 'any'. */
    readonly reads?: 'leader' | 'any';
  };
  /** Deadline of one operation, all retries included. Default '2s'. */
  readonly operationTimeout?: Duration;
  /** The first part of the run; its statistics are kept apart. Default '2s'. */
  readonly warmup?: Duration;
  /** How long after a fault ended the phase `recovery` lasts. Default '3s'. */
  readonly recovery?: Duration;
  /** By name, as in k6's `scenarios`. At least one. */
  readonly loads: Readonly<Record<string, Load>>;
  readonly faults?: readonly Fault[];
  /** k6's grammar: { 'response_time{phase:recovery}': ['p(99)<500'] }. */
  readonly thresholds?: Readonly<Record<string, readonly ThresholdInput[]>>;
}

/** The identity function; it is there so that an editor and the compiler check a scenario file. */
export function defineScenario(scenario: Scenario): Scenario {
  return scenario;
}
