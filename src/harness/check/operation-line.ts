// One operation as a line for people: when, who, what.

import { formatDuration } from '../../runtime/duration.ts';
import type { Operation } from './operation.ts';

/** From when to when, in time where the history has it, else in positions of its events. */
export function spanOf({ calledNs, returnedNs, calledAt, returnedAt }: Operation): string {
  const timed = !Number.isNaN(calledNs);
  const begin = timed ? instant(calledNs) : `event ${calledAt}`;
  if (!Number.isFinite(returnedAt)) return `${begin} .. ?`;
  return `${begin} .. ${timed ? instant(returnedNs) : `event ${returnedAt}`}`;
}

/** To the millisecond, however late: which of two operations was first is what people look for. */
function instant(ns: number): string {
  return ns < 1e9 ? formatDuration(ns / 1e6) : `${(ns / 1e9).toFixed(3)}s`;
}

/** @param text what it did, as its model puts it. */
export function lineOf(operation: Operation, text: string): string {
  const { index, process, node, outcome, error } = operation;
  const where = node === undefined ? '' : ` on ${node}`;
  const reason = error === undefined ? '' : ` (${error})`;
  const ended = outcome === 'ok' ? '' : `, ${outcome}${reason}`;
  return `event ${index}, ${spanOf(operation)}, process ${process}${where}: ${text}${ended}`;
}
