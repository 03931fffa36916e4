// Checks the histories of one run, for its result.

import { basename } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import type { CheckResult } from '../result/schema.ts';
import { checkFile } from './check-file.ts';

/**
 * One result for each history, in their order.
 * @param timeLimitMs for one history; one that takes longer is `unknown`.
 */
export async function checkHistories(paths: readonly string[], timeLimitMs: number, clock: Clock): Promise<CheckResult[]> {
  const checks: CheckResult[] = [];
  for (const path of paths) {
    const startMs = clock.now();
    const { result, verdict, operations, summary } = await checkFile(path, { timeLimitMs, clock });
    checks.push({
      checker: result.checker,
      verdict,
      ...(result.verdict !== 'valid' && 'reason' in result && { reason: result.reason }),
      operations,
      durationMs: clock.now() - startMs,
      counts: result.checker === 'acknowledged-writes' ? { ...result.counts } : { keys: result.partitions },
      ...(verdict === 'violated' && { explanation: summary }),
    });
  }
  return checks;
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

export function worstVerdict(checks: readonly CheckResult[]): CheckResult['verdict'] | 'unchecked' {
  if (checks.some((each) => each.verdict === 'violated')) return 'violated';
  if (checks.some((each) => each.verdict === 'unknown')) return 'unknown';
  return checks.length > 0 ? 'valid' : 'unchecked';
}
