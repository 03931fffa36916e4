import { describe, expect, test } from 'vitest';
import { known } from '../../runtime/assert.ts';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import type { Load } from '../scenario/loads.ts';
import { runLoads } from './generator.ts';
import type { LoadEvent } from './operation.ts';
import { stepsOfShare, userSteps } from './ramping-vus.ts';
import { loadOfShare, partOf, shareOfLoad } from './share.ts';
import {
  arrivals,
  type Carried,
  closedLoop,
  fakeServer,
  ramp,
  rampingUsers,
  recorderOf,
  scenarioOf,
  shared,
} from './testing/fake-server.ts';

/** Runs the loads on several generators that share nothing but virtual time. Events by generator. */
async function runOn(of: number, loads: Readonly<Record<string, Load>>): Promise<LoadEvent[][]> {
  const clock = new VirtualClock();
  const scenario = scenarioOf(loads);
  const events = Array.from({ length: of }, () => [] as LoadEvent[]);
  let ended = 0;
  const running = events.map((mine, index) =>
    runLoads({
      scenario,
      clock,
      share: { index, of },
      random: new Random(7),
      invoke: fakeServer(clock, 20),
      recorder: recorderOf(scenario),
      sink: (event) => void mine.push(event),
    }).finally(() => ended++),
  );
  const isOver = () => ended === of || clock.now() > 60_000;
  while (!isOver()) await clock.advanceAsync(1_000);
  await Promise.all(running);
  expect(clock.pendingTimers).toBe(0);
  return events;
}

const invocations = (events: readonly LoadEvent[]) => events.filter(({ type }) => type === 'invoke');
const schedule = (events: readonly LoadEvent[], load = 'a') =>
  invocations(events)
    .filter(({ operation }) => operation.load === load)
    .map(({ scheduledMs }) => scheduledMs)
    .sort((a, b) => a - b);

test('parts add up, and differ by one at most', () => {
  for (const count of [0, 1, 5, 16, 17, 1_000]) {
    for (const of of [1, 2, 3, 7, 16]) {
      const parts = Array.from({ length: of }, (_, index) => partOf(count, { index, of }));
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(count);
      expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
      expect(parts).toEqual([...parts].sort((a, b) => b - a));
    }
  }
});

describe.each([2, 3, 5])('%d generators', (of) => {
  test.each<[string, Load]>([
    ['even', arrivals(200, '3s')],
    ['Poisson', arrivals(200, '3s', { arrivals: 'poisson' })],
    [
      'ramping',
      ramp(
        [
          { target: 300, duration: '2s' },
          { target: 0, duration: '1s' },
        ],
        { arrivals: 'poisson' },
      ),
    ],
  ])('issue exactly the schedule of one: %s', async (_, load) => {
    const [whole = []] = await runOn(1, { a: load });
    const parts = await runOn(of, { a: load });
    const wanted = schedule(whole);
    expect(wanted.length).toBeGreaterThan(300);
    expect(schedule(parts.flat())).toEqual(wanted);
    for (const [index, part] of parts.entries()) expect(schedule(part)).toEqual(wanted.filter((_instant, k) => k % of === index));
  });

  test('share values, processes and iterations with nobody', async () => {
    const mix = { read: 1, write: 2 };
    const parts = await runOn(of, {
      registers: arrivals(100, '2s', { workload: { kind: 'registers', mix } }),
      elements: closedLoop(7, '2s', { workload: { kind: 'set' } }),
      lists: closedLoop(2, '2s', { workload: { kind: 'append', appendsPerKey: 3 } }),
      calls: shared(4, 100, { workload: { kind: 'function', run: () => Promise.resolve() } }),
    });
    const carried = invocations(parts.flat()).map(({ operation }) => operation as Carried & { readonly iteration?: number });
    const values = carried.flatMap(({ value }) => value ?? []);
    expect(values.length).toBeGreaterThan(200);
    expect(new Set(values).size).toBe(values.length);
    const processes = parts.map((part) => new Set(part.map(({ process }) => process)));
    expect(new Set(processes.flatMap((mine) => [...mine])).size).toBe(processes.reduce((sum, mine) => sum + mine.size, 0));
    const iterations = carried.flatMap(({ iteration }) => iteration ?? []);
    expect(iterations).toHaveLength(100);
    expect(new Set(iterations).size).toBe(100);
    const keys = parts.map(
      (part) => new Set(invocations(part).flatMap(({ operation }) => (operation.kind === 'append' ? operation.key : []))),
    );
    expect(new Set(keys.flatMap((mine) => [...mine])).size).toBe(keys.reduce((sum, mine) => sum + mine.size, 0));
  });

  test('have as many users as one, of closed loops and of ramps', async () => {
    const stages = [
      { target: 9, duration: '1s' },
      { target: 9, duration: '500ms' },
      { target: 2, duration: '1s' },
    ];
    const loads = { fixed: closedLoop(11, '2s'), ramp: rampingUsers(stages, { gracefulRampDown: 0 }) };
    const underWay = (events: readonly LoadEvent[], load: string, ms: number) =>
      events.filter((event) => event.type !== 'invoke' && event.operation.load === load && event.sentMs <= ms && event.atMs > ms)
        .length;
    const [whole = []] = await runOn(1, loads);
    const parts = (await runOn(of, loads)).flat();
    for (const ms of [305, 905, 1_205, 1_405, 1_905]) {
      expect(underWay(parts, 'fixed', ms)).toBe(11);
      expect(underWay(parts, 'ramp', ms)).toBe(underWay(whole, 'ramp', ms));
    }
  });
});

test('a load with fewer users than generators is issued by as many as it has, each load beginning with another one', async () => {
  const parts = await runOn(4, { a: closedLoop(2, '1s'), b: closedLoop(1, '1s'), c: arrivals(10, '1s', { maxVUs: 1 }) });
  const loadsOf = (part: readonly LoadEvent[]) => [...new Set(part.map(({ operation }) => operation.load))];
  expect(parts.map(loadsOf)).toEqual([['a'], expect.arrayContaining(['a', 'b']), ['c'], []]);
});

test("autocannon's connections and requests are dealt out", () => {
  const workload = { kind: 'http', url: '/' } as const;
  const scenario = scenarioOf({ a: { executor: 'autocannon', connections: 5, amount: 11, duration: '1s', workload } });
  const load = known(scenario.loads['a'], 'the load');
  const parts = [0, 1, 2].map((index) => loadOfShare(load, { index, of: 3 }));
  expect(parts.map((part) => part.executor === 'autocannon' && [part.connections, part.amount])).toEqual([
    [2, 4],
    [2, 4],
    [1, 3],
  ]);
  expect(shareOfLoad(load, 0, { index: 5, of: 16 })).toBeUndefined();
});

test('the steps of a ramp of users are dealt out one by one', () => {
  const steps = [
    ...userSteps(0, [
      { target: 5, durationMs: 500 },
      { target: 0, durationMs: 0 },
    ]),
  ];
  expect([...stepsOfShare(steps, { index: 0, of: 2 })]).toEqual([
    { atMs: 0, vus: 0 },
    { atMs: 100, vus: 1 },
    { atMs: 300, vus: 2 },
    { atMs: 500, vus: 3 },
    { atMs: 500, vus: 0 },
  ]);
  expect([...stepsOfShare(steps, { index: 1, of: 2 })]).toEqual([
    { atMs: 0, vus: 0 },
    { atMs: 200, vus: 1 },
    { atMs: 400, vus: 2 },
    { atMs: 500, vus: 0 },
  ]);
});
