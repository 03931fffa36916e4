// Transactions over append-only lists, in the form of Elle's list-append histories: f 'txn' with a list of micro-operations
// [append, key, element] and [r, key, list]; also single operations, f 'append' and 'read' on the operation's key.

import { describeValue } from './model.ts';
import type { Operation } from './operation.ts';
import { HistoryStructureError } from './operation.ts';

export type Element = number | string;

export type MicroOperation =
  | { readonly f: 'append'; readonly key: string; readonly element: Element }
  /** `list` is what was read. */
  | { readonly f: 'read'; readonly key: string; readonly list: readonly unknown[] };

export interface Transaction {
  readonly operation: Operation;
  /** In the order in which they were made. Of a transaction that did not succeed only the appends. */
  readonly steps: readonly MicroOperation[];
}

/** Throws HistoryStructureError for what is not such a transaction. */
export function transactionOf(operation: Operation): Transaction {
  const { f, index, outcome } = operation;
  if (f === 'append' || f === 'read') return { operation, steps: singleStep(operation) };
  if (f !== 'txn') throw new HistoryStructureError(index, `list-append has txn, append and read, not ${f}`);
  const value = outcome === 'ok' ? operation.output : operation.input;
  if (!Array.isArray(value))
    throw new HistoryStructureError(index, `a txn is a list of micro-operations, not ${describeValue(value)}`);
  return { operation, steps: value.flatMap((step: unknown) => stepOf(step, index, outcome === 'ok')) };
}

function singleStep({ f, index, outcome, input, output, key }: Operation): MicroOperation[] {
  if (f === 'append') return stepOf(['append', key ?? '', input], index, false);
  return outcome === 'ok' ? stepOf(['r', key ?? '', output ?? null], index, true) : [];
}

function stepOf(step: unknown, index: number, isResult: boolean): MicroOperation[] {
  const [name, keyValue, value] = Array.isArray(step) && step.length === 3 ? (step as unknown[]) : [];
  const key = typeof keyValue === 'string' ? keyValue : JSON.stringify(keyValue);
  if (name === 'append' || name === ':append') {
    if (typeof value !== 'number' && typeof value !== 'string') {
      throw new HistoryStructureError(index, `append needs a number or text, not ${describeValue(value)}`);
    }
    return [{ f: 'append', key, element: value }];
  }
  if (name !== 'r' && name !== ':r') {
    throw new HistoryStructureError(
      index,
      `a micro-operation is [append, key, element] or [r, key, list], not ${describeValue(step)}`,
    );
  }
  if (!isResult) return [];
  const list = value === null ? [] : value;
  if (!Array.isArray(list)) throw new HistoryStructureError(index, `r needs a list as its result, not ${describeValue(value)}`);
  return [{ f: 'read', key, list }];
}

/** A transaction as people read it. */
export function describeTransaction({ steps }: Transaction): string {
  if (steps.length === 0) return '(nothing known)';
  const shown = steps.slice(0, 8).map((step) => {
    const key = describeValue(step.key, 20);
    return step.f === 'append' ? `append ${describeValue(step.element)} to ${key}` : `read ${key} -> ${describeList(step.list)}`;
  });
  return `${shown.join('; ')}${steps.length > 8 ? `; ${steps.length - 8} more` : ''}`;
}

export function describeList(list: readonly unknown[]): string {
  if (list.length <= 8) return describeValue(list);
  return `${describeValue(list.slice(-6)).replace('[', '[..., ')} (${list.length} elements)`;
}
