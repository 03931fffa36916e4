// The lists that reads of append-only lists returned, held once: every list that agrees with the longest of its key is
// only a length. A million reads of growing lists would otherwise hold the square of what was appended.

import { describeValue } from './model.ts';
import type { Operation } from './operation.ts';
import { HistoryStructureError } from './operation.ts';

/** The first `length` elements of `elements`, which is the longest list that was read of its key. */
export class ListPrefix {
  readonly elements: unknown[];
  readonly length: number;

  constructor(elements: unknown[], length: number) {
    this.elements = elements;
    this.length = length;
  }

  toArray(): unknown[] {
    return this.elements.slice(0, this.length);
  }
}

export class ReadLists {
  readonly #longest = new Map<string | undefined, unknown[]>();

  /** @param operations that may have been shortened before: what contradicted their lists contradicts them still. */
  constructor(operations: readonly Operation[] = []) {
    for (const { key, output } of operations) if (output instanceof ListPrefix) this.#longest.set(key, output.elements);
  }

  /**
   * The operation, with its list as a prefix of the longest known one of its key. A list that contradicts that one stays
   * as it is, and so does whatever is not a successful read. Throws HistoryStructureError for a result that is no list.
   */
  readonly shorten = (operation: Operation): Operation => {
    const { f, outcome, output, key } = operation;
    if (f !== 'read' || outcome !== 'ok' || output instanceof ListPrefix) return operation;
    const list = output === null || output === undefined ? [] : output;
    if (!Array.isArray(list)) {
      throw new HistoryStructureError(operation.index, `a read of a list answers an array or null, not ${describeValue(output)}`);
    }
    let longest = this.#longest.get(key);
    if (longest === undefined) {
      longest = [];
      this.#longest.set(key, longest);
    }
    const common = agreement(longest, list);
    if (common < longest.length && common < list.length) return operation;
    for (let at = longest.length; at < list.length; at++) longest.push(list[at]);
    return { ...operation, output: new ListPrefix(longest, list.length) };
  };
}

/** How many elements two lists have in common before they differ or one ends. */
export function agreement(a: readonly unknown[], b: readonly unknown[], limit = Math.min(a.length, b.length)): number {
  let at = 0;
  while (at < limit && a[at] === b[at]) at++;
  return at;
}

/** What a successful read returned. */
export function listOf({ output }: Operation): readonly unknown[] {
  if (output instanceof ListPrefix) return output.toArray();
  return Array.isArray(output) ? (output as unknown[]) : [];
}

export function lengthOf({ output }: Operation): number {
  if (output instanceof ListPrefix) return output.length;
  return Array.isArray(output) ? output.length : 0;
}

/** An operation on a list as people read it; of a long list the end, which tells most. */
export function describeListOperation(operation: Operation): string {
  if (operation.f === 'append') return `append ${describeValue(operation.input)}`;
  if (operation.outcome !== 'ok') return 'read -> ?';
  const length = lengthOf(operation);
  const shown = length > 8 ? describeValue(listOf(operation).slice(-6)).replace('[', '[..., ') : describeValue(listOf(operation));
  return length > 8 ? `read -> ${shown} (${length} elements)` : `read -> ${shown}`;
}

/** An element by which it is recognized: a number or a text. Throws HistoryStructureError for anything else. */
export function elementOf(operation: Operation): number | string {
  const { input } = operation;
  if (typeof input === 'number' || typeof input === 'string') return input;
  throw new HistoryStructureError(operation.index, `append needs a number or text, not ${describeValue(input)}`);
}
