import { expect, test } from 'vitest';
import { wasPreempted } from './preemption.ts';

/** A sample of 3 ms of which the process used so much. */
const sampleOf = (ownMs: number, switches: number) =>
  wasPreempted(
    3,
    { userCPUTime: 50_000, systemCPUTime: 7_000, involuntaryContextSwitches: 12 },
    { userCPUTime: 50_000 + ownMs * 900, systemCPUTime: 7_000 + ownMs * 100, involuntaryContextSwitches: 12 + switches },
  );

test.each([
  ['all, and nothing was switched', 3, 0, false],
  ['all, between its own threads', 3.02, 4, false],
  ['all but a little', 2.98, 1, false],
  ['what somebody else left of it', 2.9, 1, true],
  ['half of it', 1.5, 2, true],
  ['nothing for a while: it waited', 0.5, 0, false],
])('a process that used %s', (_, ownMs, switches, preempted) => {
  expect(sampleOf(ownMs, switches)).toBe(preempted);
});
