import { describe, expect, test } from 'vitest';
import type { Phase } from '../result/schema.ts';
import type { Fault } from '../scenario/faults.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { FaultMetric, Threshold } from '../scenario/thresholds.ts';
import type { FaultFigures } from './fault-figures.ts';
import type { PlannedOperation } from './operation.ts';
import { Recorder } from './recorder.ts';
import { closedLoop, scenarioOf } from './testing/fake-server.ts';
import { evaluateThresholds, LiveThresholds } from './thresholds.ts';

const PHASES: readonly Phase[] = ['warmup', 'baseline', 'fault', 'recovery', 'after'];
/** Each phase lasts 1 s. */
const phaseAt = (ms: number) => PHASES[Math.floor(ms / 1_000)] as Phase;
const DURATIONS = { warmup: 1_000, baseline: 1_000, fault: 1_000, recovery: 1_000 };

function parsed(thresholds: NonNullable<Scenario['thresholds']>, more: Partial<Scenario> = {}): readonly Threshold[] {
  return scenarioOf({ a: closedLoop(1, '10s'), b: closedLoop(1, '10s') }, { ...more, thresholds }).thresholds;
}

function observed(metric: string, threshold: string, recorder: Recorder, durations: Partial<Record<Phase, number>> = DURATIONS) {
  return evaluateThresholds(parsed({ [metric]: [threshold] }), recorder, durations)[0];
}

interface Given {
  times?: number;
  load?: string;
  operation?: 'read' | 'write' | 'cas';
  type?: 'ok' | 'fail' | 'info';
  expected?: boolean;
}

/** Operations scheduled at `atMs` that took so long. */
function add(recorder: Recorder, atMs: number, tookMs: number, given: Given = {}): void {
  const { times = 1, load = 'a', operation: name = 'write', type = 'ok', expected = false } = given;
  const operation: PlannedOperation = { load, kind: 'registers', operation: name, key: 1, value: 2, expected: 3 };
  for (let time = 0; time < times; time++) {
    const end = { type, process: 0, operation, scheduledMs: atMs, value: undefined, code: 'x', expected };
    recorder.record({ type: 'invoke', process: 0, atMs: atMs + tookMs / 2, scheduledMs: atMs, operation });
    recorder.record({ ...end, sentMs: atMs + tookMs / 2, atMs: atMs + tookMs });
  }
}

describe('thresholds', () => {
  const recorder = new Recorder(phaseAt);
  add(recorder, 0, 900, { times: 1_000 });
  add(recorder, 1_000, 10, { times: 980 });
  add(recorder, 1_000, 20, { times: 20, operation: 'read' });
  add(recorder, 2_000, 100, { times: 30, type: 'info' });
  add(recorder, 2_000, 100, { times: 50, operation: 'cas', type: 'fail', expected: true });
  add(recorder, 3_000, 40, { times: 920, load: 'b' });
  for (let at = 0; at < 60; at++) recorder.dropped('b', 2_500);
  recorder.dropped('a', 100);

  test.each<[string, string, number]>([
    // All phases but the warm-up: 980 x 10, 20 x 20, 80 x 100, 920 x 40.
    ['response_time', 'avg<100', (980 * 10 + 20 * 20 + 80 * 100 + 920 * 40) / 2_000],
    ['response_time', 'max<500', 100],
    ['response_time', 'min<500', 10],
    ['response_time', 'med<500', 20],
    ['response_time', 'p(95)<500', 40],
    ['response_time', 'p(99)<500', 100],
    ['service_time', 'p(99)<500', 50],
    ['response_time{phase:warmup}', 'p(99)<950', 900],
    ['response_time{phase:baseline}', 'p(99)<500', 20],
    ['response_time{phase:baseline,operation:write}', 'p(98)<500', 10],
    ['response_time{load:b}', 'med<500', 40],
    ['response_time{outcome:info}', 'med<500', 100],
    ['operations', 'count>100', 2_000],
    ['operations', 'rate>100', 2_000 / 3],
    ['operations{phase:recovery,outcome:ok}', 'rate>100', 920],
    ['operations_failed', 'rate<0.1', 30 / 2_000],
    ['operations_failed', 'count<100', 30],
    ['operations_failed{operation:cas}', 'rate==0', 0],
    ['operations_failed{phase:fault}', 'rate<1', 30 / 80],
    ['dropped_iterations', 'count<100', 60],
    ['dropped_iterations', 'rate<100', 20],
    ['dropped_iterations{phase:fault,load:b}', 'rate<100', 60],
    ['dropped_iterations{phase:baseline}', 'count==0', 0],
    ['dropped_iterations{phase:warmup}', 'count!=0', 1],
  ])('%s %s observes %d', (metric, threshold, value) => {
    const result = observed(metric, threshold, recorder);
    expect(Math.abs((result?.observed ?? Number.NaN) - value)).toBeLessThanOrEqual(value * 0.002);
    expect(result).toMatchObject({ metric, threshold, passed: true, aborted: false });
  });

  test.each([
    ['count<2000', false],
    ['count<=2000', true],
    ['count>2000', false],
    ['count>=2000', true],
    ['count==2000', true],
    ['count!=2000', false],
  ])('%s: %s', (threshold, passed) => expect(observed('operations', threshold, recorder)?.passed).toBe(passed));

  test.each([
    ['response_time{phase:after}', 'p(99)<500'],
    ['response_time{phase:after}', 'max<500'],
    ['operations_failed{phase:after}', 'rate<0.5'],
    ['operations_failed{phase:after}', 'count==0'],
    ['operations{phase:after}', 'count==0'],
    ['dropped_iterations{phase:after}', 'rate==0'],
    ['response_time{operation:cas,phase:baseline}', 'avg<500'],
  ])('%s %s: nothing was measured, so it failed', (metric, threshold) => {
    expect(observed(metric, threshold, recorder)).toEqual({ metric, threshold, passed: false, aborted: false });
  });

  test('a phase that occurred without operations has zero of them', () => {
    expect(observed('operations{phase:after}', 'count==0', recorder, { ...DURATIONS, after: 10 })).toMatchObject({
      observed: 0,
      passed: true,
    });
  });

  test('with too few samples for a percentile its bound stands in: it passes only if every sample does', () => {
    const few = new Recorder(phaseAt);
    add(few, 1_000, 100, { times: 500 });
    expect(observed('response_time', 'p(99)<150', few)).toMatchObject({ observed: 100, passed: true });
    add(few, 1_000, 300);
    expect(observed('response_time', 'p(99)<150', few)).toMatchObject({ observed: 300, passed: false });
    expect(observed('response_time', 'p(99)>99', few)?.passed).toBe(true);
    expect(observed('response_time', 'p(99)>200', few)?.passed).toBe(false);
    expect(observed('response_time', 'p(99)==300', few)).toEqual({
      metric: 'response_time',
      threshold: 'p(99)==300',
      passed: false,
      aborted: false,
    });
    add(few, 1_000, 100, { times: 1_000 });
    expect(observed('response_time', 'p(99)<150', few)?.passed).toBe(true);
  });
});

describe('thresholds on errors', () => {
  const recorder = new Recorder(phaseAt);
  add(recorder, 1_000, 10, { times: 90 });
  add(recorder, 2_000, 10, { times: 6, type: 'info' });
  add(recorder, 2_000, 10, { times: 3, type: 'fail', operation: 'read' });
  add(recorder, 2_000, 10, { times: 1, type: 'fail', operation: 'cas', expected: true });
  add(recorder, 100, 10, { times: 9, type: 'info' });

  test.each<[string, string, number]>([
    ['errors', 'count<10', 9],
    ['errors', 'rate<0.1', 0.09],
    ['errors{phase:fault}', 'rate<=0.9', 0.9],
    ['errors{phase:warmup}', 'count==9', 9],
    ['errors{outcome:fail}', 'count==3', 3],
    ['errors{operation:write,phase:fault}', 'rate==1', 1],
    ['errors{operation:cas}', 'count==0', 0],
    ['errors{code:x,outcome:info}', 'rate<0.07', 0.06],
    ['errors{code:y}', 'count==0', 0],
    ['errors{load:a}', 'count<10', 9],
  ])('%s %s observes %d', (metric, threshold, value) =>
    expect(observed(metric, threshold, recorder)).toMatchObject({ observed: value, passed: true }),
  );

  test.each(['errors{load:b}', 'errors{phase:after}', 'errors{code:x,phase:recovery}'])(
    '%s: no operations, so it failed',
    (metric) =>
      expect(observed(metric, 'count==0', recorder)).toEqual({ metric, threshold: 'count==0', passed: false, aborted: false }),
  );
});

/** A fault of which only what thresholds look at is known; 'never' for what was waited for in vain. */
function fault(kind: string, figures: Partial<Record<FaultMetric, number | 'never'>>): FaultFigures {
  const figure = (ms: number | 'never') => (ms === 'never' ? { ms: 5_000, isFinal: false } : { ms, isFinal: true });
  return {
    span: { kind, target: 'leader', startMs: 1_000, carriedOutMs: 1_000, endMs: 2_000, operations: 0, errors: 0 },
    windowEndMs: 3_000,
    overlaps: false,
    recovery: undefined,
    figures: Object.fromEntries(Object.entries(figures).map(([metric, ms]) => [metric, figure(ms)])),
  };
}

const CRASH_AND_PAUSE = {
  faults: ['crash', 'pause'].map((kind, at) => ({ kind, target: 'n1', at: at + 2_000, duration: 1 }) as Fault),
};

describe('thresholds on what faults cost', () => {
  const recorder = new Recorder(phaseAt);
  const faults = [
    fault('crash', { election: 300, first_write: 400, write_gap: 500, unavailable: 0, recovered: 900 }),
    fault('pause', { first_write: 200, write_gap: 100, unavailable: 250, recovered: 'never' }),
    fault('crash', { first_write: 600, write_gap: 700, unavailable: 50 }),
  ];
  const result = (metric: string, threshold: string, operationsLost?: number) => {
    const thresholds = parsed({ [metric]: [threshold] }, CRASH_AND_PAUSE);
    return evaluateThresholds(thresholds, recorder, DURATIONS, { faults, operationsLost })[0];
  };

  test.each<[string, string, number]>([
    ['first_write', 'max<1000', 600],
    ['first_write', 'min<1000', 200],
    ['first_write', 'avg<1000', 400],
    ['first_write', 'med<1000', 400],
    ['write_gap{fault:pause}', 'max<=100', 100],
    ['unavailable{fault:crash}', 'max<51', 50],
    // The faults that needed no election are no gap in what was measured.
    ['election', 'max<1000', 300],
  ])('%s %s observes %d', (metric, threshold, value) =>
    expect(result(metric, threshold)).toMatchObject({ observed: value, passed: true }),
  );

  test.each([
    // One that never came back, and one of which it is unknown.
    ['recovered{fault:pause}', 'max<10000'],
    ['recovered{fault:crash}', 'max<10000'],
    ['recovered', 'min<10000'],
    ['election{fault:pause}', 'max<10000'],
    ['operations_lost', 'count==0'],
  ])('%s %s: what is not known is no pass', (metric, threshold) =>
    expect(result(metric, threshold)).toEqual({ metric, threshold, passed: false, aborted: false }),
  );

  test('operations lost are those that the checkers found', () => {
    expect(result('operations_lost', 'count==0', 0)).toMatchObject({ observed: 0, passed: true });
    expect(result('operations_lost', 'count==0', 2)).toMatchObject({ observed: 2, passed: false });
  });

  test('end the run as soon as the largest figure is beyond its limit, also when it is still growing', () => {
    const thresholds = parsed({ first_write: [{ threshold: 'max<1000', abortOnFail: true }] }, CRASH_AND_PAUSE);
    const live = new LiveThresholds(thresholds, recorder);
    expect(live.crossed(2_000, DURATIONS, () => [])).toEqual([]);
    expect(live.crossed(3_000, DURATIONS, () => [fault('crash', { first_write: 999 })])).toEqual([]);
    expect(live.crossed(7_000, DURATIONS, () => [fault('crash', { first_write: 'never' })])).toEqual(thresholds);
  });
});

describe('thresholds that end the run', () => {
  test('do so when crossed, past their delay, with something measured', () => {
    const thresholds = parsed({
      response_time: [
        { threshold: 'max<100', abortOnFail: true, delayAbortEval: '3s' },
        { threshold: 'max<50', abortOnFail: false },
      ],
      'response_time{phase:recovery}': [{ threshold: 'max<10', abortOnFail: true }],
    });
    const recorder = new Recorder(phaseAt);
    const live = new LiveThresholds(thresholds, recorder);
    expect(live.crossed(1_000, DURATIONS)).toEqual([]);
    add(recorder, 1_000, 200);
    expect(live.crossed(2_999, DURATIONS)).toEqual([]);
    expect(live.crossed(3_000, DURATIONS)).toEqual([thresholds[0]]);
    add(recorder, 3_000, 20);
    expect(live.crossed(3_100, DURATIONS)).toEqual([thresholds[0], thresholds[2]]);
    const results = evaluateThresholds(thresholds, recorder, DURATIONS, undefined, live.aborted);
    expect(results.map(({ passed, aborted }) => [passed, aborted])).toEqual([
      [false, true],
      [false, false],
      [false, true],
    ]);
  });
});
