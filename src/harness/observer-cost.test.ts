// That the cost of tracing is told as it is: on measurements whose cost is known. The measurements themselves take minutes; the
// long tests and `bench --observer-cost` make them.

import { expect, test } from 'vitest';
import { systemClock } from '../runtime/clock.ts';
import { Random } from '../runtime/random.ts';
import { measureObserverCost } from './observer-cost.ts';
import { renderSummary } from './report/summary.ts';
import { LatencyHistogram } from './result/histogram.ts';
import { latencyOf } from './result/latency.ts';
import { OBSERVERS, type Observer, type ScenarioResult } from './result/schema.ts';
import { sampleRun } from './result/testing/sample-run.ts';

const [sample] = sampleRun().scenarios as [ScenarioResult];

/** A run of a second in which so many operations took so many milliseconds each. */
function runOf(operations: number, ms: number, invalid: readonly string[] = []): ScenarioResult {
  const times = new LatencyHistogram();
  for (let operation = 0; operation < operations; operation++) times.record(ms * 1_000);
  const latency = latencyOf(times);
  const same = { load: 'registers', operation: 'read', count: operations, responseTime: latency, serviceTime: latency } as const;
  return {
    ...sample,
    phases: [
      { phase: 'warmup', startMs: 0, endMs: 500 },
      { phase: 'baseline', startMs: 500, endMs: 1_500 },
    ],
    statistics: [
      { ...same, outcome: 'ok', phase: 'baseline' },
      { ...same, outcome: 'ok', phase: 'warmup' },
      { ...same, outcome: 'fail', phase: 'baseline' },
    ],
    invalid: [...invalid],
  };
}

const SLOWDOWN: Readonly<Record<Observer, number>> = { off: 1, kept: 1, '1 %': 1.1, '100 %': 2 };

async function costOf(rounds: number, invalid: readonly string[] = []) {
  const random = new Random(3);
  const order: Observer[] = [];
  const abort = new AbortController();
  const cost = await measureObserverCost({
    rounds,
    seed: 1,
    clock: systemClock,
    signal: abort.signal,
    onStep: () => {},
    measureOnce(observer) {
      order.push(observer);
      // Another speed in each round, and a little noise.
      const machine = 1 + Math.floor((order.length - 1) / OBSERVERS.length) + 0.01 * random.float();
      return Promise.resolve(runOf(Math.round(4_000 / machine / SLOWDOWN[observer]), 5 * machine * SLOWDOWN[observer], invalid));
    },
  });
  return { cost, order, abort };
}

test('each is compared within its round, with an interval that holds the truth', async () => {
  const { cost, order } = await costOf(6);
  expect(cost).toMatchObject({ rounds: 6, invalidRuns: 0 });
  for (let round = 0; round < 6; round++)
    expect(new Set(order.slice(round * OBSERVERS.length, (round + 1) * OBSERVERS.length))).toEqual(new Set(OBSERVERS));
  expect(new Set(Array.from({ length: 6 }, (_, round) => order[round * OBSERVERS.length])).size).toBeGreaterThan(1);
  for (const { observer, okPerSecond, toOff } of cost?.observers ?? []) {
    expect(okPerSecond).toHaveLength(6);
    if (observer === 'off') {
      expect(toOff).toBeUndefined();
      continue;
    }
    for (const [estimate, truth] of [
      [toOff?.okPerSecond, 1 / SLOWDOWN[observer]],
      [toOff?.p50Ms, SLOWDOWN[observer]],
      [toOff?.p99Ms, SLOWDOWN[observer]],
    ] as const) {
      expect(estimate?.ratio).toBeGreaterThan(truth * 0.97);
      expect(estimate?.ratio).toBeLessThan(truth * 1.03);
      expect(estimate?.low).toBeLessThanOrEqual(estimate?.ratio ?? NaN);
      expect(estimate?.high).toBeGreaterThanOrEqual(estimate?.ratio ?? NaN);
      expect(estimate?.confidence).toBeCloseTo(1 - 2 / 64, 9);
    }
  }
  const printed = renderSummary({ ...sampleRun(), observerCost: cost }, { colour: false, width: 120, path: 'run.json' });
  expect(printed).toMatch(/100 % exported +[\d,]+ +-(49|50|51)\.\d% \(-\d+\.\d to -\d+\.\d\)/);
  expect(printed).toContain('6 rounds in random order');
});

test('runs in which the instrument was late are counted', async () => {
  const { cost } = await costOf(3, ['late']);
  expect(cost?.invalidRuns).toBe(12);
});

test('a round that was broken off does not count, and none is no result', async () => {
  const abort = new AbortController();
  let runs = 0;
  const measure = (mostRuns: number) => {
    runs = 0;
    return measureObserverCost({
      rounds: 5,
      seed: 1,
      clock: systemClock,
      signal: abort.signal,
      onStep: () => {},
      measureOnce() {
        if (++runs === mostRuns) abort.abort();
        return Promise.resolve(runOf(100, 5));
      },
    });
  };
  const broken = await measure(OBSERVERS.length + 2);
  expect(broken?.rounds).toBe(1);
  expect(broken?.observers.map(({ p50Ms }) => p50Ms.length)).toEqual([1, 1, 1, 1]);
  expect(await measure(1)).toBeUndefined();
});
