// A register: read, write and compare-and-set of one value.

import { MISMATCH } from '../history/event.ts';
import type { Effect, Flow, Machine, Model, Role } from './model.ts';
import { describeValue, ILLEGAL, Interner } from './model.ts';
import type { Operation } from './operation.ts';
import { HistoryStructureError } from './operation.ts';

export interface RegisterOptions {
  /** What it holds before the first write. Default null. */
  readonly initial?: unknown;
  /** A read that answered null says nothing, as in Knossos, instead of "there is no value". Default false. */
  readonly nilReadIsUnknown?: boolean;
}

const READ = 0;
const WRITE = 1;
const CAS = 2;
/** A compare-and-set that is known to have found something else than `from`. */
const MISMATCHED = 3;

/** The register model. Functions: read, write (value) and cas ([from, to]). */
export function registerModel(options: RegisterOptions = {}): Model {
  const initial = options.initial ?? null;
  const nilReadIsUnknown = options.nilReadIsUnknown ?? false;
  return {
    name: 'register',
    role: (operation) => roleOf(operation, nilReadIsUnknown),
    compile: (operations) => new RegisterMachine(operations, initial),
    describe,
  };
}

function roleOf(operation: Operation, nilReadIsUnknown: boolean): Role {
  const { f, outcome } = operation;
  if (f === 'read') return outcome === 'ok' && !(nilReadIsUnknown && isNil(operation.output)) ? 'required' : 'ignored';
  if (f === 'cas') {
    pairOf(operation);
    if (outcome === 'fail') return operation.error === MISMATCH ? 'required' : 'ignored';
  } else if (f !== 'write') {
    throw new HistoryStructureError(operation.index, `a register has read, write and cas, not ${f}`);
  }
  return outcome === 'ok' ? 'required' : outcome === 'unknown' ? 'optional' : 'ignored';
}

function isNil(value: unknown): boolean {
  return value === null || value === undefined;
}

function pairOf(operation: Operation): [from: unknown, to: unknown] {
  const { input } = operation;
  if (Array.isArray(input) && input.length === 2) return input as [unknown, unknown];
  throw new HistoryStructureError(operation.index, `cas needs [from, to], not ${describeValue(input)}`);
}

function describe(operation: Operation): string {
  if (operation.f === 'read') return `read -> ${operation.outcome === 'ok' ? describeValue(operation.output) : '?'}`;
  if (operation.f === 'write') return `write ${describeValue(operation.input)}`;
  const [from, to] = pairOf(operation);
  return `cas ${describeValue(from, 30)} -> ${describeValue(to, 30)}`;
}

/** Stands for every value that nobody read or compared with: they cannot be told apart. */
const UNREAD = Symbol('a value that was not read');

function kindOf({ f, outcome }: Operation): number {
  if (f === 'cas') return outcome === 'fail' ? MISMATCHED : CAS;
  return f === 'read' ? READ : WRITE;
}

class RegisterMachine implements Machine {
  readonly initial: number;
  readonly flow: Flow;
  readonly #kinds: Uint8Array;
  /** The value read, or compared with. */
  readonly #expected: Int32Array;
  /** The value written. */
  readonly #written: Int32Array;
  readonly #values = new Interner();
  readonly #unread = this.#values.intern(UNREAD);

  constructor(operations: readonly Operation[], initial: unknown) {
    const count = operations.length;
    this.#kinds = Uint8Array.from(operations, kindOf);
    this.#expected = new Int32Array(count).fill(-1);
    this.#written = new Int32Array(count).fill(-1);
    operations.forEach((operation, at) => {
      if (operation.f === 'read') this.#expected[at] = this.#values.intern(operation.output ?? null);
      else if (operation.f === 'cas') this.#expected[at] = this.#values.intern(pairOf(operation)[0]);
    });
    operations.forEach((operation, at) => {
      if (operation.f === 'write') this.#written[at] = this.#stateOf(operation.input);
      else if (operation.f === 'cas') this.#written[at] = this.#stateOf(pairOf(operation)[1]);
    });
    this.initial = this.#stateOf(initial);
    this.flow = {
      states: this.#values.size,
      produces: this.#written.map((written, at) => (this.#kinds[at] === MISMATCHED ? -1 : written)),
      observes: this.#expected.map((expected, at) => (this.#kinds[at] === MISMATCHED ? -1 : expected)),
    };
  }

  #stateOf(value: unknown): number {
    return this.#values.find(value) ?? this.#unread;
  }

  step(state: number, operation: number): number {
    switch (this.#kinds[operation]) {
      case READ:
        return this.#expected[operation] === state ? state : ILLEGAL;
      case WRITE:
        return this.#written[operation] as number;
      case CAS:
        return this.#expected[operation] === state ? (this.#written[operation] as number) : ILLEGAL;
      default:
        return this.#expected[operation] === state ? ILLEGAL : state;
    }
  }

  effect(operation: number): Effect {
    const kind = this.#kinds[operation];
    return kind === WRITE ? 'overwrite' : kind === CAS ? 'update' : 'none';
  }

  symbol(operation: number): number {
    const kind = this.#kinds[operation] as number;
    const size = this.#values.size;
    return (kind * size + (this.#expected[operation] as number)) * size + (this.#written[operation] as number);
  }

  helpful(operations: readonly number[], among: readonly number[]): readonly boolean[] {
    const expected = new Set<number>();
    let anyChange = false;
    for (const operation of among) {
      const kind = this.#kinds[operation];
      if (kind === MISMATCHED) anyChange = true;
      else if (kind !== WRITE) expected.add(this.#expected[operation] as number);
    }
    return operations.map((operation) => {
      return this.effect(operation) !== 'none' && (anyChange || expected.has(this.#written[operation] as number));
    });
  }

  startStates(): readonly number[] {
    return Array.from({ length: this.#values.size }, (_, value) => value);
  }

  describeState(state: number): string | undefined {
    const value = this.#values.value(state);
    return value === UNREAD ? undefined : describeValue(value);
  }
}
