import { describe, expect, test } from 'vitest';
import { AssertionError } from '../../runtime/assert.ts';
import { Random } from '../../runtime/random.ts';
import { LatencyHistogram } from './histogram.ts';
import { latencyOf } from './latency.ts';

function histogramOf(...latenciesUs: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const us of latenciesUs) histogram.record(us);
  return histogram;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('latency histogram', () => {
  test('agrees with the sorted samples within its three digits', () => {
    const random = new Random(11);
    const samples = Array.from({ length: 20_000 }, () => Math.round(random.exponential(40_000)));
    const histogram = histogramOf(...samples);
    samples.sort((a, b) => a - b);
    for (const p of [50, 90, 99, 99.9]) {
      const exact = samples[Math.ceil((p / 100) * samples.length) - 1] as number;
      expect(Math.abs((histogram.percentile(p) as number) - exact)).toBeLessThanOrEqual(exact / 1_000 + 1);
    }
    expect(histogram.count).toBe(20_000);
    expect(Math.abs(histogram.mean - samples.reduce((sum, us) => sum + us, 0) / 20_000)).toBeLessThan(40);
  });

  test('a percentile with fewer than 10 samples above it is absent', () => {
    expect(histogramOf(...upTo(19)).percentile(50)).toBeUndefined();
    expect(histogramOf(...upTo(20)).percentile(50)).toBe(10);
    expect(histogramOf(...upTo(999)).percentile(99)).toBeUndefined();
    expect(histogramOf(...upTo(1_000)).percentile(99)).toBe(990);
    expect(histogramOf(...upTo(9_999)).percentile(99.9)).toBeUndefined();
    expect(histogramOf(...upTo(10_000)).percentile(99.9)).toBeGreaterThanOrEqual(9_990);
  });

  test('an hour is kept, more than an hour is clipped and counted, less than nothing is a bug', () => {
    const histogram = histogramOf(3_600_000_000, 3_600_000_001);
    expect(histogram.clipped).toBe(1);
    expect(histogram.max / 3_600_000_000).toBeCloseTo(1, 2);
    expect(() => histogram.record(-1)).toThrow(AssertionError);
    expect(() => histogram.record(Number.NaN)).toThrow(AssertionError);
  });

  test('an empty one answers 0 and no percentile', () => {
    const { min, max, mean, count } = new LatencyHistogram();
    expect({ min, max, mean, count }).toEqual({ min: 0, max: 0, mean: 0, count: 0 });
    expect(new LatencyHistogram().percentile(50)).toBeUndefined();
  });

  test('merged histograms equal the histogram of all samples, also after being text', () => {
    const whole = histogramOf(...upTo(5_000), 2_500_000_000);
    const merged = LatencyHistogram.decode(histogramOf(...upTo(2_500)).encode());
    merged.merge(LatencyHistogram.decode(histogramOf(...upTo(5_000).slice(2_500), 2_500_000_000).encode()));
    for (const p of [0, 25, 50, 99]) expect(merged.percentile(p)).toBe(whole.percentile(p));
    expect([merged.count, merged.min]).toEqual([whole.count, whole.min]);
    // The text keeps the bucket, not the sample.
    expect(Math.abs(merged.max / whole.max - 1)).toBeLessThan(0.001);
  });

  test('text that is no histogram is refused', () => {
    expect(() => LatencyHistogram.decode('bm90IGEgaGlzdG9ncmFt')).toThrow("not a histogram in HdrHistogram's");
    expect(() => LatencyHistogram.decode('')).toThrow('not a histogram');
  });
});

describe('latency in a result', () => {
  test('is in milliseconds, and can be merged again', () => {
    const latency = latencyOf(histogramOf(...upTo(1_000).map((i) => i * 1_000)));
    expect(latency.p50).toBeCloseTo(500, 0);
    expect(latency.p99).toBeCloseTo(990, 0);
    expect(latency).not.toHaveProperty('p999');
    expect(latency.min).toBe(1);
    expect(latency.mean).toBeCloseTo(500.5, 0);
    expect(LatencyHistogram.decode(latency.histogram).count).toBe(1_000);
  });

  test('of nothing has no percentiles', () => {
    expect(latencyOf(new LatencyHistogram())).toEqual({ min: 0, mean: 0, max: 0, histogram: expect.any(String) as string });
  });
});
