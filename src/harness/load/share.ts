// Which part of a scenario's loads one of several generators issues. Together they issue exactly the loads.

import type { ValidLoad } from '../scenario/valid-scenario.ts';
import type { Arrivals } from './schedule.ts';

/** One of `of` parts, from 0. What is dealt out goes to the parts in turn: the k-th thing to the part k mod `of`. */
export interface Share {
  readonly index: number;
  readonly of: number;
}

export const WHOLE: Share = { index: 0, of: 1 };

/** How many of `count` things a part gets. When they do not divide, the first parts get one more. */
export function partOf(count: number, { index, of }: Share): number {
  return Math.floor((count + of - 1 - index) / of);
}

/**
 * The part that a generator has in a load, or undefined when it has none: a load with fewer users than there are generators is
 * issued by as many of them as it has users. The first part of the n-th load goes to the n-th generator, so that several
 * small loads do not meet on the first one.
 * @param position of the load among those of the scenario, from 0.
 */
export function shareOfLoad(load: ValidLoad, position: number, generator: Share): Share | undefined {
  const of = Math.min(generator.of, mostUsers(load));
  const index = (generator.index + generator.of - (position % generator.of)) % generator.of;
  return index < of ? { index, of } : undefined;
}

/**
 * The load with a part's users and iterations. Arrivals and the steps of a ramp of users are dealt out one by one instead,
 * because a part of a rate is not a part of its instants.
 */
export function loadOfShare(load: ValidLoad, share: Share): ValidLoad {
  switch (load.executor) {
    case 'constant-arrival-rate':
    case 'ramping-arrival-rate':
      return { ...load, preAllocatedVUs: partOf(load.preAllocatedVUs, share), maxVUs: partOf(load.maxVUs, share) };
    case 'constant-vus':
      return { ...load, vus: partOf(load.vus, share) };
    case 'ramping-vus':
      return load;
    case 'shared-iterations':
      return { ...load, vus: partOf(load.vus, share), iterations: partOf(load.iterations, share) };
    case 'autocannon':
      return {
        ...load,
        connections: partOf(load.connections, share),
        amount: load.amount === undefined ? undefined : partOf(load.amount, share),
      };
  }
}

/** Every `of`-th arrival, beginning with the `index`-th. */
export function arrivalsOfShare(arrivals: Arrivals, { index, of }: Share): Arrivals {
  let passOver = index;
  return () => {
    for (; passOver > 0; passOver--) if (arrivals() === undefined) return undefined;
    passOver = of - 1;
    return arrivals();
  };
}

function mostUsers(load: ValidLoad): number {
  switch (load.executor) {
    case 'constant-arrival-rate':
    case 'ramping-arrival-rate':
      return load.maxVUs;
    case 'constant-vus':
    case 'shared-iterations':
      return load.vus;
    case 'autocannon':
      return load.connections;
    case 'ramping-vus':
      return Math.max(1, load.startVUs, ...load.stages.map(({ target }) => target));
  }
}
