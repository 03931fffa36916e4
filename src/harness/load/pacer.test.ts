import { describe, expect, test } from 'vitest';
import type { Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { Pacer, SpinBudget } from './pacer.ts';

/** A virtual clock on which a turn of the event loop takes time, and whose timers are late. */
function busyClock(turnMs: number, timersLateMs: number) {
  const inner = new VirtualClock();
  const counts = { turns: 0, timers: 0 };
  const clock: Clock = {
    now: () => inner.now(),
    wallTime: () => inner.wallTime(),
    schedule(delayMs, callback) {
      counts.timers++;
      return inner.schedule(Math.max(1, delayMs) + timersLateMs, callback);
    },
    scheduleBackground: (delayMs, callback) => inner.schedule(delayMs, callback),
    scheduleImmediate(callback) {
      counts.turns++;
      return inner.schedule(turnMs, callback);
    },
  };
  return { clock, inner, counts };
}

function wakeUpsAt(clock: Clock, instants: readonly number[], budget = new SpinBudget(clock)): number[] {
  const woken: number[] = [];
  let next = 0;
  const pacer = new Pacer(clock, budget, () => {
    woken.push(clock.now());
    next++;
    if (next < instants.length) pacer.arm(instants[next] as number);
  });
  pacer.arm(instants[0] as number);
  return woken;
}

describe('the pacer', () => {
  test('is exact in virtual time, where turns of the event loop take none', () => {
    const clock = new VirtualClock();
    const instants = Array.from({ length: 1_000 }, (_, at) => at * 0.7);
    const woken = wakeUpsAt(clock, instants);
    clock.advance(1_000);
    expect(woken).toHaveLength(1_000);
    for (const [at, instant] of woken.entries()) expect(instant).toBeCloseTo(instants[at] as number, 6);
    expect(clock.pendingTimers).toBe(0);
  });

  test('at a low rate spins the rest of every wait: late by a turn, not by a timer', () => {
    const { clock, inner, counts } = busyClock(0.01, 0.8);
    const instants = Array.from({ length: 20 }, (_, at) => 100 * (at + 1));
    const woken = wakeUpsAt(clock, instants);
    inner.advance(3_000);
    expect(woken).toHaveLength(20);
    for (const [at, instant] of woken.entries()) {
      expect(instant).toBeGreaterThanOrEqual((instants[at] as number) - 1e-6);
      expect(instant).toBeLessThan((instants[at] as number) + 0.05);
    }
    // Under 1.5 ms of every 100 ms.
    expect(counts.turns).toBeLessThan(20 * 151);
  });

  test('at a high rate spins a tenth of the time at most, and leaves the rest to timers', () => {
    const { clock, inner, counts } = busyClock(0.01, 0.2);
    const woken = wakeUpsAt(
      clock,
      Array.from({ length: 2_000 }, (_, at) => at + 1),
    );
    inner.advance(10_000);
    expect(woken).toHaveLength(2_000);
    const lastMs = woken.at(-1) as number;
    expect(counts.turns * 0.01).toBeLessThan(lastMs * 0.1 + 2 + 2_000 * 0.01);
    expect(counts.timers).toBeGreaterThan(500);
  });

  test('without a budget never spins', () => {
    const { clock, inner, counts } = busyClock(0.01, 0);
    const woken = wakeUpsAt(clock, [10, 20, 30], new SpinBudget(clock, 0));
    inner.advance(100);
    expect(woken).toHaveLength(3);
    expect(counts.turns).toBe(0);
  });

  test('an instant that has passed is due in the next turn, not inside arm', () => {
    const clock = new VirtualClock();
    clock.advance(10);
    const woken = wakeUpsAt(clock, [5]);
    expect(woken).toEqual([]);
    clock.advance(0);
    expect(woken).toEqual([10]);
  });

  test('waits longer than a timer can', () => {
    const clock = new VirtualClock();
    const woken = wakeUpsAt(clock, [2 ** 32]);
    clock.advance(2 ** 32 - 1);
    expect(woken).toEqual([]);
    clock.advance(1);
    expect(woken).toEqual([2 ** 32]);
  });

  test('cancelled, or armed anew, it forgets the old instant', () => {
    const clock = new VirtualClock();
    let woken = 0;
    const pacer = new Pacer(clock, new SpinBudget(clock), () => woken++);
    pacer.arm(10);
    pacer.arm(20);
    clock.advance(15);
    expect(woken).toBe(0);
    clock.advance(5);
    expect(woken).toBe(1);
    pacer.arm(30);
    pacer.cancel();
    clock.advance(100);
    expect(woken).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test('on the machine it is never early', async () => {
    const start = systemClock.now();
    const instants = Array.from({ length: 30 }, (_, at) => start + at * 3.3);
    const woken: number[] = [];
    await new Promise<void>((resolve) => {
      const pacer = new Pacer(systemClock, new SpinBudget(systemClock), () => {
        woken.push(systemClock.now());
        if (woken.length === instants.length) resolve();
        else pacer.arm(instants[woken.length] as number);
      });
      pacer.arm(start);
    });
    for (const [at, instant] of woken.entries()) expect(instant).toBeGreaterThanOrEqual((instants[at] as number) - 1e-6);
  });
});

test('a spin budget fills with time, up to a limit, and refuses nonsense', () => {
  const clock = new VirtualClock();
  const budget = new SpinBudget(clock, 0.1, 5);
  budget.spend(budget.available());
  clock.advance(10);
  expect(budget.available()).toBeCloseTo(1);
  clock.advance(1_000);
  expect(budget.available()).toBe(5);
  expect(() => new SpinBudget(clock, 1.5)).toThrow('not 1.5');
  expect(() => new SpinBudget(clock, 0.1, -1)).toThrow('not -1');
});
