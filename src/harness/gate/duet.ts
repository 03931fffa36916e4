// A round: a fresh process of each side, on the same core, whose samples alternate. What else the machine does meanwhile meets both.

import { known } from '../../runtime/assert.ts';
import { medianOfSorted } from '../compare/signed-rank.ts';
import type { Surroundings } from './contest.ts';
import { DuetProcess } from './duet-process.ts';
import type { Injected, Sample } from './duet-protocol.ts';

export const SIDES = ['base', 'head'] as const;
export type Side = (typeof SIDES)[number];

/** So many of each side, a pair at a time. */
const SAMPLES = 24;

/** When samples are disturbed, so many more are taken that as many are not. */
const MOST_SAMPLES = 3 * SAMPLES;

/** Fewer have no median to rely on: then all of them count. */
const LEAST_UNDISTURBED = SAMPLES / 3;

export interface Duet {
  /** The folders of suites. */
  readonly folders: Readonly<Record<Side, string>>;
  readonly suite: string;
  readonly name: string;
  /** In a sample, of either side. */
  readonly calls: number;
  /** Of HEAD. */
  readonly injected?: Injected | undefined;
}

/** Nanoseconds per operation, in the order in which they were taken. */
export type DuetSamples = Readonly<Record<Side, readonly number[]>>;

/** @throws DuetError when either side cannot be measured, and the reason of the signal; no process is left either way. */
export async function playDuet(duet: Duet, surroundings: Surroundings): Promise<DuetSamples> {
  const { random, signal, clock, core, spareCore } = surroundings;
  const { calls } = duet;
  const processes = new Map<Side, DuetProcess>();
  const injectedInto = (side: Side) => (side === 'head' && duet.injected !== undefined ? { injected: duet.injected } : {});
  await using cleanup = new AsyncDisposableStack();
  const ready = async (side: Side, on: number | undefined) => {
    const process = new DuetProcess({ side, folder: duet.folders[side], core: on, clock, signal });
    cleanup.defer(() => process.close());
    processes.set(side, process);
    await process.ask({ do: 'prepare', suite: duet.suite, name: duet.name }, 'prepared');
    await process.ask({ do: 'warm', calls, ...injectedInto(side) }, 'warm');
    return process;
  };
  const sample = async (side: Side) => {
    const process = known(processes.get(side), 'one of each side was started');
    return (await process.ask({ do: 'sample', calls, ...injectedInto(side) }, 'sampled')).sample;
  };
  const [first, second] = random.shuffle(SIDES) as [Side, Side];
  if (core === undefined || spareCore === undefined) {
    await ready(first, core);
    await ready(second, core);
  } else {
    // Side by side, in half the time. Which side moves is left to chance, and what that does to the caches is in no sample.
    const [, moved] = await Promise.all([ready(first, core), ready(second, spareCore)]);
    await moved.moveTo(core);
    for (const side of [second, first]) await sample(side);
  }
  const samples: Record<Side, Sample[]> = { base: [], head: [] };
  const isEnough = (side: Side) => undisturbed(samples[side]).length >= SAMPLES;
  for (let pair = 0; pair < MOST_SAMPLES && !SIDES.every(isEnough); pair++)
    for (const side of random.shuffle(SIDES)) samples[side].push(await sample(side));
  return countedOf(samples);
}

function undisturbed(samples: readonly Sample[]): Sample[] {
  return samples.filter(({ preempted }) => !preempted);
}

/**
 * Samples in which the process lost its core measure somebody else's work. Where there are enough others they are left out, on both sides;
 * a benchmark of several threads, which take the one core from one another, has none.
 */
function countedOf(samples: Readonly<Record<Side, readonly Sample[]>>): DuetSamples {
  const keepsAll = SIDES.some((side) => undisturbed(samples[side]).length < LEAST_UNDISTURBED);
  const of = (side: Side) => (keepsAll ? samples[side] : undisturbed(samples[side])).map(({ nanoseconds }) => nanoseconds);
  return { base: of('base'), head: of('head') };
}

/** What the round says: ln(HEAD / BASE) of the medians. */
export function roundOf({ base, head }: DuetSamples): number {
  return Math.log(medianOf(head) / medianOf(base));
}

export function medianOf(samples: readonly number[]): number {
  return medianOfSorted(samples.toSorted((a, b) => a - b));
}
