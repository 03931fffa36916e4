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

/** Closed loop: each of `vus` starts its next operation when its last one has finished. k6's constant-vus. */
export interface ConstantVus extends LoadBase {
  readonly executor: 'constant-vus';
  /** >= 1. */
  readonly vus: number;
  readonly duration: Duration;
}

export type Load = ConstantArrivalRate | ConstantVus;

/** SIGKILL. After `duration` the node is started again on its data. */
export interface CrashFault {
  readonly kind: 'crash';
  /** From the start of the scenario. */
  readonly at: Duration;
  /** How long the node stays down, > 0. */
  readonly duration: Duration;
  /** A node's name ('n1'), or the role a node has at that moment. */
  readonly target: 'leader' | 'follower' | (string & {});
}

export type Fault = CrashFault;

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
