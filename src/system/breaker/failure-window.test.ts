import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { FailureWindow } from './failure-window.ts';

test('calls leave the window a bucket at a time', () => {
  const window = new FailureWindow(1_000, 4);
  window.record(10, true);
  window.record(260, false);
  window.record(999, true);
  expect([window.calls, window.failures]).toEqual([3, 2]);
  window.record(1_000, false);
  expect([window.calls, window.failures]).toEqual([3, 1]);
  window.record(1_499, true);
  expect([window.calls, window.failures]).toEqual([3, 2]);
  window.record(9_000, false);
  expect([window.calls, window.failures]).toEqual([1, 0]);
  window.clear();
  expect([window.calls, window.failures]).toEqual([0, 0]);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('agrees with a list of every call (seed %d)', (seed) => {
  const random = new Random(seed);
  const buckets = random.integer(1, 12);
  const bucketMs = random.integer(1, 50);
  const window = new FailureWindow(bucketMs * buckets, buckets);
  const calls: { bucket: number; failed: boolean }[] = [];
  let nowMs = random.integer(0, 1_000_000);
  for (let step = 0; step < 500; step++) {
    nowMs += random.chance(0.05) ? random.integer(0, 3 * bucketMs * buckets) : random.float() * bucketMs;
    const bucket = Math.floor(nowMs / bucketMs);
    const failed = random.chance(0.4);
    calls.push({ bucket, failed });
    window.record(nowMs, failed);
    const recent = calls.filter((call) => call.bucket > bucket - buckets);
    expect(window.calls).toBe(recent.length);
    expect(window.failures).toBe(recent.filter((call) => call.failed).length);
  }
});
