// The microbenchmarks of two results, side by side.

import type { Allocation, CountComparison, Measurement, Quantity } from '../result/comparison.ts';
import type { Microbenchmark } from '../result/schema.ts';
import { relate } from './judge.ts';

type Pair = readonly [base: Microbenchmark, head: Microbenchmark];

type Counted = Pick<Microbenchmark, 'id' | 'counts'>;

/** @param reason why no time is comparable, when that is so. */
export function compareMicrobenchmark([base, head]: Pair, reason: string | undefined): Measurement[] {
  const common = { kind: 'microbenchmark', name: base.id, unit: 'ns', better: 'lower' } as const;
  const median = { ...common, metric: 'median', ...sides(medianOf(base), medianOf(head)) };
  const failure = failureOf(base, 'BASE') ?? failureOf(head, 'HEAD');
  const [baseP99, headP99] = [p99Of(base), p99Of(head)];
  const p99 = { ...common, metric: 'p99', ...sides(baseP99, headP99) };
  // Most have too few samples for it.
  return [
    relate(median, failure ?? reason),
    ...(baseP99 !== undefined && headP99 !== undefined ? [relate(p99, failure ?? reason)] : []),
  ];
}

export function sides(base: Quantity | undefined, head: Quantity | undefined): { base?: Quantity; head?: Quantity } {
  return { ...(base !== undefined && { base }), ...(head !== undefined && { head }) };
}

function medianOf({ nanoseconds }: Microbenchmark): Quantity | undefined {
  return nanoseconds && { value: nanoseconds.median, interval95: nanoseconds.interval95 };
}

function p99Of({ nanoseconds }: Microbenchmark): Quantity | undefined {
  return nanoseconds?.p99 === undefined ? undefined : { value: nanoseconds.p99 };
}

function failureOf({ status, error = 'no reason given' }: Microbenchmark, side: string): string | undefined {
  return status === 'failed' ? `failed in ${side}: ${error}` : undefined;
}

/** Exactly, operation by operation: nothing of them depends on the machine. */
export function compareCounts([base, head]: readonly [Counted, Counted]): CountComparison[] {
  const [before, after] = [base.counts, head.counts];
  if (before === undefined || after === undefined) return [];
  return Object.entries(before.counted).flatMap(([count, counted]) => {
    const now = after.counted[count];
    if (now === undefined) return [];
    // Multiplied out, so that nothing is rounded.
    const excess = now * before.operations - counted * after.operations;
    return [
      {
        benchmark: base.id,
        count,
        base: { counted, operations: before.operations },
        head: { counted: now, operations: after.operations },
        verdict: excess > 0 ? ('more' as const) : excess < 0 ? ('fewer' as const) : ('same' as const),
      },
    ];
  });
}

/** What `one` counts and `other` does not, such as 'raft/read-index-round messages': what is not counted any more cannot be gated. */
export function countsMissing(one: Microbenchmark, other: Microbenchmark): string[] {
  const names = Object.keys(one.counts?.counted ?? {});
  return names.filter((name) => other.counts?.counted[name] === undefined).map((name) => `${one.id} ${name}`);
}

export function compareAllocations([base, head]: Pair): Allocation[] {
  const [before, after] = [base.heapBytesPerOperation, head.heapBytesPerOperation];
  return before === undefined || after === undefined ? [] : [{ benchmark: base.id, base: before, head: after }];
}
