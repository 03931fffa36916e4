import { describe, expect, test } from 'vitest';
import { type Failure, resolveSupervision, type SupervisionOptions, Supervisor } from './supervision.ts';

const failure: Failure = { error: new Error('boom'), originId: 'a', phase: 'receive' };
const supervisor = (options: SupervisionOptions) => {
  const deciding = new Supervisor(resolveSupervision(options));
  return {
    decide: (what: Failure, nowMs: number, { draining = false, hasInstance = true } = {}) =>
      deciding.decide(what, { nowMs, draining, hasInstance }),
  };
};

describe('deciding', () => {
  test('a directive is followed; a function chooses by error', () => {
    expect(supervisor({ onFailure: 'escalate' }).decide(failure, 0)).toEqual({ directive: 'escalate' });
    const byError = supervisor({ onFailure: (error) => (error instanceof RangeError ? 'resume' : 'stop') });
    expect(byError.decide(failure, 0)).toEqual({ directive: 'stop' });
    expect(byError.decide({ ...failure, error: new RangeError('far') }, 0)).toEqual({ directive: 'resume' });
  });

  test('a function that throws, or answers nonsense, means stop', () => {
    const throwing = supervisor({
      onFailure: () => {
        throw new Error('cannot decide');
      },
    });
    expect(throwing.decide(failure, 0)).toEqual({ directive: 'stop' });
    expect(supervisor({ onFailure: () => 'dance' as 'stop' }).decide(failure, 0)).toEqual({ directive: 'stop' });
  });
});

test('without an instance there is nothing to resume; a draining actor that cannot start is not restarted', () => {
  expect(supervisor({ onFailure: 'resume' }).decide(failure, 0, { hasInstance: false })).toEqual({ directive: 'stop' });
  const draining = supervisor({ backoffBaseMs: 5 });
  for (const phase of ['create', 'started', 'restarted'] as const)
    expect(draining.decide({ ...failure, phase }, 0, { draining: true })).toEqual({ directive: 'stop' });
  expect(draining.decide(failure, 0, { draining: true })).toEqual({ directive: 'restart', delayMs: 5 });
});

describe('restarting', () => {
  test('the backoff doubles up to its cap, and starts again when the window has passed', () => {
    const restarting = supervisor({ backoffBaseMs: 100, backoffCapMs: 350, maxRestarts: 100, windowMs: 1_000 });
    const delays = [0, 10, 20, 30].map((nowMs) => restarting.decide(failure, nowMs));
    expect(delays).toEqual([100, 200, 350, 350].map((delayMs) => ({ directive: 'restart', delayMs })));
    expect(restarting.decide(failure, 1_030)).toEqual({ directive: 'restart', delayMs: 100 });
  });

  test('a base of 0 never waits, however often', () => {
    const restarting = supervisor({ backoffBaseMs: 0, maxRestarts: 2_000 });
    for (let i = 0; i < 1_500; i++) expect(restarting.decide(failure, 0)).toEqual({ directive: 'restart', delayMs: 0 });
  });

  test.each(['stop', 'escalate'] as const)('one restart too many within the window means %s', (onLimit) => {
    const limited = supervisor({ maxRestarts: 2, windowMs: 100, onLimit });
    expect(limited.decide(failure, 0).directive).toBe('restart');
    expect(limited.decide(failure, 50).directive).toBe('restart');
    expect(limited.decide(failure, 99).directive).toBe(onLimit);
    // The one at 0 has left the window; the refused one at 99 was none.
    expect(limited.decide(failure, 100).directive).toBe('restart');
    expect(limited.decide(failure, 149).directive).toBe(onLimit);
  });

  test('maxRestarts 0 never restarts', () => {
    expect(supervisor({ maxRestarts: 0 }).decide(failure, 0)).toEqual({ directive: 'stop' });
  });
});

test('what is not given comes from the defaults', () => {
  const defaults = resolveSupervision({ maxRestarts: 3, onLimit: 'escalate' });
  expect(resolveSupervision({ maxRestarts: 4 }, defaults)).toEqual({ ...defaults, maxRestarts: 4 });
});

test.each<[SupervisionOptions, string]>([
  [{ onFailure: 'panic' as 'stop' }, 'panic'],
  [{ backoffBaseMs: -1 }, '-1'],
  [{ backoffBaseMs: 20, backoffCapMs: 10 }, 'from backoffBaseMs (20) to 2147483647, not 10'],
  [{ backoffBaseMs: Number.NaN }, 'NaN'],
  [{ backoffCapMs: 2 ** 31 }, 'not 2147483648'],
  [{ maxRestarts: 1.5 }, '1.5'],
  [{ maxRestarts: -2 }, '-2'],
  [{ windowMs: 0 }, 'windowMs is > 0, not 0'],
  [{ onLimit: 'resume' as 'stop' }, 'resume'],
])('%o is refused by name', (options, text) => {
  expect(() => resolveSupervision(options)).toThrow(RangeError);
  expect(() => resolveSupervision(options)).toThrow(text);
});
