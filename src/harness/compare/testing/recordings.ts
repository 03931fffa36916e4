// Recordings of made-up benchmarks and scenarios whose true speed is known.

import type { Random } from '../../../runtime/random.ts';
import { LatencyHistogram } from '../../result/histogram.ts';
import { latencyOf } from '../../result/latency.ts';
import type { Microbenchmark, Run, Statistic } from '../../result/schema.ts';
import { sampleRun } from '../../result/testing/sample-run.ts';
import { summarise } from '../../micro/statistics.ts';

/** It takes a while to make. */
const SAMPLE = sampleRun();

/** The sample run, to be spoiled. */
export function sample(): Run {
  return structuredClone(SAMPLE);
}

/** A run that measured nothing but this. */
export function emptyRun(more: Partial<Run> = {}): Run {
  return { ...SAMPLE, microbenchmarks: [], scenarios: [], ...more };
}

/** A standard normal number (Box and Muller). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
}

/** 120 samples around `median` nanoseconds that scatter by 8 %, with a tail. */
export function recorded(random: Random, id: string, median: number, more: Partial<Microbenchmark> = {}): Microbenchmark {
  const samples = Array.from({ length: 120 }, () => median * Math.exp(0.08 * normal(random)) * (random.chance(0.05) ? 3 : 1));
  return { id, status: 'ok', nanoseconds: summarise(samples), samples: 120, operationsPerSample: 1_000, ...more };
}

/** 2,000 response times around `medianMs`. */
export function responseTimes(random: Random, operation: string, medianMs: number): Statistic {
  const histogram = new LatencyHistogram();
  for (let sample = 0; sample < 2_000; sample++) histogram.record(medianMs * 1_000 * Math.exp(0.5 * normal(random)));
  const latency = latencyOf(histogram);
  return {
    load: 'registers',
    operation,
    outcome: 'ok',
    phase: 'baseline',
    count: 2_000,
    responseTime: latency,
    serviceTime: latency,
  };
}
