// Do reads go back in time? For lists that only grow: a process never sees fewer elements than it saw before
// (monotonic reads: Terry et al., Session guarantees, PDIS 1994), and of two reads of a key of which one had returned
// when the other was called, the earlier list is the beginning of the later one. For sets the former only.

import { describeValue, Interner } from './model.ts';
import type { Operation } from './operation.ts';
import { lineOf } from './operation-line.ts';
import { agreement, describeListOperation, lengthOf, listOf, ListPrefix } from './read-lists.ts';
import type { CheckerVerdict } from './verdict.ts';

/**
 * Checks the successful reads of `append` histories, by process and key. Undefined where it does not apply: no process
 * read a key twice.
 */
export function checkMonotonicReads(operations: readonly Operation[]): CheckerVerdict | undefined {
  const latest = new Map<string, Operation>();
  let compared = 0;
  for (const read of successful(operations, 'read')) {
    const place = `${read.process} ${read.key ?? ''}`;
    const earlier = latest.get(place);
    latest.set(place, read);
    if (earlier === undefined) continue;
    compared++;
    if (isPrefix(earlier, read)) continue;
    const where = read.key === undefined ? '' : ` on key ${JSON.stringify(read.key)}`;
    const fewer = lengthOf(read) < lengthOf(earlier);
    const what = fewer
      ? `saw ${lengthOf(earlier)} elements${where} and then ${lengthOf(read)}`
      : `saw another beginning of the list${where} than before`;
    return violated('monotonic-reads', { compared }, `process ${read.process} ${what}`, [earlier, read]);
  }
  if (compared === 0) return undefined;
  return { checker: 'monotonic-reads', counts: { compared }, verdict: 'valid' };
}

/** Checks that reads of one key that do not overlap are prefixes of one another. Undefined when there are none. */
export function checkMonotonicAppend(operations: readonly Operation[]): CheckerVerdict | undefined {
  const byKey = Map.groupBy(successful(operations, 'read'), ({ key }) => key);
  let compared = 0;
  for (const [key, reads] of byKey) {
    const byReturn = [...reads].sort((a, b) => a.returnedAt - b.returnedAt);
    let returned = 0;
    let longest: Operation | undefined;
    for (const read of reads) {
      for (; (byReturn[returned]?.returnedAt ?? Number.POSITIVE_INFINITY) < read.calledAt; returned++) {
        const candidate = byReturn[returned] as Operation;
        // What had returned agrees up to here, so the longest of it stands for all.
        if (longest === undefined || lengthOf(candidate) > lengthOf(longest)) longest = candidate;
      }
      if (longest === undefined) continue;
      compared++;
      if (isPrefix(longest, read)) continue;
      const where = key === undefined ? '' : ` of key ${JSON.stringify(key)}`;
      return violated('monotonic-append', { compared }, `a read${where} does not begin with what an earlier one returned`, [
        longest,
        read,
      ]);
    }
  }
  if (compared === 0) return undefined;
  return { checker: 'monotonic-append', counts: { compared }, verdict: 'valid' };
}

/** Checks the `read-all`s of a set: a process never misses an element that it saw before. Undefined: none read twice. */
export function checkMonotonicSet(operations: readonly Operation[]): CheckerVerdict | undefined {
  const elements = new Interner();
  const latest = new Map<number, { read: Operation; seen: ReadonlySet<number> }>();
  let compared = 0;
  for (const read of successful(operations, 'read-all')) {
    if (!Array.isArray(read.output)) continue;
    const seen = new Set((read.output as unknown[]).map((element) => elements.intern(element)));
    const earlier = latest.get(read.process);
    latest.set(read.process, { read, seen });
    if (earlier === undefined) continue;
    compared++;
    const missing = [...earlier.seen].filter((element) => !seen.has(element));
    if (missing.length === 0) continue;
    const example = describeValue(elements.value(missing[0] as number));
    const reason = `process ${read.process} does not see ${missing.length} elements that it saw before, such as ${example}`;
    return violated('monotonic-reads', { compared }, reason, [earlier.read, read]);
  }
  if (compared === 0) return undefined;
  return { checker: 'monotonic-reads', counts: { compared }, verdict: 'valid' };
}

function successful(operations: readonly Operation[], f: string): Operation[] {
  return operations.filter((operation) => operation.f === f && operation.outcome === 'ok');
}

function isPrefix(earlier: Operation, later: Operation): boolean {
  if (lengthOf(later) < lengthOf(earlier)) return false;
  if (earlier.output instanceof ListPrefix && later.output instanceof ListPrefix) return true;
  return agreement(listOf(earlier), listOf(later)) === lengthOf(earlier);
}

function violated(checker: string, counts: Record<string, number>, reason: string, reads: readonly Operation[]): CheckerVerdict {
  const describe = (read: Operation) =>
    read.f === 'read-all' ? `read-all -> ${lengthOf(read)} elements` : describeListOperation(read);
  return { checker, counts, verdict: 'violated', reason, explanation: reads.map((read) => lineOf(read, describe(read))) };
}
