import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { deafServer, fakeServer, ramp, scenarioOf } from './testing/fake-server.ts';
import { run } from './testing/virtual-run.ts';

describe('ramping arrivals', () => {
  test('start on the schedule, from the start of the load, and are dropped when no user is free', async () => {
    const clock = new VirtualClock();
    const stages = [
      { target: 40, duration: '1s' },
      { target: 40, duration: '1s' },
    ];
    const load = ramp(stages, { startTime: '250ms' });
    const outcome = await run(clock, scenarioOf({ a: load }), fakeServer(clock, 5));
    const expected = Array.from({ length: 60 }, (_, at) => 250 + (at < 20 ? 1_000 * Math.sqrt(at / 20) : 1_000 + (at - 20) * 25));
    expect(outcome.ends.map(({ scheduledMs }) => scheduledMs.toFixed(6))).toEqual(expected.map((at) => at.toFixed(6)));
    expect(outcome.recorder.lag.max).toBeLessThanOrEqual(1);
    expect(outcome.report.durationMs).toBeCloseTo(2_250, 3);

    const few = ramp(stages, { maxVUs: 3 });
    const dropping = await run(new VirtualClock(), scenarioOf({ a: few }), deafServer);
    expect(dropping.report.loads).toMatchObject([{ scheduled: 60, started: 3, dropped: 57, cutOff: 3, virtualUsers: 3 }]);
    expect(dropping.seconds.map(({ dropped }) => dropped).slice(0, 2)).toEqual([17, 40]);
  });

  test('an abort on the way up begins nothing more', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    clock.schedule(1_001, () => controller.abort());
    const load = ramp([{ target: 100, duration: '10s' }]);
    const outcome = await run(clock, scenarioOf({ a: load }), fakeServer(clock, 30), { signal: controller.signal });
    // 5 t^2 arrivals until t: those at sqrt(k / 5) s for k = 0 to 5.
    expect(outcome.ends).toHaveLength(6);
    expect(clock.pendingTimers).toBe(0);
  });
});
