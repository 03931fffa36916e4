// Where the time went, of the requests near each percentile: the mean of what each of them spent its own time on.

import { type CriticalPath, PATH_BUCKETS, PATH_PARTS, PHASES } from '../result/schema.ts';
import type { AssembledTrace } from './assembly.ts';
import { criticalPath, type PathTimes } from './critical-path.ts';
import type { ChosenTrace } from './selection.ts';

export interface PathOfTrace extends Pick<ChosenTrace, 'load' | 'phase' | 'keptFor' | 'responseMs'> {
  readonly trace: AssembledTrace;
}

/** One entry for each load, phase and bucket that has a complete trace, in that order. */
export function pathShares(all: readonly PathOfTrace[]): CriticalPath[] {
  const timed = all
    .filter(({ trace }) => trace.missing.length === 0)
    .map((each) => ({ ...each, times: criticalPath(each.trace) }))
    .filter(({ times }) => totalUs(times) > 0);
  const loads = [...new Set(timed.map(({ load }) => load))].sort();
  return loads.flatMap((load) =>
    PHASES.flatMap((phase) =>
      PATH_BUCKETS.flatMap((bucket): CriticalPath[] => {
        const own = timed.filter((each) => each.load === load && each.phase === phase && each.keptFor.includes(bucket));
        if (own.length === 0) return [];
        return [
          {
            load,
            phase,
            bucket,
            traces: own.length,
            responseMs: mean(own.map((each) => each.responseMs)),
            shares: sharesOf(own),
          },
        ];
      }),
    ),
  );
}

/** Of one trace; empty when it has no root or took no time. */
export function sharesOfTrace(trace: AssembledTrace): CriticalPath['shares'] {
  const times = criticalPath(trace);
  return totalUs(times) > 0 ? sharesOf([{ times }]) : [];
}

function sharesOf(own: readonly { readonly times: PathTimes }[]): CriticalPath['shares'] {
  return PATH_PARTS.map((part) => ({
    part,
    share: mean(own.map(({ times }) => (times.get(part) ?? 0) / totalUs(times))),
  })).filter(({ share }) => share > 0);
}

function totalUs(times: PathTimes): number {
  return [...times.values()].reduce((sum, us) => sum + us, 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
