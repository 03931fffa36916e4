// What faults of the network have in common: rules that are put into force and lifted, with the counters around them.

import { assert, known } from '../../runtime/assert.ts';
import { CLIENT, type DirectedRule, type Direction, type DirectionCounters, directionKey, type LinkRule } from '../links/rule.ts';
import type { LinkScope } from '../scenario/valid-scenario.ts';
import type { FaultContext, LinkControl } from './fault.ts';

/** The directions of a disturbance, each with its counters: before it, with the rules just in force, and just before they were lifted. */
export interface Reading {
  readonly direction: Direction;
  readonly before: DirectionCounters;
  readonly inForce: DirectionCounters;
  readonly last: DirectionCounters;
}

export interface Disturbance {
  /** Reads the counters, then lifts the rules; resolves when they are no longer in force. */
  end(): Promise<void>;
  /** After `end`. */
  readings(): readonly Reading[];
}

export function linksOf({ target }: FaultContext): LinkControl {
  return known(target.links, 'a fault of the network needs links');
}

/** Resolves when the rules are in force. */
export async function disturb(context: FaultContext, rules: readonly DirectedRule[]): Promise<Disturbance> {
  assert(rules.length > 0, 'a fault of the network befalls at least one direction');
  const links = linksOf(context);
  const read = async () => {
    const all = await links.counters();
    return rules.map((rule) => known(countersOf(all, rule), `no link carries ${directionKey(rule)}`));
  };
  const before = await read();
  const applied = await links.apply(rules);
  const inForce = await read();
  let last = inForce;
  return {
    async end() {
      try {
        last = await read();
      } finally {
        await applied.lift();
      }
    },
    readings: () =>
      rules.map(({ from, to }, at) => ({
        direction: { from, to },
        before: known(before[at], 'one for each rule'),
        inForce: known(inForce[at], 'one for each rule'),
        last: known(last[at], 'one for each rule'),
      })),
  };
}

/** The directions to and from a node that are in the scope. */
export function directionsOf(node: string, scope: LinkScope, { target }: FaultContext): Direction[] {
  const peers = target.nodes.map(({ id }) => id).filter((id) => id !== node);
  const others = scope === 'peers' ? peers : scope === 'clients' ? [CLIENT] : [...peers, CLIENT];
  return others.flatMap((other) => [
    { from: node, to: other },
    { from: other, to: node },
  ]);
}

export function withRule(directions: readonly Direction[], rule: LinkRule): DirectedRule[] {
  return directions.map((direction) => ({ ...direction, rule }));
}

type CounterName = Exclude<keyof DirectionCounters, 'from' | 'to' | 'atMs'>;

/** The sum of a counter over all directions before the fault. */
export function totalBefore(readings: readonly Reading[], name: CounterName): number {
  return readings.reduce((sum, { before }) => sum + before[name], 0);
}

/** By how much a counter rose, over all directions together. @param since whether what happened at the first moment counts. */
export function rise(readings: readonly Reading[], name: CounterName, since: 'before' | 'inForce'): number {
  return readings.reduce((sum, reading) => sum + reading.last[name] - reading[since][name], 0);
}

function countersOf(all: readonly DirectionCounters[], { from, to }: Direction): DirectionCounters | undefined {
  return all.find((counters) => counters.from === from && counters.to === to);
}
