// Two results, side by side. Times of two recordings are reported and never gated; what can be counted exactly is.

import {
  COMPARISON_VERSION,
  type Comparison,
  type CountComparison,
  type Measurement,
  perOperation,
} from '../result/comparison.ts';
import type { Run } from '../result/schema.ts';
import { environmentDifferences } from './environments.ts';
import { driftOf, judge } from './judge.ts';
import { compareAllocations, compareCounts, compareMicrobenchmark, countsMissing } from './microbenchmarks.ts';
import { compareScenario } from './scenarios.ts';

const ON_TIMES =
  'Times are reported, never gated: the same code, recorded minutes apart, differed by 20-60%, and by up to a factor of 2.4. Slower and faster is only what lies beyond a factor of 2.';

export interface CompareOptions {
  /** For `exit.code` when a deterministic count rose. */
  readonly regressionCode: number;
}

/** Both must have been read by `readRun`, which refuses other schemas. */
export function compareRuns(base: Run, head: Run, { regressionCode }: CompareOptions): Comparison {
  const differences = environmentDifferences(base.environment, head.environment);
  const reason =
    differences.length === 0
      ? undefined
      : `another machine: ${differences.map(({ what, base: one, head: other }) => `${what} ${one}, and ${other}`).join('; ')}`;
  const micro = pair(base.microbenchmarks, head.microbenchmarks, ({ id }) => id);
  const scenarios = pair(base.scenarios, head.scenarios, ({ name }) => name);
  const related = micro.both.flatMap((each) => compareMicrobenchmark(each, reason));
  const drift = driftOf(related);
  const compared = scenarios.both.map(([one, other]) => compareScenario(one, other, reason));
  const counts = micro.both.flatMap(compareCounts);
  const reasons = counts.filter(({ verdict }) => verdict === 'more').map(riseOf);
  return {
    schema: 'windtunnel-comparison',
    schemaVersion: COMPARISON_VERSION,
    base: sideOf(base),
    head: sideOf(head),
    differences,
    onTimes: ON_TIMES,
    ...(drift !== undefined && { drift }),
    measurements: [
      ...related.map((each) => judge(each, drift?.ratio ?? 1)),
      ...compared.flatMap(({ measurements }) => measurements).map((each): Measurement => judge(each, 1)),
    ],
    counts,
    allocations: micro.both.flatMap(compareAllocations),
    onlyInBase: [
      ...micro.onlyInBase,
      ...micro.both.flatMap(([one, other]) => countsMissing(one, other)),
      ...scenarios.onlyInBase,
      ...compared.flatMap((each) => each.onlyInBase),
    ],
    onlyInHead: [
      ...micro.onlyInHead,
      ...micro.both.flatMap(([one, other]) => countsMissing(other, one)),
      ...scenarios.onlyInHead,
      ...compared.flatMap((each) => each.onlyInHead),
    ],
    exit: { code: reasons.length > 0 ? regressionCode : 0, reasons },
  };
}

/** 'raft/propose-to-applied: 4 messages an operation became 5'. */
function riseOf({ benchmark, count, base, head }: CountComparison): string {
  return `${benchmark}: ${perOperation(base)} ${count} an operation became ${perOperation(head)}`;
}

function sideOf({ id, startedAt, environment: { git } }: Run): Comparison['base'] {
  return { id, startedAt, ...(git !== undefined && { commit: git.commit, dirty: git.dirty }) };
}

/** In the order of BASE. A run may have measured a scenario twice: its first is compared with the first, and so on. */
function pair<T>(base: readonly T[], head: readonly T[], nameOf: (each: T) => string) {
  const named = (all: readonly T[]) => {
    const seen = new Map<string, number>();
    return new Map(
      all.map((each) => {
        const name = nameOf(each);
        const number = (seen.get(name) ?? 0) + 1;
        seen.set(name, number);
        return [number === 1 ? name : `${name} (${number})`, each];
      }),
    );
  };
  const [before, after] = [named(base), named(head)];
  return {
    both: [...before].flatMap(([name, each]) => (after.has(name) ? [[each, after.get(name) as T] as const] : [])),
    onlyInBase: [...before.keys()].filter((name) => !after.has(name)),
    onlyInHead: [...after.keys()].filter((name) => !before.has(name)),
  };
}
