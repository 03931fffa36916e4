import { expect, test } from 'vitest';
import { arrivals, scenarioOf } from '../load/testing/fake-server.ts';
import { LatencyHistogram } from '../result/histogram.ts';
import type { GeneratorInstrument } from '../result/schema.ts';
import { generatorProblems, instrumentOf } from './judgement.ts';

const moment = (atMs: number, lagMax: number) => ({
  atMs,
  started: 10,
  dropped: 0,
  lagMax,
  eventLoopDelay: { p99: 1, max: 2 },
  cpu: 0.3,
});
const good: GeneratorInstrument = {
  generator: 1,
  started: 100,
  lag: { p50: 0.1, p99: 2, max: 9 },
  eventLoopDelay: { p99: 3, max: 8 },
  cpu: 0.3,
  dropped: 2,
  moments: [moment(0, 900), moment(1_000, 3), moment(2_000, 9)],
};
const late = {
  ...good,
  generator: 2,
  lag: { p50: 5, p99: 120, max: 200 },
  cpu: 0.7,
  dropped: 0,
  moments: [moment(0, 999), moment(1_000, 200), moment(2_000, 4)],
};
const scenario = scenarioOf({ a: arrivals(10, '3s') }, { warmup: '1s' });
const withFunction = scenarioOf({
  a: arrivals(10, '3s'),
  sums: arrivals(10, '3s', { workload: { kind: 'function', run: () => Promise.resolve() } }),
});

test('the instrument of a run is the lag of all operations, and the worst generator', () => {
  const lag = new LatencyHistogram();
  for (let at = 0; at < 100; at++) lag.record(at * 1_000);
  expect(instrumentOf(lag, [good, { ...late, eventLoopDelay: { p99: 1, max: 90 } }])).toMatchObject({
    lag: { p50: expect.closeTo(49, 0) as number, max: expect.closeTo(99, 0) as number },
    eventLoopDelay: { p99: 3, max: 90 },
    cpu: 0.7,
    dropped: 2,
    generators: [{ generator: 1 }, { generator: 2 }],
  });
});

test('one generator that was late is enough; it is named, and when, the warm-up left out', () => {
  expect(generatorProblems([good], scenario)).toEqual([]);
  expect(generatorProblems([good, late], scenario)).toEqual([
    'generator 2 started operations late: schedule lag p99 120ms, limit 50.0ms, worst at 1.0s',
  ]);
  expect(generatorProblems([late], scenario)[0]).toMatch(/^the generator started operations late/);
});

test('the cause is named: other work on the machine, or the functions that run in it', () => {
  expect(generatorProblems([{ ...late, cpu: 0.06 }], scenario)[1]).toBe(
    'the generator used 0.06 of a core: other work on this machine kept it waiting',
  );
  expect(generatorProblems([late], withFunction)[1]).toMatch(/^the generator also runs the functions of sums:/);
  expect(generatorProblems([good], withFunction)).toEqual([]);
});
