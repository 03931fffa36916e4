// How late and how busy the event loop is: the first thing to know before any latency of this process is believed.

import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { DistributedMetrics } from './metrics.ts';

const RESOLUTION_MS = 10;

/** Feeds the metrics distributed_event_loop_* at every exposition, with what happened since the previous one. Returns a function that ends it. */
export function watchEventLoop(metrics: DistributedMetrics): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let utilization = performance.eventLoopUtilization();
  // Node records the time between two firings of a timer; what exceeds the timer's period is delay.
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3);
  const stops = [
    metrics.collect('distributed_event_loop_delay_seconds', { statistic: 'p50' }, () => seconds(delay.percentile(50))),
    metrics.collect('distributed_event_loop_delay_seconds', { statistic: 'p99' }, () => seconds(delay.percentile(99))),
    // Read last: it begins the next period.
    metrics.collect('distributed_event_loop_delay_seconds', { statistic: 'max' }, () => {
      const max = seconds(delay.max);
      delay.reset();
      return max;
    }),
    metrics.collect('distributed_event_loop_utilization_ratio', {}, () => {
      const now = performance.eventLoopUtilization();
      const share = performance.eventLoopUtilization(now, utilization).utilization;
      utilization = now;
      return share;
    }),
  ];
  return () => {
    delay.disable();
    for (const stop of stops) stop();
  };
}
