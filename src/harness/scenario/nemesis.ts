// The faults of a run: those that the scenario names, and those that its nemesis draws. Pure: the same scenario and seed give the
// same faults, so that a run is repeated.

import { known } from '../../runtime/assert.ts';
import { Random } from '../../runtime/random.ts';
import type { ScenarioData, UntimedFault, ValidFault, ValidNemesis, ValidRange } from './valid-scenario.ts';

export interface PlannedFault {
  readonly fault: ValidFault;
  /** What the nemesis planned may be skipped; what the scenario names must happen. */
  readonly by: 'scenario' | 'nemesis';
}

type Planned = Pick<ScenarioData, 'faults' | 'nemesis' | 'warmupMs' | 'recoveryMs' | 'totalDurationMs'>;

/** @param seed of the run; a nemesis may have one of its own. */
export function faultsOf(scenario: Planned, seed: number): PlannedFault[] {
  const { faults, nemesis } = scenario;
  const drawn = nemesis === undefined ? [] : draw(scenario, nemesis, new Random(nemesis.seed ?? seed).fork('nemesis'));
  return [
    ...faults.map((fault) => ({ fault, by: 'scenario' }) as const),
    ...drawn.map((fault) => ({ fault, by: 'nemesis' }) as const),
  ];
}

/** From when to when faults of the nemesis may last. */
export function hoursOf(
  nemesis: ValidNemesis,
  { warmupMs, recoveryMs, totalDurationMs }: Omit<Planned, 'faults' | 'nemesis'>,
): { readonly fromMs: number; readonly untilMs: number } {
  return { fromMs: nemesis.fromMs ?? warmupMs, untilMs: nemesis.untilMs ?? totalDurationMs - recoveryMs };
}

function draw(scenario: Planned, nemesis: ValidNemesis, random: Random): ValidFault[] {
  const { fromMs, untilMs } = hoursOf(nemesis, scenario);
  const drawn: ValidFault[] = [];
  for (let atMs = fromMs; ;) {
    atMs += within(nemesis.every, random);
    const times = { atMs, durationMs: within(nemesis.lasts, random) };
    if (atMs + times.durationMs > untilMs) return drawn;
    const fits = nemesis.mix.filter((template) => hasRoom(template, times, scenario, drawn));
    // None: the scenario's own faults are in the way. What comes next does not depend on it.
    const chosen = weighted(fits, random);
    if (chosen === undefined) continue;
    const { weight: _, ...fault } = chosen;
    drawn.push({ ...fault, ...times });
  }
}

interface Times {
  readonly atMs: number;
  readonly durationMs: number;
}

/** A cluster survives one loss of a node's data at a time, and no fault may meet another, or its aftermath. */
function hasRoom(template: UntimedFault, times: Times, { faults, recoveryMs }: Planned, drawn: readonly ValidFault[]): boolean {
  if (template.kind === 'wipe' && drawn.some(({ kind }) => kind === 'wipe')) return false;
  return faults.every(
    (fault) => isBearable(fault, template) || ends(fault) + recoveryMs <= times.atMs || ends(times) + recoveryMs <= fault.atMs,
  );
}

/** Whether a fault may be carried out while another one lasts and still prove itself: when that only slows the network down. */
export function isBearable(lasting: UntimedFault, fault: UntimedFault): boolean {
  const slows = lasting.kind === 'latency' || lasting.kind === 'bandwidth' || lasting.kind === 'loss';
  return slows && lasting.kind !== fault.kind;
}

function ends({ atMs, durationMs }: Times): number {
  return atMs + durationMs;
}

function within({ shortestMs, longestMs }: ValidRange, random: Random): number {
  return shortestMs + random.float() * (longestMs - shortestMs);
}

/** One of the items, or undefined when there is none; a number is drawn either way. */
function weighted<T extends { readonly weight: number }>(items: readonly T[], random: Random): T | undefined {
  let rest = random.float() * items.reduce((sum, { weight }) => sum + weight, 0);
  if (items.length === 0) return undefined;
  return items.find(({ weight }) => (rest -= weight) < 0) ?? known(items.at(-1), 'there is at least one');
}
