import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { sleep } from '../../runtime/clock.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { runLoads } from '../load/generator.ts';
import { defaultLimits } from '../load/instrument.ts';
import type { Invoke } from '../load/operation.ts';
import { Recorder } from '../load/recorder.ts';
import { type MeasuredStep, StepRecorder } from '../load/step-recorder.ts';
import { ramp, scenarioOf } from '../load/testing/fake-server.ts';
import { evaluateThresholds } from '../load/thresholds.ts';
import type { GeneratorInstrument, GeneratorMoment, Saturation, ThresholdResult } from '../result/schema.ts';
import { rateStepsOf } from '../scenario/rate-steps.ts';
import { steps } from '../scenario/loads.ts';
import type { ValidRampingArrivalRate } from '../scenario/valid-scenario.ts';
import { saturationOf, saturationProblems } from './saturation.ts';

const STEP_SECONDS = 10;
const LIMIT_MS = 100;

/** Answers one operation after the other. */
function queueingServer(clock: VirtualClock, serviceMs: number): Invoke {
  let freeAtMs = 0;
  return async () => {
    freeAtMs = Math.max(freeAtMs, clock.now()) + serviceMs;
    await sleep(clock, freeAtMs - clock.now());
    return { outcome: 'ok', value: null };
  };
}

/** How the generator fared, second by second. */
function moments(trouble: (rate: number) => Partial<GeneratorMoment>): GeneratorMoment[] {
  return Array.from({ length: 5 * STEP_SECONDS }, (_, second) => ({
    atMs: second * 1_000,
    started: 1,
    dropped: 0,
    lagMax: 1,
    eventLoopDelay: { p99: 2, max: 5 },
    cpu: 0.4,
    ...trouble(100 + Math.floor(second / STEP_SECONDS) * 100),
  }));
}

/** Steps of 100/s, 100 to 500, in virtual time. */
async function measureSteps(serviceMs: number, maxVUs: number): Promise<readonly MeasuredStep[]> {
  const clock = new VirtualClock();
  const load = ramp(steps({ from: 100, to: 500, by: 100, duration: `${STEP_SECONDS}s` }), { maxVUs, gracefulStop: '1m' });
  const scenario = scenarioOf({ rising: load }, { saturation: { p99: LIMIT_MS } });
  const rising = scenario.loads['rising'] as ValidRampingArrivalRate;
  const recorded = new StepRecorder(rateStepsOf(rising, scenario), 'rising', undefined);
  const state = { ended: false };
  const running = runLoads({
    scenario,
    clock,
    random: new Random(1),
    invoke: queueingServer(clock, serviceMs),
    recorder: new Recorder(() => 'baseline', 0, [recorded]),
    sink: () => {},
    onSecond: () => {},
  }).finally(() => (state.ended = true));
  while (!state.ended) await clock.advanceAsync(1_000);
  return recorded.measured((await running).durationMs);
}

const measured = new Map<string, Promise<readonly MeasuredStep[]>>();

interface Options {
  /** What the server takes for one operation: it can do 1,000 / serviceMs a second. */
  readonly serviceMs: number;
  readonly maxVUs?: number;
  readonly trouble?: (rate: number) => Partial<GeneratorMoment>;
}

async function saturate({ serviceMs, maxVUs = 10_000, trouble = () => ({}) }: Options): Promise<Saturation> {
  const key = `${serviceMs} ${maxVUs}`;
  const running = measured.get(key) ?? measureSteps(serviceMs, maxVUs);
  measured.set(key, running);
  return judge(await running, moments(trouble));
}

function judge(all: readonly MeasuredStep[], its: readonly GeneratorMoment[]): Saturation {
  const idle = { lag: { max: 0 }, eventLoopDelay: { p99: 0, max: 0 }, cpu: 0.4, dropped: 0 };
  const generator: GeneratorInstrument = { generator: 1, started: 1, ...idle, moments: [...its] };
  return saturationOf({ load: 'rising', p99Ms: LIMIT_MS }, all, [generator], defaultLimits({ operationTimeoutMs: 2_000 }));
}

describe('the knee', () => {
  test('is the highest step that the system keeps up with', async () => {
    const found = await saturate({ serviceMs: 4 });
    expect(found).toMatchObject({ load: 'rising', limitMs: 100, outcome: 'found', knee: 200 });
    expect(found.steps.map(({ rate, held }) => [rate, held])).toEqual([
      [100, true],
      [200, true],
      [300, false],
      [400, false],
      [500, false],
    ]);
    expect(found.steps[1]).toMatchObject({
      offered: 200,
      errors: 0,
      dropped: 0,
      reasons: [],
      p99: expect.closeTo(4, 0) as number,
    });
    expect(found.steps[1]?.achieved).toBeCloseTo(200, 0);
    // Beyond it no more is answered than the system can.
    expect(found.steps[2]?.achieved).toBeCloseTo(250, -1);
    expect(found.steps[2]?.reasons).toEqual([expect.stringMatching(/^p99 (1\.9|2\.0)s$/), '83% answered in time']);
    expect(saturationProblems(found, [])).toEqual([]);
  });

  test('is not where arrivals are dropped, however fast the others are', async () => {
    const dropping = await saturate({ serviceMs: 4, maxVUs: 5 });
    expect(dropping).toMatchObject({ outcome: 'found', knee: 200 });
    const [, , above] = dropping.steps;
    expect(above?.p99).toBeLessThan(100);
    expect(above?.dropped).toBeGreaterThan(400);
    expect(above?.reasons.join()).toContain('dropped');
  });

  test('is not reached when the highest step holds, and below the first when none does', async () => {
    const fast = await saturate({ serviceMs: 1 });
    expect(fast).toMatchObject({ outcome: 'not-reached', knee: 500 });
    const slow = await saturate({ serviceMs: 20 });
    expect(slow.outcome).toBe('below-first-step');
    expect(slow).not.toHaveProperty('knee');
    expect(saturationProblems(slow, [])).toEqual([]);
  });

  test('with too few operations for a p99 a step holds only if every one of them does', () => {
    const oneSlow = (slowMs: number) => {
      const recorder = new StepRecorder([{ rate: 50, startMs: 0, endMs: 10_000 }], 'rising', undefined);
      for (let at = 0; at < 500; at++) {
        const scheduledMs = at * 20;
        const operation = {
          load: 'rising',
          operation: 'read',
          isRead: true,
          outcome: 'ok',
          code: undefined,
          expected: false,
        } as const;
        recorder.ended({ ...operation, scheduledMs, sentMs: scheduledMs, atMs: scheduledMs + (at === 100 ? slowMs : 5) });
      }
      return judge(recorder.measured(10_000), []).steps[0];
    };
    expect(oneSlow(90)).toMatchObject({ held: true, reasons: [] });
    expect(oneSlow(90)).not.toHaveProperty('p99');
    expect(oneSlow(200)).toMatchObject({ held: false, reasons: ['max 200ms'] });
  });
});

describe('a generator in trouble', () => {
  const busy = (from: number) => (rate: number) => (rate >= from ? { cpu: 0.99 } : {});

  test('far beyond the knee changes nothing', async () => {
    expect(await saturate({ serviceMs: 4, trouble: busy(400) })).toMatchObject({ outcome: 'found', knee: 200 });
  });

  test('right above the last step that held leaves only a lower bound', async () => {
    const bounded = await saturate({ serviceMs: 4, trouble: busy(300) });
    expect(bounded).toMatchObject({ outcome: 'generator-limited', knee: 200 });
    expect(bounded.steps[2]?.generator).toBe('0.99 of a core');
    // Which may be all that is asked for.
    const threshold = (passed: boolean): ThresholdResult => ({ metric: 'knee', threshold: '>=1', passed, aborted: false });
    expect(saturationProblems(bounded, [threshold(true)])).toEqual([]);
    expect(saturationProblems(bounded, [threshold(false)])).toEqual([
      'the generator, not the system, was the limit at 300/s (0.99 of a core): the knee is only known to be at least 200/s; use more generators or a faster machine',
    ]);
  });

  test('below it does not matter: what held has held', async () => {
    expect(await saturate({ serviceMs: 4, trouble: (rate) => (rate < 300 ? { cpu: 0.99 } : {}) })).toMatchObject({
      outcome: 'found',
      knee: 200,
    });
  });

  test('before any step held leaves nothing', async () => {
    const nothing = await saturate({ serviceMs: 20, trouble: () => ({ eventLoopDelay: { p99: 80, max: 90 } }) });
    expect(nothing.outcome).toBe('generator-limited');
    expect(saturationProblems(nothing, [])).toEqual([
      'the generator, not the system, was the limit at 100/s (event loop late by 80.0ms): nothing is known of the knee; use more generators or a faster machine',
    ]);
  });

  test('for a moment is none', async () => {
    let told = 0;
    const once = await saturate({
      serviceMs: 4,
      trouble: () => (told++ === 25 ? { cpu: 1, eventLoopDelay: { p99: 900, max: 900 } } : {}),
    });
    expect(once.outcome).toBe('found');
  });
});

describe('a threshold on the knee', () => {
  const scenario = scenarioOf(
    { rising: ramp(steps({ from: 100, to: 300, by: 100, duration: '5s' })) },
    { saturation: { p99: 100 }, thresholds: { knee: ['>=200', '<1000'] } },
  );
  const results = (knee: { rate: number; exact: boolean } | undefined) =>
    evaluateThresholds(scenario.thresholds, new Recorder(() => 'baseline'), {}, { faults: [], knee }).map(
      ({ passed, observed }) => [passed, observed],
    );

  test.each([
    [
      'that was found',
      { rate: 200, exact: true },
      [
        [true, 200],
        [true, 200],
      ],
    ],
    [
      'that is too low',
      { rate: 100, exact: true },
      [
        [false, 100],
        [true, 100],
      ],
    ],
    [
      'below the first step',
      { rate: 0, exact: true },
      [
        [false, 0],
        [true, 0],
      ],
    ],
    // It may be anywhere above: no upper limit is known to hold.
    [
      'that is at least so high',
      { rate: 300, exact: false },
      [
        [true, 300],
        [false, undefined],
      ],
    ],
    [
      'of a run that measured no step',
      undefined,
      [
        [false, undefined],
        [false, undefined],
      ],
    ],
  ])('%s', (_, knee, expected) => expect(results(knee)).toEqual(expected));
});
