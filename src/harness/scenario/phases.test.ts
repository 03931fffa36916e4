import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { phaseDurations, phasesOf, PhaseTracker } from './phases.ts';
import type { FaultInterval, PhaseInterval } from './phases.ts';

const LENGTHS = { warmupMs: 2_000, recoveryMs: 3_000 };

/** 'warmup 0-2000, baseline 2000-8000' */
function written(intervals: readonly PhaseInterval[]): string {
  return intervals.map(({ phase, startMs, endMs }) => `${phase} ${startMs}-${endMs}`).join(', ');
}

describe('phases', () => {
  test.each<[string, readonly FaultInterval[], string]>([
    ['no fault', [], 'warmup 0-2000, baseline 2000-20000'],
    [
      'one fault',
      [{ startMs: 8_000, endMs: 12_000 }],
      'warmup 0-2000, baseline 2000-8000, fault 8000-12000, recovery 12000-15000, after 15000-20000',
    ],
    ['a fault that lasts', [{ startMs: 8_000, endMs: undefined }], 'warmup 0-2000, baseline 2000-8000, fault 8000-20000'],
    [
      'a fault during the recovery from another',
      [
        { startMs: 5_000, endMs: 6_000 },
        { startMs: 7_000, endMs: 9_000 },
      ],
      'warmup 0-2000, baseline 2000-5000, fault 5000-6000, recovery 6000-7000, fault 7000-9000, recovery 9000-12000, after 12000-20000',
    ],
    [
      'overlapping faults, the later one given first',
      [
        { startMs: 7_000, endMs: 10_000 },
        { startMs: 5_000, endMs: 8_000 },
      ],
      'warmup 0-2000, baseline 2000-5000, fault 5000-10000, recovery 10000-13000, after 13000-20000',
    ],
    [
      'two faults far apart have no baseline between them',
      [
        { startMs: 3_000, endMs: 4_000 },
        { startMs: 12_000, endMs: 13_000 },
      ],
      'warmup 0-2000, baseline 2000-3000, fault 3000-4000, recovery 4000-7000, after 7000-12000, fault 12000-13000, recovery 13000-16000, after 16000-20000',
    ],
    [
      'a fault in the warm-up',
      [{ startMs: 1_000, endMs: 1_500 }],
      'warmup 0-1000, fault 1000-1500, recovery 1500-4500, after 4500-20000',
    ],
    ['a fault to the end', [{ startMs: 8_000, endMs: 20_000 }], 'warmup 0-2000, baseline 2000-8000, fault 8000-20000'],
  ])('%s', (_, faults, expected) => {
    expect(written(phasesOf(LENGTHS, faults, 20_000))).toBe(expected);
  });

  test('without warm-up and recovery', () => {
    expect(written(phasesOf({ warmupMs: 0, recoveryMs: 0 }, [{ startMs: 5, endMs: 7 }], 10))).toBe(
      'baseline 0-5, fault 5-7, after 7-10',
    );
  });

  test('durations add up to the whole', () => {
    const durations = phaseDurations(phasesOf(LENGTHS, [{ startMs: 8_000, endMs: 12_000 }], 20_000));
    expect(durations).toEqual({ warmup: 2_000, baseline: 6_000, fault: 4_000, recovery: 3_000, after: 5_000 });
  });
});

describe('the tracker', () => {
  test('knows while the run is under way what is known afterwards', () => {
    const tracker = new PhaseTracker(LENGTHS);
    expect([0, 1_999.9, 2_000, 9_000].map((ms) => tracker.phaseAt(ms))).toEqual(['warmup', 'warmup', 'baseline', 'baseline']);
    tracker.faultStarted(8_000.5);
    expect([8_000.4, 8_000.5, 1e9].map((ms) => tracker.phaseAt(ms))).toEqual(['baseline', 'fault', 'fault']);
    tracker.faultEnded(12_000);
    tracker.faultEnded(13_000);
    expect([11_999, 12_000, 14_999, 15_000, 1e9].map((ms) => tracker.phaseAt(ms))).toEqual([
      'fault',
      'recovery',
      'recovery',
      'after',
      'after',
    ]);
    expect(written(tracker.windows(14_000))).toBe(
      'warmup 0-2000, baseline 2000-8000.5, fault 8000.5-12000, recovery 12000-14000',
    );
  });

  test('agrees with phasesOf on random faults, whichever of several ended first', () => {
    const random = new Random(1);
    for (let round = 0; round < 200; round++) {
      const faults = Array.from({ length: random.integer(0, 4) }, () => {
        const startMs = random.integer(0, 100);
        return { startMs, endMs: startMs + random.integer(1, 40) };
      });
      const lengths = { warmupMs: random.integer(0, 50), recoveryMs: random.integer(0, 30) };
      const tracker = new PhaseTracker(lengths);
      const moments = faults.flatMap(({ startMs, endMs }) => [
        { ms: startMs, apply: () => tracker.faultStarted(startMs) },
        { ms: endMs, apply: () => tracker.faultEnded(endMs) },
      ]);
      // At the same instant a start comes first: the fault that follows another without a gap prolongs it.
      for (const { apply } of moments.sort((a, b) => a.ms - b.ms)) apply();
      const expected = phasesOf(lengths, faults, 200);
      expect(tracker.windows(200)).toEqual(expected);
      expect(expected[0]?.startMs).toBe(0);
      expect(expected.at(-1)?.endMs).toBe(200);
      expect(expected.slice(1).map((interval) => interval.startMs)).toEqual(
        expected.slice(0, -1).map((interval) => interval.endMs),
      );
      for (const interval of expected) {
        expect(interval.endMs).toBeGreaterThan(interval.startMs);
        expect(tracker.phaseAt(interval.startMs)).toBe(interval.phase);
        expect(tracker.phaseAt((interval.startMs + interval.endMs) / 2)).toBe(interval.phase);
      }
    }
  });
});
