// Checks the histories of one run, for its result.

import { basename } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import type { CheckResult } from '../result/schema.ts';
import type { CheckerResult } from './check-file.ts';
import { checkFile, countsOf, summaryOf } from './check-file.ts';
import type { NodeEvent } from './raft-invariants.ts';
import { checkRaftInvariants } from './raft-invariants.ts';

/** Operations of one explanation: it is a text to be read, not another history. */
const MOST_EXPLAINED = 500;

/**
 * The results for each history, in their order: of its model's checker, and of others that apply.
 * @param timeLimitMs for one history; one that takes longer is `unknown`.
 */
export async function checkHistories(paths: readonly string[], timeLimitMs: number, clock: Clock): Promise<CheckResult[]> {
  const checks: CheckResult[] = [];
  for (const path of paths) {
    const startMs = clock.now();
    const { results, operations } = await checkFile(path, { timeLimitMs, clock });
    // The first checker's time includes reading the file; the others need next to none.
    for (const [at, result] of results.entries()) checks.push(entryOf(result, operations, at === 0 ? clock.now() - startMs : 0));
  }
  return checks;
}

/** Checks what the nodes of a cluster said against what Raft promises. None when no node spoke of Raft: it is another system. */
export function checkNodes(events: readonly NodeEvent[], clock: Clock): CheckResult[] {
  if (events.every(({ type }) => type === 'started' || type === 'exited')) return [];
  const startMs = clock.now();
  const result = checkRaftInvariants(events);
  return [entryOf(result, events.length, clock.now() - startMs)];
}

function entryOf(result: CheckerResult, operations: number, durationMs: number): CheckResult {
  return {
    checker: result.checker,
    verdict: result.verdict,
    ...(result.verdict !== 'valid' && 'reason' in result && { reason: result.reason }),
    operations,
    durationMs,
    counts: countsOf(result),
    ...(result.verdict === 'violated' && { explanation: summaryOf(result, MOST_EXPLAINED) }),
  };
}

/** The results of histories that are not checked, because they are not all there. */
export function uncheckedHistories(paths: readonly string[], reason: string): CheckResult[] {
  return paths.map((path) => ({
    checker: basename(path, '.jsonl'),
    verdict: 'unknown',
    reason,
    operations: 0,
    durationMs: 0,
    counts: {},
  }));
}

/** How many acknowledged operations the checks found missing; undefined when none of them could have told. */
export function operationsLost(checks: readonly CheckResult[]): number | undefined {
  const told = checks.flatMap(({ verdict, counts }) => (verdict === 'unknown' ? [] : (counts['lost'] ?? [])));
  return told.length === 0 ? undefined : told.reduce((sum, lost) => sum + lost, 0);
}

export function worstVerdict(checks: readonly CheckResult[]): CheckResult['verdict'] | 'unchecked' {
  if (checks.some((each) => each.verdict === 'violated')) return 'violated';
  if (checks.some((each) => each.verdict === 'unknown')) return 'unknown';
  return checks.length > 0 ? 'valid' : 'unchecked';
}
