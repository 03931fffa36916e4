// One key of a key-value store of texts: get, put and append (concatenation).

import type { Effect, Machine, Model, Role } from './model.ts';
import { describeValue, ILLEGAL, Interner } from './model.ts';
import type { Operation } from './operation.ts';
import { HistoryStructureError } from './operation.ts';

const GET = 0;
const PUT = 1;
const APPEND = 2;

/** The model of one key. Functions: get, put (text) and append (text). A key holds '' before the first put or append. */
export function kvModel(): Model {
  return { name: 'kv', role: roleOf, compile: (operations) => new KvMachine(operations), describe };
}

function roleOf(operation: Operation): Role {
  const { f, outcome } = operation;
  if (f === 'get') return outcome === 'ok' ? 'required' : 'ignored';
  if (f !== 'put' && f !== 'append') {
    throw new HistoryStructureError(operation.index, `a key-value store has get, put and append, not ${f}`);
  }
  if (typeof operation.input !== 'string') {
    throw new HistoryStructureError(operation.index, `${f} needs text, not ${describeValue(operation.input)}`);
  }
  return outcome === 'ok' ? 'required' : outcome === 'unknown' ? 'optional' : 'ignored';
}

function describe(operation: Operation): string {
  if (operation.f !== 'get') return `${operation.f} ${describeValue(operation.input)}`;
  return `get -> ${operation.outcome === 'ok' ? describeValue(operation.output) : '?'}`;
}

/**
 * A text that is not the beginning of anything that was read can satisfy no get until the next put, and neither can
 * what is appended to it. All such texts are one state: otherwise every order of unread appends would be a state.
 */
const UNREAD = 0;

class KvMachine implements Machine {
  readonly initial: number;
  readonly flow = undefined;
  readonly #kinds: Uint8Array;
  /** The text as a state (get, put), or as a number among the appended ones. */
  readonly #arguments: Int32Array;
  readonly #states = new Interner();
  readonly #appended = new Interner();
  /** Everything that was read. */
  readonly #read: readonly string[];
  /** state * number of appended texts + text -> state. Concatenating and hashing a long text costs microseconds. */
  readonly #steps = new Map<number, number>();

  constructor(operations: readonly Operation[]) {
    this.#states.intern(undefined);
    const gets = operations.filter(({ f }) => f === 'get');
    this.#read = [...new Set(gets.map(({ output }) => output ?? ''))] as string[];
    this.initial = this.#stateOf('');
    this.#kinds = new Uint8Array(operations.length);
    this.#arguments = new Int32Array(operations.length);
    operations.forEach((operation, at) => {
      const kind = operation.f === 'get' ? GET : operation.f === 'put' ? PUT : APPEND;
      const text = (kind === GET ? (operation.output ?? '') : operation.input) as string;
      this.#kinds[at] = kind;
      this.#arguments[at] = kind === APPEND ? this.#appended.intern(text) : this.#stateOf(text);
    });
  }

  #stateOf(text: string): number {
    return this.#read.some((read) => read.startsWith(text)) ? this.#states.intern(text) : UNREAD;
  }

  step(state: number, operation: number): number {
    const argument = this.#arguments[operation] as number;
    const kind = this.#kinds[operation];
    if (kind === GET) return argument === state ? state : ILLEGAL;
    return kind === PUT ? argument : this.#append(state, argument);
  }

  #append(state: number, text: number): number {
    if (state === UNREAD) return UNREAD;
    const step = state * this.#appended.size + text;
    let next = this.#steps.get(step);
    if (next === undefined) {
      next = this.#stateOf(`${this.#states.value(state) as string}${this.#appended.value(text) as string}`);
      this.#steps.set(step, next);
    }
    return next;
  }

  effect(operation: number): Effect {
    const kind = this.#kinds[operation];
    return kind === GET ? 'none' : kind === PUT ? 'overwrite' : 'update';
  }

  symbol(operation: number): number {
    return (this.#arguments[operation] as number) * 3 + (this.#kinds[operation] as number);
  }

  helpful(operations: readonly number[], among: readonly number[]): readonly boolean[] {
    // What was put or appended stays a part of the text until the next put: a get that lacks it was not helped by it.
    const gets = among.filter((operation) => this.#kinds[operation] === GET);
    const seen = [...new Set(gets.map((get) => this.#states.value(this.#arguments[get] as number)))] as string[];
    return operations.map((operation) => {
      const kind = this.#kinds[operation];
      const argument = this.#arguments[operation] as number;
      if (kind === GET || (kind === PUT && argument === UNREAD)) return false;
      const text = (kind === PUT ? this.#states : this.#appended).value(argument) as string;
      return seen.some((state) => state.includes(text));
    });
  }

  startStates(): undefined {
    return undefined;
  }

  describeState(state: number): string | undefined {
    return state === UNREAD ? undefined : describeValue(this.#states.value(state));
  }
}
