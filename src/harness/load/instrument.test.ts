import { describe, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { LatencyHistogram } from '../result/histogram.ts';
import { InstrumentProbe, instrumentProblems } from './instrument.ts';

const SCENARIO = { operationTimeoutMs: 2_000 };
const GOOD = { lag: { p50: 0.1, p99: 4, max: 80 }, eventLoopDelay: { p99: 5, max: 90 }, cpu: 0.5, dropped: 0 };

describe('the instrument', () => {
  test('reports lag, event-loop delay beyond its sampling period, and CPU of its thread', () => {
    const clock = new VirtualClock();
    let cpu = 1_000_000;
    let enabled = false;
    let resets = 0;
    let samples = 0;
    const probe = new InstrumentProbe(clock, {
      delays: {
        percentile: () => 14e6,
        max: 30e6,
        count: 100,
        enable: () => (enabled = true),
        disable: () => (enabled = false),
        reset: () => resets++,
      },
      recentDelays: {
        percentile: () => 12e6,
        max: 21e6,
        count: 10,
        enable: () => {},
        disable: () => {},
        reset: () => samples++,
      },
      cpuMicros: () => cpu,
    });
    expect(enabled).toBe(true);
    // A warm-up that kept a core busy does not count.
    clock.advance(2_000);
    cpu += 2_000_000;
    probe.begin();
    expect(resets).toBe(2);
    clock.advance(9_000);
    cpu += 3_500_000;
    // Of all the time since the last sample, the warm-up too: a series shows what happened.
    expect(probe.sample()).toEqual({ eventLoopDelay: { p99: 2, max: 11 }, cpu: 0.5 });
    clock.advance(1_000);
    cpu += 500_000;
    expect(probe.sample()).toEqual({ eventLoopDelay: { p99: 2, max: 11 }, cpu: 0.5 });
    expect(samples).toBe(2);
    const lag = new LatencyHistogram();
    for (let at = 0; at < 1_000; at++) lag.record(500);
    expect(probe.stop(lag, 7)).toEqual({
      lag: { p50: 0.5, p99: 0.5, max: 0.5 },
      eventLoopDelay: { p99: 4, max: 20 },
      cpu: 0.4,
      dropped: 7,
    });
    expect(enabled).toBe(false);
  });

  test("is measured on the machine with Node's own sources", () => {
    const probe = new InstrumentProbe(systemClock);
    const untilMs = systemClock.now() + 30;
    while (systemClock.now() < untilMs);
    const { cpu, lag, eventLoopDelay } = probe.stop(new LatencyHistogram(), 0);
    expect(cpu).toBeGreaterThan(0);
    expect(lag).toEqual({ max: 0 });
    expect(eventLoopDelay.max).toBeGreaterThanOrEqual(0);
  });

  test.each<[string, object, string[]]>([
    ['good', {}, []],
    ['a single late start', { lag: { p50: 1, p99: 20, max: 900 } }, []],
    ['late', { lag: { p50: 1, p99: 51, max: 900 } }, ['schedule lag p99 51.0ms, limit 50.0ms']],
    ['few operations, most of them late', { lag: { p50: 60, max: 70 } }, ['schedule lag p50 60.0ms']],
    ['few operations, one of them late', { lag: { p50: 1, max: 700 } }, []],
    ['hardly any operation', { lag: { max: 700 } }, []],
    ['dropped because the system was down', { dropped: 5_000 }, []],
    ['dropped while late', { lag: { p50: 1, p99: 300, max: 900 }, dropped: 40 }, ['schedule lag', '40 iterations were dropped']],
    ['a blocked event loop', { eventLoopDelay: { p99: 70, max: 90 } }, ['event loop was blocked: delay p99 70.0ms']],
    ['a saturated generator', { cpu: 0.97 }, ['saturated: 0.97 of a core, limit 0.95']],
  ])('%s', (_, change, expected) => {
    const problems = instrumentProblems({ ...GOOD, ...change }, SCENARIO);
    expect(problems).toHaveLength(expected.length);
    for (const [at, text] of expected.entries()) expect(problems[at]).toContain(text);
  });

  test('the limit follows the deadline of an operation, down to 10 ms', () => {
    const late = (p99: number) => ({ ...GOOD, lag: { p50: 1, p99, max: p99 } });
    expect(instrumentProblems(late(200), { operationTimeoutMs: 10_000 })).toEqual([]);
    expect(instrumentProblems(late(9), { operationTimeoutMs: 100 })).toEqual([]);
    expect(instrumentProblems(late(11), { operationTimeoutMs: 100 })).toHaveLength(1);
    expect(instrumentProblems(late(11), SCENARIO, { latenessMs: 5, cpu: 0.95 })).toHaveLength(1);
  });
});
