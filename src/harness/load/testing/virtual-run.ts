// Runs of loads in virtual time, and what must hold for every one of them.

import { expect } from 'vitest';
import { Random } from '../../../runtime/random.ts';
import type { VirtualClock } from '../../../runtime/virtual-clock.ts';
import type { Second } from '../../result/schema.ts';
import type { ValidScenario } from '../../scenario/valid-scenario.ts';
import { runLoads } from '../generator.ts';
import type { LoadReport, RunLoadsOptions } from '../generator.ts';
import type { EndEvent, Invoke, LoadEvent, PlannedOperation } from '../operation.ts';
import type { Recorder } from '../recorder.ts';
import { recorderOf } from './fake-server.ts';

export interface Outcome {
  readonly report: LoadReport;
  readonly recorder: Recorder;
  readonly events: readonly LoadEvent[];
  readonly ends: readonly EndEvent[];
  readonly seconds: readonly Second[];
}

/** Runs a scenario to its end in virtual time; nothing may be left behind. */
export async function run(
  clock: VirtualClock,
  scenario: ValidScenario,
  invoke: Invoke,
  options: Partial<RunLoadsOptions> & { readonly seed?: number } = {},
): Promise<Outcome> {
  const recorder = recorderOf(scenario);
  const events: LoadEvent[] = [];
  const seconds: Second[] = [];
  let ended = false;
  const running = runLoads({
    scenario,
    clock,
    random: new Random(options.seed ?? 1),
    invoke,
    recorder,
    sink: (event) => void events.push(event),
    onSecond: (second) => void seconds.push(second),
    ...options,
  }).finally(() => {
    ended = true;
  });
  const isOver = () => ended || clock.now() > 60_000;
  while (!isOver()) await clock.advanceAsync(1_000);
  const report = await running;
  const ends = events.filter((event) => event.type !== 'invoke');
  expectWellFormed(events, ends, recorder, report, seconds);
  return { report, recorder, events, ends, seconds };
}

/** What must hold for every run, whatever the system did. */
function expectWellFormed(
  events: readonly LoadEvent[],
  ends: readonly EndEvent[],
  recorder: Recorder,
  report: LoadReport,
  seconds: readonly Second[],
): void {
  const open = new Map<number, PlannedOperation>();
  const retired = new Set<number>();
  const wrong: LoadEvent[] = [];
  let lastMs = 0;
  for (const event of events) {
    const { process, operation, type, atMs } = event;
    const begins = type === 'invoke';
    const inTurn = begins ? !open.has(process) && !retired.has(process) : open.get(process) === operation;
    if (!inTurn || atMs < lastMs || atMs < event.scheduledMs) wrong.push(event);
    if (begins) open.set(process, operation);
    else open.delete(process);
    if (type === 'info') retired.add(process);
    lastMs = atMs;
  }
  expect(wrong).toEqual([]);
  expect(open.size).toBe(0);
  const totals = recorder.totals(report.durationMs);
  expect(totals.scheduled).toBe(totals.started + totals.dropped);
  expect(totals.started).toBe(ends.length);
  expect(recorder.statistics().reduce((sum, { count }) => sum + count, 0)).toBe(ends.length);
  const sum = (field: 'scheduled' | 'started' | 'ok' | 'fail' | 'info' | 'dropped') =>
    seconds.reduce((total, second) => total + second[field], 0);
  for (const field of ['scheduled', 'started', 'ok', 'fail', 'info', 'dropped'] as const) expect(sum(field)).toBe(totals[field]);
  expect(recorder.timeline()).toEqual(seconds);
  expect(report.loads.reduce((total, load) => total + load.scheduled, 0)).toBe(totals.scheduled);
  expect(report.loads.reduce((total, load) => total + load.started, 0)).toBe(totals.started);
}
