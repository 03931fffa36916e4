// Did every acknowledged write survive? Clients add unique elements to a set; after everything has healed, one read
// tells what is in it. As Jepsen's `set` checker.

import { Interner, describeValue } from './model.ts';
import type { Operation } from './operation.ts';
import { HistoryStructureError } from './operation.ts';
import { lineOf } from './operation-line.ts';

export interface AcknowledgedWritesCounts {
  /** Adds that were attempted. */
  readonly attempted: number;
  /** Adds answered with success. */
  readonly acknowledged: number;
  /** Adds of which nobody knows whether they happened. */
  readonly unknown: number;
  /** Acknowledged, but missing from the final read. */
  readonly lost: number;
  /** Unknown, and present. */
  readonly recovered: number;
  /** Definitely failed, but present. */
  readonly phantom: number;
  /** Present, but never added. */
  readonly unexpected: number;
  /** Present more than once. */
  readonly duplicated: number;
}

export interface AcknowledgedWritesSamples {
  readonly lost: readonly unknown[];
  readonly phantom: readonly unknown[];
  readonly unexpected: readonly unknown[];
  readonly duplicated: readonly unknown[];
}

interface Examined {
  readonly checker: 'acknowledged-writes';
  readonly counts: AcknowledgedWritesCounts;
  /** Up to ten elements of each kind of wrong. */
  readonly samples: AcknowledgedWritesSamples;
}

export type AcknowledgedWritesResult =
  | (Examined & { readonly verdict: 'valid' })
  | (Examined & {
      readonly verdict: 'violated';
      readonly reason: string;
      /** Lines for people: the adds in question, up to ten of each kind, and the final read, with their times. */
      readonly explanation: readonly string[];
    })
  | (Examined & { readonly verdict: 'unknown'; readonly reason: string });

const SAMPLES = 10;

/**
 * Checks `add` operations, each of an element of its own, against the last successful `read-all`. An add that had not
 * returned when that read was invoked may be missing from it. `unknown` without a final read or without an acknowledged
 * add. Throws HistoryStructureError for another function, for a `read-all` that is not an array, and for an element that
 * is added twice: then a missing or doubled element would prove nothing.
 */
export function checkAcknowledgedWrites(operations: readonly Operation[]): AcknowledgedWritesResult {
  const elements = new Interner();
  const adds = new Map<number, Operation>();
  let finalRead: Operation | undefined;
  for (const operation of operations) {
    if (operation.f === 'read-all') {
      if (operation.outcome === 'ok') finalRead = operation;
    } else if (operation.f === 'add') {
      addOnce(adds, elements.intern(operation.input), operation);
    } else {
      throw new HistoryStructureError(operation.index, `a set has add and read-all, not ${operation.f}`);
    }
  }
  if (finalRead === undefined) {
    return { ...compare(elements, adds, undefined), verdict: 'unknown', reason: 'no final read-all succeeded' };
  }
  const examined = compare(elements, adds, finalRead);
  return judge(examined, () => explanationOf(examined, adds, elements, finalRead));
}

function addOnce(adds: Map<number, Operation>, element: number, operation: Operation): void {
  const earlier = adds.get(element);
  if (earlier !== undefined) {
    const reason = `element ${describeValue(operation.input)} was added before (event ${earlier.index}); elements must be unique`;
    throw new HistoryStructureError(operation.index, reason);
  }
  adds.set(element, operation);
}

function compare(elements: Interner, adds: ReadonlyMap<number, Operation>, finalRead: Operation | undefined): Examined {
  const present = finalRead === undefined ? new Map<number, number>() : occurrences(elements, finalRead);
  const wrong = { lost: [] as unknown[], phantom: [] as unknown[], unexpected: [] as unknown[], duplicated: [] as unknown[] };
  let acknowledged = 0;
  let unknown = 0;
  let recovered = 0;
  for (const [element, add] of adds) {
    const seen = present.has(element);
    if (add.outcome === 'ok') acknowledged++;
    if (add.outcome === 'unknown') unknown++;
    if (add.outcome === 'unknown' && seen) recovered++;
    if (add.outcome === 'fail' && seen) wrong.phantom.push(add.input);
    const settled = finalRead !== undefined && add.returnedAt < finalRead.calledAt;
    if (add.outcome === 'ok' && settled && !seen) wrong.lost.push(add.input);
  }
  for (const [element, times] of present) {
    if (!adds.has(element)) wrong.unexpected.push(elements.value(element));
    if (times > 1) wrong.duplicated.push(elements.value(element));
  }
  const { lost, phantom, unexpected, duplicated } = wrong;
  return {
    checker: 'acknowledged-writes',
    counts: {
      attempted: adds.size,
      acknowledged,
      unknown,
      lost: lost.length,
      recovered,
      phantom: phantom.length,
      unexpected: unexpected.length,
      duplicated: duplicated.length,
    },
    samples: {
      lost: lost.slice(0, SAMPLES),
      phantom: phantom.slice(0, SAMPLES),
      unexpected: unexpected.slice(0, SAMPLES),
      duplicated: duplicated.slice(0, SAMPLES),
    },
  };
}

function occurrences(elements: Interner, read: Operation): Map<number, number> {
  if (!Array.isArray(read.output)) {
    throw new HistoryStructureError(read.index, `read-all must answer an array, not ${describeValue(read.output)}`);
  }
  const present = new Map<number, number>();
  for (const value of read.output as unknown[]) {
    const element = elements.intern(value);
    present.set(element, (present.get(element) ?? 0) + 1);
  }
  return present;
}

/** What became of each of the sampled elements, and when. */
function explanationOf(
  { samples }: Examined,
  adds: ReadonlyMap<number, Operation>,
  elements: Interner,
  finalRead: Operation,
): string[] {
  const lines = KINDS.flatMap((kind) =>
    samples[kind].map((value) => {
      const add = adds.get(elements.intern(value));
      const shown = describeValue(value);
      return add === undefined ? `${shown}, ${WORDS[kind]}` : lineOf(add, `add ${shown}, ${WORDS[kind]}`);
    }),
  );
  return [...lines, lineOf(finalRead, `the final read-all, of ${(finalRead.output as unknown[]).length} elements`)];
}

const KINDS = ['lost', 'phantom', 'unexpected', 'duplicated'] as const;
const WORDS = {
  lost: 'acknowledged, but not in the final read',
  phantom: 'in the final read although it definitely failed',
  unexpected: 'in the final read although nobody added it',
  duplicated: 'more than once in the final read',
};

function judge(examined: Examined, explain: () => readonly string[]): AcknowledgedWritesResult {
  const { samples, counts } = examined;
  const wrong = KINDS.filter((kind) => counts[kind] > 0).map(
    (kind) =>
      `${counts[kind]} ${kind} (${samples[kind].map((value) => describeValue(value)).join(', ')}${counts[kind] > SAMPLES ? ', ...' : ''})`,
  );
  if (wrong.length > 0) return { ...examined, verdict: 'violated', reason: wrong.join('; '), explanation: explain() };
  if (counts.acknowledged === 0) return { ...examined, verdict: 'unknown', reason: 'no add was acknowledged' };
  return { ...examined, verdict: 'valid' };
}
