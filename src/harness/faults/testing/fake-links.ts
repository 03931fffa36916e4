// Links that only count, for tests of faults.

import { directionKey, type DirectedRule, type Direction, type DirectionCounters } from '../../links/rule.ts';
import type { LinkControl } from '../fault.ts';

type Counts = { -readonly [name in keyof Omit<DirectionCounters, 'from' | 'to' | 'atMs'>]: number };

const NOTHING: Counts = {
  bytesIn: 0,
  bytesForwarded: 0,
  bytesHeld: 0,
  bytesDiscarded: 0,
  connectionsOpen: 0,
  connectionsTotal: 0,
  connectionsRefused: 0,
  resets: 0,
  chunksDelayed: 0,
  chunksLost: 0,
  chunksThrottled: 0,
  closesDelayed: 0,
};

export interface FakeLinks extends LinkControl {
  /** What was asked for, in order: 'apply n1->n2 {"block":"hold"}', 'reset n1->n2', 'lift'. */
  readonly calls: string[];
  /** By direction; a test changes them. */
  readonly counts: ReadonlyMap<string, Counts>;
  /** Milliseconds that probes of a direction take; undefined when they do not arrive. */
  probeMs: (direction: Direction, rules: readonly DirectedRule[]) => number | undefined;
  nowMs: number;
}

/** @param ends every ordered pair of them is a direction. */
export function fakeLinks(ends: readonly string[]): FakeLinks {
  const directions = ends.flatMap((from) => ends.filter((to) => to !== from).map((to) => ({ from, to })));
  const counts = new Map(directions.map((direction) => [directionKey(direction), { ...NOTHING }]));
  const calls: string[] = [];
  const inForce: DirectedRule[] = [];
  const links: FakeLinks = {
    calls,
    counts,
    probeMs: () => 0.3,
    nowMs: 0,
    async apply(rules) {
      for (const { rule, ...direction } of rules) calls.push(`apply ${directionKey(direction)} ${JSON.stringify(rule)}`);
      inForce.push(...rules);
      return {
        async lift() {
          calls.push('lift');
          inForce.length = 0;
        },
      };
    },
    async reset(wanted) {
      for (const direction of wanted) {
        calls.push(`reset ${directionKey(direction)}`);
        const count = counts.get(directionKey(direction));
        if (count) count.resets += count.connectionsOpen;
      }
      return wanted.length;
    },
    counters: async () =>
      directions.map((direction) => ({
        ...direction,
        atMs: links.nowMs,
        ...(counts.get(directionKey(direction)) ?? NOTHING),
      })),
    async probe(direction, messages) {
      const tookMs = links.probeMs(direction, inForce);
      return tookMs === undefined ? [] : Array.from({ length: messages }, () => tookMs);
    },
  };
  return links;
}
