import { describe, expect, test } from 'vitest';
import type { Carried } from './testing/fake-server.ts';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { runLoads } from './generator.ts';
import type { Invoke } from './operation.ts';
import { arrivals, closedLoop, deafServer, fakeServer, recorderOf, registerServer, scenarioOf } from './testing/fake-server.ts';
import { run } from './testing/virtual-run.ts';
import type { Outcome } from './testing/virtual-run.ts';
import { CUT_OFF } from './virtual-users.ts';

function totalsOf({ recorder, report }: Outcome) {
  return recorder.totals(report.durationMs);
}

describe('open loop', () => {
  test.each([
    [10, '10s', 100],
    [1_000, '5s', 5_000],
  ])('a server that takes 50 ms, at %d/s, is measured to take 50 ms', async (rate, duration, count) => {
    const clock = new VirtualClock();
    const outcome = await run(clock, scenarioOf({ a: arrivals(rate, duration) }), fakeServer(clock, 50));
    const latencies = outcome.recorder.measured().flatMap((cell) => [cell.responseTime, cell.serviceTime]);
    for (const latency of latencies) {
      expect(Math.abs(latency.max - 50_000)).toBeLessThan(100);
      expect(Math.abs((latency.percentile(50) ?? 50_000) - 50_000)).toBeLessThan(100);
    }
    expect(totalsOf(outcome)).toMatchObject({ scheduled: count, started: count, ok: count, dropped: 0 });
    expect(outcome.ends.map(({ scheduledMs }) => Math.round(scheduledMs * 1e6))).toEqual(
      Array.from({ length: count }, (_, at) => Math.round(((at * 1_000) / rate) * 1e6)),
    );
    expect(outcome.recorder.lag.max).toBeLessThanOrEqual(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a freeze of 2 s is in the response times of all that were due in it, and in no later service time', async () => {
    const clock = new VirtualClock();
    const outcome = await run(clock, scenarioOf({ a: arrivals(100, '10s') }), fakeServer(clock, 5, 4_000, 6_000));
    const due = outcome.ends.filter(({ scheduledMs }) => scheduledMs >= 4_000 && scheduledMs < 6_000);
    expect(due).toHaveLength(200);
    for (const { atMs } of due) expect(atMs).toBeCloseTo(6_005, 3);
    const responseTime = outcome.recorder.statistics().map((statistic) => statistic.responseTime);
    expect(Math.max(...responseTime.map(({ max }) => max))).toBeGreaterThan(2_000);
    const all = outcome.ends.map(({ atMs, scheduledMs }) => atMs - scheduledMs).sort((a, b) => a - b);
    expect(all[Math.floor(all.length * 0.99)]).toBeGreaterThan(1_000);
    for (const { sentMs, atMs } of outcome.ends.filter((end) => end.sentMs >= 6_000)) expect(atMs - sentMs).toBeCloseTo(5, 3);
  });

  test('a closed loop hides the same freeze: one sample per user', async () => {
    const clock = new VirtualClock();
    const outcome = await run(clock, scenarioOf({ a: closedLoop(2, '10s') }), fakeServer(clock, 5, 4_000, 6_000));
    expect(outcome.ends.filter(({ atMs, scheduledMs }) => atMs - scheduledMs > 100)).toHaveLength(2);
  });

  test('arrivals that find no user free are dropped, exactly, in their second and phase', async () => {
    const clock = new VirtualClock();
    const load = arrivals(100, '2s', { preAllocatedVUs: 4, maxVUs: 10 });
    const outcome = await run(clock, scenarioOf({ a: load }, { warmup: '500ms' }), deafServer);
    expect(totalsOf(outcome)).toMatchObject({ scheduled: 200, started: 10, dropped: 190, info: 10, ok: 0 });
    expect(outcome.seconds.map(({ dropped }) => dropped).slice(0, 3)).toEqual([90, 100, 0]);
    expect(outcome.recorder.droppedByPhase()).toEqual([
      { load: 'a', phase: 'warmup', count: 40 },
      { load: 'a', phase: 'baseline', count: 150 },
    ]);
    expect(outcome.report.loads).toEqual([
      { name: 'a', scheduled: 200, started: 10, dropped: 190, cutOff: 10, virtualUsers: 10 },
    ]);
  });

  test('a user that has its answer takes the next arrival: 10/s for users that need 200 ms is 2 users', async () => {
    const clock = new VirtualClock();
    const load = arrivals(10, '5s', { maxVUs: 2 });
    const outcome = await run(clock, scenarioOf({ a: load }), fakeServer(clock, 199));
    expect(totalsOf(outcome)).toMatchObject({ ok: 50, dropped: 0 });
    expect(outcome.report).toMatchObject({ processes: 2, loads: [{ virtualUsers: 2 }] });
    const tooFew = await run(new VirtualClock(), scenarioOf({ a: arrivals(10, '5s', { maxVUs: 1 }) }), deafServer);
    expect(totalsOf(tooFew)).toMatchObject({ started: 1, dropped: 49 });
  });

  test('loads start at their own time and share neither values nor processes', async () => {
    const clock = new VirtualClock();
    const mix = { read: 1, write: 1 };
    const scenario = scenarioOf({
      early: arrivals(50, '4s', { workload: { kind: 'registers', mix } }),
      late: arrivals(20, '3s', { startTime: '2s', arrivals: 'poisson', workload: { kind: 'registers', mix } }),
      closed: closedLoop(3, '2s', { startTime: '1500ms', workload: { kind: 'set' } }),
    });
    const outcome = await run(clock, scenario, fakeServer(clock, 30));
    const of = (name: string) => outcome.ends.filter(({ operation }) => operation.load === name);
    expect(of('early')).toHaveLength(200);
    expect(Math.min(...of('late').map(({ scheduledMs }) => scheduledMs))).toBeGreaterThanOrEqual(2_000);
    expect(Math.max(...of('late').map(({ scheduledMs }) => scheduledMs))).toBeLessThan(5_000);
    expect(Math.min(...of('closed').map(({ scheduledMs }) => scheduledMs))).toBe(1_500);
    expect(Math.max(...of('closed').map(({ scheduledMs }) => scheduledMs))).toBeLessThan(3_500);
    const values = outcome.ends.flatMap(({ operation }) => (operation as Carried).value ?? []);
    expect(new Set(values).size).toBe(values.length);
    expect(outcome.report.durationMs).toBeGreaterThanOrEqual(5_000);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('closed loop', () => {
  test('keeps exactly N operations under way', async () => {
    const clock = new VirtualClock();
    const random = new Random(5);
    let inFlight = 0;
    const seen = new Set<number>();
    const server = registerServer(clock, () => 1 + random.float() * 40);
    const counting: Invoke = async (operation, signal) => {
      inFlight++;
      try {
        return await server(operation, signal);
      } finally {
        inFlight--;
      }
    };
    for (let at = 10; at < 5_000; at += 7.3) clock.schedule(at, () => seen.add(inFlight));
    const outcome = await run(clock, scenarioOf({ a: closedLoop(7, '5s') }), counting);
    expect(seen).toEqual(new Set([7]));
    expect(outcome.report.loads).toMatchObject([{ virtualUsers: 7, dropped: 0, cutOff: 0 }]);
    // 7 users for 5 s with 21 ms on average.
    expect(outcome.ends.length).toBeGreaterThan(1_500);
    expect(outcome.ends.every(({ scheduledMs, sentMs }) => scheduledMs === sentMs)).toBe(true);
  });

  test('a system that refuses at once is asked again after a pause, not in a busy loop', async () => {
    const clock = new VirtualClock();
    const refuse: Invoke = () => Promise.resolve({ outcome: 'fail', code: 'connection-refused' });
    const outcome = await run(clock, scenarioOf({ a: closedLoop(3, '2s') }), refuse);
    expect(totalsOf(outcome)).toMatchObject({ fail: 600, ok: 0 });
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the end', () => {
  test('what is under way may finish in the graceful stop; then it is cut off as info, and late answers are ignored', async () => {
    const clock = new VirtualClock();
    let count = 0;
    const signals = new Set<AbortSignal>();
    const server: Invoke = async (_, signal) => {
      signals.add(signal);
      // Every second one is slower than the graceful stop.
      return fakeServer(clock, count++ % 2 === 0 ? 400 : 1_500)(_, signal);
    };
    const scenario = scenarioOf({ a: arrivals(10, '1s', { gracefulStop: '500ms' }) });
    const outcome = await run(clock, scenario, server);
    expect(totalsOf(outcome)).toMatchObject({ started: 10, ok: 5, info: 5 });
    expect(outcome.report.durationMs).toBeCloseTo(1_500, 3);
    expect(outcome.report.loads[0]?.cutOff).toBe(5);
    expect(outcome.recorder.errors()).toEqual([{ code: CUT_OFF, outcome: 'info', count: 5 }]);
    expect([...signals].map(({ aborted }) => aborted)).toEqual([true]);
    await clock.advanceAsync(5_000);
    expect(outcome.recorder.totals(1)).toMatchObject({ ok: 5, info: 5 });
  });

  test('an abort in the middle begins nothing more and loses nothing that finished', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    let answered = 0;
    const server = registerServer(clock, () => 30);
    const counting: Invoke = async (operation, signal) => {
      const answer = await server(operation, signal);
      answered++;
      return answer;
    };
    clock.schedule(1_234.5, () => controller.abort());
    const scenario = scenarioOf({ open: arrivals(100, '30s'), closed: closedLoop(4, '30s') });
    const outcome = await run(clock, scenario, counting, { signal: controller.signal });
    expect(outcome.report.stopped).toBe(true);
    expect(outcome.report.durationMs).toBeLessThan(1_300);
    expect(outcome.ends).toHaveLength(answered);
    expect(Math.max(...outcome.ends.map(({ sentMs }) => sentMs))).toBeLessThanOrEqual(1_234.5);
    expect(outcome.ends.filter(({ operation }) => operation.load === 'open')).toHaveLength(124);
    expect(outcome.ends.every(({ type, expected }) => type === 'ok' || expected)).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  test('an abort before the start begins nothing', async () => {
    const clock = new VirtualClock();
    const outcome = await run(clock, scenarioOf({ a: arrivals(100, '1s'), b: closedLoop(1, '1s') }), deafServer, {
      signal: AbortSignal.abort(),
    });
    expect(outcome.events).toEqual([]);
    expect(outcome.report).toMatchObject({ stopped: true, durationMs: 0 });
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('answers', () => {
  test('an info retires the process, the user goes on as another; a fail does not', async () => {
    const clock = new VirtualClock();
    let count = 0;
    const server: Invoke = async (operation, signal) => {
      await fakeServer(clock, 10)(operation, signal);
      count++;
      if (count % 3 === 0) return { outcome: 'info', code: 'timeout' };
      return count % 3 === 1 ? { outcome: 'fail', code: 'not-leader' } : { outcome: 'ok' };
    };
    const outcome = await run(clock, scenarioOf({ a: closedLoop(1, '300ms') }), server);
    expect(outcome.ends).toHaveLength(30);
    expect(outcome.ends.map(({ process }) => process)).toEqual(outcome.ends.map((_, at) => Math.floor(at / 3)));
    expect(outcome.report.loads).toMatchObject([{ virtualUsers: 1 }]);
  });

  test('an invoke that rejects or throws has an unknown outcome, and the run goes on', async () => {
    const clock = new VirtualClock();
    let count = 0;
    const server: Invoke = () => {
      count++;
      if (count % 2 === 0) throw new TypeError('a bug');
      return Promise.reject(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    };
    const outcome = await run(clock, scenarioOf({ a: arrivals(10, '1s') }), server);
    expect(outcome.recorder.errors()).toEqual([
      { code: 'ECONNRESET', outcome: 'info', count: 5 },
      { code: 'TypeError', outcome: 'info', count: 5 },
    ]);
  });

  test('a cas that found another value is a fail, but no failure; a fair part of them succeeds', async () => {
    const clock = new VirtualClock();
    const random = new Random(2);
    const workload = { kind: 'registers', keys: 20, mix: { read: 1, write: 1, cas: 2 } } as const;
    const scenario = scenarioOf({ a: arrivals(200, '10s', { workload }) });
    const outcome = await run(
      clock,
      scenario,
      registerServer(clock, () => random.float() * 30),
    );
    const cas = outcome.ends.filter(({ operation }) => operation.operation === 'cas');
    const mismatches = cas.filter(({ expected }) => expected);
    expect(mismatches.length).toBeGreaterThan(0);
    expect(cas.length - mismatches.length).toBeGreaterThan(cas.length / 3);
    expect(outcome.recorder.expectedFailures).toBe(mismatches.length);
    expect(outcome.recorder.errors()).toEqual([]);
    expect(outcome.recorder.snapshot().failed).toBe(0);
  });
});

test('random outcomes and delays beyond the graceful stop: everything is recorded once', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const clock = new VirtualClock();
    const random = new Random(seed);
    const server: Invoke = async (operation, signal) => {
      await fakeServer(clock, random.exponential(60))(operation, signal);
      if (random.chance(0.1)) throw new Error('bug');
      if (random.chance(0.1)) return { outcome: 'info', code: 'timeout' };
      return random.chance(0.1) ? { outcome: 'fail', code: 'refused' } : { outcome: 'ok', value: 1 };
    };
    const scenario = scenarioOf({
      open: arrivals(300, '3s', { arrivals: 'poisson', maxVUs: 25, gracefulStop: '50ms' }),
      closed: closedLoop(9, '3s', { gracefulStop: '20ms' }),
    });
    // What must hold of every run is checked in `run`.
    const outcome = await run(clock, scenario, server, { seed });
    expect(totalsOf(outcome).dropped).toBeGreaterThan(0);
    expect(outcome.report.loads.some(({ cutOff }) => cutOff > 0)).toBe(true);
  }
});

test('the same seed gives the same run', async () => {
  const once = async (seed: number) => {
    const clock = new VirtualClock();
    const delays = new Random(1);
    const scenario = scenarioOf({ a: arrivals(100, '3s', { arrivals: 'poisson' }), b: closedLoop(3, '3s') });
    const server = registerServer(clock, () => 5 + delays.float() * 20);
    return (await run(clock, scenario, server, { seed })).events;
  };
  const first = await once(7);
  expect(await once(7)).toEqual(first);
  expect(await once(8)).not.toEqual(first);
});

test.each(['sink', 'onSecond'] as const)('what %s throws ends the run at once, and leaves nothing behind', async (name) => {
  const clock = new VirtualClock();
  let calls = 0;
  const failing = () => {
    if (++calls === 2) throw new Error('disk full');
  };
  const scenario = scenarioOf({ a: arrivals(100, '10s'), b: closedLoop(2, '10s') });
  const running = runLoads({
    scenario,
    clock,
    random: new Random(1),
    invoke: deafServer,
    recorder: recorderOf(scenario),
    [name]: failing,
  });
  const failure = running.then(
    () => undefined,
    (error: unknown) => error,
  );
  await clock.advanceAsync(3_000);
  expect(await failure).toEqual(new Error('disk full'));
  expect(clock.pendingTimers).toBe(0);
  expect(calls).toBe(2);
});
