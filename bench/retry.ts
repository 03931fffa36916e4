// The price of retrying when nothing fails (the usual case), of an operation that succeeds at the third attempt, and of the parts.

import type { PreparedSuite, Suite } from '../src/harness/micro/benchmark.ts';
import { Random } from '../src/runtime/random.ts';
import { nextDelayMs } from '../src/system/retry/backoff.ts';
import { RetryBudget } from '../src/system/retry/retry-budget.ts';
import { RetryPolicy } from '../src/system/retry/retry-policy.ts';
import type { Attempt } from '../src/system/retry/retry-policy.ts';

const BACKOFF = { baseMs: 10, capMs: 1_000, jitter: 'decorrelated' } as const;

function prepare(): PreparedSuite {
  const random = new Random(1);
  const policy = new RetryPolicy({
    ...BACKOFF,
    attempts: 5,
    random,
    budget: new RetryBudget({ ratio: 0.1, capacity: 100 }),
    classify: () => 'definite',
    // At once, so that the policy is measured and not the wait.
    retryAfterMs: () => 0,
  });
  const withoutBudget = new RetryPolicy({ ...BACKOFF, attempts: 5, random, classify: () => 'definite', retryAfterMs: () => 0 });
  const controller = new AbortController();
  const budget = new RetryBudget({ ratio: 1, capacity: 100 });
  const down = new Error('down');
  let answer = 0;
  let delayMs: number = BACKOFF.baseMs;
  const succeeds = async () => ++answer;
  const succeedsThird = async ({ number }: Attempt) => {
    if (number < 3) throw down;
    return ++answer;
  };
  return {
    benchmarks: [
      // The floor: what a call costs that nothing retries.
      { name: 'bare-call', kind: 'async', operation: () => succeeds() },
      { name: 'first-attempt-succeeds', kind: 'async', operation: () => policy.execute(succeeds) },
      {
        name: 'first-attempt-succeeds-deadline-signal',
        kind: 'async',
        operation: () => policy.execute(succeeds, { deadlineMs: 5_000, signal: controller.signal }),
      },
      { name: 'third-attempt-succeeds', kind: 'async', operation: () => withoutBudget.execute(succeedsThird) },
      {
        name: 'next-delay-decorrelated',
        kind: 'sync',
        operation: () => {
          delayMs = nextDelayMs(BACKOFF, 2, delayMs, random);
          return delayMs;
        },
      },
      {
        name: 'budget-deposit-withdraw',
        kind: 'sync',
        operation: () => {
          budget.deposit();
          return budget.tryWithdraw();
        },
      },
    ],
  };
}

export default { name: 'retry', prepare } satisfies Suite;
