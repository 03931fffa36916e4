import { describe, expect, test } from 'vitest';
import { sleep } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { PhaseTracker } from '../scenario/phases.ts';
import type { Load } from '../scenario/loads.ts';
import { faultFigures } from './fault-figures.ts';
import { runLoads } from './generator.ts';
import type { Answer } from './operation.ts';
import { Recorder } from './recorder.ts';
import { arrivals, closedLoop, scenarioOf } from './testing/fake-server.ts';

/** When an operation that came at `nowMs` is answered, and how. */
type Server = (nowMs: number) => { readonly delayMs: number; readonly answer?: Answer };

interface Given {
  readonly load?: Load;
  readonly server: Server;
  /** From when to when, milliseconds, and how long it took to carry it out, else 0. The warm-up lasts 1 s, recovery 3 s. */
  readonly faults: readonly (readonly [startMs: number, endMs: number, carryingOutMs?: number])[];
  readonly electedMs?: readonly number[];
  /** Ctrl-C, which also ends the faults. */
  readonly stopMs?: number;
}

const REFUSED: Answer = { outcome: 'fail', code: 'refused' };
const WRITES = { workload: { kind: 'registers', mix: { write: 1 } } } as const;
const steadily: Server = () => ({ delayMs: 10 });
/** Holds what comes in [fromMs, toMs) until that is over. */
const frozen =
  (fromMs: number, toMs: number): Server =>
  (nowMs) => ({ delayMs: 10 + (nowMs >= fromMs && nowMs < toMs ? toMs - nowMs : 0) });

/** A run in virtual time, 100 writes a second for 15 s unless told otherwise. */
async function figuresOf({ load = arrivals(100, '15s', WRITES), server, faults, electedMs = [], stopMs }: Given) {
  const clock = new VirtualClock();
  const scenario = scenarioOf({ a: load }, { warmup: '1s', recovery: '3s' });
  const tracker = new PhaseTracker(scenario);
  const recorder = new Recorder((ms) => tracker.phaseAt(ms), scenario.recoveryMs);
  const stop = new AbortController();
  for (const [startMs, endMs, carryingOutMs = 0] of faults) {
    const fault = { kind: 'crash', target: 'leader' };
    clock.schedule(startMs, () => {
      tracker.faultStarted(startMs);
      recorder.faults.began(fault, startMs);
    });
    clock.schedule(startMs + carryingOutMs, () => recorder.faults.carriedOut(fault, clock.now()));
    clock.schedule(Math.min(endMs, stopMs ?? endMs), () => {
      tracker.faultEnded(clock.now());
      recorder.faults.ended(fault, clock.now());
    });
  }
  if (stopMs !== undefined) clock.schedule(stopMs, () => stop.abort());
  let ended = false;
  const running = runLoads({
    scenario,
    clock,
    random: new Random(1),
    recorder,
    signal: stop.signal,
    async invoke() {
      const { delayMs, answer = { outcome: 'ok', value: null } } = server(clock.now());
      await sleep(clock, delayMs);
      return answer;
    },
  }).finally(() => {
    ended = true;
  });
  const isOver = () => ended || clock.now() > 60_000;
  while (!isOver()) await clock.advanceAsync(500);
  const { durationMs } = await running;
  const elected = (fromMs: number, toMs: number) => electedMs.find((ms) => ms >= fromMs && ms <= toMs);
  const figures = faultFigures(recorder, elected, durationMs);
  return { figures, recorder, first: figures[0] as (typeof figures)[number], durationMs };
}

describe('what a fault cost', () => {
  test('a server that is frozen beyond the end of the fault: gap, first write, unavailability, p99', async () => {
    const { first, recorder } = await figuresOf({
      server: frozen(5_000, 6_500),
      faults: [[5_000, 6_000]],
      electedMs: [4_000, 6_400],
    });
    expect(first.figures).toEqual({
      election: { ms: 1_400, isFinal: true },
      first_write: { ms: 1_510, isFinal: true },
      write_gap: { ms: 1_510, isFinal: true },
      unavailable: { ms: 1_510, isFinal: true },
      recovered: { ms: 500, isFinal: true },
    });
    expect(first).toMatchObject({ windowEndMs: 9_000, overlaps: false, span: { operations: 400, errors: 0 } });
    expect(recorder.recovery.limitMs).toBeCloseTo(12, 0);
  });

  test('a fault that nobody noticed cost nothing, and an election behind its recovery is not its own', async () => {
    const { first } = await figuresOf({ server: steadily, faults: [[5_000, 6_000]], electedMs: [9_001] });
    expect(first.figures).toEqual({
      first_write: { ms: 10, isFinal: true },
      write_gap: { ms: 10, isFinal: true },
      unavailable: { ms: 0, isFinal: true },
      recovered: { ms: 0, isFinal: true },
    });
  });

  test('a write that is sent while the fault is only being carried out says nothing of how it is borne', async () => {
    const { first } = await figuresOf({ server: frozen(5_030, 6_000), faults: [[5_000, 6_000, 30]] });
    expect(first.figures.first_write).toEqual({ ms: 1_010, isFinal: true });
    expect(first.figures.write_gap).toEqual({ ms: 980, isFinal: true });
  });

  test('response times that stay high: not recovered', async () => {
    const { first } = await figuresOf({ server: (nowMs) => ({ delayMs: nowMs < 5_000 ? 10 : 13 }), faults: [[5_000, 6_000]] });
    expect(first.recovery).toEqual({ kind: 'not-recovered' });
    expect(first.figures.recovered?.isFinal).toBe(false);
    // Within 20 % is recovered.
    const near = await figuresOf({ server: (nowMs) => ({ delayMs: nowMs < 5_000 ? 10 : 11.9 }), faults: [[5_000, 6_000]] });
    expect(near.first.recovery).toEqual({ kind: 'recovered', afterMs: 0 });
  });

  test('normal for a second is not recovered: it has to stay so', async () => {
    const relapse: Server = (nowMs) => ({
      delayMs: nowMs < 5_000 || (nowMs >= 6_500 && nowMs < 8_200) || nowMs >= 9_000 ? 10 : 50,
    });
    const { first } = await figuresOf({ server: relapse, faults: [[5_000, 6_000]] });
    expect(first.recovery).toEqual({ kind: 'recovered', afterMs: 3_000 });
  });

  test('one slow operation in a hundred is what a p99 allows, two in ten are not', async () => {
    let came = 0;
    const every =
      (nth: number): Server =>
      (nowMs) => ({ delayMs: nowMs >= 5_000 && came++ % nth === 0 ? 100 : 10 });
    expect((await figuresOf({ server: every(100), faults: [[5_000, 6_000]] })).first.recovery?.kind).toBe('recovered');
    expect((await figuresOf({ server: every(5), faults: [[5_000, 6_000]] })).first.recovery?.kind).toBe('not-recovered');
  });

  test('failing fast is no recovery, whatever the response times', async () => {
    const refusing: Server = (nowMs) => (nowMs < 5_000 ? { delayMs: 10 } : { delayMs: 1, answer: REFUSED });
    const { first } = await figuresOf({ server: refusing, faults: [[5_000, 6_000]] });
    expect(first.recovery).toEqual({ kind: 'not-recovered' });
    // Nothing was written ever again: what came first is unknown, and it took at least to the end.
    expect(first.figures.first_write?.isFinal).toBe(false);
    expect(first.figures.first_write?.ms).toBeGreaterThanOrEqual(9_990);
    expect(first.figures.write_gap?.ms).toBe(4_000);
    expect(first.figures.unavailable?.ms).toBe(4_000);
    expect(first.span).toMatchObject({ operations: 400, errors: 400 });
  });

  test('a closed loop of which every user waits asks for nothing, and is unavailable all the same', async () => {
    const { first } = await figuresOf({
      load: closedLoop(3, '15s', WRITES),
      server: frozen(4_995, 6_500),
      faults: [[5_000, 6_000]],
    });
    expect(first.figures.unavailable?.ms).toBe(1_510);
    expect(first.figures.write_gap?.ms).toBe(1_510);
  });

  test('without writes there is no first write and no gap between writes', async () => {
    const load = arrivals(100, '15s', { workload: { kind: 'registers', mix: { read: 1 } } });
    const { first } = await figuresOf({ load, server: frozen(5_000, 6_500), faults: [[5_000, 6_000]] });
    expect(first.figures).toEqual({ unavailable: { ms: 1_510, isFinal: true }, recovered: { ms: 500, isFinal: true } });
  });

  test('faults whose windows overlap share their figures, and say so', async () => {
    const { figures } = await figuresOf({
      load: arrivals(100, '25s', WRITES),
      server: frozen(5_500, 6_500),
      faults: [
        [5_000, 8_000],
        [5_500, 6_000],
        [16_000, 17_000],
      ],
    });
    expect(figures.map(({ overlaps }) => overlaps)).toEqual([true, true, false]);
    expect(figures.map(({ figures: { unavailable } }) => unavailable?.ms)).toEqual([1_010, 1_010, 0]);
    expect(figures.map(({ span }) => span.operations)).toEqual([600, 350, 400]);
    // The second one's recovery goes on while the first one lasts.
    expect(figures.map(({ recovery }) => recovery)).toEqual([
      { kind: 'recovered', afterMs: 0 },
      { kind: 'recovered', afterMs: 500 },
      { kind: 'recovered', afterMs: 0 },
    ]);
  });

  test('what comes behind the beginning of the next fault is not held against the one before', async () => {
    const { figures } = await figuresOf({
      server: (nowMs) => ({ delayMs: nowMs < 5_000 || nowMs >= 9_500 ? 10 : 50 }),
      faults: [
        [5_000, 6_000],
        [9_000, 9_200],
        [10_000, 10_200],
      ],
    });
    expect(figures.map(({ recovery }) => recovery)).toEqual([
      { kind: 'not-recovered' },
      { kind: 'unknown', reason: 'the load went on for 800ms until the next fault or its end, less than 2.0s' },
      { kind: 'recovered', afterMs: 0 },
    ]);
  });

  test('a fault cut short by Ctrl-C has the figures until then', async () => {
    const { first, durationMs } = await figuresOf({ server: frozen(5_000, 9_000), faults: [[5_000, 8_000]], stopMs: 6_000 });
    // What was under way had its graceful stop, and was answered in it.
    expect(durationMs).toBe(9_010);
    expect(first.span).toMatchObject({ startMs: 5_000, endMs: 6_000, operations: 100 });
    expect(first.windowEndMs).toBe(9_000);
    expect(first.figures).toMatchObject({ first_write: { ms: 4_010, isFinal: true }, unavailable: { ms: 4_000 } });
    // Nothing was asked for any more, so nobody knows.
    expect(first.recovery?.kind).toBe('unknown');
    const atOnce = await figuresOf({ server: steadily, faults: [[5_000, 8_000]], stopMs: 6_000 });
    expect(atOnce.first.recovery?.kind).toBe('unknown');
    expect(atOnce.first.windowEndMs).toBe(atOnce.durationMs);
  });

  test('too little load says nothing about a p99', async () => {
    const { first } = await figuresOf({ load: arrivals(10, '15s', WRITES), server: steadily, faults: [[5_000, 6_000]] });
    expect(first.recovery).toEqual({
      kind: 'unknown',
      reason: 'too few operations to compare with before the first fault (40)',
    });
    expect(first.figures.recovered).toBeUndefined();
  });

  test('while a fault lasts, its figures are what it has cost so far', async () => {
    const recorder = new Recorder(() => 'baseline', 3_000);
    const end = { load: 'a', operation: 'write', isRead: false, outcome: 'ok', code: undefined, expected: false } as const;
    recorder.scheduled(4_000);
    recorder.ended({ ...end, scheduledMs: 4_000, sentMs: 4_000, atMs: 4_010 });
    recorder.faults.began({ kind: 'pause', target: 'leader' }, 5_000);
    recorder.scheduled(5_100);
    const [soFar] = faultFigures(recorder, () => undefined, 8_000);
    expect(soFar?.figures).toEqual({
      first_write: { ms: 3_000, isFinal: false },
      write_gap: { ms: 3_000, isFinal: true },
      unavailable: { ms: 2_900, isFinal: true },
    });
    expect(soFar).toMatchObject({ recovery: undefined, windowEndMs: 8_000 });
  });
});
