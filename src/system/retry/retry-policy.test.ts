import { describe, expect, test } from 'vitest';
import { AssertionError } from '../../runtime/assert.ts';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { classifyByProperties } from './classify.ts';
import { RetryError } from './retry-error.ts';
import { retry } from './retry-policy.ts';
import type { Attempt, RetryEvent } from './retry-policy.ts';
import { badSql, lost, makePolicy, refused, run, scripted, TestError, unclear } from './testing/scripted.ts';

describe('attempts and waits', () => {
  test('a success is passed on and nothing else happens', async () => {
    const made = makePolicy();
    const { operation, beganMs } = scripted(made.clock, 'answer');
    expect(await run(made, operation)).toEqual({ outcome: 'answer', settledMs: 0 });
    expect(beganMs).toEqual([0]);
  });

  test('waits longer before each further attempt', async () => {
    const made = makePolicy();
    const { operation, beganMs } = scripted(made.clock, refused, refused, refused, 'answer');
    expect(await run(made, operation)).toEqual({ outcome: 'answer', settledMs: 700 });
    expect(beganMs).toEqual([0, 100, 300, 700]);
  });

  test('gives up after the last attempt, with its error as the cause and no wait after it', async () => {
    const made = makePolicy({ attempts: 2 });
    const last = new TestError('the last', false);
    const { operation } = scripted(made.clock, refused, last);
    const { outcome, settledMs } = await run(made, operation);
    expect(outcome).toBeInstanceOf(RetryError);
    expect(outcome).toMatchObject({ code: 'RETRY_GAVE_UP', reason: 'attempts', attempts: 2, maybeApplied: false, cause: last });
    expect((outcome as Error).message).toBe('gave up after 2 attempts (attempts): the last');
    expect(settledMs).toBe(100);
  });

  test('an operation that throws at once is an attempt that failed', async () => {
    const made = makePolicy();
    const throws = ({ number }: Attempt): Promise<string> => {
      if (number === 1) throw refused;
      return Promise.resolve('answer');
    };
    expect((await run(made, throws)).outcome).toBe('answer');
  });

  test('the function form does the same', async () => {
    const clock = new VirtualClock();
    const { operation } = scripted(clock, refused, 'answer');
    const result = retry(operation, { attempts: 2, baseMs: 10, capMs: 10, random: new Random(1), clock });
    await clock.advanceAsync(10);
    await expect(result).resolves.toBe('answer');
    await expect(retry(operation, { attempts: 0, baseMs: 10, capMs: 10, random: new Random(1) })).rejects.toThrow('attempts');
  });

  test('jitter comes from the generator that was passed in', async () => {
    const waits = async (seed: number) => {
      const made = makePolicy({ jitter: 'full', random: new Random(seed) });
      const { operation, beganMs } = scripted(made.clock, refused, refused, refused, 'answer');
      await run(made, operation);
      return beganMs;
    };
    expect(await waits(1)).toEqual(await waits(1));
    expect(await waits(1)).not.toEqual(await waits(2));
  });
});

describe('definite and maybe', () => {
  test('what may have been applied is not tried again', async () => {
    const made = makePolicy();
    const { operation } = scripted(made.clock, refused, lost, 'never reached');
    const { outcome } = await run(made, operation);
    expect(outcome).toMatchObject({ reason: 'not-idempotent', attempts: 2, maybeApplied: true, cause: lost });
  });

  test('unless the operation is idempotent', async () => {
    const made = makePolicy();
    const { operation } = scripted(made.clock, lost, lost, 'answer');
    expect((await run(made, operation, { idempotent: true })).outcome).toBe('answer');
  });

  test('an early maybe is remembered when the last attempt was definite', async () => {
    const made = makePolicy();
    const { operation } = scripted(made.clock, refused, lost, refused, refused);
    const { outcome } = await run(made, operation, { idempotent: true });
    expect(outcome).toMatchObject({ reason: 'attempts', attempts: 4, maybeApplied: true, cause: refused });
  });

  test.each([
    [badSql, false],
    [unclear, true],
  ])('a fatal error is never tried again: %s', async (error, maybeApplied) => {
    const made = makePolicy();
    const { operation } = scripted(made.clock, error, 'never reached');
    const { outcome } = await run(made, operation, { idempotent: true });
    expect(outcome).toMatchObject({ reason: 'fatal', attempts: 1, maybeApplied, cause: error });
  });

  test('an error that says nothing is taken for the worse', () => {
    expect(classifyByProperties(new Error('?'))).toBe('maybe');
    expect(classifyByProperties('text')).toBe('maybe');
    expect(classifyByProperties(undefined)).toBe('maybe');
    expect(classifyByProperties({ retryable: false })).toBe('fatal-maybe');
    expect(classifyByProperties({ retryable: true, maybeApplied: false })).toBe('definite');
  });

  test('a classification of one`s own replaces the default, and its bug is seen', async () => {
    const made = makePolicy({ classify: () => 'definite' });
    const { operation } = scripted(made.clock, lost, 'answer');
    expect((await run(made, operation)).outcome).toBe('answer');
    const bug = new TypeError('wrong');
    const broken = makePolicy({
      classify: () => {
        throw bug;
      },
    });
    expect((await run(broken, scripted(broken.clock, lost).operation, { deadlineMs: 1_000 })).outcome).toBe(bug);
  });
});

describe('hints of the server', () => {
  const hinting = (retryAfterMs: number) => Object.assign(new TestError('overloaded', false), { retryAfterMs });

  test('replace the backoff, beyond the cap too; 0 means at once', async () => {
    const made = makePolicy();
    const { operation, beganMs } = scripted(made.clock, hinting(5_000), hinting(0), refused, 'answer');
    expect((await run(made, operation)).outcome).toBe('answer');
    expect(beganMs).toEqual([0, 5_000, 5_000, 5_400]);
  });

  test('with jitter are spread over one base, never shortened', async () => {
    const waits: number[] = [];
    for (let seed = 0; seed < 300; seed++) {
      const made = makePolicy({ jitter: 'full', random: new Random(seed) });
      const { operation, beganMs } = scripted(made.clock, hinting(2_000), 'answer');
      await run(made, operation);
      waits.push(beganMs[1] as number);
    }
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(2_000);
    expect(Math.max(...waits)).toBeLessThan(2_100);
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(80);
  });

  test('of 0 are not spread', async () => {
    const made = makePolicy({ jitter: 'full' });
    const { operation, beganMs } = scripted(made.clock, hinting(0), hinting(0), 'answer');
    expect((await run(made, operation)).outcome).toBe('answer');
    expect(beganMs).toEqual([0, 0, 0]);
  });

  test('do not move the deadline', async () => {
    const made = makePolicy();
    const { operation } = scripted(made.clock, hinting(5_000), 'never reached');
    const { outcome, settledMs } = await run(made, operation, { deadlineMs: 4_000 });
    expect(outcome).toMatchObject({ reason: 'deadline', attempts: 1 });
    expect(settledMs).toBe(0);
  });

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('that are nonsense are not obeyed: %d', async (hint) => {
    const made = makePolicy({ retryAfterMs: () => hint });
    const { operation, beganMs } = scripted(made.clock, refused, 'answer');
    await run(made, operation);
    expect(beganMs).toEqual([0, 100]);
  });
});

describe('onRetry', () => {
  test('is told of each retry before its wait', async () => {
    const events: RetryEvent[] = [];
    const made = makePolicy({ onRetry: (event) => events.push(event) });
    const { operation } = scripted(made.clock, refused, lost, 'answer');
    await run(made, operation, { idempotent: true });
    expect(events).toEqual([
      { attempt: 1, error: refused, classification: 'definite', delayMs: 100 },
      { attempt: 2, error: lost, classification: 'maybe', delayMs: 200 },
    ]);
  });

  test('that throws changes no outcome, and its bug is not swallowed', async () => {
    const bug = new Error('observer bug');
    const made = makePolicy({
      onRetry: () => {
        throw bug;
      },
    });
    const uncaught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      expect((await run(made, scripted(made.clock, refused, 'answer').operation)).outcome).toBe('answer');
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    }
    expect(uncaught).toEqual([bug]);
  });
});

test('options out of range are refused by value', async () => {
  expect(() => makePolicy({ attempts: 0 })).toThrow(AssertionError);
  expect(() => makePolicy({ attempts: 2.5 })).toThrow('2.5');
  expect(() => makePolicy({ capMs: 99 })).toThrow('99');
  const { policy } = makePolicy();
  await expect(policy.execute(() => Promise.resolve(1), { deadlineMs: Number.NaN })).rejects.toThrow('NaN');
  await expect(policy.execute(() => Promise.resolve(1), { deadlineMs: 2 ** 31 })).rejects.toThrow('2147483648');
});
