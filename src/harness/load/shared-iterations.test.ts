import { describe, expect, test } from 'vitest';
import type { Carried } from './testing/fake-server.ts';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import type { Invoke } from './operation.ts';
import { arrivals, fakeServer, scenarioOf, shared } from './testing/fake-server.ts';
import { run } from './testing/virtual-run.ts';
import { CUT_OFF } from './virtual-users.ts';

describe('shared iterations', () => {
  test('are exactly as many as there should be, and the load ends with the last one', async () => {
    const clock = new VirtualClock();
    const scenario = scenarioOf({ a: shared(7, 100, { startTime: '500ms', workload: { kind: 'set' } }) });
    const outcome = await run(clock, scenario, fakeServer(clock, 20));
    expect(outcome.ends).toHaveLength(100);
    expect(new Set(outcome.ends.map(({ operation }) => (operation as Carried).value)).size).toBe(100);
    // 15 rounds of 7 users; only 2 are left for the last one.
    expect(outcome.report.durationMs).toBeCloseTo(800, 3);
    expect(outcome.report.loads).toEqual([{ name: 'a', scheduled: 100, started: 100, dropped: 0, cutOff: 0, virtualUsers: 7 }]);
    expect(scenario.totalDurationMs).toBe(600_500);
    expect(clock.pendingTimers).toBe(0);
  });

  test('are taken by whoever is free: a slow user takes fewer', async () => {
    const clock = new VirtualClock();
    let first = true;
    const server: Invoke = (operation, signal) => {
      const delayMs = first ? 1_000 : 10;
      first = false;
      return fakeServer(clock, delayMs)(operation, signal);
    };
    const outcome = await run(clock, scenarioOf({ a: shared(2, 50) }), server);
    const by = (process: number) => outcome.ends.filter((end) => end.process === process).length;
    expect([by(0), by(1)]).toEqual([1, 49]);
  });

  test('that fail or end with nobody knowing how are done as well', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const once = async () => {
        const clock = new VirtualClock();
        const random = new Random(seed);
        const server: Invoke = async (operation, signal) => {
          if (random.chance(0.2)) return { outcome: 'fail', code: 'refused' };
          await fakeServer(clock, random.exponential(20))(operation, signal);
          if (random.chance(0.1)) throw new Error('bug');
          return random.chance(0.2) ? { outcome: 'info', code: 'timeout' } : { outcome: 'ok', value: 1 };
        };
        return run(clock, scenarioOf({ a: shared(9, 1_000) }), server, { seed });
      };
      const outcome = await once();
      expect(outcome.ends).toHaveLength(1_000);
      expect(outcome.report.loads).toMatchObject([{ virtualUsers: 9, cutOff: 0 }]);
      expect((await once()).events).toEqual(outcome.events);
    }
  });

  test('more users than the event loop begins in a turn, one iteration each', async () => {
    const clock = new VirtualClock();
    const outcome = await run(clock, scenarioOf({ a: shared(300, 300) }), fakeServer(clock, 5));
    expect(outcome.ends).toHaveLength(300);
    expect(new Set(outcome.ends.map(({ process }) => process)).size).toBe(300);
    const atOnce = await run(new VirtualClock(), scenarioOf({ a: shared(3, 5_000) }), () => Promise.resolve({ outcome: 'ok' }));
    expect(atOnce.ends).toHaveLength(5_000);
  });

  test('the last one may take longer than the graceful stop as long as maxDuration has not passed', async () => {
    const clock = new VirtualClock();
    const load = shared(2, 2, { maxDuration: '10s', gracefulStop: '100ms' });
    let delayMs = 0;
    const server: Invoke = (operation, signal) => fakeServer(clock, (delayMs += 1_000))(operation, signal);
    const outcome = await run(clock, scenarioOf({ a: load }), server);
    expect(outcome.ends.map(({ type, atMs }) => [type, atMs])).toEqual([
      ['ok', 1_000],
      ['ok', 2_000],
    ]);
  });

  test('maxDuration ends the load with fewer, and its graceful stop cuts off what does not finish', async () => {
    const clock = new VirtualClock();
    const load = shared(2, 1_000, { maxDuration: '1s', gracefulStop: '100ms' });
    const outcome = await run(clock, scenarioOf({ a: load }), fakeServer(clock, 300));
    expect(outcome.report.loads).toMatchObject([{ started: 8, cutOff: 2 }]);
    expect(outcome.recorder.errors()).toEqual([{ code: CUT_OFF, outcome: 'info', count: 2 }]);
    expect(outcome.report.durationMs).toBeCloseTo(1_100, 3);
    expect(clock.pendingTimers).toBe(0);
  });

  test('an abort in the middle starts no further one; other loads are not ended by a load that is done', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    clock.schedule(1_005, () => controller.abort());
    const scenario = scenarioOf({ long: shared(4, 100_000), short: shared(1, 3), open: arrivals(100, '30s') });
    const outcome = await run(clock, scenario, fakeServer(clock, 10), { signal: controller.signal });
    const of = (name: string) => outcome.ends.filter(({ operation }) => operation.load === name).length;
    expect([of('long'), of('short'), of('open')]).toEqual([404, 3, 101]);
    expect(outcome.report.stopped).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });
});
