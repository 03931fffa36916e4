import { expect, test } from 'vitest';
import { AssertionError } from '../../runtime/assert.ts';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { RetryBudget } from './retry-budget.ts';
import type { RetryBudgetOptions } from './retry-budget.ts';

function withdrawAll(budget: RetryBudget): number {
  let taken = 0;
  while (budget.tryWithdraw()) taken++;
  return taken;
}

test('starts full, and then lives on what operations deposit', () => {
  const budget = new RetryBudget({ ratio: 0.1, capacity: 5 });
  expect(withdrawAll(budget)).toBe(5);
  for (let i = 0; i < 9; i++) budget.deposit();
  expect(budget.tryWithdraw()).toBe(false);
  budget.deposit();
  expect(budget.tryWithdraw()).toBe(true);
  expect(budget.tryWithdraw()).toBe(false);
});

test('saves no more than its capacity', () => {
  const budget = new RetryBudget({ ratio: 1, capacity: 3 });
  for (let i = 0; i < 100; i++) budget.deposit();
  expect(budget.tokens).toBe(3);
  expect(withdrawAll(budget)).toBe(3);
});

test('time brings tokens when asked to, up to the capacity', () => {
  const clock = new VirtualClock();
  clock.advance(50_000);
  const budget = new RetryBudget({ ratio: 0, capacity: 4, refillPerSecond: 2, clock });
  expect(withdrawAll(budget)).toBe(4);
  clock.advance(499);
  expect(budget.tryWithdraw()).toBe(false);
  clock.advance(1);
  expect(budget.tryWithdraw()).toBe(true);
  clock.advance(1_000_000);
  expect(budget.tokens).toBe(4);
});

test.each([1, 2, 3, 4, 5])('retries never exceed capacity + ratio * operations + refill (seed %d)', (seed) => {
  const random = new Random(seed);
  const clock = new VirtualClock();
  const ratio = random.float();
  const capacity = random.integer(1, 20);
  const refillPerSecond = random.integer(0, 5);
  const budget = new RetryBudget({ ratio, capacity, refillPerSecond, clock });
  let operations = 0;
  let retries = 0;
  for (let step = 0; step < 5_000; step++) {
    const event = random.float();
    if (event < 0.45) {
      budget.deposit();
      operations++;
    } else if (event < 0.95) retries += Number(budget.tryWithdraw());
    else clock.advance(random.integer(0, 300));
    const allowed = capacity + ratio * operations + (refillPerSecond * clock.now()) / 1_000;
    expect(retries).toBeLessThanOrEqual(allowed + 1e-6);
    expect(budget.tokens).toBeGreaterThanOrEqual(0);
    expect(budget.tokens).toBeLessThanOrEqual(capacity);
  }
  expect(retries).toBeGreaterThan(capacity);
});

test.each<[string, RetryBudgetOptions]>([
  ['-0.1', { ratio: -0.1, capacity: 1 }],
  ['1.1', { ratio: 1.1, capacity: 1 }],
  ['0.5', { ratio: 0.1, capacity: 0.5 }],
  ['Infinity', { ratio: 0.1, capacity: Number.POSITIVE_INFINITY }],
  ['-1', { ratio: 0.1, capacity: 1, refillPerSecond: -1 }],
])('options out of range are refused by value: %s', (text, options) => {
  expect(() => new RetryBudget(options)).toThrow(AssertionError);
  expect(() => new RetryBudget(options)).toThrow(text);
});
