// How many spans a process sent, and how many it lost: a trace with a hole in it is worse than none.

import type { DistributedMetrics } from './metrics.ts';
import type { TraceCounts } from './tracing.ts';

/** Feeds the metric distributed_trace_spans_total at every exposition. Returns a function that ends it. */
export function watchTracing(metrics: DistributedMetrics, counts: () => TraceCounts): () => void {
  const stops = (['exported', 'dropped'] as const).map((result) =>
    metrics.collect('distributed_trace_spans_total', { result }, () => counts()[result]),
  );
  return () => stops.forEach((stop) => stop());
}
