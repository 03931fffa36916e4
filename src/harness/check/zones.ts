// A quick look for the most common violations, such as stale reads, before the search: a value that only one operation
// produced must be held from when it was first seen until it was last needed, and nothing else can happen in between.
//
// After P. Gibbons, E. Korach: Testing shared memories (SIAM J. Comput. 1997), section 4, where every value is written
// once. Here it is a sufficient condition, for those values that are; cost is linear in a linearizable history.

import type { Flow } from './model.ts';
import type { Operation } from './operation.ts';
import type { Timeline } from './timeline.ts';

/** All that produce and need one state. */
interface Cluster {
  producers: number;
  /** The only producer, or -1. */
  producer: number;
  /** Of those that completed, the one that returned first, or -1: by then the state had come about. */
  first: number;
  /** Of those that completed, the one that was called last, or -1: the state still was, or was to come, then. */
  last: number;
}

/** A few operations that cannot be ordered, whatever the others do. */
export interface ZoneConflict {
  /** The state that one operation produced, or none, as people read it. */
  readonly state: string;
  readonly producedBy: 'nothing' | 'one operation' | 'the beginning';
  /** In the order of their calls, at most four. */
  readonly required: readonly Operation[];
  /** The operation of unknown outcome that is the only one to have produced the state. */
  readonly optional: readonly Operation[];
  /** The operation that needed the state when it could not be any more. */
  readonly stuck: Operation;
}

/** The first conflict found, or undefined: that says nothing. */
export function findZoneConflict(timeline: Timeline): ZoneConflict | undefined {
  const { flow } = timeline.machine;
  if (flow === undefined) return undefined;
  const clusters = clustersOf(timeline, flow);
  for (const [state, cluster] of clusters.entries()) {
    const isInitial = state === timeline.machine.initial;
    if (cluster.producers + (isInitial ? 1 : 0) > 1 || cluster.last < 0) continue;
    const nothing = !isInitial && cluster.producer < 0;
    const intruder = nothing ? -1 : intruderOf(timeline, state, cluster);
    const impossible = intruder >= 0 || (!isInitial && precedesProducer(timeline, cluster));
    if (impossible) return conflictOf(timeline, state, cluster, intruder);
  }
  return undefined;
}

function clustersOf(timeline: Timeline, { states, produces, observes }: Flow): Cluster[] {
  const { requiredCount, operations, callNode, returnNode } = timeline;
  const clusters = Array.from({ length: states }, (): Cluster => ({ producers: 0, producer: -1, first: -1, last: -1 }));
  for (let operation = 0; operation < operations.length; operation++) {
    const produced = clusters[produces[operation] as number];
    if (produced !== undefined) {
      produced.producers++;
      produced.producer = operation;
    }
    if (operation >= requiredCount) continue;
    const observed = clusters[observes[operation] as number];
    for (const cluster of [produced, observed]) {
      if (cluster === undefined) continue;
      const { first, last } = cluster;
      if (first < 0 || (returnNode[operation] as number) < (returnNode[first] as number)) cluster.first = operation;
      // A producer needs nothing to be kept for it.
      const needs = cluster === observed;
      if (needs && (last < 0 || (callNode[operation] as number) > (callNode[last] as number))) cluster.last = operation;
    }
  }
  return clusters;
}

/** Whether the state was seen before the only operation that produced it was called, or although none did. */
function precedesProducer(
  { requiredCount, callNode, returnNode, optionalBefore }: Timeline,
  { producer, first }: Cluster,
): boolean {
  const seen = returnNode[first] as number;
  if (producer < 0) return true;
  if (producer < requiredCount) return (callNode[producer] as number) > seen;
  return producer - requiredCount >= (optionalBefore[seen] as number);
}

/** An operation that began after the state had come about, ended before it was last needed, and cannot be in between. */
function intruderOf(timeline: Timeline, state: number, { producers, first, last }: Cluster): number {
  const { machine, operationOf, isReturn, callNode, returnNode } = timeline;
  // The state with which everything begins has come about before the first operation.
  const from = producers === 0 ? 0 : (returnNode[first] as number);
  const to = callNode[last] as number;
  for (let node = from + 1; node < to; node++) {
    const operation = operationOf[node] as number;
    const inside = isReturn[node] === 0 && (returnNode[operation] as number) < to;
    if (inside && machine.step(state, operation) !== state) return operation;
  }
  return -1;
}

function conflictOf(timeline: Timeline, state: number, { producer, first, last }: Cluster, intruder: number): ZoneConflict {
  const { operations, requiredCount, machine } = timeline;
  const members = intruder < 0 ? [producer, first] : [producer, first, intruder, last];
  const distinct = [...new Set(members)].filter((operation) => operation >= 0).sort((a, b) => a - b);
  const named = (operation: number) => operations[operation] as Operation;
  return {
    state: machine.describeState(state) ?? 'it',
    producedBy: producer >= 0 ? 'one operation' : state === machine.initial ? 'the beginning' : 'nothing',
    required: distinct.filter((operation) => operation < requiredCount).map(named),
    optional: distinct.filter((operation) => operation >= requiredCount).map(named),
    stuck: named(intruder >= 0 ? last : first),
  };
}
