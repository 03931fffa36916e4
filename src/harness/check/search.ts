// Decides whether the operations of one partition can be put in an order that the model allows and that respects
// real time: the search of Wing and Gong, with Lowe's cache.
//
// J. Wing, C. Gong: Testing and verifying concurrent objects (JPDC 1993). G. Lowe: Testing for linearizability (CCPE
// 2017). The doubly linked list of calls and returns with lift and unlift, and the cache of (linearized set, state),
// are as in A. Athalye's Porcupine. Ours in addition: the short cuts described at Search.

import { ConfigurationCache, mix } from './configuration-cache.ts';
import type { Machine } from './model.ts';
import { ILLEGAL } from './model.ts';
import type { Operation } from './operation.ts';
import { Outstanding } from './outstanding.ts';
import type { Timeline } from './timeline.ts';

export type SearchStatus = 'running' | 'linearizable' | 'violated';

/**
 * One search, which can be interrupted after any number of steps and continued. Operations of unknown outcome are
 * optional: the search ends when all required ones are linearized.
 *
 * Why each short cut is sound. (1) An observation that is possible now changes nothing, so any order that has it later
 * has a twin with it now. (2) Of equal optional operations the one called first can always stand in for the others; of
 * equal required ones that are all under way, the one that returns first can go first. (3) An optional overwrite that
 * nothing saw before the next overwrite could as well not have happened. (4) See ConfigurationCache for subsumption.
 * (5) See Outstanding for states that must not be left.
 */
export class Search {
  readonly #timeline: Timeline;
  readonly #machine: Machine;
  readonly #cache = new ConfigurationCache();

  // The list of nodes that are not lifted.
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  // The configuration.
  #state: number;
  readonly #required: Int32Array;
  readonly #optional: Int32Array;
  #hash = 0;
  #high = -1;
  /** The operation just taken is an optional overwrite that nothing has observed yet. */
  #unobserved = false;

  // The operations linearized so far, and for each what it replaced.
  readonly #taken: number[] = [];
  readonly #states: number[] = [];
  readonly #highs: number[] = [];
  readonly #unobserveds: boolean[] = [];
  /** True for operations that were taken without an alternative. */
  readonly #forced: boolean[] = [];
  readonly #outstanding: Outstanding;

  /** The next node to try, or the first outstanding return while optional operations are tried. */
  #node: number;
  #optionalCursor = 0;
  /** The earliest return that is outstanding: what was called before it is under way. */
  #firstReturn: number;
  #furthest = 0;
  #status: SearchStatus = 'running';
  #steps = 0;

  /** @param initial the state to begin with; by default the machine's own. */
  constructor(timeline: Timeline, initial = timeline.machine.initial) {
    const { requiredCount, operations } = timeline;
    this.#timeline = timeline;
    this.#machine = timeline.machine;
    this.#state = initial;
    this.#required = new Int32Array((requiredCount + 31) >>> 5);
    this.#optional = new Int32Array((operations.length - requiredCount + 31) >>> 5);
    const nodes = 2 * requiredCount + 1;
    // The list is a ring through the head, node 0, so that lifting never meets an end.
    this.#next = Int32Array.from({ length: nodes }, (_, node) => (node + 1) % nodes);
    this.#previous = Int32Array.from({ length: nodes }, (_, node) => (node + nodes - 1) % nodes);
    this.#outstanding = new Outstanding(timeline);
    this.#firstReturn = this.#observe();
    this.#node = this.#next[0] as number;
    if (this.#node === 0) this.#status = 'linearizable';
  }

  get status(): SearchStatus {
    return this.#status;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Bytes of memory that the cache holds. */
  get cacheBytes(): number {
    return this.#cache.bytes;
  }

  /**
   * The required operation with the latest return that some order met and did not get past. Everything that returned
   * before it can be ordered. Undefined before any return was met.
   */
  get stuckAt(): Operation | undefined {
    return this.#furthest === 0 ? undefined : this.#timeline.operations[this.#timeline.operationOf[this.#furthest] as number];
  }

  /** The operations linearized now, in order; when `linearizable`, the order that was found. */
  order(): Operation[] {
    return this.#taken.map((operation) => this.#timeline.operations[operation] as Operation);
  }

  /** The state now, as people read it; undefined for one that nobody observed. */
  describeState(): string | undefined {
    return this.#machine.describeState(this.#state);
  }

  /** Searches on for at most `steps` more steps. */
  run(steps: number): SearchStatus {
    const { isReturn } = this.#timeline;
    for (let left = steps; left > 0 && this.#status === 'running'; left--) {
      this.#steps++;
      if (isReturn[this.#node] === 0) this.#tryRequired(this.#node);
      else this.#tryOptional(this.#node);
    }
    return this.#status;
  }

  #tryRequired(node: number): void {
    const operation = this.#timeline.operationOf[node] as number;
    const effect = this.#machine.effect(operation);
    const pointless = effect === 'none' || (this.#unobserved && effect === 'overwrite') || this.#yieldsToLike(operation);
    const state = pointless ? ILLEGAL : this.#machine.step(this.#state, operation);
    if (state === ILLEGAL || !this.#take(operation, state)) this.#node = this.#next[node] as number;
  }

  /** Whether an operation with the same effect is under way that returns earlier. */
  #yieldsToLike(operation: number): boolean {
    const { likeBefore, callNode, returnNode } = this.#timeline;
    let like = likeBefore[operation] as number;
    for (; like >= 0 && (returnNode[like] as number) >= this.#firstReturn; like = likeBefore[like] as number) {
      if ((callNode[like] as number) < this.#firstReturn && !has(this.#required, like)) return true;
    }
    return false;
  }

  /** `node` is the first outstanding return: all required operations before it were tried. */
  #tryOptional(node: number): void {
    if (node > this.#furthest) this.#furthest = node;
    const { requiredCount, optionalBefore, twinBefore } = this.#timeline;
    const limit = optionalBefore[node] as number;
    while (this.#optionalCursor < limit) {
      const at = this.#optionalCursor++;
      const twin = twinBefore[at] as number;
      if (has(this.#optional, at) || (twin >= 0 && !has(this.#optional, twin))) continue;
      const operation = requiredCount + at;
      if (this.#unobserved && this.#machine.effect(operation) === 'overwrite') continue;
      const state = this.#machine.step(this.#state, operation);
      if (state !== ILLEGAL && state !== this.#state && this.#take(operation, state)) return;
    }
    this.#backtrack();
  }

  /** Linearizes an operation and what follows from it. False, and undone, when that leads where the search has been. */
  #take(operation: number, state: number): boolean {
    if (state !== this.#state && this.#outstanding.isDeadEnd(this.#state, operation)) return false;
    const depth = this.#taken.length;
    const { requiredCount } = this.#timeline;
    this.#push(operation, state, false);
    const firstReturn = this.#observe();
    this.#unobserved =
      operation >= requiredCount && this.#taken.length === depth + 1 && this.#machine.effect(operation) === 'overwrite';
    const first = this.#next[0] as number;
    if (first === 0) {
      this.#status = 'linearizable';
      return true;
    }
    if (!this.#isNew(first)) {
      while (this.#taken.length > depth) this.#pop();
      return false;
    }
    this.#firstReturn = firstReturn;
    this.#node = first;
    this.#optionalCursor = 0;
    return true;
  }

  #isNew(first: number): boolean {
    return this.#cache.add({
      state: this.#state,
      hash: this.#hash,
      // The first node is the call of the lowest operation that is not linearized.
      low: this.#timeline.operationOf[first] as number,
      high: this.#high,
      required: this.#required,
      optional: this.#optional,
    });
  }

  /** Linearizes every observation that is possible now. The first return that is outstanding then; 0 when none is. */
  #observe(): number {
    const { operationOf, isReturn } = this.#timeline;
    let last = 0;
    let node = this.#next[0] as number;
    for (; node !== 0 && isReturn[node] === 0; node = this.#next[last] as number) {
      const operation = operationOf[node] as number;
      const observed = this.#machine.effect(operation) === 'none' && this.#machine.step(this.#state, operation) !== ILLEGAL;
      if (observed) this.#push(operation, this.#state, true);
      else last = node;
    }
    return node;
  }

  #backtrack(): void {
    let operation = -1;
    while (this.#taken.length > 0) {
      operation = this.#taken.at(-1) as number;
      if (!this.#pop()) break;
      operation = -1;
    }
    if (operation < 0) {
      this.#status = 'violated';
      return;
    }
    const { requiredCount, callNode, isReturn } = this.#timeline;
    let node = this.#next[0] as number;
    while (isReturn[node] === 0) node = this.#next[node] as number;
    this.#firstReturn = node;
    const optional = operation >= requiredCount;
    this.#node = optional ? node : (this.#next[callNode[operation] as number] as number);
    this.#optionalCursor = optional ? operation - requiredCount + 1 : 0;
  }

  #push(operation: number, state: number, forced: boolean): void {
    this.#taken.push(operation);
    this.#states.push(this.#state);
    this.#highs.push(this.#high);
    this.#forced.push(forced);
    this.#unobserveds.push(this.#unobserved);
    this.#state = state;
    this.#outstanding.place(operation);
    const { requiredCount, callNode, returnNode } = this.#timeline;
    if (operation >= requiredCount) {
      flip(this.#optional, operation - requiredCount);
      return;
    }
    flip(this.#required, operation);
    this.#hash ^= mix(operation, 1);
    if (operation > this.#high) this.#high = operation;
    this.#lift(callNode[operation] as number);
    this.#lift(returnNode[operation] as number);
  }

  /** Undoes the last operation. True when it was forced. */
  #pop(): boolean {
    const operation = this.#taken.pop() as number;
    this.#state = this.#states.pop() as number;
    this.#high = this.#highs.pop() as number;
    this.#unobserved = this.#unobserveds.pop() as boolean;
    this.#outstanding.replace(operation);
    const { requiredCount, callNode, returnNode } = this.#timeline;
    if (operation >= requiredCount) {
      flip(this.#optional, operation - requiredCount);
    } else {
      flip(this.#required, operation);
      this.#hash ^= mix(operation, 1);
      this.#unlift(returnNode[operation] as number);
      this.#unlift(callNode[operation] as number);
    }
    return this.#forced.pop() === true;
  }

  #lift(node: number): void {
    const previous = this.#previous[node] as number;
    const next = this.#next[node] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  /** A lifted node still knows its neighbours; undone in reverse order they are its neighbours again. */
  #unlift(node: number): void {
    this.#next[this.#previous[node] as number] = node;
    this.#previous[this.#next[node] as number] = node;
  }
}

function has(bits: Int32Array, at: number): boolean {
  return (((bits[at >>> 5] as number) >>> (at & 31)) & 1) === 1;
}

function flip(bits: Int32Array, at: number): void {
  bits[at >>> 5] = (bits[at >>> 5] as number) ^ (1 << (at & 31));
}
