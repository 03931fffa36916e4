// Systems under test that live in the test's process, and scenarios to load them with.

import { assert } from '../../../runtime/assert.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { sleep } from '../../../runtime/clock.ts';
import type { Load, Stage } from '../../scenario/loads.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { PhaseTracker } from '../../scenario/phases.ts';
import { validateScenario } from '../../scenario/validate.ts';
import type { ValidScenario } from '../../scenario/valid-scenario.ts';
import type { Answer, Invoke, PlannedOperation } from '../operation.ts';
import { CAS_MISMATCH } from '../operation.ts';
import { Recorder } from '../recorder.ts';

/** Answers everything `delayMs` after it came, and holds what came in [frozenFromMs, frozenToMs) until that is over. */
export function fakeServer(clock: Clock, delayMs: number, frozenFromMs = 0, frozenToMs = 0): Invoke {
  return async () => {
    const nowMs = clock.now();
    const frozen = nowMs >= frozenFromMs && nowMs < frozenToMs;
    await sleep(clock, delayMs + (frozen ? frozenToMs - nowMs : 0));
    return { outcome: 'ok', value: null };
  };
}

/** Never answers. */
export const deafServer: Invoke = () => new Promise<Answer>(() => {});

/** Registers that work. */
export function registerServer(clock: Clock, delayMs: () => number): Invoke {
  const registers = new Map<number, number>();
  const apply = (operation: PlannedOperation): Answer => {
    assert(operation.kind === 'registers', `only registers are here, not ${operation.kind}`);
    const held = registers.get(operation.key);
    if (operation.operation === 'read') return { outcome: 'ok', value: held ?? null };
    if (operation.operation === 'cas' && held !== operation.expected) return { outcome: 'fail', code: CAS_MISMATCH };
    registers.set(operation.key, operation.value);
    return { outcome: 'ok' };
  };
  return async (operation) => {
    await sleep(clock, delayMs());
    return apply(operation);
  };
}

export function arrivals(rate: number, duration: string, more: Partial<Load> = {}): Load {
  return {
    executor: 'constant-arrival-rate',
    workload: { kind: 'registers' },
    rate,
    duration,
    preAllocatedVUs: 1,
    maxVUs: 10_000,
    ...more,
  } as Load;
}

export function closedLoop(vus: number, duration: string, more: Partial<Load> = {}): Load {
  return { executor: 'constant-vus', workload: { kind: 'registers' }, vus, duration, ...more } as Load;
}

export function ramp(stages: readonly Stage[], more: Partial<Load> = {}): Load {
  return {
    executor: 'ramping-arrival-rate',
    workload: { kind: 'registers' },
    stages,
    preAllocatedVUs: 1,
    maxVUs: 10_000,
    ...more,
  } as Load;
}

export function rampingUsers(stages: readonly Stage[], more: Partial<Load> = {}): Load {
  return { executor: 'ramping-vus', workload: { kind: 'registers' }, stages, ...more } as Load;
}

export function shared(vus: number, iterations: number, more: Partial<Load> = {}): Load {
  return { executor: 'shared-iterations', workload: { kind: 'registers' }, vus, iterations, ...more } as Load;
}

/** Without warm-up, unless told otherwise. */
export function scenarioOf(loads: Readonly<Record<string, Load>>, more: Partial<Scenario> = {}): ValidScenario {
  const scenario: Scenario = { name: 'test', description: 'A test.', cluster: { nodes: 3 }, warmup: 0, loads, ...more };
  return validateScenario(scenario, 'test');
}

export function recorderOf(scenario: ValidScenario): Recorder {
  const phases = new PhaseTracker(scenario);
  return new Recorder((ms) => phases.phaseAt(ms));
}

/** What an operation may carry, for tests that look at it without asking for its kind. */
export interface Carried {
  readonly load: string;
  readonly operation: string;
  readonly key?: number;
  readonly value?: number;
  readonly expected?: number;
}
