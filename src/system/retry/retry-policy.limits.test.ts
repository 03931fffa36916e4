import { describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import { settle, VirtualClock } from '../../runtime/virtual-clock.ts';
import { RetryBudget } from './retry-budget.ts';
import type { RetryError } from './retry-error.ts';
import { retry } from './retry-policy.ts';
import type { Attempt } from './retry-policy.ts';
import { badSql, lost, makePolicy, refused, run, scripted } from './testing/scripted.ts';

/** A clock that runs on without its timers: a blocked event loop. */
class LaggingClock extends VirtualClock {
  lagMs = 0;

  override now(): number {
    return super.now() + this.lagMs;
  }
}

describe('deadline', () => {
  test('gives up at once when the wait would reach it', async () => {
    const made = makePolicy();
    const { operation, beganMs } = scripted(made.clock, refused, refused, 'never reached');
    const { outcome, settledMs } = await run(made, operation, { deadlineMs: 300 });
    expect(outcome).toMatchObject({ reason: 'deadline', attempts: 2, maybeApplied: false, cause: refused });
    expect(beganMs).toEqual([0, 100]);
    expect(settledMs).toBe(100);
  });

  test('interrupts an attempt that is under way, which may yet be applied', async () => {
    const made = makePolicy();
    const late = Promise.withResolvers<string>();
    const signals: AbortSignal[] = [];
    const hangs = ({ number, signal }: Attempt) => {
      signals.push(signal);
      return number === 1 ? Promise.reject(refused) : late.promise;
    };
    const { outcome, settledMs } = await run(made, hangs, { deadlineMs: 250 });
    expect(outcome).toMatchObject({ reason: 'deadline', attempts: 2, maybeApplied: true, cause: refused });
    expect(settledMs).toBe(250);
    expect(signals[1]).toMatchObject({ aborted: true, reason: { name: 'TimeoutError' } });
    late.reject(new Error('late, and nobody listens'));
    await settle();
  });

  test('does not begin an attempt after it, even if the timer is late', async () => {
    const clock = new LaggingClock();
    const { policy } = makePolicy({ clock, onRetry: () => (clock.lagMs = 500) });
    const { operation, beganMs } = scripted(clock, refused, 'never reached');
    const result = policy.execute(operation, { deadlineMs: 550 });
    const outcome = result.catch((error: unknown) => error);
    await clock.advanceAsync(100);
    expect(await outcome).toMatchObject({ reason: 'deadline', attempts: 1, maybeApplied: false });
    expect(beganMs).toEqual([0]);
    expect(clock.pendingTimers).toBe(0);
  });

  test.each([0, -5])('of %d ms has passed: nothing is attempted', async (deadlineMs) => {
    const made = makePolicy();
    const operation = vi.fn<() => Promise<string>>();
    const { outcome } = await run(made, operation, { deadlineMs });
    expect(outcome).toMatchObject({ reason: 'deadline', attempts: 0, maybeApplied: false });
    expect(operation).not.toHaveBeenCalled();
  });

  test('tells each attempt how much is left', async () => {
    const made = makePolicy();
    const left: number[] = [];
    const operation = (attempt: Attempt) => {
      left.push(attempt.remainingMs);
      return Promise.reject(refused);
    };
    await run(made, operation, { deadlineMs: 1_000 });
    await run(makePolicy({ attempts: 1 }), operation);
    expect(left).toEqual([1_000, 900, 700, 300, Number.POSITIVE_INFINITY]);
  });
});

describe('abort', () => {
  const reason = new Error('the user left');

  test('before the first attempt: nothing is attempted', async () => {
    const made = makePolicy();
    const operation = vi.fn<() => Promise<string>>();
    const { outcome } = await run(made, operation, { signal: AbortSignal.abort(reason) });
    expect(outcome).toMatchObject({ reason: 'aborted', attempts: 0, maybeApplied: false, cause: reason });
    expect(operation).not.toHaveBeenCalled();
  });

  test('during an attempt: rejects at once, passes the abort on, and the attempt may be applied', async () => {
    const made = makePolicy();
    const controller = new AbortController();
    let seen: AbortSignal | undefined;
    const hangs = ({ signal }: Attempt) => {
      seen = signal;
      return new Promise<never>(() => {});
    };
    made.clock.schedule(30, () => controller.abort(reason));
    const { outcome, settledMs } = await run(made, hangs, { signal: controller.signal, deadlineMs: 500 });
    expect(outcome).toMatchObject({ reason: 'aborted', attempts: 1, maybeApplied: true, cause: reason });
    expect(settledMs).toBe(30);
    expect(seen).toMatchObject({ aborted: true, reason });
  });

  test('during a wait: ends it at once, and nothing was applied', async () => {
    const { clock, policy } = makePolicy();
    const controller = new AbortController();
    const { operation } = scripted(clock, refused, 'never reached');
    const outcome = policy.execute(operation, { signal: controller.signal }).catch((error: unknown) => error);
    await clock.advanceAsync(30);
    expect(clock.pendingTimers).toBe(1);
    controller.abort(reason);
    expect(await outcome).toMatchObject({ reason: 'aborted', attempts: 1, maybeApplied: false, cause: refused });
    expect(clock.pendingTimers).toBe(0);
  });

  test('leaves no listener on the signal, whether the operation succeeds or fails', async () => {
    const made = makePolicy();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    await run(made, scripted(made.clock, refused, 'answer').operation, { signal });
    await run(made, scripted(made.clock, badSql).operation, { signal });
    expect(added).toHaveBeenCalledTimes(2);
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(added.mock.calls.map(([, listener]) => listener));
  });

  test('by the operation itself, before it answers', async () => {
    const made = makePolicy();
    const controller = new AbortController();
    const operation = () => {
      controller.abort(reason);
      return Promise.reject(refused);
    };
    const { outcome } = await run(made, operation, { signal: controller.signal });
    expect(outcome).toMatchObject({ reason: 'aborted', attempts: 1, maybeApplied: true });
  });

  test('is heard even when retries at once leave no pause', async () => {
    const controller = new AbortController();
    const options = { attempts: Number.POSITIVE_INFINITY, baseMs: 1, capMs: 1, random: new Random(1) };
    systemClock.scheduleImmediate(() => controller.abort(reason));
    const endless = retry(() => Promise.reject(refused), { ...options, retryAfterMs: () => 0, signal: controller.signal });
    await expect(endless).rejects.toMatchObject({ reason: 'aborted', maybeApplied: false });
  });

  test('a signal first looked at after the end is aborted too', async () => {
    const made = makePolicy();
    let seen: Attempt | undefined;
    const hangs = (attempt: Attempt) => {
      seen = attempt;
      return new Promise<never>(() => {});
    };
    await run(made, hangs, { deadlineMs: 10 });
    expect(seen?.signal.aborted).toBe(true);
    expect(seen?.remainingMs).toBe(0);
  });
});

describe('budget', () => {
  test('is asked for each retry, and ends the operation when it is empty', async () => {
    const made = makePolicy({ attempts: 10, budget: new RetryBudget({ ratio: 0, capacity: 2 }) });
    const { operation } = scripted(made.clock, ...Array.from({ length: 10 }, () => refused));
    const { outcome } = await run(made, operation);
    expect(outcome).toMatchObject({ reason: 'budget', attempts: 3, maybeApplied: false, cause: refused });
  });

  test('is not spent on retries that are not made for another reason', async () => {
    const budget = new RetryBudget({ ratio: 0, capacity: 5 });
    const made = makePolicy({ attempts: 1, budget });
    await run(made, scripted(made.clock, refused).operation);
    await run(made, scripted(made.clock, lost).operation);
    await run(made, scripted(made.clock, badSql).operation);
    const patient = makePolicy({ budget });
    await run(patient, scripted(patient.clock, refused).operation, { deadlineMs: 50 });
    expect(budget.tokens).toBe(5);
  });

  test('grows by what each operation earns, not by retries', async () => {
    const budget = new RetryBudget({ ratio: 0.25, capacity: 2 });
    const made = makePolicy({ attempts: 3, budget });
    await run(made, scripted(made.clock, refused, refused, 'answer').operation);
    expect(budget.tokens).toBe(0);
    for (let i = 0; i < 3; i++) await run(made, scripted(made.clock, 'answer').operation);
    expect(budget.tokens).toBe(0.75);
  });

  test('shared by a thousand callers, it keeps an outage from becoming a storm', async () => {
    const budget = new RetryBudget({ ratio: 0.1, capacity: 20 });
    const made = makePolicy({ attempts: 5, jitter: 'full', budget });
    let attempts = 0;
    const operation = () => {
      attempts++;
      return Promise.reject(refused);
    };
    const outcomes: Promise<unknown>[] = [];
    for (let i = 0; i < 1_000; i++) {
      outcomes.push(made.policy.execute(operation).catch((error: unknown) => error));
      await made.clock.advanceAsync(5);
    }
    await made.clock.advanceAsync(100_000);
    const reasons = (await Promise.all(outcomes)).map((outcome) => (outcome as RetryError).reason);
    expect(reasons.filter((reason) => reason === 'budget').length).toBeGreaterThan(800);
    expect(attempts).toBeGreaterThan(1_000 + 100);
    expect(attempts).toBeLessThanOrEqual(1_000 + 100 + 20);
    expect(made.clock.pendingTimers).toBe(0);
  });
});
