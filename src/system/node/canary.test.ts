// That the known-bad nodes are bad in the way they should be, and good otherwise.

import { expect, test } from 'vitest';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { canariesOf, FORGETFUL_MS, forgetfulFolder } from './canary.ts';
import { openLogIn } from './log.ts';
import { SimulatedLogFolder } from './testing/simulated-log-folder.ts';

const record = (index: number) => [
  { hardState: undefined, entries: [{ index, term: 1, kind: 'command' as const, data: Buffer.alloc(200, index) }] },
];

test('which canaries a process is', () => {
  const of = (names?: string) => [...canariesOf(names === undefined ? {} : { WINDTUNNEL_CANARY: names })];
  expect(of()).toEqual([]);
  expect(of('')).toEqual([]);
  expect(of('stale-reads')).toEqual(['stale-reads']);
  expect(of('lost-dedup,ack-before-fsync')).toEqual(['lost-dedup', 'ack-before-fsync']);
  expect(() => of('stale-read')).toThrow(
    "WINDTUNNEL_CANARY is of stale-reads, ack-before-fsync, lost-dedup, slow-requests, not 'stale-read'",
  );
});

test('a forgetful folder says that appends are durable, and loses the last ones when the process is killed', async () => {
  const clock = new VirtualClock();
  const folder = new SimulatedLogFolder();
  const log = await openLogIn(forgetfulFolder(folder, clock));
  await log.append(record(1));
  await clock.advanceAsync(1_000);
  await log.append(record(2));
  await log.append(record(3));
  // As it is on disk when the process ends here.
  expect((await openLogIn(folder)).entries.map(({ index }) => index)).toEqual([1]);
  await clock.advanceAsync(1_000);
  expect((await openLogIn(folder)).entries.map(({ index }) => index)).toEqual([1, 2, 3]);
});

test('under load, too, a forgetful folder has always forgotten all of the last moments, and never none of them', async () => {
  const clock = new VirtualClock();
  const folder = new SimulatedLogFolder();
  const log = await openLogIn(forgetfulFolder(folder, clock));
  const everyMs = 50;
  for (let index = 1; index <= 40; index++) {
    await log.append(record(index));
    await clock.advanceAsync(everyMs);
    const onDisk = (await openLogIn(folder)).entries.length;
    expect(onDisk).toBe(Math.max(0, index + 1 - FORGETFUL_MS / everyMs));
  }
});

test('a forgetful folder loses nothing when it is closed, also over several segments', async () => {
  const clock = new VirtualClock();
  const folder = new SimulatedLogFolder();
  const log = await openLogIn(forgetfulFolder(folder, clock), { segmentBytes: 1_024 });
  for (let index = 1; index <= 30; index++) await log.append(record(index));
  await log.close();
  const again = await openLogIn(folder, { segmentBytes: 1_024 });
  expect(again.entries).toHaveLength(30);
  await clock.advanceAsync(2 * FORGETFUL_MS);
  expect((await openLogIn(folder, { segmentBytes: 1_024 })).entries).toHaveLength(30);
});
