import { describe, expect, test } from 'vitest';
import { Distribution } from '../result/distribution.ts';
import { LatencyHistogram } from '../result/histogram.ts';
import type { Phase } from '../result/schema.ts';
import type { EndEvent, PlannedOperation } from './operation.ts';
import { Recorder } from './recorder.ts';

const phaseAt = (ms: number): Phase => (ms < 1_000 ? 'warmup' : ms < 3_000 ? 'baseline' : 'fault');

interface Given {
  operation?: 'read' | 'write' | 'cas';
  type?: EndEvent['type'];
  scheduledMs: number;
  sentMs?: number;
  atMs: number;
  code?: string;
  expected?: boolean;
  load?: string;
}

function record(recorder: Recorder, given: Given): void {
  const { operation: name = 'write', type = 'ok', scheduledMs, sentMs = scheduledMs, atMs, load = 'a' } = given;
  const operation: PlannedOperation = { load, kind: 'registers', operation: name, key: 1, value: 2, expected: 3 };
  recorder.scheduled(scheduledMs);
  recorder.record({ type: 'invoke', process: 0, atMs: sentMs, scheduledMs, operation });
  recorder.record({
    type,
    process: 0,
    atMs,
    operation,
    scheduledMs,
    sentMs,
    value: undefined,
    code: given.code,
    expected: given.expected ?? false,
  });
}

describe('the recorder', () => {
  test('splits by load, operation, outcome and the phase of the scheduled instant', () => {
    const recorder = new Recorder(phaseAt);
    record(recorder, { scheduledMs: 999, atMs: 3_500 });
    record(recorder, { scheduledMs: 1_000, atMs: 3_600 });
    record(recorder, { operation: 'read', scheduledMs: 2_999, atMs: 3_700 });
    record(recorder, { scheduledMs: 3_000, atMs: 3_800, type: 'info', code: 'timeout' });
    record(recorder, { load: 'b', scheduledMs: 3_000, atMs: 3_900 });
    const keys = recorder
      .statistics()
      .map(({ load, operation, outcome, phase, count }) => [load, operation, outcome, phase, count]);
    expect(keys).toEqual([
      ['a', 'read', 'ok', 'baseline', 1],
      ['a', 'write', 'ok', 'warmup', 1],
      ['a', 'write', 'ok', 'baseline', 1],
      ['a', 'write', 'info', 'fault', 1],
      ['b', 'write', 'ok', 'fault', 1],
    ]);
  });

  test('the lag of the warm-up is not held against the generator', () => {
    const recorder = new Recorder(phaseAt);
    record(recorder, { scheduledMs: 500, sentMs: 900, atMs: 950 });
    expect(recorder.lag.count).toBe(0);
    record(recorder, { scheduledMs: 1_000, sentMs: 1_003, atMs: 1_010 });
    expect([recorder.lag.count, recorder.lag.max]).toEqual([1, 3_000]);
  });

  test('measures the response from the schedule and the service from the send', () => {
    const recorder = new Recorder(phaseAt);
    record(recorder, { scheduledMs: 1_000, sentMs: 1_400, atMs: 1_500 });
    const [statistic] = recorder.statistics();
    expect(statistic?.responseTime.max).toBe(500);
    expect(statistic?.serviceTime.max).toBe(100);
    expect(LatencyHistogram.decode(statistic?.responseTime.histogram ?? '').count).toBe(1);
    expect(recorder.lag.max).toBe(400_000);
  });

  test('counts errors by code and outcome, most frequent first, and leaves out what is none', () => {
    const recorder = new Recorder(phaseAt);
    record(recorder, { scheduledMs: 1, atMs: 2, type: 'fail', code: 'not-leader' });
    for (let at = 0; at < 2; at++) record(recorder, { scheduledMs: 1, atMs: 2, type: 'info', code: 'timeout' });
    record(recorder, { operation: 'cas', scheduledMs: 1, atMs: 2, type: 'fail', code: 'cas-mismatch', expected: true });
    expect(recorder.errors()).toEqual([
      { code: 'timeout', outcome: 'info', count: 2 },
      { code: 'not-leader', outcome: 'fail', count: 1 },
    ]);
    for (const load of ['a', 'b', 'b'])
      record(recorder, { scheduledMs: 3_100, atMs: 3_200, type: 'info', code: 'timeout', load });
    expect(recorder.errorsByPhase()).toEqual([
      { phase: 'warmup', code: 'timeout', outcome: 'info', count: 2 },
      { phase: 'warmup', code: 'not-leader', outcome: 'fail', count: 1 },
      { phase: 'fault', code: 'timeout', outcome: 'info', count: 3 },
    ]);
    expect(recorder.errors()[0]).toEqual({ code: 'timeout', outcome: 'info', count: 5 });
    expect(recorder.expectedFailures).toBe(1);
    expect(recorder.totals(2_000)).toEqual({ scheduled: 7, started: 7, ok: 0, fail: 2, info: 5, dropped: 0, okPerSecond: 0 });
    expect(recorder.snapshot()).toMatchObject({ ok: 0, failed: 6, inFlight: 0 });
  });

  test('keeps a timeline by the second in which something happened', () => {
    const recorder = new Recorder(phaseAt);
    record(recorder, { scheduledMs: 900, sentMs: 905, atMs: 950 });
    record(recorder, { scheduledMs: 990, sentMs: 1_020, atMs: 2_100 });
    recorder.scheduled(2_500);
    recorder.dropped('a', 2_500);
    expect(recorder.timeline()).toEqual([
      {
        atMs: 0,
        phase: 'warmup',
        scheduled: 2,
        started: 1,
        ok: 1,
        fail: 0,
        info: 0,
        dropped: 0,
        max: 50,
        distribution: [46, 1],
        lagMax: 5,
      },
      { atMs: 1_000, phase: 'baseline', scheduled: 0, started: 1, ok: 0, fail: 0, info: 0, dropped: 0, lagMax: 30 },
      {
        atMs: 2_000,
        phase: 'baseline',
        scheduled: 1,
        started: 0,
        ok: 1,
        fail: 0,
        info: 0,
        dropped: 1,
        max: 1_110,
        distribution: [60, 1],
      },
    ]);
    expect(recorder.droppedByPhase()).toEqual([{ load: 'a', phase: 'baseline', count: 1 }]);
  });

  test('every second has the distribution of what ended in it, however it ended, and a long run keeps nothing else of it', () => {
    const recorder = new Recorder(phaseAt);
    for (let at = 0; at < 3_600; at++) {
      const endMs = at * 1_000 + 900;
      for (const [type, ms] of [
        ['ok', 1],
        ['ok', 1.2],
        ['fail', 10],
        ['info', 800],
      ] as const)
        record(recorder, { type, scheduledMs: endMs - ms, atMs: endMs });
      expect(recorder.finishSecond().distribution).toEqual([30, 2, -9, 1, -18, 1]);
    }
    const all = recorder.timeline();
    expect(all).toHaveLength(3_600);
    // Every operation is in exactly one of them.
    const merged = new Distribution();
    for (const { distribution = [] } of all) merged.merge(Distribution.decode(distribution));
    expect(merged.encode()).toEqual([30, 7_200, -9, 3_600, -18, 3_600]);
    // Dozens of bytes a second, and fewer than the buckets have.
    expect(Math.max(...all.map(({ distribution }) => JSON.stringify(distribution).length))).toBeLessThan(40);
  });

  test('a finished second is the one the timeline has later, with percentiles where there are samples for them', () => {
    const recorder = new Recorder(phaseAt);
    for (let at = 0; at < 1_000; at++) record(recorder, { scheduledMs: 0, atMs: at < 500 ? 100 : 200 });
    const finished = recorder.finishSecond();
    expect(finished.p50).toBeCloseTo(100, 0);
    expect(finished.p99).toBeCloseTo(200, 0);
    record(recorder, { scheduledMs: 1_000, atMs: 1_100 });
    expect(recorder.unfinishedSeconds).toBe(1);
    const next = recorder.finishSecond();
    expect(next.p50).toBeUndefined();
    expect(recorder.timeline()).toEqual([finished, next]);
    expect(recorder.snapshot()).toMatchObject({ ratePerSecond: 1, ok: 1_001 });
    expect(recorder.snapshot().p99Ms).toBeCloseTo(200, 0);
    // It follows what happens: five seconds on, the old samples are gone.
    for (let second = 2; second < 8; second++) recorder.finishSecond();
    expect(recorder.snapshot().p99Ms).toBeUndefined();
  });

  test('knows when writes and reads succeeded', () => {
    const recorder = new Recorder(phaseAt);
    record(recorder, { scheduledMs: 1_000, atMs: 1_010 });
    record(recorder, { operation: 'read', scheduledMs: 1_100, atMs: 1_110 });
    record(recorder, { scheduledMs: 1_200, atMs: 1_210, type: 'fail', code: 'x' });
    record(recorder, { operation: 'cas', scheduledMs: 1_400, atMs: 1_410 });
    record(recorder, { operation: 'write', scheduledMs: 1_500, atMs: 1_510 });
    expect(recorder.writes.longestGap(1_010, 1_510)).toBe(400);
    expect(recorder.writes.firstSentAfter(1_001)).toBe(1_410);
    expect(recorder.reads.firstSentAfter(1_000)).toBe(1_110);
  });
});
