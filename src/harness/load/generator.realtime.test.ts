// What virtual time cannot show. Only inequalities that a slow machine cannot break.

import { expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import type { ValidScenario } from '../scenario/valid-scenario.ts';
import { runLoads } from './generator.ts';
import type { EndEvent, Invoke } from './operation.ts';
import { arrivals, closedLoop, fakeServer, recorderOf, scenarioOf } from './testing/fake-server.ts';

async function run(scenario: ValidScenario, invoke: Invoke) {
  const recorder = recorderOf(scenario);
  const ends: EndEvent[] = [];
  const report = await runLoads({
    scenario,
    random: new Random(1),
    invoke,
    recorder,
    sink: (event) => event.type !== 'invoke' && ends.push(event),
  });
  return { recorder, ends, report };
}

test('a server that takes 50 ms: every operation is issued, not before its time, and takes at least that', async () => {
  const { ends, report } = await run(scenarioOf({ a: arrivals(200, '1s') }), fakeServer(systemClock, 50));
  expect(ends).toHaveLength(200);
  expect(report.loads).toMatchObject([{ scheduled: 200, started: 200, dropped: 0, cutOff: 0 }]);
  for (const { scheduledMs, sentMs, atMs } of ends) {
    expect(sentMs).toBeGreaterThanOrEqual(scheduledMs);
    // Timers count whole milliseconds.
    expect(atMs - sentMs).toBeGreaterThan(48);
  }
});

test('a generator that was held up issues what was due, late, and says so', async () => {
  const heldUpMs = 200;
  let heldUp = false;
  const invoke: Invoke = async () => {
    if (!heldUp) {
      heldUp = true;
      const untilMs = systemClock.now() + heldUpMs;
      while (systemClock.now() < untilMs);
    }
    return { outcome: 'ok' };
  };
  const { ends, recorder } = await run(scenarioOf({ a: arrivals(100, '500ms') }), invoke);
  expect(ends).toHaveLength(50);
  // Due within 10 ms of the first one, started when that one was through.
  expect(recorder.lag.max).toBeGreaterThan((heldUpMs - 20) * 1_000);
  const late = ends.filter(({ scheduledMs, sentMs }) => sentMs - scheduledMs > 50);
  expect(late.length).toBeGreaterThanOrEqual(13);
  for (const { scheduledMs, sentMs, atMs } of late) expect(atMs - scheduledMs).toBeGreaterThan(atMs - sentMs);
});

test('answers that come at once do not keep the event loop from turning', async () => {
  let sinceTurn = 0;
  let mostBetweenTurns = 0;
  const turn = () => {
    sinceTurn = 0;
    cancel = systemClock.scheduleImmediate(turn);
  };
  let cancel = systemClock.scheduleImmediate(turn);
  const { ends, report } = await run(scenarioOf({ a: closedLoop(4, '200ms') }), () => {
    sinceTurn++;
    mostBetweenTurns = Math.max(mostBetweenTurns, sinceTurn);
    return Promise.resolve({ outcome: 'ok' });
  });
  cancel();
  // It ended although no answer ever took any time.
  expect(report.durationMs).toBeGreaterThan(150);
  expect(ends.length).toBeGreaterThan(64);
  // 64 begin in one turn, and the end of one turn and the beginning of the next may lie between two of ours.
  expect(mostBetweenTurns).toBeLessThanOrEqual(2 * 64);
});
