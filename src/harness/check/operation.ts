// Pairs the events of a history into operations: what was asked, what came of it, and between which moments.

import type { HistoryEvent } from '../history/event.ts';

/**
 * How an operation ended. `ok`: it happened, with this result. `fail`: it did not happen. `unknown`: it may have
 * happened at any moment after it was invoked, also after its client gave up, or not at all.
 */
export type Outcome = 'ok' | 'fail' | 'unknown';

export interface Operation {
  /** Index of the event that invoked it. */
  readonly index: number;
  readonly process: number;
  readonly f: string;
  readonly key: string | undefined;
  /** The argument. */
  readonly input: unknown;
  /** The result, when `ok`. */
  readonly output: unknown;
  readonly outcome: Outcome;
  readonly error: string | undefined;
  readonly node: string | undefined;
  /** Positions of its events in the history. What returns at a lower position than another is called happened before it. */
  readonly calledAt: number;
  /** Infinity while the outcome is unknown. */
  readonly returnedAt: number;
  /** Nanoseconds since the start of the run; NaN in histories that recorded no times. */
  readonly calledNs: number;
  /** NaN when no completion was recorded. */
  readonly returnedNs: number;
}

/** A history in which the events do not fit together. Nothing can be said about the system that it came from. */
export class HistoryStructureError extends Error {
  override readonly name = 'HistoryStructureError';
  readonly code = 'history_structure';
  /** Index of the event that does not fit. */
  readonly index: number;

  constructor(index: number, reason: string) {
    super(`event ${index}: ${reason}`);
    this.index = index;
  }
}

/** Where operations are put as they are paired. */
export interface OperationSink {
  /** One that has just been invoked; answers its number. They come in the order of their invocation. */
  add(operation: Operation): number;
  /** The same one, completed. */
  replace(number: number, operation: Operation): void;
}

/** Operations as a plain list. */
export class OperationList implements OperationSink {
  readonly operations: Operation[] = [];
  readonly #whenComplete: (operation: Operation) => Operation;

  /** @param whenComplete may exchange an operation as it completes, for one that needs less memory. */
  constructor(whenComplete: (operation: Operation) => Operation = (operation) => operation) {
    this.#whenComplete = whenComplete;
  }

  add(operation: Operation): number {
    return this.operations.push(operation) - 1;
  }

  replace(number: number, operation: Operation): void {
    this.operations[number] = this.#whenComplete(operation);
  }
}

/**
 * The operations of the clients, in the order of their invocation. Events of named processes ('nemesis') are passed
 * over. An operation that never completed is `unknown`. Throws HistoryStructureError when a process invokes while an
 * operation of its own is under way, and for a completion without an invocation.
 * @param whenComplete see OperationList.
 */
export async function pairOperations(
  events: AsyncIterable<HistoryEvent> | Iterable<HistoryEvent>,
  whenComplete?: (operation: Operation) => Operation,
): Promise<Operation[]> {
  const list = new OperationList(whenComplete);
  const pairing = new Pairing(list);
  for await (const event of events) pairing.add(event);
  return list.operations;
}

/** Pairs event by event. Holds only what is under way. */
export class Pairing {
  readonly #sink: OperationSink;
  readonly #underWay = new Map<number, { readonly number: number; readonly operation: Operation }>();
  #position = 0;
  #operations = 0;

  constructor(sink: OperationSink) {
    this.#sink = sink;
  }

  /** How many were invoked so far. */
  get operations(): number {
    return this.#operations;
  }

  /** Throws HistoryStructureError, as pairOperations. */
  add(event: HistoryEvent): void {
    const position = this.#position++;
    if (typeof event.process !== 'number') return;
    if (event.type === 'invoke') this.#invoke(event, event.process, position);
    else this.#complete(event, event.process, position);
  }

  #invoke(event: HistoryEvent, process: number, position: number): void {
    const under = this.#underWay.get(process)?.operation;
    if (under !== undefined) {
      const reason = `process ${process} invokes ${event.f} while its ${under.f} (event ${under.index}) is under way`;
      throw new HistoryStructureError(event.index, reason);
    }
    const operation: Operation = {
      index: event.index,
      process,
      f: event.f,
      key: event.key,
      input: event.value,
      output: undefined,
      outcome: 'unknown',
      error: undefined,
      node: event.node,
      calledAt: position,
      returnedAt: Number.POSITIVE_INFINITY,
      calledNs: event.timeNs,
      returnedNs: Number.NaN,
    };
    this.#underWay.set(process, { number: this.#sink.add(operation), operation });
    this.#operations++;
  }

  #complete(event: HistoryEvent, process: number, position: number): void {
    const under = this.#underWay.get(process);
    if (under === undefined) {
      throw new HistoryStructureError(event.index, `process ${process} completes ${event.f}, which it did not invoke`);
    }
    const { operation, number } = under;
    if (operation.f !== event.f) {
      const reason = `process ${process} completes ${event.f}, but ${operation.f} (event ${operation.index}) is under way`;
      throw new HistoryStructureError(event.index, reason);
    }
    if (event.key !== undefined && operation.key !== undefined && event.key !== operation.key) {
      const reason = `process ${process} completes on key ${event.key} what it invoked on key ${operation.key}`;
      throw new HistoryStructureError(event.index, reason);
    }
    this.#underWay.delete(process);
    const known = event.type !== 'info';
    this.#sink.replace(number, {
      ...operation,
      output: event.type === 'ok' ? event.value : undefined,
      outcome: event.type === 'ok' ? 'ok' : event.type === 'fail' ? 'fail' : 'unknown',
      error: event.error,
      node: event.node ?? operation.node,
      returnedAt: known ? position : Number.POSITIVE_INFINITY,
      returnedNs: event.timeNs,
    });
  }
}
