import { describe, expect, test, vi } from 'vitest';
import { AssertionError, known } from '../../runtime/assert.ts';
import { settle, VirtualClock } from '../../runtime/virtual-clock.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { BreakerOpenError, CallTimeoutError } from './errors.ts';
import type { BreakerOptions } from './options.ts';

const down = new Error('service is down');
const fails = () => Promise.reject(down);
const answers = () => Promise.resolve('answer');

function makeBreaker(options: Partial<BreakerOptions> = {}) {
  const clock = new VirtualClock();
  return { clock, breaker: new CircuitBreaker({ failureThreshold: 3, resetTimeoutMs: 1_000, clock, ...options }) };
}

async function fail(breaker: CircuitBreaker, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await expect(breaker.execute(fails)).rejects.toBe(down);
}

const acquire = (breaker: CircuitBreaker) => known(breaker.tryAcquire(), 'no permit');

describe('call timeout', () => {
  test('rejects on time, aborts the call, counts a failure and drops the late result', async () => {
    const { breaker, clock } = makeBreaker({ callTimeoutMs: 50, isFailure: () => false });
    const late = Promise.withResolvers<string>();
    let seen: AbortSignal | undefined;
    const result = breaker.execute((signal) => {
      seen = signal;
      return late.promise;
    });
    const outcome = result.catch((error: unknown) => error);
    await clock.advanceAsync(49);
    expect(seen?.aborted).toBe(false);
    await clock.advanceAsync(1);
    const error = await outcome;
    expect(error).toBeInstanceOf(CallTimeoutError);
    expect(error).toMatchObject({ code: 'CALL_TIMEOUT', maybeApplied: true, timeoutMs: 50 });
    expect(seen?.reason).toBe(error);
    late.reject(new Error('late, and nobody listens'));
    await settle();
    expect(breaker.state).toMatchObject({ consecutiveFailures: 1 });
    expect(breaker.statistics).toMatchObject({ failed: 1, timedOut: 1, ignored: 0, inFlight: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  test('leaves no timer behind after a result, an error or a throw', async () => {
    const { breaker, clock } = makeBreaker({ callTimeoutMs: 50 });
    await expect(breaker.execute(answers)).resolves.toBe('answer');
    await expect(breaker.execute(fails)).rejects.toBe(down);
    const throws = (): Promise<never> => {
      throw down;
    };
    await expect(breaker.execute(throws)).rejects.toBe(down);
    expect(clock.pendingTimers).toBe(0);
    expect(breaker.statistics).toMatchObject({ succeeded: 1, failed: 2, inFlight: 0 });
  });

  test('frees the place of a probe that hangs', async () => {
    const { breaker, clock } = makeBreaker({ callTimeoutMs: 50 });
    await fail(breaker, 3);
    clock.advance(1_000);
    const hanging = breaker.execute(() => new Promise(() => {})).catch((error: unknown) => error);
    await clock.advanceAsync(50);
    await expect(hanging).resolves.toBeInstanceOf(CallTimeoutError);
    expect(breaker.state).toMatchObject({ kind: 'open', openings: 2 });
  });
});

describe('cancellation', () => {
  const rejectsOnAbort = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });

  test.each([undefined, 1_000])('by the caller is passed on and is no failure (call timeout %s)', async (callTimeoutMs) => {
    const { breaker, clock } = makeBreaker(callTimeoutMs === undefined ? {} : { callTimeoutMs });
    const controller = new AbortController();
    const reason = new Error('the user left');
    const result = breaker.execute(rejectsOnAbort, { signal: controller.signal });
    controller.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect(breaker.state).toMatchObject({ consecutiveFailures: 0 });
    expect(breaker.statistics).toMatchObject({ ignored: 1, failed: 0, inFlight: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  test('leaves no listener on the signal', async () => {
    const { breaker, clock } = makeBreaker({ callTimeoutMs: 50 });
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    await breaker.execute(answers, { signal });
    const slow = breaker.execute(() => new Promise(() => {}), { signal }).catch((error: unknown) => error);
    await clock.advanceAsync(50);
    await expect(slow).resolves.toBeInstanceOf(CallTimeoutError);
    expect(added).toHaveBeenCalledTimes(2);
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(added.mock.calls.map(([, listener]) => listener));
  });

  test('before the call means that it is not made', async () => {
    const { breaker } = makeBreaker();
    const call = vi.fn<typeof answers>(answers);
    const reason = new Error('too late');
    await expect(breaker.execute(call, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(call).not.toHaveBeenCalled();
    expect(breaker.statistics).toMatchObject({ ignored: 0, inFlight: 0 });
  });
});

describe('listener', () => {
  test('hears everything in order, with snapshots of the states', async () => {
    const heard: string[] = [];
    const { breaker, clock } = makeBreaker({
      failureThreshold: 1,
      callTimeoutMs: 50,
      listener: {
        stateChanged: (to, from) => heard.push(`${from.kind} -> ${to.kind}`),
        rejected: () => heard.push('rejected'),
        succeeded: () => heard.push('succeeded'),
        failed: (error) => heard.push(`failed: ${(error as Error).message}`),
        timedOut: (error) => heard.push(`timed out after ${error.timeoutMs}`),
      },
    });
    await breaker.execute(answers);
    await fail(breaker, 1);
    await expect(breaker.execute(answers)).rejects.toBeInstanceOf(BreakerOpenError);
    clock.advance(1_000);
    const slow = breaker.execute(() => new Promise(() => {})).catch(() => 'timed out');
    await clock.advanceAsync(50);
    await slow;
    breaker.close();
    expect(heard).toEqual([
      'succeeded',
      'closed -> open',
      'failed: service is down',
      'rejected',
      'open -> half-open',
      'timed out after 50',
      'half-open -> open',
      'failed: no result within 50 ms',
      'open -> closed',
    ]);
  });

  test('a listener that throws changes no outcome, and its bug is not swallowed', async () => {
    const bug = new Error('listener bug');
    const { breaker } = makeBreaker({
      listener: {
        succeeded: () => {
          throw bug;
        },
      },
    });
    const uncaught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      await expect(breaker.execute(answers)).resolves.toBe('answer');
      await settle();
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    }
    expect(uncaught).toEqual([bug]);
  });

  test('a listener that forces it open while it turns half-open wins, and the probe decides nothing', async () => {
    const { breaker, clock } = makeBreaker({
      listener: {
        stateChanged: (to) => {
          if (to.kind === 'half-open') breaker.open();
        },
      },
    });
    await fail(breaker, 3);
    clock.advance(1_000);
    acquire(breaker).success();
    expect(breaker.state).toMatchObject({ kind: 'open', forced: true });
    expect(breaker.statistics).toMatchObject({ late: 1, inFlight: 0 });
  });
});

describe('options', () => {
  const rate = { threshold: 0.5, windowMs: 1_000, minimumCalls: 10 };
  test.each<[string, BreakerOptions]>([
    ['failureThreshold', { resetTimeoutMs: 1 }],
    ['0', { failureThreshold: 0, resetTimeoutMs: 1 }],
    ['1.5', { failureThreshold: 1.5, resetTimeoutMs: 1 }],
    ['-7', { failureThreshold: 1, resetTimeoutMs: -7 }],
    ['NaN', { failureThreshold: 1, resetTimeoutMs: Number.NaN }],
    ['49', { failureThreshold: 1, resetTimeoutMs: 50, maxResetTimeoutMs: 49 }],
    ['successThreshold', { failureThreshold: 1, resetTimeoutMs: 1, successThreshold: 0 }],
    ['maxProbes', { failureThreshold: 1, resetTimeoutMs: 1, maxProbes: 0 }],
    ['probeTimeoutMs', { failureThreshold: 1, resetTimeoutMs: 1, probeTimeoutMs: 0 }],
    ['2147483648', { failureThreshold: 1, resetTimeoutMs: 1, callTimeoutMs: 2 ** 31 }],
    ['1.01', { resetTimeoutMs: 1, failureRate: { ...rate, threshold: 1.01 } }],
    ['windowMs', { resetTimeoutMs: 1, failureRate: { ...rate, windowMs: 0 } }],
    ['minimumCalls', { resetTimeoutMs: 1, failureRate: { ...rate, minimumCalls: 0 } }],
    ['buckets', { resetTimeoutMs: 1, failureRate: { ...rate, buckets: 0 } }],
  ])('out of range are refused by name or value: %s', (text, options) => {
    expect(() => new CircuitBreaker(options)).toThrow(AssertionError);
    expect(() => new CircuitBreaker(options)).toThrow(text);
  });
});
