// The percentiles of each load and phase, as the result has them: what the kept traces are chosen by.

import { LatencyHistogram } from '../result/histogram.ts';
import { PHASES, type PathBucket, type Phase, type Statistic } from '../result/schema.ts';

export interface PhasePercentiles {
  readonly load: string;
  readonly phase: Phase;
  /** Of the response time, milliseconds, of what ended ok; one with fewer than 10 samples above it is left out. */
  readonly at: readonly { readonly bucket: Exclude<PathBucket, 'slowest'>; readonly ms: number }[];
}

const BUCKETS = [
  ['p50', 50],
  ['p90', 90],
  ['p99', 99],
  ['p99.9', 99.9],
] as const;

/** In the order of the loads and phases. */
export function percentilesOf(statistics: readonly Statistic[]): PhasePercentiles[] {
  const ok = statistics.filter(({ outcome }) => outcome === 'ok');
  const loads = [...new Set(ok.map(({ load }) => load))];
  return loads.flatMap((load) =>
    PHASES.flatMap((phase) => {
      const own = ok.filter((each) => each.load === load && each.phase === phase);
      if (own.length === 0) return [];
      const merged = new LatencyHistogram();
      for (const { responseTime } of own) merged.merge(LatencyHistogram.decode(responseTime.histogram));
      const at = BUCKETS.flatMap(([bucket, percentile]) => {
        const us = merged.percentile(percentile);
        return us === undefined ? [] : [{ bucket, ms: us / 1_000 }];
      });
      return [{ load, phase, at }];
    }),
  );
}
