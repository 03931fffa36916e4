// The operations of one partition, laid out for the search: calls and returns in the order in which they happened.

import type { Machine, Model } from './model.ts';
import type { Operation } from './operation.ts';

/**
 * Nodes are numbered in the order of the history: 0 is the head, 1 to 2n the calls and returns of the n required
 * operations. Optional operations have no nodes, because nothing waits for their return: they are numbered from n in the
 * order of their calls, and all that matters is before which node they were called.
 */
export interface Timeline {
  readonly machine: Machine;
  /** The required operations in the order of their calls, then the optional ones likewise: the machine's numbering. */
  readonly operations: readonly Operation[];
  readonly requiredCount: number;
  /** Node -> operation; 0 is the head and stands for none. */
  readonly operationOf: Int32Array;
  /** Node -> 1 when it is a return. */
  readonly isReturn: Uint8Array;
  /** Required operation -> node. */
  readonly callNode: Int32Array;
  readonly returnNode: Int32Array;
  /** Required operation -> the one with the same effect that returned last before it did, or -1. */
  readonly likeBefore: Int32Array;
  /** Node -> how many optional operations were called before it. */
  readonly optionalBefore: Int32Array;
  /** Optional operation (from 0) -> the one like it that was called before it, or -1. */
  readonly twinBefore: Int32Array;
}

/**
 * `required` and `optional` in the order of their calls. Optional operations that cannot make any other one possible are
 * left out: whatever order exists with them exists without them.
 */
export function layOut(model: Model, required: readonly Operation[], optional: readonly Operation[]): Timeline {
  const everything = [...required, ...optional];
  const compiled = model.compile(everything);
  const useful = usefulAmong(compiled, required.length, optional);
  const operations = useful.length === optional.length ? everything : [...required, ...useful];
  const machine = useful.length === optional.length ? compiled : model.compile(operations);
  const count = required.length;
  const timeline = {
    machine,
    operations,
    requiredCount: count,
    operationOf: new Int32Array(2 * count + 1),
    isReturn: new Uint8Array(2 * count + 1),
    callNode: new Int32Array(count),
    returnNode: new Int32Array(count),
    likeBefore: new Int32Array(count).fill(-1),
    optionalBefore: new Int32Array(2 * count + 1),
    twinBefore: twins(machine, count, useful.length),
  };
  placeNodes(timeline, required, useful);
  return timeline;
}

function usefulAmong(machine: Machine, requiredCount: number, optional: readonly Operation[]): readonly Operation[] {
  if (optional.length === 0) return optional;
  const everything = Array.from({ length: requiredCount + optional.length }, (_, operation) => operation);
  const helpful = machine.helpful(everything.slice(requiredCount), everything);
  return optional.filter((_, at) => helpful[at]);
}

function twins(machine: Machine, requiredCount: number, optionalCount: number): Int32Array {
  const last = new Map<number, number>();
  const before = new Int32Array(optionalCount).fill(-1);
  for (let at = 0; at < optionalCount; at++) {
    const symbol = machine.symbol(requiredCount + at);
    before[at] = last.get(symbol) ?? -1;
    last.set(symbol, at);
  }
  return before;
}

function placeNodes(timeline: Timeline, required: readonly Operation[], optional: readonly Operation[]): void {
  const count = required.length;
  // One sort of plain numbers: position and operation packed into a double, which holds 2^53.
  const returns = Float64Array.from(required, (operation, at) => operation.returnedAt * count + at).sort();
  let calls = 0;
  let returned = 0;
  let called = 0;
  const lastLike = new Map<number, number>();
  for (let node = 1; node <= 2 * count; node++) {
    const callAt = calls < count ? (required[calls] as Operation).calledAt : Number.POSITIVE_INFINITY;
    const packed = returned < count ? (returns[returned] as number) : Number.POSITIVE_INFINITY;
    const returnAt = Math.floor(packed / count);
    const isCall = callAt <= returnAt;
    const position = isCall ? callAt : returnAt;
    while (called < optional.length && (optional[called] as Operation).calledAt < position) called++;
    timeline.optionalBefore[node] = called;
    const operation = isCall ? calls++ : packed - returnAt * count;
    if (!isCall) {
      returned++;
      const symbol = timeline.machine.symbol(operation);
      timeline.likeBefore[operation] = lastLike.get(symbol) ?? -1;
      lastLike.set(symbol, operation);
    }
    timeline.operationOf[node] = operation;
    timeline.isReturn[node] = isCall ? 0 : 1;
    (isCall ? timeline.callNode : timeline.returnNode)[operation] = node;
  }
}
