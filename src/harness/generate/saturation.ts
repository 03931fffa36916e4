// Finds the knee of a load that rises in steps, and says whether it is the system's or the generator's.

import { formatDuration } from '../../runtime/duration.ts';
import type { InstrumentLimits } from '../load/instrument.ts';
import type { MeasuredStep } from '../load/step-recorder.ts';
import type { GeneratorInstrument, Saturation, ThresholdResult } from '../result/schema.ts';
import type { ValidSaturation } from '../scenario/valid-scenario.ts';

/** A step keeps up when so much of what was due was answered in its time; less is more than its edges and a Poisson process make. */
const KEEPS_UP = 0.95;

type SaturationStep = Saturation['steps'][number];

/** @param generators with their moments, which say how they fared in each step. */
export function saturationOf(
  { load, operation, p99Ms }: ValidSaturation,
  measured: readonly MeasuredStep[],
  generators: readonly GeneratorInstrument[],
  limits: InstrumentLimits,
): Saturation {
  const steps = measured.map((step): SaturationStep => {
    const late = generatorTrouble(step, generators, limits);
    return { ...judged(step, p99Ms), ...(late !== undefined && { generator: late }) };
  });
  const held = steps.filter((step) => step.held).map(({ rate }) => rate);
  const knee = held.length === 0 ? undefined : Math.max(...held);
  return {
    load,
    ...(operation !== undefined && { operation }),
    limitMs: p99Ms,
    outcome: outcomeOf(steps, knee),
    ...(knee !== undefined && { knee }),
    steps,
  };
}

/**
 * A step that held has held, however the generator fared: response times count from the schedule. One that did not hold while the
 * generator was in trouble says nothing about the system.
 */
function outcomeOf(steps: readonly SaturationStep[], knee: number | undefined): Saturation['outcome'] {
  if (steps.length === 0) return 'not-measured';
  const above = steps.filter(({ rate }) => knee === undefined || rate > knee).sort((a, b) => a.rate - b.rate);
  const [next] = above;
  if (next === undefined) return 'not-reached';
  if (next.generator !== undefined) return 'generator-limited';
  return knee === undefined ? 'below-first-step' : 'found';
}

function judged(step: MeasuredStep, limitMs: number): Omit<SaturationStep, 'generator'> {
  const seconds = (step.endMs - step.startMs) / 1_000;
  const { responseTime } = step;
  const [p50, p99] = [inMs(responseTime.percentile(50)), inMs(responseTime.percentile(99))];
  const max = responseTime.count === 0 ? undefined : responseTime.max / 1_000;
  const reasons: string[] = [];
  // With too few operations for a p99, the step holds only if every one of them does.
  const [name, slowest] = p99 === undefined ? (['max', max] as const) : (['p99', p99] as const);
  if (slowest === undefined) reasons.push('nothing was answered');
  else if (slowest >= limitMs) reasons.push(`${name} ${formatDuration(slowest)}`);
  if (step.answered < step.due * KEEPS_UP) reasons.push(`${Math.floor((step.answered * 100) / step.due)}% answered in time`);
  if (step.dropped > 0) reasons.push(`${step.dropped.toLocaleString('en')} dropped`);
  return {
    rate: step.rate,
    startMs: step.startMs,
    endMs: step.endMs,
    offered: step.due / seconds,
    achieved: step.answered / seconds,
    ...(p50 !== undefined && { p50 }),
    ...(p99 !== undefined && { p99 }),
    ...(max !== undefined && { max }),
    errors: step.errors,
    dropped: step.dropped,
    held: reasons.length === 0,
    reasons,
  };
}

/** Why a step that did not hold may be the generator's doing; undefined when nothing speaks for it. */
function generatorTrouble(
  { startMs, endMs, lag }: MeasuredStep,
  generators: readonly GeneratorInstrument[],
  { latenessMs, cpu: cpuLimit }: InstrumentLimits,
): string | undefined {
  const lagMs = inMs(lag.percentile(99) ?? lag.percentile(50)) ?? 0;
  if (lagMs > latenessMs) return `started late by ${formatDuration(lagMs)}`;
  for (const { moments } of generators) {
    const inside = moments.filter(({ atMs }) => atMs >= startMs && atMs < endMs);
    // The middle one: a single pause of a second is in its lag, if it mattered.
    const delayMs = middleOf(inside.map(({ eventLoopDelay }) => eventLoopDelay.p99));
    if (delayMs > latenessMs) return `event loop late by ${formatDuration(delayMs)}`;
    const cpu = middleOf(inside.map((moment) => moment.cpu));
    if (cpu > cpuLimit) return `${cpu.toFixed(2)} of a core`;
  }
  return undefined;
}

/**
 * Why the run must not be used: when it is the generator's fault that the question of the scenario has no answer. That the
 * knee is at least so high may be all that a threshold asks for.
 */
export function saturationProblems({ outcome, knee, steps }: Saturation, thresholds: readonly ThresholdResult[]): string[] {
  if (outcome !== 'generator-limited') return [];
  const undecided = thresholds.some(({ metric, passed }) => metric.trim() === 'knee' && !passed);
  if (knee !== undefined && !undecided) return [];
  const next = steps.find(({ rate, generator }) => generator !== undefined && (knee === undefined || rate > knee));
  const known = knee === undefined ? 'nothing is known of the knee' : `the knee is only known to be at least ${knee}/s`;
  return [
    `the generator, not the system, was the limit at ${next?.rate ?? 0}/s (${next?.generator ?? 'late'}): ${known}; use more generators or a faster machine`,
  ];
}

function inMs(us: number | undefined): number | undefined {
  return us === undefined ? undefined : us / 1_000;
}

function middleOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
