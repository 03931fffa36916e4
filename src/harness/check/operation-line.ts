// One operation as a line for people: when, who, what.

import { formatDuration } from '../../runtime/duration.ts';
import type { Operation } from './operation.ts';

/** From when to when, in time where the history has it, else in positions of its events. */
export function spanOf({ calledNs, returnedNs, calledAt, returnedAt }: Operation): string {
  const timed = !Number.isNaN(calledNs);
  const begin = timed ? formatDuration(calledNs / 1e6) : `event ${calledAt}`;
  if (!Number.isFinite(returnedAt)) return `${begin} .. ?`;
  return `${begin} .. ${timed ? formatDuration(returnedNs / 1e6) : `event ${returnedAt}`}`;
}

/** @param text what it did, as its model puts it. */
export function lineOf(operation: Operation, text: string): string {
  const { index, process, node, outcome, error } = operation;
  const where = node === undefined ? '' : ` on ${node}`;
  const reason = error === undefined ? '' : ` (${error})`;
  const ended = outcome === 'ok' ? '' : `, ${outcome}${reason}`;
  return `event ${index}, ${spanOf(operation)}, process ${process}${where}: ${text}${ended}`;
}
