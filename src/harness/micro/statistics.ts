// From samples to the numbers of a microbenchmark. Times have long tails, so everything here is an order statistic: no
// distribution is assumed, and one garbage collection moves nothing but the maximum.

import { assert } from '../../runtime/assert.ts';
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

/**
 * A confidence interval of the median from order statistics: how many of n samples lie below the true median is binomial
 * (n, 1/2), so the k-th smallest and the k-th largest sample enclose it with probability 1 - 2 P(B < k); k is the largest for
 * which that is at least 0.95 (Conover, Practical Nonparametric Statistics, section 3.2). Fewer than 6 samples cannot give
 * 0.95; the interval is then all of them. It takes the samples for independent; neighbouring ones on a busy machine are not
 * quite, so the true coverage is somewhat lower.
 */
export function medianInterval95(sorted: readonly number[]): [number, number] {
  const n = sorted.length;
  let rank = 0;
  let below = 0;
  // In logarithms: 1/2 to the power of n is 0 in a double from n = 1,075.
  let logTerm = -n * Math.LN2;
  while (rank < n) {
    const next = below + Math.exp(logTerm);
    if (next > 0.025) break;
    below = next;
    rank++;
    logTerm += Math.log((n - rank + 1) / rank);
  }
  const k = Math.max(1, rank);
  return [sorted[k - 1] as number, sorted[n - k] as number];
}
