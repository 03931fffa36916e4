// Which operations a search still has to place, by the state that they produce or need. Shows when leaving a state is a
// dead end: somebody still needs it, and nobody will bring it back in time.

import type { Timeline } from './timeline.ts';

/** The operations of every state, one state's after another's, and how far from the front they are placed. */
interface Ranked {
  /** Operation -> state, or -1. */
  readonly stateOf: Int32Array;
  /** State -> where its operations begin in `operations`; one more entry for the end. */
  readonly begin: Int32Array;
  readonly operations: Int32Array;
  /** Operation -> its place in `operations`, or -1. */
  readonly rank: Int32Array;
  /** State -> all of its operations before this place are placed. A lower bound, moved when asked. */
  readonly front: Int32Array;
}

export class Outstanding {
  readonly #timeline: Timeline;
  /** Required operations by the state that they need, those first that return first. */
  readonly #observers: Ranked | undefined;
  /** Operations by the state that they produce, those first that were called first. */
  readonly #producers: Ranked | undefined;
  readonly #placed: Uint8Array;

  constructor(timeline: Timeline) {
    const { operations, returnNode, machine } = timeline;
    this.#timeline = timeline;
    this.#placed = new Uint8Array(operations.length);
    const { flow } = machine;
    if (flow === undefined) return;
    const byReturn = [...returnNode.keys()].sort((a, b) => (returnNode[a] as number) - (returnNode[b] as number));
    this.#observers = ranked(flow.states, byReturn, flow.observes);
    this.#producers = ranked(flow.states, byCall(timeline), flow.produces);
  }

  place(operation: number): void {
    this.#placed[operation] = 1;
  }

  replace(operation: number): void {
    this.#placed[operation] = 0;
    moveBack(this.#observers, operation);
    moveBack(this.#producers, operation);
  }

  /**
   * Whether `operation`, which leaves `state`, leads nowhere: of those that still need the state, the one that returns
   * first returns before any operation is called that could produce it again.
   */
  isDeadEnd(state: number, operation: number): boolean {
    if (this.#observers === undefined || this.#producers === undefined) return false;
    const observer = this.#first(this.#observers, state, operation);
    if (observer < 0) return false;
    const producer = this.#first(this.#producers, state, operation);
    return producer < 0 || !this.#calledBeforeReturn(producer, observer);
  }

  #first(ranked: Ranked, state: number, except: number): number {
    const { begin, operations, front } = ranked;
    const end = begin[state + 1] as number;
    let at = front[state] as number;
    while (at < end && this.#placed[operations[at] as number] === 1) at++;
    front[state] = at;
    while (at < end && (operations[at] === except || this.#placed[operations[at] as number] === 1)) at++;
    return at < end ? (operations[at] as number) : -1;
  }

  #calledBeforeReturn(producer: number, observer: number): boolean {
    const { requiredCount, callNode, returnNode, optionalBefore } = this.#timeline;
    const returned = returnNode[observer] as number;
    if (producer < requiredCount) return (callNode[producer] as number) < returned;
    return producer - requiredCount < (optionalBefore[returned] as number);
  }
}

/** All operations in the order of their calls. */
function byCall({ operations }: Timeline): number[] {
  const order = [...operations.keys()];
  return order.sort((a, b) => (operations[a]?.calledAt ?? 0) - (operations[b]?.calledAt ?? 0));
}

/** @param order operations in the order in which each state's are ranked. @param stateOf operation -> state, or -1. */
function ranked(states: number, order: readonly number[], stateOf: Int32Array): Ranked {
  const begin = new Int32Array(states + 1);
  for (const operation of order) {
    const state = stateOf[operation] as number;
    if (state >= 0) begin[state + 1] = (begin[state + 1] as number) + 1;
  }
  for (let state = 0; state < states; state++) begin[state + 1] = (begin[state + 1] as number) + (begin[state] as number);
  const front = begin.slice(0, states);
  const filled = front.slice();
  const operations = new Int32Array(begin[states] as number);
  const rank = new Int32Array(stateOf.length).fill(-1);
  for (const operation of order) {
    const state = stateOf[operation] as number;
    if (state < 0) continue;
    const at = filled[state] as number;
    filled[state] = at + 1;
    operations[at] = operation;
    rank[operation] = at;
  }
  return { stateOf, begin, operations, rank, front };
}

function moveBack(ranked: Ranked | undefined, operation: number): void {
  if (ranked === undefined) return;
  const at = ranked.rank[operation] as number;
  const state = ranked.stateOf[operation] as number;
  if (at >= 0 && (ranked.front[state] as number) > at) ranked.front[state] = at;
}
