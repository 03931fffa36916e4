import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { settle, VirtualClock } from '../../runtime/virtual-clock.ts';
import { FaultyDisk } from './faulty-disk.ts';
import { Injections, obey } from './injections.ts';
import { LogWriteError, openLogIn } from './log.ts';
import { SkewedClock } from './skewed-clock.ts';
import { SimulatedLogFolder } from './testing/simulated-log-folder.ts';

const record = (index: number) => [
  {
    hardState: undefined,
    entries: [{ index, term: 1, kind: 'command' as const, data: Buffer.from(`entry ${index}`) }],
  },
];

describe('a skewed clock', () => {
  test('is right until it is skewed, jumps, drifts, and is right again', () => {
    const truth = new VirtualClock(1_000_000);
    const clock = new SkewedClock(truth);
    truth.advance(10);
    expect([clock.now(), clock.wallTime()]).toEqual([10, 1_000_010]);
    clock.skew(-500, 2);
    expect([clock.now(), clock.wallTime()]).toEqual([10, 999_510]);
    truth.advance(100);
    expect([clock.now(), clock.wallTime()]).toEqual([210, 999_710]);
    clock.skew(0, 1);
    // The monotonic reading keeps what it gained, the wall time does not.
    expect([clock.now(), clock.wallTime()]).toEqual([210, 1_000_110]);
    truth.advance(5);
    expect([clock.now(), clock.wallTime()]).toEqual([215, 1_000_115]);
  });

  test.each([0.5, 1, 2])('fires timers when it says that they are due, at %s times the rate', (drift) => {
    const truth = new VirtualClock();
    const clock = new SkewedClock(truth);
    clock.skew(3_000, drift);
    const fired: number[] = [];
    clock.schedule(100, () => fired.push(clock.now()));
    clock.scheduleBackground(200, () => fired.push(clock.now()));
    truth.advance(99 / drift);
    expect(fired).toEqual([]);
    truth.advance(1_000);
    expect(fired).toEqual([100, 200]);
  });

  test('never goes back, whatever is done to it', () => {
    const truth = new VirtualClock();
    const clock = new SkewedClock(truth);
    const random = new Random(5);
    let last = clock.now();
    for (let step = 0; step < 1_000; step++) {
      if (random.chance(0.3)) clock.skew(random.integer(-1e6, 1e6), 0.5 + 1.5 * random.float());
      truth.advance(random.float());
      expect(clock.now()).toBeGreaterThanOrEqual(last);
      last = clock.now();
    }
  });
});

describe('a faulty disk', () => {
  async function logOn(clock: VirtualClock) {
    const folder = new SimulatedLogFolder();
    const disk = new FaultyDisk(clock);
    return { folder, disk, log: await openLogIn(disk.around(folder)) };
  }

  test('that is slow makes nothing durable before its delay, and measures it', async () => {
    const clock = new VirtualClock();
    const { folder, disk, log } = await logOn(clock);
    const before = folder.syncs;
    disk.slow(500);
    const appended = log.append(record(1));
    await clock.advanceAsync(499);
    expect(folder.syncs).toBe(before);
    await clock.advanceAsync(1);
    await appended;
    expect(folder.syncs).toBe(before + 1);
    expect(disk.syncs).toEqual([500]);
  });

  test('that stops being slow lets what waits go on at once', async () => {
    const clock = new VirtualClock();
    const { disk, log } = await logOn(clock);
    disk.slow(30_000);
    const appended = log.append(record(1));
    await clock.advanceAsync(100);
    disk.slow(0);
    await appended;
    expect(disk.syncs).toEqual([]);
    await log.append(record(2));
    expect(clock.pendingTimers).toBe(0);
  });

  test('that is full ends the log in the middle of a write, which is cut off when it is opened again', async () => {
    const { folder, disk, log } = await logOn(new VirtualClock());
    await log.append(record(1));
    disk.full(true);
    const failure = await log.append(record(2)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LogWriteError);
    expect(failure).toMatchObject({ code: 'disk-full', message: expect.stringContaining('ENOSPC') });
    disk.full(false);
    // Room again is no reason to go on: what is behind the last good frame is unknown.
    await expect(log.append(record(2))).rejects.toThrow('ENOSPC');
    const again = await openLogIn(folder);
    expect(again.entries.map(({ index }) => index)).toEqual([1]);
    expect(again.cut?.bytes).toBeGreaterThan(0);
    await again.append(record(2));
    expect((await openLogIn(folder)).entries).toHaveLength(2);
  });
});

describe('the control channel', () => {
  const line = (value: object) => JSON.stringify(value);

  test('answers with what is in force and what the clocks said before and after', () => {
    const truth = new VirtualClock(1_000);
    const injections = new Injections(truth);
    const answer = obey(line({ request: 7, inject: 'clock-skew', offsetMs: -400, drift: 0.5 }), injections);
    expect(answer).toMatchObject({ event: 'injected', request: 7, inForce: ['clock-skew'], before: { wallMs: 1_000 } });
    expect(answer).toMatchObject({ after: { wallMs: 600 } });
    expect(obey(line({ request: 8, inject: 'slow-disk', delayMs: 5 }), injections)).toMatchObject({
      inForce: ['clock-skew', 'slow-disk'],
    });
    const ended = obey(line({ request: 9, inject: 'none', of: 'clock-skew' }), injections);
    expect(ended).toMatchObject({ inForce: ['slow-disk'], before: { wallMs: 600 }, after: { wallMs: 1_000 } });
  });

  test('tells how long syncs took', async () => {
    const clock = new VirtualClock();
    const injections = new Injections(clock);
    const log = await openLogIn(injections.around(new SimulatedLogFolder()));
    obey(line({ request: 1, inject: 'slow-disk', delayMs: 20 }), injections);
    for (const index of [1, 2, 3]) {
      const appended = log.append(record(index));
      await clock.advanceAsync(20);
      await appended;
    }
    expect(obey(line({ request: 2, inject: 'none', of: 'slow-disk' }), injections)).toMatchObject({
      before: { syncs: 3, shortestSyncMs: 20, longestSyncMs: 20 },
    });
  });

  test.each([
    ['nonsense', 0, 'a line of the control channel is a JSON object'],
    ['null', 0, 'a line of the control channel is a JSON object'],
    [line({ inject: 'full-disk' }), 0, 'no number of a request'],
    [line({ request: 1, inject: 'earthquake' }), 1, "clock-skew, slow-disk, full-disk, not 'earthquake'"],
    [line({ request: 2, inject: 'none', of: 'everything' }), 2, "not 'everything'"],
    [line({ request: 3, inject: 'slow-disk', delayMs: 30_001 }), 3, 'delayMs must be a number from 0 to 30000, not 30001'],
    [line({ request: 3, inject: 'slow-disk' }), 3, 'not undefined'],
    [line({ request: 4, inject: 'clock-skew', offsetMs: 1, drift: 0 }), 4, 'drift must be a number from 0.5 to 2, not 0'],
    [line({ request: 5, inject: 'clock-skew', offsetMs: '1', drift: 1 }), 5, 'offsetMs must be a number'],
  ])('refuses %s', (words, request, problem) => {
    const injections = new Injections(new VirtualClock());
    expect(obey(words, injections)).toEqual({
      event: 'injection-refused',
      request,
      problem: expect.stringContaining(problem) as string,
    });
    expect(injections.inForce).toEqual([]);
  });

  test('refuses everything in a node that was not started for it', () => {
    expect(obey(line({ request: 1, inject: 'full-disk' }), undefined)).toMatchObject({
      event: 'injection-refused',
      request: 1,
      problem: 'the node was started without --fault-control',
    });
  });

  test('a node that stops need not wait for its slow disk', async () => {
    const clock = new VirtualClock();
    const injections = new Injections(clock);
    const log = await openLogIn(injections.around(new SimulatedLogFolder()));
    obey(line({ request: 1, inject: 'slow-disk', delayMs: 30_000 }), injections);
    const appended = log.append(record(1));
    await settle();
    injections.end();
    await appended;
    await log.close();
    expect(injections.inForce).toEqual([]);
  });
});
