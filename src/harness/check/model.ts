// What an object may do, for the linearizability checker: its states as small integers and the steps between them.

import type { Operation } from './operation.ts';

/** The step is not possible in this state. */
export const ILLEGAL = -1;

/**
 * What an operation may do to the state. `none`: it only observes. `overwrite`: the new state does not depend on the
 * old one, and it is always possible. `update`: anything else.
 */
export type Effect = 'none' | 'overwrite' | 'update';

/**
 * Whether a checker must, may or need not put an operation in its order. `required`: it happened. `optional`: it may
 * have happened. `ignored`: it did not happen, or says nothing and changes nothing.
 */
export type Role = 'required' | 'optional' | 'ignored';

/** For models in which an operation leads to one known state and is possible in one known state. Per operation. */
export interface Flow {
  /** States are numbered from 0 to `states` - 1. */
  readonly states: number;
  /** The state that it leads to, or -1 when it changes nothing. */
  readonly produces: Int32Array;
  /** The only state in which it is possible, or -1 when there are others. */
  readonly observes: Int32Array;
}

/** A model applied to a list of operations. Operations are named by their position in that list. */
export interface Machine {
  readonly initial: number;
  /** The state after `operation`, or ILLEGAL. Deterministic. */
  step(state: number, operation: number): number;
  effect(operation: number): Effect;
  /** Equal for operations that cannot be told apart by what they do. */
  symbol(operation: number): number;
  /**
   * For each of `operations`, whether it could make one of `among` possible. If not, adding it to those never turns a
   * violation into a valid history. May err on the side of true.
   */
  helpful(operations: readonly number[], among: readonly number[]): readonly boolean[];
  /** Lets the search see that a state is left for ever while somebody still has to observe it. */
  readonly flow: Flow | undefined;
  /** States that stand for every state in which the list could begin, or undefined when those are not finite. */
  startStates(): readonly number[] | undefined;
  /** The state as people read it; undefined for one that stands for many. */
  describeState(state: number): string | undefined;
}

export interface Model {
  readonly name: string;
  /** Throws HistoryStructureError for a function or value that the model does not know. */
  role(operation: Operation): Role;
  compile(operations: readonly Operation[]): Machine;
  describe(operation: Operation): string;
}

/** Turns values into small integers: equal JSON, equal number. */
export class Interner {
  readonly #numbers = new Map<unknown, number>();
  readonly #values: unknown[] = [];

  intern(value: unknown): number {
    const key = keyOf(value);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#values.length;
      this.#numbers.set(key, number);
      this.#values.push(value);
    }
    return number;
  }

  /** The number of a value that was interned, or undefined. */
  find(value: unknown): number | undefined {
    return this.#numbers.get(keyOf(value));
  }

  get size(): number {
    return this.#values.length;
  }

  value(number: number): unknown {
    return this.#values[number];
  }
}

/** A primitive is its own key; the text of a collection is marked so that it cannot meet a string. */
function keyOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? `\u0000${JSON.stringify(value, sortKeys)}` : value;
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A value as people read it, not longer than `limit` characters. */
export function describeValue(value: unknown, limit = 60): string {
  const text = value === null || value === undefined ? 'nil' : JSON.stringify(value);
  // The end of a long text tells more than its beginning: what was appended last.
  return text.length <= limit ? text : `...${text.slice(text.length - limit)}`;
}
