import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import type { Invoke, LoadEvent } from './operation.ts';
import { userSteps } from './ramping-vus.ts';
import { deafServer, fakeServer, rampingUsers, registerServer, scenarioOf } from './testing/fake-server.ts';
import { run } from './testing/virtual-run.ts';
import { CUT_OFF } from './virtual-users.ts';

/** How many operations are under way right behind an instant. */
function busyAt(ms: number, events: readonly LoadEvent[]): number {
  const until = events.filter(({ atMs }) => atMs <= ms);
  return until.reduce((busy, { type }) => busy + (type === 'invoke' ? 1 : -1), 0);
}

describe('the steps of a ramp', () => {
  test.each<[number, Parameters<typeof userSteps>[1], string]>([
    // The example of k6's own tests: one user more each second, then one less each second.
    [
      4,
      [
        { target: 6, durationMs: 2_000 },
        { target: 1, durationMs: 5_000 },
      ],
      '0:4 1000:5 2000:6 3000:5 4000:4 5000:3 6000:2 7000:1',
    ],
    [0, [{ target: 3, durationMs: 3_000 }], '0:0 1000:1 2000:2 3000:3'],
    [
      1,
      [
        { target: 5, durationMs: 0 },
        { target: 5, durationMs: 10_000 },
        { target: 0, durationMs: 0 },
      ],
      '0:1 0:5 10000:0',
    ],
    [2, [{ target: 2, durationMs: 1_000 }], '0:2'],
  ])('from %d through %j', (startVUs, stages, expected) => {
    const steps = [...userSteps(startVUs, stages)];
    expect(steps.map(({ atMs, vus }) => `${atMs}:${vus}`).join(' ')).toBe(expected);
  });
});

describe('ramping users', () => {
  test('come and go with the line; each has one operation under way', async () => {
    const clock = new VirtualClock();
    const stages = [
      { target: 6, duration: '3s' },
      { target: 6, duration: '2s' },
      { target: 1, duration: '5s' },
      { target: 3, duration: 0 },
      { target: 3, duration: '1s' },
    ];
    const scenario = scenarioOf({ a: rampingUsers(stages, { startVUs: 3, startTime: '1s' }) });
    const outcome = await run(clock, scenario, fakeServer(clock, 10));
    const seen = Array.from({ length: 12 }, (_, at) => busyAt(at * 1_000 + 515, outcome.events));
    expect(seen).toEqual([0, 3, 4, 5, 6, 6, 6, 5, 4, 3, 2, 3]);
    expect(outcome.report.loads).toMatchObject([{ virtualUsers: 6, dropped: 0, cutOff: 0 }]);
    expect(outcome.report.processes).toBe(6);
    expect(outcome.report.durationMs).toBeCloseTo(12_000, 3);
    // 10 ms each: the area below the steps, 3 + 4 + 5 + 6 + 6 + 6 + 5 + 4 + 3 + 2 + 3 user seconds; who goes ends on its 10 ms.
    expect(outcome.ends).toHaveLength(4_700);
    expect(clock.pendingTimers).toBe(0);
  });

  test('the last to come is the first to go, and comes back as the same process', async () => {
    const clock = new VirtualClock();
    const stages = [
      { target: 3, duration: 0 },
      { target: 3, duration: '1s' },
      { target: 1, duration: 0 },
      { target: 1, duration: '1s' },
      { target: 3, duration: 0 },
      { target: 3, duration: '1s' },
    ];
    const outcome = await run(clock, scenarioOf({ a: rampingUsers(stages) }), fakeServer(clock, 100));
    const processes = (second: number) =>
      new Set(outcome.ends.filter(({ sentMs }) => Math.floor((sentMs + 1) / 1_000) === second).map(({ process }) => process));
    expect([0, 1, 2].map(processes)).toEqual([new Set([0, 1, 2]), new Set([0]), new Set([0, 1, 2])]);
  });

  test('who must go finishes its operation, and begins none any more', async () => {
    const clock = new VirtualClock();
    const stages = [
      { target: 4, duration: '1s' },
      { target: 1, duration: 0 },
      { target: 1, duration: '4s' },
    ];
    const outcome = await run(clock, scenarioOf({ a: rampingUsers(stages, { startVUs: 4 }) }), fakeServer(clock, 700));
    const gone = outcome.ends.filter(({ process }) => process > 0);
    expect(gone).toHaveLength(6);
    expect(gone.every(({ type }) => type === 'ok')).toBe(true);
    expect(Math.max(...gone.map(({ sentMs }) => sentMs))).toBeCloseTo(700, 3);
    expect(Math.max(...gone.map(({ atMs }) => atMs))).toBeCloseTo(1_400, 3);
    expect([1_200, 1_500, 4_000].map((ms) => busyAt(ms, outcome.events))).toEqual([4, 1, 1]);
  });

  test('who takes longer than the graceful ramp-down is cut off; its late answer is nobody else’s', async () => {
    const clock = new VirtualClock();
    const stages = [
      { target: 3, duration: '1s' },
      { target: 1, duration: 0 },
      { target: 1, duration: '300ms' },
      { target: 3, duration: 0 },
      { target: 3, duration: '2700ms' },
    ];
    const signals = new Set<AbortSignal>();
    const server: Invoke = (operation, signal) => {
      signals.add(signal);
      return fakeServer(clock, 1_500)(operation, signal);
    };
    const load = rampingUsers(stages, { startVUs: 3, gracefulRampDown: '250ms' });
    const outcome = await run(clock, scenarioOf({ a: load }), server);
    const cut = outcome.ends.filter(({ code }) => code === CUT_OFF);
    expect(cut.map(({ process, type, atMs }) => [process, type, atMs])).toEqual([
      [1, 'info', 1_250],
      [2, 'info', 1_250],
    ]);
    // Others go on in their place at 1.3 s; the answers that came at 1.5 s must not have ended what began there.
    const successors = outcome.ends.filter(({ process }) => process > 2);
    expect(successors.map(({ sentMs, atMs }) => [sentMs, atMs])).toEqual([
      [1_300, 2_800],
      [1_300, 2_800],
      [2_800, 4_300],
      [2_800, 4_300],
    ]);
    expect(outcome.report.loads).toMatchObject([{ virtualUsers: 3, cutOff: 2 }]);
    expect([...signals].map(({ aborted }) => aborted)).toEqual([true]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('who is needed again in time is not cut off', async () => {
    const clock = new VirtualClock();
    const stages = [
      { target: 2, duration: '1s' },
      { target: 1, duration: 0 },
      { target: 1, duration: '200ms' },
      { target: 2, duration: 0 },
      { target: 2, duration: '3s' },
    ];
    const load = rampingUsers(stages, { startVUs: 2, gracefulRampDown: '300ms' });
    const outcome = await run(clock, scenarioOf({ a: load }), fakeServer(clock, 1_400));
    expect(outcome.report.loads).toMatchObject([{ started: 6, cutOff: 0, virtualUsers: 2 }]);
    expect(outcome.ends.map(({ atMs }) => Math.round(atMs))).toEqual([1_400, 1_400, 2_800, 2_800, 4_200, 4_200]);
  });

  test('a user that pauses because it was refused begins once, whether it is called back before or after', async () => {
    const clock = new VirtualClock();
    const refuse: Invoke = () => Promise.resolve({ outcome: 'fail', code: 'connection-refused' });
    const stages = [
      { target: 2, duration: '1s' },
      { target: 1, duration: 0 },
      { target: 1, duration: '2ms' },
      { target: 2, duration: 0 },
      { target: 2, duration: '998ms' },
      { target: 1, duration: 0 },
      { target: 1, duration: '1s' },
    ];
    const outcome = await run(clock, scenarioOf({ a: rampingUsers(stages, { startVUs: 2, gracefulRampDown: 0 }) }), refuse);
    expect(outcome.ends.filter(({ process }) => process === 0)).toHaveLength(300);
    expect(outcome.ends.filter(({ process }) => process === 1).length).toBe(200);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a user that must go, was refused and pauses has nothing to be cut off from', async () => {
    const clock = new VirtualClock();
    const refuse: Invoke = async (operation, signal) => {
      await fakeServer(clock, 0.5)(operation, signal);
      return { outcome: 'fail', code: 'connection-refused' };
    };
    // It sends at 0, 10.5 and 21 ms, and pauses from 21.5 to 31.5 ms; its time is over at 26.2 ms.
    const stages = [
      { target: 1, duration: 21.2 },
      { target: 0, duration: 0 },
      { target: 0, duration: '1s' },
    ];
    const outcome = await run(clock, scenarioOf({ a: rampingUsers(stages, { gracefulRampDown: 5 }) }), refuse);
    expect(outcome.ends.map(({ type, sentMs }) => [type, sentMs])).toEqual([
      ['fail', 0],
      ['fail', 10.5],
      ['fail', 21],
    ]);
  });

  test('behind the end of the load its graceful stop counts for all', async () => {
    const clock = new VirtualClock();
    const stages = [
      { target: 2, duration: '1s' },
      { target: 1, duration: 0 },
      { target: 1, duration: '100ms' },
    ];
    const load = rampingUsers(stages, { startVUs: 2, gracefulRampDown: '30s', gracefulStop: '400ms' });
    const outcome = await run(clock, scenarioOf({ a: load }), deafServer);
    expect(outcome.report.durationMs).toBeCloseTo(1_500, 3);
    expect(outcome.report.loads).toMatchObject([{ started: 2, cutOff: 2 }]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('an abort in the middle begins nothing more and lets what is under way finish', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    clock.schedule(2_345, () => controller.abort());
    const stages = [
      { target: 50, duration: '2s' },
      { target: 0, duration: '20s' },
    ];
    const outcome = await run(clock, scenarioOf({ a: rampingUsers(stages) }), fakeServer(clock, 30), {
      signal: controller.signal,
    });
    expect(outcome.report).toMatchObject({ stopped: true, loads: [{ virtualUsers: 50, cutOff: 0 }] });
    expect(Math.max(...outcome.ends.map(({ sentMs }) => sentMs))).toBeLessThanOrEqual(2_345);
    expect(outcome.ends.every(({ type, expected }) => type === 'ok' || expected)).toBe(true);
    expect(outcome.report.durationMs).toBeLessThan(2_376);
    expect(clock.pendingTimers).toBe(0);
  });

  test('random ramps, outcomes and delays: never more users than the line has, but for those that finish', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = new Random(seed);
      const shape = () => ({ target: random.integer(1, 20), durationMs: random.integer(0, 3) * 400 });
      const stages = [...Array.from({ length: 8 }, shape), { target: 5, durationMs: 500 }];
      const load = rampingUsers(
        stages.map(({ target, durationMs: duration }) => ({ target, duration })),
        { gracefulRampDown: 70, gracefulStop: 50 },
      );
      const once = () => {
        const clock = new VirtualClock();
        const delays = new Random(seed);
        const server: Invoke = async (operation, signal) => {
          if (delays.chance(0.1)) return { outcome: 'fail', code: 'refused' };
          await fakeServer(clock, delays.exponential(60))(operation, signal);
          return delays.chance(0.1) ? { outcome: 'info', code: 'timeout' } : { outcome: 'ok', value: 1 };
        };
        return run(clock, scenarioOf({ a: load }), server, { seed });
      };
      const outcome = await once();
      const steps = [...userSteps(1, stages)];
      /** The most users there were at an instant or within the graceful ramp-down before it. */
      const mostAt = (ms: number) => {
        const recent = steps.filter(({ atMs }, at) => atMs <= ms && (steps[at + 1]?.atMs ?? Infinity) >= ms - 70);
        return Math.max(...recent.map(({ vus }) => vus));
      };
      let busy = 0;
      const tooMany = outcome.events.filter(({ type, atMs }) => {
        busy += type === 'invoke' ? 1 : -1;
        return type === 'invoke' && busy > mostAt(atMs);
      });
      expect(tooMany).toEqual([]);
      expect(outcome.report.loads[0]?.cutOff).toBeGreaterThan(0);
      expect((await once()).events).toEqual(outcome.events);
    }
  });

  test('the seed decides the operations', async () => {
    const once = async (seed: number) => {
      const clock = new VirtualClock();
      const load = rampingUsers([{ target: 5, duration: '2s' }]);
      return (
        await run(
          clock,
          scenarioOf({ a: load }),
          registerServer(clock, () => 20),
          { seed },
        )
      ).events;
    };
    expect(await once(1)).toEqual(await once(1));
    expect(await once(1)).not.toEqual(await once(2));
  });
});
