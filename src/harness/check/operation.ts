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

/**
 * The operations of the clients, in the order of their invocation. Events of named processes ('nemesis') are passed
 * over. An operation that never completed is `unknown`. Throws HistoryStructureError when a process invokes while an
 * operation of its own is under way, and for a completion without an invocation.
 * @param whenComplete may exchange an operation as it completes, for one that needs less memory.
 */
export async function pairOperations(
  events: AsyncIterable<HistoryEvent> | Iterable<HistoryEvent>,
  whenComplete?: (operation: Operation) => Operation,
): Promise<Operation[]> {
  const pairing = new Pairing(whenComplete);
  for await (const event of events) pairing.add(event);
  return pairing.operations;
}

/** Pairs event by event, for those that have something to do in between. See pairOperations. */
export class Pairing {
  readonly #operations: Operation[] = [];
  /** Process -> position of its operation among #operations. */
  readonly #underWay = new Map<number, number>();
  readonly #whenComplete: (operation: Operation) => Operation;
  #position = 0;

  constructor(whenComplete: (operation: Operation) => Operation = (operation) => operation) {
    this.#whenComplete = whenComplete;
  }

  add(event: HistoryEvent): void {
    const position = this.#position++;
    if (typeof event.process !== 'number') return;
    if (event.type === 'invoke') this.#invoke(event, event.process, position);
    else this.#complete(event, event.process, position);
  }

  /** Those so far, in the order of their invocation. */
  get operations(): Operation[] {
    return this.#operations;
  }

  #invoke(event: HistoryEvent, process: number, position: number): void {
    const earlier = this.#underWay.get(process);
    if (earlier !== undefined) {
      const under = this.#operations[earlier] as Operation;
      const reason = `process ${process} invokes ${event.f} while its ${under.f} (event ${under.index}) is under way`;
      throw new HistoryStructureError(event.index, reason);
    }
    this.#underWay.set(process, this.#operations.length);
    this.#operations.push({
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
    });
  }

  #complete(event: HistoryEvent, process: number, position: number): void {
    const at = this.#underWay.get(process);
    if (at === undefined) {
      throw new HistoryStructureError(event.index, `process ${process} completes ${event.f}, which it did not invoke`);
    }
    const operation = this.#operations[at] as Operation;
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
    this.#operations[at] = this.#whenComplete({
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
