// A scenario that has been checked: every default filled in, every duration in milliseconds. Plain data, so that it can be
// written to run.json as it ran.

import type { Threshold } from './thresholds.ts';

declare const checked: unique symbol;

/** Relative weights, each >= 0, their sum > 0. */
export interface ValidMix {
  readonly read: number;
  readonly write: number;
  readonly cas: number;
}

export interface ValidRegisters {
  readonly kind: 'registers';
  readonly keys: number;
  readonly mix: ValidMix;
  readonly distribution: 'uniform' | 'zipfian';
}

export type ValidWorkload = ValidRegisters | { readonly kind: 'set' };

interface ValidLoadBase {
  readonly workload: ValidWorkload;
  /** From the start of the scenario. */
  readonly startTimeMs: number;
  /** Of a ramp: of all its stages together. Of shared iterations: the most, for they may be done earlier. */
  readonly durationMs: number;
  readonly gracefulStopMs: number;
}

export interface ValidStage {
  readonly target: number;
  readonly durationMs: number;
}

export interface ValidConstantArrivalRate extends ValidLoadBase {
  readonly executor: 'constant-arrival-rate';
  readonly rate: number;
  readonly timeUnitMs: number;
  readonly preAllocatedVUs: number;
  readonly maxVUs: number;
  readonly arrivals: 'even' | 'poisson';
}

export interface ValidRampingArrivalRate extends ValidLoadBase {
  readonly executor: 'ramping-arrival-rate';
  readonly startRate: number;
  readonly timeUnitMs: number;
  readonly stages: readonly ValidStage[];
  readonly preAllocatedVUs: number;
  readonly maxVUs: number;
  readonly arrivals: 'even' | 'poisson';
}

export interface ValidConstantVus extends ValidLoadBase {
  readonly executor: 'constant-vus';
  readonly vus: number;
}

export interface ValidRampingVus extends ValidLoadBase {
  readonly executor: 'ramping-vus';
  readonly startVUs: number;
  readonly stages: readonly ValidStage[];
  readonly gracefulRampDownMs: number;
}

export interface ValidSharedIterations extends ValidLoadBase {
  readonly executor: 'shared-iterations';
  readonly vus: number;
  readonly iterations: number;
}

export type ValidArrivalRate = ValidConstantArrivalRate | ValidRampingArrivalRate;
export type ValidLoad = ValidArrivalRate | ValidConstantVus | ValidRampingVus | ValidSharedIterations;

interface ValidFaultBase {
  readonly atMs: number;
  readonly durationMs: number;
  readonly target: string;
}

export type ValidFault =
  | (ValidFaultBase & { readonly kind: 'crash' | 'restart' | 'pause' | 'full-disk' | 'wipe' })
  | (ValidFaultBase & { readonly kind: 'clock-skew'; readonly offsetMs: number; readonly drift: number })
  | (ValidFaultBase & { readonly kind: 'slow-disk'; readonly delayMs: number });

/** Whether a fault is brought about inside the node, which must have been started to allow it. */
export function needsFaultControl({ kind }: ValidFault): boolean {
  return kind === 'clock-skew' || kind === 'slow-disk' || kind === 'full-disk';
}

export interface ScenarioData {
  readonly name: string;
  readonly description: string;
  readonly cluster: { readonly nodes: number; readonly reads: 'leader' | 'any' };
  readonly operationTimeoutMs: number;
  readonly warmupMs: number;
  readonly recoveryMs: number;
  readonly loads: Readonly<Record<string, ValidLoad>>;
  readonly faults: readonly ValidFault[];
  readonly thresholds: readonly Threshold[];
  /** When the last load ends, at the latest, without its graceful stop. */
  readonly totalDurationMs: number;
}

/**
 * Invariants, held by `validateScenario` and `withOverrides`: (1) at least one load, each within 24 hours; (2) the warm-up is
 * shorter than the scenario; (3) every fault begins behind the warm-up and ends within the scenario, on a node that exists;
 * (4) 1 <= preAllocatedVUs <= maxVUs; a ramp is above 0 somewhere; vus <= iterations; (5) thresholds name loads that exist.
 */
export type ValidScenario = ScenarioData & { readonly [checked]: true };

/** The names of a cluster's nodes: n1, n2, ... */
export function nodeNames(nodes: number): string[] {
  return Array.from({ length: nodes }, (_, at) => `n${at + 1}`);
}
