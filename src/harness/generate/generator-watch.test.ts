import { expect, test } from 'vitest';
import { GeneratorWatch } from './generator-watch.ts';
import type { ThreadSample } from './protocol.ts';

const sampleOf = (p99: number, cpu = 0.2): ThreadSample => ({
  recent: { eventLoopDelay: { p99, max: p99 * 2 }, cpu },
  soFar: { eventLoopDelay: { p99: 3, max: 40 }, cpu: 0.25 },
});

test('a series of what happened, second by second, and everything behind the warm-up in all', () => {
  const watch = new GeneratorWatch(2, 1_000);
  watch.started(500, 900);
  watch.sample(sampleOf(1), 1_001);
  watch.started(1_200, 1_202);
  watch.started(1_300, 1_309);
  watch.dropped();
  watch.sample(sampleOf(7), 2_002);
  watch.sample(sampleOf(0), 3_000);
  expect(watch.instrument()).toEqual({
    generator: 2,
    started: 3,
    lag: { max: 9 },
    eventLoopDelay: { p99: 3, max: 40 },
    cpu: 0.25,
    dropped: 1,
    moments: [
      { atMs: 0, started: 1, dropped: 0, lagMax: 400, eventLoopDelay: { p99: 1, max: 2 }, cpu: 0.2 },
      { atMs: 1_001, started: 2, dropped: 1, lagMax: 9, eventLoopDelay: { p99: 7, max: 14 }, cpu: 0.2 },
      { atMs: 2_002, started: 0, dropped: 0, eventLoopDelay: { p99: 0, max: 0 }, cpu: 0.2 },
    ],
  });
});

test('a day takes no more room than half an hour, and keeps its worst moment and its sums', () => {
  const watch = new GeneratorWatch(1, 0);
  const seconds = 86_400;
  for (let second = 0; second < seconds; second++) {
    watch.started(second * 1_000, second * 1_000 + (second === 43_210 ? 777 : 1));
    watch.sample(sampleOf(second === 43_210 ? 500 : 1, second % 2), (second + 1) * 1_000);
  }
  const { moments } = watch.instrument();
  expect(moments.length).toBeGreaterThan(900);
  expect(moments.length).toBeLessThanOrEqual(1_800);
  expect(moments.reduce((sum, { started }) => sum + started, 0)).toBe(seconds);
  expect(Math.max(...moments.map(({ lagMax = 0 }) => lagMax))).toBeCloseTo(777, 6);
  const worst = moments.find(({ eventLoopDelay }) => eventLoopDelay.p99 === 500);
  expect(worst?.atMs).toBeLessThanOrEqual(43_210_000);
  expect(worst?.atMs).toBeGreaterThan(43_210_000 - 64_000);
  for (const { cpu } of moments) expect(cpu).toBeCloseTo(0.5, 6);
  const starts = moments.map(({ atMs }) => atMs);
  expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
});
