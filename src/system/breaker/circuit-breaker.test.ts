import { describe, expect, test, vi } from 'vitest';
import { known } from '../../runtime/assert.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { BreakerOpenError } from './errors.ts';
import type { BreakerOptions } from './options.ts';
import type { BreakerState } from './state.ts';

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

describe('closed', () => {
  test('passes results and errors through, thrown ones too', async () => {
    const { breaker } = makeBreaker();
    await expect(breaker.execute(answers)).resolves.toBe('answer');
    await expect(breaker.execute(fails)).rejects.toBe(down);
    const thrown = new Error('thrown, not rejected');
    const throws = (): Promise<never> => {
      throw thrown;
    };
    await expect(breaker.execute(throws)).rejects.toBe(thrown);
    expect(breaker.statistics).toEqual({
      state: 'closed',
      succeeded: 1,
      failed: 2,
      ignored: 0,
      timedOut: 0,
      rejected: 0,
      late: 0,
      opened: 0,
      inFlight: 0,
    });
  });

  test('opens after so many failures in a row; a success starts the count again', async () => {
    const { breaker } = makeBreaker();
    await fail(breaker, 2);
    await breaker.execute(answers);
    await fail(breaker, 2);
    expect(breaker.state).toMatchObject({ kind: 'closed', consecutiveFailures: 2 });
    await fail(breaker, 1);
    expect(breaker.state).toEqual({ kind: 'open', forced: false, untilMs: 1_000, openings: 1 });
  });

  test('an error that does not count moves nothing and passes through', async () => {
    const badRequest = new Error('bad request');
    const { breaker } = makeBreaker({ isFailure: (error) => error !== badRequest });
    await fail(breaker, 2);
    for (let i = 0; i < 5; i++) await expect(breaker.execute(() => Promise.reject(badRequest))).rejects.toBe(badRequest);
    expect(breaker.state).toMatchObject({ kind: 'closed', consecutiveFailures: 2 });
    expect(breaker.statistics).toMatchObject({ failed: 2, ignored: 5 });
  });

  test('opens at the failure rate, once there are enough calls', async () => {
    const { breaker } = makeBreaker({
      failureThreshold: 100,
      failureRate: { threshold: 0.5, windowMs: 1_000, minimumCalls: 6 },
    });
    await fail(breaker, 2);
    for (let i = 0; i < 2; i++) await breaker.execute(answers);
    await fail(breaker, 1);
    expect(breaker.state).toEqual({ kind: 'closed', consecutiveFailures: 1, windowCalls: 5, windowFailures: 3 });
    await fail(breaker, 1);
    expect(breaker.state.kind).toBe('open');
  });

  test('failures that have left the window do not count', async () => {
    const { breaker, clock } = makeBreaker({
      failureThreshold: 100,
      failureRate: { threshold: 0.5, windowMs: 1_000, minimumCalls: 4 },
    });
    await fail(breaker, 3);
    clock.advance(1_100);
    await fail(breaker, 1);
    expect(breaker.state).toMatchObject({ kind: 'closed', consecutiveFailures: 4, windowCalls: 1, windowFailures: 1 });
  });
});

describe('open', () => {
  test('refuses without calling, and says for how long', async () => {
    const { breaker, clock } = makeBreaker();
    await fail(breaker, 3);
    clock.advance(400);
    const call = vi.fn<typeof answers>(answers);
    const error = await breaker.execute(call).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(BreakerOpenError);
    expect(error).toMatchObject({ code: 'BREAKER_OPEN', maybeApplied: false, retryAfterMs: 600 });
    expect(breaker.tryAcquire()).toBeUndefined();
    expect(call).not.toHaveBeenCalled();
    expect(breaker.statistics).toMatchObject({ rejected: 2, inFlight: 0 });
  });

  test('lets a probe through at the very instant its time is over', async () => {
    const { breaker, clock } = makeBreaker();
    await fail(breaker, 3);
    clock.advance(999);
    expect(breaker.tryAcquire()).toBeUndefined();
    clock.advance(1);
    expect(breaker.state.kind).toBe('open');
    acquire(breaker).success();
    expect(breaker.state.kind).toBe('closed');
  });

  test('each failed probe doubles the wait up to the maximum; closing forgets it', async () => {
    const { breaker, clock } = makeBreaker({ maxResetTimeoutMs: 3_000 });
    await fail(breaker, 3);
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const state = breaker.state as Extract<BreakerState, { kind: 'open' }>;
      waits.push(state.untilMs - clock.now());
      clock.advance(state.untilMs - clock.now());
      await fail(breaker, 1);
    }
    expect(waits).toEqual([1_000, 2_000, 3_000, 3_000]);
    clock.advance(3_000);
    await breaker.execute(answers);
    await fail(breaker, 3);
    expect(breaker.state).toMatchObject({ kind: 'open', untilMs: clock.now() + 1_000, openings: 1 });
  });
});

describe('half-open', () => {
  async function makeHalfOpen(options: Partial<BreakerOptions> = {}) {
    const made = makeBreaker(options);
    await fail(made.breaker, 3);
    made.clock.advance(1_000);
    return made;
  }

  test('limits the probes in flight and says that it cannot tell when to come back', async () => {
    const { breaker } = await makeHalfOpen({ maxProbes: 2, successThreshold: 5 });
    const first = acquire(breaker);
    acquire(breaker);
    expect(breaker.state).toEqual({ kind: 'half-open', probesInFlight: 2, successes: 0, openings: 1 });
    const error = await breaker.execute(answers).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(BreakerOpenError);
    expect(error).toMatchObject({ retryAfterMs: undefined });
    first.success();
    expect(breaker.state).toMatchObject({ probesInFlight: 1, successes: 1 });
    await breaker.execute(answers);
    expect(breaker.state).toMatchObject({ probesInFlight: 1, successes: 2 });
  });

  test('closes after enough successes, with its counters at zero', async () => {
    const { breaker } = await makeHalfOpen({
      successThreshold: 2,
      failureRate: { threshold: 0.9, windowMs: 60_000, minimumCalls: 50 },
    });
    await breaker.execute(answers);
    expect(breaker.state.kind).toBe('half-open');
    await breaker.execute(answers);
    expect(breaker.state).toEqual({ kind: 'closed', consecutiveFailures: 0, windowCalls: 0, windowFailures: 0 });
  });

  test('one failed probe opens it again, and the other probes no longer matter', async () => {
    const { breaker, clock } = await makeHalfOpen({ maxProbes: 3 });
    const [slow, failing] = [acquire(breaker), acquire(breaker)];
    failing.failure(down);
    const opened = breaker.state;
    expect(opened).toEqual({ kind: 'open', forced: false, untilMs: 2_000, openings: 2 });
    slow.success();
    expect(breaker.state).toEqual(opened);
    clock.advance(1_000);
    acquire(breaker).success();
    expect(breaker.state.kind).toBe('closed');
    expect(breaker.statistics.late).toBe(1);
  });

  test('an ignored probe gives its place back and decides nothing', async () => {
    const { breaker } = await makeHalfOpen();
    acquire(breaker).ignore();
    expect(breaker.state).toEqual({ kind: 'half-open', probesInFlight: 0, successes: 0, openings: 1 });
    acquire(breaker).success();
    expect(breaker.state.kind).toBe('closed');
  });

  test('a predicate that throws is seen by the caller and holds no probe', async () => {
    const bug = new TypeError('the predicate is wrong');
    const predicate = vi.fn<() => boolean>(() => true);
    const { breaker } = await makeHalfOpen({ isFailure: predicate });
    predicate.mockImplementation(() => {
      throw bug;
    });
    await expect(breaker.execute(fails)).rejects.toBe(bug);
    expect(() => acquire(breaker).failure(down)).toThrow(bug);
    expect(breaker.state).toMatchObject({ kind: 'half-open', probesInFlight: 0 });
  });

  test('probes that never answer do not hold it half-open for ever', async () => {
    const { breaker, clock } = await makeHalfOpen({ maxProbes: 2, probeTimeoutMs: 500 });
    const lost = acquire(breaker);
    clock.advance(300);
    acquire(breaker);
    clock.advance(499);
    expect(breaker.tryAcquire()).toBeUndefined();
    expect(breaker.state.kind).toBe('half-open');
    clock.advance(1);
    expect(breaker.tryAcquire()).toBeUndefined();
    expect(breaker.state).toMatchObject({ kind: 'open', openings: 2, untilMs: clock.now() + 1_000 });
    lost.success();
    expect(breaker.state.kind).toBe('open');
  });
});

describe('late results', () => {
  test('of calls begun while closed move neither open nor half-open', async () => {
    const { breaker, clock } = makeBreaker();
    const [slowSuccess, slowFailure, slowIgnore] = [acquire(breaker), acquire(breaker), acquire(breaker)];
    await fail(breaker, 3);
    slowSuccess.success();
    expect(breaker.state.kind).toBe('open');
    clock.advance(1_000);
    const probe = acquire(breaker);
    slowFailure.failure(down);
    slowIgnore.ignore();
    expect(breaker.state).toEqual({ kind: 'half-open', probesInFlight: 1, successes: 0, openings: 1 });
    probe.success();
    expect(breaker.state.kind).toBe('closed');
    expect(breaker.statistics).toMatchObject({ succeeded: 2, failed: 4, ignored: 1, late: 3, inFlight: 0 });
  });

  test('of a closed time before the last opening do not count in this one', async () => {
    const { breaker } = makeBreaker();
    const slow = [acquire(breaker), acquire(breaker), acquire(breaker)];
    breaker.open();
    breaker.close();
    for (const permit of slow) permit.failure(down);
    expect(breaker.state).toMatchObject({ kind: 'closed', consecutiveFailures: 0 });
  });
});

describe('permits', () => {
  test('count the first report only', () => {
    const { breaker } = makeBreaker();
    const permit = acquire(breaker);
    permit.failure(down);
    permit.failure(down);
    permit.success();
    permit.ignore();
    expect(breaker.state).toMatchObject({ kind: 'closed', consecutiveFailures: 1 });
    expect(breaker.statistics).toMatchObject({ succeeded: 0, failed: 1, ignored: 0, inFlight: 0 });
  });

  test('are given back by `using` when nothing was reported', () => {
    const { breaker } = makeBreaker();
    {
      using forgotten = acquire(breaker);
      expect(forgotten).toBeDefined();
      expect(breaker.statistics.inFlight).toBe(1);
    }
    {
      using used = acquire(breaker);
      used.success();
    }
    expect(breaker.statistics).toMatchObject({ succeeded: 1, ignored: 1, inFlight: 0 });
  });
});

describe('by hand', () => {
  test('a forced open outlasts every timeout and ends with close', async () => {
    const { breaker, clock } = makeBreaker();
    breaker.open();
    breaker.open();
    clock.advance(1e9);
    const error = await breaker.execute(answers).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: 'BREAKER_OPEN', retryAfterMs: undefined });
    expect(breaker.state).toMatchObject({ kind: 'open', forced: true });
    breaker.close();
    await expect(breaker.execute(answers)).resolves.toBe('answer');
    expect(breaker.statistics.opened).toBe(1);
  });

  test('an open that tripped becomes forced, and close ends either', async () => {
    const { breaker, clock } = makeBreaker();
    await fail(breaker, 3);
    breaker.open();
    clock.advance(5_000);
    expect(breaker.tryAcquire()).toBeUndefined();
    breaker.close();
    await fail(breaker, 3);
    breaker.close();
    expect(breaker.state).toMatchObject({ kind: 'closed', consecutiveFailures: 0 });
  });

  test('closing a closed breaker keeps its counters', async () => {
    const { breaker } = makeBreaker();
    await fail(breaker, 2);
    breaker.close();
    expect(breaker.state).toMatchObject({ consecutiveFailures: 2 });
  });
});
