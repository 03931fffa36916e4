// Operations that end as a script says, and a policy to run them in virtual time.

import { expect } from 'vitest';
import { Random } from '../../../runtime/random.ts';
import { VirtualClock } from '../../../runtime/virtual-clock.ts';
import { RetryPolicy } from '../retry-policy.ts';
import type { Attempt, RetryCallOptions, RetryPolicyOptions } from '../retry-policy.ts';

export class TestError extends Error {
  readonly maybeApplied: boolean;
  constructor(message: string, maybeApplied: boolean) {
    super(message);
    this.maybeApplied = maybeApplied;
  }
}

export const refused = new TestError('connection refused', false);
export const lost = new TestError('connection lost', true);
export const badSql = Object.assign(new TestError('bad SQL', false), { retryable: false });
export const unclear = Object.assign(new TestError('session expired', true), { retryable: false });

/** An operation that ends as the script says, attempt by attempt, and records when each attempt began. */
export function scripted(clock: VirtualClock, ...script: unknown[]) {
  const beganMs: number[] = [];
  const operation = (attempt: Attempt): Promise<unknown> => {
    beganMs.push(clock.now());
    expect(attempt.number).toBe(beganMs.length);
    const end = script[attempt.number - 1];
    return end instanceof Error ? Promise.reject(end) : Promise.resolve(end);
  };
  return { operation, beganMs };
}

export function makePolicy(options: Partial<RetryPolicyOptions> = {}) {
  const clock = new VirtualClock();
  const random = new Random(1);
  return {
    clock,
    policy: new RetryPolicy({ attempts: 4, baseMs: 100, capMs: 1_000, jitter: 'none', random, clock, ...options }),
  };
}

/** Runs to the end in virtual time; answers the outcome and when it was known. */
export async function run(
  { clock, policy }: ReturnType<typeof makePolicy>,
  operation: (attempt: Attempt) => Promise<unknown>,
  call?: RetryCallOptions,
) {
  let settledMs = Number.NaN;
  const outcome = policy
    .execute(operation, call)
    .catch((error: unknown) => error)
    .finally(() => {
      settledMs = clock.now();
    });
  await clock.advanceAsync(100_000);
  expect(clock.pendingTimers).toBe(0);
  return { outcome: await outcome, settledMs };
}
