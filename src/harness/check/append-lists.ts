// Are append-only lists linearizable, key by key? No search is needed: elements are unique, so the longest list that was
// read says in which order the appends took effect, and between which of them every read did. What remains is whether
// that one order agrees with real time, which a sweep decides.
//
// Why it suffices to look at pairs: give every operation the latest call among those that must precede it (or its own)
// as its instant. The instants respect the order; they are before the operation's return unless some operation that must
// precede it was called after that return.

import type { Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import { formatDuration } from '../../runtime/duration.ts';
import { breathe } from '../../runtime/breathe.ts';
import type { ExplainedOperation, Explanation } from './explanation.ts';
import type { LinearizabilityProgress, LinearizabilityResult } from './linearizability.ts';
import { describeValue } from './model.ts';
import type { Operation } from './operation.ts';
import { HistoryStructureError } from './operation.ts';
import { agreement, describeListOperation, elementOf, lengthOf, listOf, ListPrefix, ReadLists } from './read-lists.ts';

export interface AppendListsOptions {
  /** Milliseconds, > 0. Default: no limit. */
  readonly timeLimitMs?: number;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LinearizabilityProgress) => void;
}

/** One list, with its operations in the order of their calls. */
interface List {
  readonly key: string | undefined;
  readonly appends: Map<number | string, Operation>;
  readonly reads: Operation[];
  operations: number;
}

/** Operations that contradict one another; `stuck` is one of them. */
interface Contradiction {
  readonly witness: readonly Operation[];
  readonly stuck: Operation;
  readonly note: string;
}

/** Work between two turns of the event loop. */
const BREATHE_AFTER_OPERATIONS = 20_000;

/**
 * Checks `append` (of an element that is appended once only) and `read` operations, in the order of their invocation.
 * `unknown` without a successful read or when the time is over. Throws HistoryStructureError for other functions and
 * values and for an element that is appended twice, and the signal's reason when aborted.
 */
export async function checkAppendLists(
  operations: readonly Operation[],
  options: AppendListsOptions = {},
): Promise<LinearizabilityResult> {
  const clock = options.clock ?? systemClock;
  const { timeLimitMs = Number.POSITIVE_INFINITY } = options;
  if (!(timeLimitMs > 0)) throw new RangeError(`timeLimitMs must be > 0, not ${timeLimitMs}`);
  const deadline = clock.now() + timeLimitMs;
  const lists = listsOf(operations);
  const progress = { partitionsDone: 0, partitions: lists.length, operationsDone: 0, operations: operations.length, steps: 0 };
  const lost = lists.reduce((sum, list) => sum + lostAppends(list), 0);
  const examined = () => ({
    checker: 'linearizability' as const,
    model: 'append',
    partitions: lists.length,
    operations: operations.length,
    steps: progress.steps,
    lost,
  });
  let sinceBreath = 0;
  for (const list of lists) {
    if (clock.now() >= deadline) {
      const left = lists.length - progress.partitionsDone;
      const reason = `no answer within ${formatDuration(timeLimitMs)} for ${left} of ${lists.length} keys`;
      return { ...examined(), verdict: 'unknown', reason };
    }
    const contradiction = contradictionIn(list);
    progress.partitionsDone++;
    progress.operationsDone += list.operations;
    progress.steps += list.operations;
    if (contradiction !== undefined) {
      return { ...examined(), verdict: 'violated', explanation: explanationOf(list, contradiction) };
    }
    sinceBreath += list.operations;
    if (sinceBreath < BREATHE_AFTER_OPERATIONS) continue;
    sinceBreath = 0;
    options.onProgress?.(progress);
    await breathe(options.signal);
  }
  options.onProgress?.(progress);
  if (operations.length === 0) return { ...examined(), verdict: 'unknown', reason: 'the history has no operations' };
  // Without a read nothing could have been wrong.
  if (lists.every(({ reads }) => reads.length === 0)) return { ...examined(), verdict: 'unknown', reason: 'no read succeeded' };
  return { ...examined(), verdict: 'valid' };
}

function listsOf(operations: readonly Operation[]): List[] {
  const readLists = new ReadLists(operations);
  const lists = new Map<string | undefined, List>();
  for (const operation of operations) {
    const { key, f, outcome } = operation;
    let list = lists.get(key);
    if (list === undefined) {
      list = { key, appends: new Map(), reads: [], operations: 0 };
      lists.set(key, list);
    }
    list.operations++;
    if (f === 'append') addOnce(list, operation);
    else if (f !== 'read') throw new HistoryStructureError(operation.index, `a list has append and read, not ${f}`);
    else if (outcome === 'ok') list.reads.push(readLists.shorten(operation));
  }
  return [...lists.values()];
}

function addOnce({ appends }: List, append: Operation): void {
  const element = elementOf(append);
  const earlier = appends.get(element);
  if (earlier !== undefined) {
    const reason = `element ${describeValue(element)} was appended before (event ${earlier.index}); elements must be unique`;
    throw new HistoryStructureError(append.index, reason);
  }
  appends.set(element, append);
}

/** How many were acknowledged before the last read was called, and are in no list that was read. */
function lostAppends({ appends, reads }: List): number {
  const lastCall = reads.at(-1)?.calledAt ?? -1;
  const longest = reads.find(({ output }) => output instanceof ListPrefix)?.output as ListPrefix | undefined;
  const contrary = reads.filter(({ output }) => !(output instanceof ListPrefix)).flatMap(listOf);
  const seen = new Set<unknown>([...(longest?.elements ?? []), ...contrary]);
  return [...appends].filter(
    ([element, { outcome, returnedAt }]) => outcome === 'ok' && returnedAt < lastCall && !seen.has(element),
  ).length;
}

function contradictionIn(list: List): Contradiction | undefined {
  const prefix = list.reads.find(({ output }) => output instanceof ListPrefix)?.output as ListPrefix | undefined;
  const longest = prefix?.elements ?? [];
  return contraryRead(list) ?? impossibleElement(list, longest) ?? outOfOrder(list, longest);
}

/** Two reads of which neither list is the beginning of the other. */
function contraryRead({ reads }: List): Contradiction | undefined {
  const read = reads.find(({ output }) => !(output instanceof ListPrefix));
  if (read === undefined) return undefined;
  const list = listOf(read);
  const contrary = reads.filter(
    ({ output }) =>
      output instanceof ListPrefix &&
      agreement(output.elements, list, Math.min(output.length, list.length)) < Math.min(output.length, list.length),
  );
  const other = contrary.sort((a, b) => lengthOf(a) - lengthOf(b))[0];
  if (other === undefined) return undefined;
  const at = agreement(listOf(other), list);
  const note = `they disagree about element ${at + 1}: ${describeValue(list[at])} or ${describeValue(listOf(other)[at])}`;
  return { witness: [read, other], stuck: read.returnedAt > other.returnedAt ? read : other, note };
}

/** An element that was read twice in a list, or was never appended, or whose append definitely failed. */
function impossibleElement({ appends, reads }: List, longest: readonly unknown[]): Contradiction | undefined {
  const seen = new Map<unknown, number>();
  for (const [at, element] of longest.entries()) {
    const shown = describeValue(element);
    const append = appends.get(element as number | string);
    const earlier = seen.get(element);
    const read = () => shortestBeyond(reads, at);
    if (earlier !== undefined) {
      const note = `${shown} is in the list twice, as element ${earlier + 1} and ${at + 1}`;
      return { witness: [...(append === undefined ? [] : [append]), read()], stuck: read(), note };
    }
    if (append === undefined) return { witness: [read()], stuck: read(), note: `nothing appended ${shown}` };
    if (append.outcome === 'fail') return { witness: [append, read()], stuck: read(), note: `the append of ${shown} failed` };
    seen.set(element, at);
  }
  return undefined;
}

/** Of the reads that saw the element at position `at`, the one with the shortest list, and of those the first to return. */
function shortestBeyond(reads: readonly Operation[], at: number): Operation {
  let best: Operation | undefined;
  for (const read of reads) {
    if (lengthOf(read) <= at) continue;
    const shorter = best === undefined || lengthOf(read) < lengthOf(best);
    if (shorter || (lengthOf(read) === lengthOf(best as Operation) && read.returnedAt < (best as Operation).returnedAt))
      best = read;
  }
  return best as Operation;
}

/**
 * An operation that must come before another, by the list, although it was called after that had returned.
 * Ranks: reads of n elements 2n, the append of the element at position n 2n + 1, appends that no read saw behind all.
 */
function outOfOrder({ appends, reads }: List, longest: readonly unknown[]): Contradiction | undefined {
  const ranks: Operation[][] = Array.from({ length: 2 * longest.length + 2 }, () => []);
  for (const read of reads) ranks[2 * lengthOf(read)]?.push(read);
  const positions = new Map(longest.map((element, at) => [element, at]));
  for (const [element, append] of appends) {
    const position = positions.get(element);
    if (position !== undefined) ranks[2 * position + 1]?.push(append);
    else if (append.outcome === 'ok') ranks[2 * longest.length + 1]?.push(append);
  }
  let latest: Operation | undefined;
  for (const rank of ranks) {
    const early = latest;
    if (early !== undefined) {
      const late = rank.find(({ returnedAt }) => returnedAt < early.calledAt);
      if (late !== undefined) return contradictionOf(early, late, reads, positions);
    }
    for (const operation of rank) if (latest === undefined || operation.calledAt > latest.calledAt) latest = operation;
  }
  return undefined;
}

/** `first` must be before `second`, but `second` had returned when `first` was called. */
function contradictionOf(
  first: Operation,
  second: Operation,
  reads: readonly Operation[],
  positions: ReadonlyMap<unknown, number>,
): Contradiction {
  const pair = [second, first];
  if (first.f === 'read') {
    const note =
      second.f === 'append'
        ? `${describeValue(second.input)} had been appended before the read began, and the read lacks it`
        : `the later read saw ${lengthOf(first)} elements, fewer than the earlier one, which saw ${lengthOf(second)}`;
    return { witness: pair, stuck: first, note };
  }
  const element = describeValue(first.input);
  if (second.f === 'read') return { witness: pair, stuck: second, note: `the read saw ${element} before its append was called` };
  // Both are appends, and the order of the list contradicts the order in which they were called: a read shows it.
  const position = positions.get(second.input);
  const read = shortestBeyond(reads, position ?? (positions.get(first.input) as number));
  const other = describeValue(second.input);
  const note =
    position === undefined
      ? `${other} had been appended before the append of ${element} began, and the list has only ${element}`
      : `${other} had been appended before the append of ${element} began, and comes behind it in the list`;
  return { witness: [...pair, read], stuck: read, note };
}

function explanationOf(list: List, { witness, stuck, note }: Contradiction): Explanation {
  const explained = (operation: Operation): ExplainedOperation => ({
    operation,
    text: describeListOperation(operation),
    required: operation.outcome === 'ok',
  });
  return {
    key: list.key,
    operations: list.operations,
    stuck: explained(stuck),
    prefix: undefined,
    witness: [...new Set(witness)].sort((a, b) => a.calledAt - b.calledAt).map(explained),
    note,
    selfContained: false,
  };
}
