import { describe, expect, test } from 'vitest';
import { assert, AssertionError, known } from './assert.ts';
import { every, sleep, systemClock } from './clock.ts';
import { DurationError, formatDuration, parseDuration } from './duration.ts';
import { freshSeed, Random } from './random.ts';
import { settle, VirtualClock } from './virtual-clock.ts';

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['1m30s', 90_000],
    ['1.5s', 1_500],
    ['250us', 0.25],
    [' 2h ', 7_200_000],
    [42, 42],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', '10', '-3s', '5 s', '3x', 's', -1, Number.NaN, Number.POSITIVE_INFINITY])('%s is refused by name', (text) => {
    expect(() => parseDuration(text)).toThrow(DurationError);
    expect(() => parseDuration(text)).toThrow(String(text));
  });

  test.each([
    [0, '0'],
    [0.82, '820us'],
    [1.234, '1.23ms'],
    [12.34, '12.3ms'],
    [4_200, '4.2s'],
    [125_000, '2m05s'],
  ])('%d ms prints as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe('virtual clock', () => {
  test('fires timers at their own instant, in order of time and then of setting', () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.schedule(20, () => fired.push(`b@${clock.now()}`));
    clock.schedule(10, () => fired.push(`a@${clock.now()}`));
    clock.schedule(20, () => fired.push(`c@${clock.now()}`));
    clock.schedule(10, () => clock.schedule(5, () => fired.push(`nested@${clock.now()}`)));
    const cancel = clock.schedule(15, () => fired.push('cancelled'));
    cancel();
    cancel();
    clock.advance(20);
    expect(fired).toEqual(['a@10', 'nested@15', 'b@20', 'c@20']);
    expect(clock.now()).toBe(20);
    expect(clock.pendingTimers).toBe(0);
  });

  test('sleep ends on time, or at once when aborted, and leaves no timer', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const slept = sleep(clock, 10);
    const aborted = sleep(clock, 10, controller.signal);
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(sleep(clock, 10, controller.signal)).rejects.toThrow('enough');
    await clock.advanceAsync(10);
    await slept;
    expect(clock.pendingTimers).toBe(0);
  });

  test('every repeats until cancelled, also from inside its callback', () => {
    const clock = new VirtualClock();
    let calls = 0;
    const cancel = every(clock, 10, () => {
      calls++;
      if (calls === 3) cancel();
    });
    clock.advance(100);
    expect(calls).toBe(3);
    expect(clock.pendingTimers).toBe(0);
  });
});

test('the system clock is monotonic and its timers fire and cancel', async () => {
  const before = systemClock.now();
  let cancelledFired = false;
  systemClock.schedule(1, () => (cancelledFired = true))();
  systemClock.scheduleBackground(1, () => (cancelledFired = true))();
  await sleep(systemClock, 5);
  await settle();
  expect(systemClock.now()).toBeGreaterThan(before);
  expect(systemClock.wallTime()).toBeGreaterThan(1.7e12);
  expect(cancelledFired).toBe(false);
});

describe('random', () => {
  test('the same seed gives the same stream, another seed another', () => {
    const draw = (seed: number) =>
      Array.from(
        { length: 20 },
        (
          (random) => () =>
            random.uint32()
        )(new Random(seed)),
      );
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7)).not.toEqual(draw(7 + 2 ** 32));
  });

  test('a fork depends on seed and label only', () => {
    const used = new Random(1);
    used.float();
    expect(used.fork('x').uint32()).toBe(new Random(1).fork('x').uint32());
    expect(used.fork('x').uint32()).not.toBe(used.fork('y').uint32());
  });

  test('integers are uniform and inside their range', () => {
    const random = new Random(3);
    const seen = Array.from({ length: 50_000 }, () => random.integer(2, 6));
    for (const value of [2, 3, 4, 5, 6]) expect(seen.filter((x) => x === value).length).toBeGreaterThan(9_500);
    expect(Math.min(...seen.slice(0, 1_000))).toBe(2);
    expect(Math.max(...seen.slice(0, 1_000))).toBe(6);
  });

  test('exponential gaps have the mean they were asked for', () => {
    const random = new Random(4);
    let sum = 0;
    for (let i = 0; i < 100_000; i++) sum += random.exponential(5);
    expect(sum / 100_000).toBeGreaterThan(4.9);
    expect(sum / 100_000).toBeLessThan(5.1);
  });

  test('shuffle keeps the items, pick takes one of them', () => {
    const random = new Random(5);
    expect(random.shuffle([1, 2, 3, 4]).sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    expect([1, 2, 3]).toContain(random.pick([1, 2, 3]));
    expect(() => random.pick([])).toThrow(AssertionError);
  });

  test('bad seeds are refused, fresh ones are good', () => {
    expect(() => new Random(-1)).toThrow('-1');
    expect(() => new Random(1.5)).toThrow('1.5');
    expect(new Random(freshSeed()).float()).toBeLessThan(1);
  });
});

test('assertions name what broke', () => {
  expect(() => assert(false, 'term went backwards')).toThrow('term went backwards');
  expect(() => known(undefined, 'no such node: n9')).toThrow('no such node: n9');
  expect(known(0, 'zero is a value')).toBe(0);
});
