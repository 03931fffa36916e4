// A histogram as run.json keeps it: milliseconds for people, and the histogram itself for merging.

import type { LatencyHistogram } from './histogram.ts';
import type { Latency } from './schema.ts';

/**
 * Summarises a histogram (microseconds) in milliseconds. A percentile with fewer than 10 samples above it is absent.
 * Of an empty histogram min, mean and max are 0 and every percentile is absent.
 */
export function latencyOf(histogram: LatencyHistogram): Latency {
  const latency: Latency = {
    min: histogram.min / 1_000,
    // The mean of whole microseconds is not one; three more digits than the samples have are enough.
    mean: Math.round(histogram.mean * 1_000) / 1_000_000,
    max: histogram.max / 1_000,
    histogram: histogram.encode(),
  };
  for (const [name, percentile] of PERCENTILES) {
    const us = histogram.percentile(percentile);
    if (us !== undefined) latency[name] = us / 1_000;
  }
  return latency;
}

const PERCENTILES = [
  ['p50', 50],
  ['p90', 90],
  ['p95', 95],
  ['p99', 99],
  ['p999', 99.9],
] as const;
