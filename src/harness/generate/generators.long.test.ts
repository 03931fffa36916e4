// Generators as a run uses them: real threads, real time. What is asserted does not depend on how fast the machine is.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import type { HistoryEvent } from '../history/event.ts';
import { readHistory } from '../history/reader.ts';
import { Recorder } from '../load/recorder.ts';
import { arrivals, closedLoop, scenarioOf } from '../load/testing/fake-server.ts';
import { LatencyHistogram } from '../result/histogram.ts';
import type { Second } from '../result/schema.ts';
import { PhaseTracker } from '../scenario/phases.ts';
import type { Load } from '../scenario/loads.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { GeneratorError } from './generator-thread.ts';
import { type GenerateReport, Generators, type GeneratorsOptions, type Histories } from './generators.ts';

const TARGETS = new URL('./testing/targets.ts', import.meta.url).href;
const reads = { kind: 'registers', keys: 10, mix: { read: 1 } } as const;

let folder: string;
let started: Generators | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-generate-'));
});
afterEach(async () => {
  await started?.terminate();
  started = undefined;
  rmSync(folder, { recursive: true });
});

interface Ran {
  readonly report: GenerateReport;
  readonly recorder: Recorder;
  readonly histories: Histories;
  readonly seconds: readonly Second[];
  readonly failures: readonly string[];
  readonly readBack: string | undefined;
}

async function generate(
  target: string,
  loads: Readonly<Record<string, Load>>,
  more: Partial<Scenario> = {},
  options: Partial<GeneratorsOptions> & {
    readonly signal?: AbortSignal;
    readonly readTimeoutMs?: number;
    readonly onSecond?: (second: Second) => void;
    readonly warm?: boolean;
  } = {},
): Promise<Ran> {
  const scenario = scenarioOf(loads, more);
  const { signal = new AbortController().signal, readTimeoutMs = 5_000, onSecond: also, warm = false, ...rest } = options;
  started = await Generators.start({
    scenario,
    addresses: { endpoints: [], httpEndpoints: [] },
    folder,
    seed: 5,
    clock: systemClock,
    target: { module: TARGETS, export: target },
    ...rest,
  });
  const phases = new PhaseTracker(scenario);
  const recorder = new Recorder((ms) => phases.phaseAt(ms));
  const seconds: Second[] = [];
  const onSecond = (second: Second) => {
    seconds.push(second);
    also?.(second);
  };
  if (warm) await started.warmUp(signal);
  const report = await started.run({ originMs: systemClock.now(), recorder, onSecond, signal });
  const readBack = started.failures.length === 0 ? await started.readBack(report.finalReads, readTimeoutMs) : undefined;
  const histories = await started.close();
  return { report, recorder, histories, seconds, failures: started.failures, readBack };
}

/** Operations of a history, each with when it was sent and ended, milliseconds. */
async function operationsOf(path: string) {
  const open = new Map<HistoryEvent['process'], HistoryEvent>();
  const operations: { readonly process: HistoryEvent['process']; sentMs: number; endedMs: number; value: unknown }[] = [];
  let lastNs = 0;
  for await (const event of readHistory(path)) {
    expect(event.timeNs).toBeGreaterThanOrEqual(lastNs);
    lastNs = event.timeNs;
    if (event.type === 'invoke') {
      expect(open.has(event.process)).toBe(false);
      open.set(event.process, event);
      continue;
    }
    const invoked = open.get(event.process) as HistoryEvent;
    open.delete(event.process);
    const { process, timeNs, value } = event;
    operations.push({ process, sentMs: invoked.timeNs / 1e6, endedMs: timeNs / 1e6, value });
  }
  return operations;
}

const FINAL_PROCESS = 1_000_000_000;

function histogramOf(us: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const each of us) histogram.record(each);
  return histogram;
}

function merged({ recorder }: Ran, name: 'responseTime' | 'serviceTime'): LatencyHistogram {
  const all = new LatencyHistogram();
  for (const cell of recorder.measured()) all.merge(cell[name]);
  return all;
}

test.each([1, 2])(
  'a warm-up by %d generators is over before the load, on tables of its own, and in no statistic and no history',
  async (of) => {
    const ran = await generate(
      'sayingWhereAndHowOften',
      { a: arrivals(10, '1s', { workload: reads }) },
      { generators: of },
      { warm: true },
    );
    expect(ran.recorder.totals(ran.report.durationMs)).toMatchObject({ started: 10, ok: 10 });
    const [history] = ran.histories.files as [string];
    // What the server answers: how many requests had been under other names when this one came.
    const found = (await operationsOf(history)).map(({ value }) => value as number);
    expect(found).toHaveLength(10 + reads.keys);
    expect(Math.max(...found)).toBe(of === 1 ? 125 : 63);
    // Each generator had its part, before.
    expect(Math.min(...found)).toBe(of === 1 ? 125 : 62);
  },
  30_000,
);

test('a warm-up ends early when the run is to end', async () => {
  const abort = new AbortController();
  abort.abort();
  const ran = await generate(
    'sayingWhereAndHowOften',
    { a: arrivals(10, '1s', { workload: reads }) },
    {},
    { warm: true, signal: abort.signal },
  );
  expect(ran.recorder.totals(ran.report.durationMs)).toMatchObject({ started: 0 });
  expect(ran.failures).toEqual([]);
}, 30_000);

describe('a server that takes 50 ms', () => {
  // What its own timers made of the 50 ms is what the server says; the generator must report that, whatever the machine does.
  test.each([
    [10, '3s', 30, 1],
    [1_000, '2s', 2_000, 1],
    [1_000, '2s', 2_000, 3],
  ])('at %d/s for %s is reported so, with exactly %d samples, by %d generators', async (rate, duration, count, generators) => {
    const ran = await generate('constantDelay', { a: arrivals(rate, duration, { workload: reads }) }, { generators });
    const { recorder, report, histories, seconds } = ran;
    expect(recorder.totals(report.durationMs)).toMatchObject({
      scheduled: count,
      started: count,
      ok: count,
      fail: 0,
      info: 0,
      dropped: 0,
    });
    expect(seconds.reduce((sum, { ok }) => sum + ok, 0)).toBe(count);
    // A generator that is late tells late what was due; what has ended is told in its second.
    const late = { scheduled: expect.any(Number) as number, dropped: expect.any(Number) as number };
    expect(recorder.timeline()).toEqual(seconds.map((second) => ({ ...second, ...late })));
    const operations = (await operationsOf(histories.files[0] as string)).filter(({ process }) => process !== FINAL_PROCESS);
    expect(operations).toHaveLength(count);

    const server = histogramOf(operations.map(({ value }) => value as number));
    const [service, response] = [merged(ran, 'serviceTime'), merged(ran, 'responseTime')];
    const [serverP50, serviceP50, responseP50] = [server, service, response].map(
      (each) => (each.percentile(50) ?? 0) / 1_000,
    ) as [number, number, number];
    expect(serverP50).toBeGreaterThan(48);
    expect(Math.abs(serviceP50 - serverP50)).toBeLessThanOrEqual(2);
    expect(responseP50).toBeGreaterThanOrEqual(serviceP50 - 0.1);
    // No more than three quarters of the operations take so long, nor are so many started so late.
    const lateMs = (recorder.lag.percentile(75) ?? recorder.lag.max) / 1_000;
    expect(responseP50).toBeLessThanOrEqual((service.percentile(75) ?? service.max) / 1_000 + lateMs + 0.1);
    // On a machine that had time for it that is 50 ms.
    if (serverP50 < 51 && lateMs < 1)
      for (const p50 of [serviceP50, responseP50]) expect(Math.abs(p50 - 50)).toBeLessThanOrEqual(2);
    expect(report.generators).toHaveLength(generators);
    expect(report.generators.reduce((sum, each) => sum + each.started, 0)).toBe(count);
    for (const { moments, started: of } of report.generators) {
      expect(moments.length).toBeGreaterThanOrEqual(1);
      expect(moments.reduce((sum, moment) => sum + moment.started, 0)).toBe(of);
    }
  });
});

test('a freeze of 2 s in a run of 10 s is in the response times, and in no service time of what was sent later', async () => {
  const ran = await generate('freezing', { a: arrivals(100, '10s', { workload: reads }) });
  expect(ran.recorder.totals(1)).toMatchObject({ scheduled: 1_000, ok: 1_000 });
  expect(merged(ran, 'responseTime').percentile(99)).toBeGreaterThanOrEqual(1_000_000);
  const operations = (await operationsOf(ran.histories.files[0] as string)).filter(({ process }) => process !== FINAL_PROCESS);
  const thawedMs = Math.min(...operations.map(({ sentMs }) => sentMs)) + 6_000;
  const later = operations.filter(({ sentMs }) => sentMs > thawedMs + 1);
  expect(later.length).toBeGreaterThan(300);
  const service = histogramOf(later.map(({ sentMs, endedMs }) => (endedMs - sentMs) * 1_000));
  const server = histogramOf(later.map(({ value }) => value as number));
  expect(Math.abs((service.percentile(50) ?? 0) - (server.percentile(50) ?? 0))).toBeLessThanOrEqual(2_000);
  expect(service.percentile(95)).toBeLessThan(1_000_000);
});

test('several generators: values and processes are unique, the history is one, by time, and ends with the final reads', async () => {
  const loads = {
    open: arrivals(200, '2s', { workload: { kind: 'registers', keys: 7, mix: { write: 1 } }, arrivals: 'poisson' }),
    closed: closedLoop(5, '2s', { workload: { kind: 'set' } }),
  };
  const { histories, report, recorder, failures, readBack } = await generate('constantDelay', loads, { generators: 3 });
  expect([failures, readBack]).toEqual([[], undefined]);
  expect(histories.files.map((path) => basename(path))).toEqual(['history-registers.jsonl', 'history-set.jsonl']);
  expect(readdirSync(folder).sort()).toEqual(['history-registers.jsonl', 'history-set.jsonl']);
  const [registers = [], elements = []] = await Promise.all(histories.files.map(operationsOf));
  const isFinal = ({ process }: { process: unknown }) => process === FINAL_PROCESS;
  expect(registers.filter(isFinal)).toHaveLength(7);
  expect(elements.filter(isFinal)).toHaveLength(1);
  const loaded = [...registers, ...elements].filter((operation) => !isFinal(operation));
  expect(loaded).toHaveLength(recorder.totals(report.durationMs).ok);
  const writes = loaded.map(({ value }) => value);
  expect(new Set(writes).size).toBe(writes.length);
  expect(new Set(loaded.map(({ process }) => (process as number) % 3))).toEqual(new Set([0, 1, 2]));
});

describe('the end', () => {
  test('an abort begins nothing more and loses nothing', async () => {
    const abort = new AbortController();
    let seen = 0;
    const onSecond = ({ ok }: Second) => {
      seen += ok;
      if (seen > 50) abort.abort();
    };
    const load = arrivals(100, '10m', { workload: reads });
    const { recorder, report, histories, failures } = await generate(
      'constantDelay',
      { a: load },
      { generators: 2 },
      { signal: abort.signal, onSecond },
    );
    const { ok, started: begun, scheduled } = recorder.totals(report.durationMs);
    expect([scheduled, begun]).toEqual([ok, ok]);
    expect(ok).toBeGreaterThan(50);
    expect(failures).toEqual([]);
    expect(histories.complete).toBe(true);
    expect((await operationsOf(histories.files[0] as string)).filter(({ process }) => process !== FINAL_PROCESS)).toHaveLength(
      ok,
    );
  });

  test('aborted before it began, it begins nothing', async () => {
    const { recorder } = await generate('constantDelay', { a: closedLoop(3, '10m') }, {}, { signal: AbortSignal.abort() });
    expect(recorder.totals(1)).toMatchObject({ scheduled: 0, started: 0 });
  });

  test.each([
    ['crashing', /crashed: a bug of the target/],
    ['exiting', /ended by itself, with code 3/],
    ['blocked', /did not answer for .*: its event loop is blocked/],
  ])('a generator that is %s ends the run, which keeps what was measured and says why', async (target, reason) => {
    const load = arrivals(100, '10m', { workload: reads });
    const { failures, recorder, report, histories, seconds } = await generate(
      target,
      { a: load },
      { generators: 2 },
      { silenceLimitMs: 2_000 },
    );
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatch(/^generator 1 /);
    expect(failures[0]).toMatch(reason);
    const totals = recorder.totals(report.durationMs);
    expect(totals.ok).toBeGreaterThan(20);
    expect(seconds.reduce((sum, { ok }) => sum + ok, 0)).toBe(totals.ok);
    expect(report.generators.map(({ started: begun }) => begun > 0)).toEqual([true, true]);
    // Its last operations may be missing: no checker may take that for the system's doing.
    expect(histories.complete).toBe(false);
    expect(histories.files.map((path) => basename(path)).sort()).toEqual([
      'history-registers.g1.jsonl',
      'history-registers.g2.jsonl',
    ]);
  });

  test('a final read that fails is told', async () => {
    const { readBack, histories } = await generate('silentAtTheEnd', { a: arrivals(10, '1s') }, {}, { readTimeoutMs: 50 });
    expect(readBack).toBe('the final read of registers failed: deadline-exceeded');
    expect(histories.complete).toBe(true);
  });
});

test.each([
  ['refusing', /the generator failed: nobody is there/],
  ['neverConnecting', /did not answer for/],
  ['thatDoesNotExist', /exports thatDoesNotExist/],
])('a target that is %s', async (target, reason) => {
  const failure = generate(
    target,
    { a: arrivals(10, '1s') },
    {},
    { startLimitMs: target === 'neverConnecting' ? 1_000 : 60_000 },
  );
  await expect(failure).rejects.toThrow(reason);
  await expect(failure).rejects.toBeInstanceOf(GeneratorError);
});

test('what counts the seconds may throw: the run is over', async () => {
  const scenario = scenarioOf({ a: arrivals(10, '10m') });
  const addresses = { endpoints: [], httpEndpoints: [] };
  const target = { module: TARGETS, export: 'constantDelay' };
  started = await Generators.start({ scenario, addresses, folder, seed: 1, clock: systemClock, target });
  const onSecond = () => {
    throw new Error('a bug in a threshold');
  };
  const { signal } = new AbortController();
  const recorder = new Recorder(() => 'baseline');
  await expect(started.run({ originMs: systemClock.now(), recorder, onSecond, signal })).rejects.toThrow('a bug in a threshold');
});
