// From samples to the numbers of a microbenchmark. Times have long tails, so everything here is an order statistic: no
// distribution is assumed, and one garbage collection moves nothing but the maximum.

import { assert } from '../../runtime/assert.ts';
import { quantileRanks95 } from '../result/quantile-ranks.ts';
import type { Microbenchmark } from '../result/schema.ts';

/** A percentile needs this many samples above it before it is more than one sample's accident. */
const SAMPLES_ABOVE = 10;

/** @param samples nanoseconds per operation, at least one, in any order. */
export function summarise(samples: readonly number[]): NonNullable<Microbenchmark['nanoseconds']> {
  assert(samples.length > 0, 'no samples to summarise');
  const sorted = samples.toSorted((a, b) => a - b);
  const median = medianOf(sorted);
  const deviations = sorted.map((sample) => Math.abs(sample - median)).sort((a, b) => a - b);
  const hasP99 = Math.round(sorted.length * 0.01) >= SAMPLES_ABOVE;
  return {
    median,
    mean: sorted.reduce((sum, sample) => sum + sample, 0) / sorted.length,
    min: sorted[0] as number,
    max: sorted.at(-1) as number,
    p75: percentileOf(sorted, 75),
    ...(hasP99 ? { p99: percentileOf(sorted, 99) } : {}),
    mad: medianOf(deviations),
    interval95: medianInterval95(sorted),
  };
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** The nearest rank: the smallest sample that at least `p` percent of the samples do not exceed. */
function percentileOf(sorted: readonly number[], p: number): number {
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] as number;
}

/** A confidence interval of the median from order statistics; of fewer than 6 samples, which cannot give 0.95, all of them. */
export function medianInterval95(sorted: readonly number[]): [number, number] {
  const [low, high] = quantileRanks95(sorted.length, 0.5);
  return [sorted[low - 1] as number, sorted[high - 1] as number];
}
