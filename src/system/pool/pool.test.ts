// What a caller of a pool sees, in virtual time.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { AssertionError } from '../../runtime/assert.ts';
import { settle } from '../../runtime/virtual-clock.ts';
import type { Lease } from './lease.ts';
import { ManagerTimeoutError, PoolClosedError, PoolCreateError, PoolExhaustedError, PoolTimeoutError } from './pool-errors.ts';
import { PoolOptionError, type PoolOptions } from './pool-options.ts';
import { Pool } from './pool.ts';
import { HandManager, setUp, type Thing, watch } from './testing/hand-manager.ts';

describe('leasing', () => {
  test('makes on demand, reuses the one used last, and never lends one twice', async () => {
    const { pool } = setUp({ max: 2 });
    const first = await pool.acquire();
    const second = await pool.acquire();
    expect([first.value.id, second.value.id]).toEqual([0, 1]);
    second.release();
    first.release();
    expect(pool.tryAcquire()?.value.id).toBe(0);
    expect(pool.tryAcquire()?.value.id).toBe(1);
    expect(pool.tryAcquire()).toBeUndefined();
    expect(pool.statistics).toMatchObject({ size: 2, leased: 2, idle: 0, created: 2, acquired: 4 });
  });

  test('fifo order spreads the use', async () => {
    const { pool } = setUp({ max: 2, order: 'fifo' });
    const leases = [await pool.acquire(), await pool.acquire()];
    for (const lease of leases) lease.release();
    expect(pool.tryAcquire()?.value.id).toBe(0);
    expect(pool.tryAcquire()?.value.id).toBe(1);
  });

  test('`using` gives back at the end of the block, also when it throws', async () => {
    const { pool } = setUp({ max: 1 });
    const work = async () => {
      using lease = await pool.acquire();
      throw new Error(`broke with ${lease.value.id}`);
    };
    await expect(work()).rejects.toThrow('broke with 0');
    expect(pool.statistics).toMatchObject({ idle: 1, leased: 0 });
  });

  test('a second release, or a discard after it, does not touch the next caller', async () => {
    const { pool, manager } = setUp({ max: 1 });
    const old = await pool.acquire();
    old.release();
    const next = await pool.acquire();
    old.release();
    old.discard('too late');
    expect(pool.statistics).toMatchObject({ leased: 1, idle: 0 });
    expect(next.active).toBe(true);
    expect(manager.destroyed).toEqual([]);
    expect(() => old.value).toThrow(AssertionError);
  });

  test('a discarded resource is destroyed with its reason, and its place taken by a new one', async () => {
    const { pool, manager, events } = setUp({ max: 1 });
    const broken = await pool.acquire();
    const waiting = watch(pool.acquire());
    broken.discard('connection reset');
    await settle();
    expect(waiting.value?.value.id).toBe(1);
    expect(manager.destroyed).toEqual([0]);
    expect(events).toContainEqual({ type: 'destroyed', reason: 'discarded', detail: 'connection reset' });
  });

  test('with() gives back, and has a resource checked after a failure even when it is fresh', async () => {
    const { pool, manager } = setUp({ max: 1, recycleAfterIdleMs: 1_000 });
    expect(await pool.with((thing) => thing.id + 10)).toBe(10);
    await pool.with(async (thing) => thing.id);
    expect(manager.recycled).toBe(0);
    await expect(pool.with(() => Promise.reject(new Error('reset')))).rejects.toThrow('reset');
    await pool.with(() => undefined);
    expect(manager.recycled).toBe(1);
  });
});

describe('waiting', () => {
  test('waiters are served in order and nobody overtakes', async () => {
    const { pool } = setUp({ max: 1 });
    const order: string[] = [];
    const held = await pool.acquire();
    const serve = async (name: string) => {
      using _lease = await pool.acquire();
      order.push(name);
      await settle();
    };
    const all = ['a', 'b', 'c'].map(serve);
    expect(pool.statistics.waiting).toBe(3);
    held.release();
    expect(pool.tryAcquire()).toBeUndefined();
    all.push(serve('d'));
    await Promise.all(all);
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  test('one that timed out or was aborted never gets a resource, and the rest keep their order', async () => {
    const { pool, clock, events } = setUp({ max: 1 });
    const held = await pool.acquire();
    const controller = new AbortController();
    const impatient = watch(pool.acquire({ timeoutMs: 10 }));
    const aborted = watch(pool.acquire({ signal: controller.signal }));
    const patient = watch(pool.acquire());
    await clock.advanceAsync(10);
    controller.abort(new Error('user left'));
    await settle();
    expect(impatient.error).toBeInstanceOf(PoolTimeoutError);
    expect(String(impatient.error)).toContain('1 of 1 resources, 1 leased');
    expect(aborted.error).toEqual(new Error('user left'));
    await clock.advanceAsync(5);
    held.release();
    await settle();
    expect(patient.state).toBe('done');
    expect(pool.statistics).toMatchObject({ timeouts: 1, aborted: 1, waiting: 0, leased: 1, waitTotalMs: 15 });
    expect(events.map(({ type }) => type)).toEqual(['created', 'acquired', 'timed-out', 'aborted', 'acquired']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('an aborted signal is refused before anything happens', async () => {
    const { pool } = setUp();
    await expect(pool.acquire({ signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone');
    expect(pool.statistics).toMatchObject({ size: 0, waiting: 0 });
  });

  test('a timeout of 0 gets what is ready and nothing else', async () => {
    const { pool, clock } = setUp({ acquireTimeoutMs: 0 });
    (await pool.acquire({ timeoutMs: 1 })).release();
    const ready = await pool.acquire();
    expect(ready.value.id).toBe(0);
    const tooSoon = watch(pool.acquire());
    clock.advance(0);
    await settle();
    expect(tooSoon.error).toBeInstanceOf(PoolTimeoutError);
  });

  test('beyond maxWaiters callers fail at once; those being supplied do not count', async () => {
    const { pool, manager } = setUp({ max: 2, maxWaiters: 1 });
    manager.byHand = true;
    const waits = [watch(pool.acquire()), watch(pool.acquire()), watch(pool.acquire())];
    await expect(pool.acquire()).rejects.toThrow(PoolExhaustedError);
    await expect(pool.acquire()).rejects.toThrow('as many callers wait already as may (1)');
    expect(waits.map(({ state }) => state)).toEqual(['pending', 'pending', 'pending']);
    expect(pool.statistics).toMatchObject({ refused: 2, waiting: 3, creating: 2 });
  });
});

describe('creating', () => {
  test('a failed create fails the caller it was made for, with its cause; the others get theirs', async () => {
    const { pool, manager } = setUp({ max: 2 });
    manager.byHand = true;
    const [first, second, third] = [watch(pool.acquire()), watch(pool.acquire()), watch(pool.acquire())];
    manager.pending[1]?.reject(new Error('refused'));
    await settle();
    expect(second.error).toBeInstanceOf(PoolCreateError);
    expect((second.error as Error).cause).toEqual(new Error('refused'));
    expect(manager.pending.length).toBe(3);
    manager.pending[2]?.resolve();
    await settle();
    // The third caller's create came first, but the first caller had waited longer.
    expect([first.state, third.state]).toEqual(['done', 'pending']);
    manager.pending[0]?.reject(new Error('refused too'));
    await settle();
    expect((third.error as Error).cause).toEqual(new Error('refused too'));
    expect(pool.statistics).toMatchObject({ size: 1, leased: 1, createFailures: 2 });
  });

  test('a create whose caller was served otherwise fails nobody', async () => {
    const { pool, manager } = setUp({ max: 2 });
    const held = await pool.acquire();
    manager.byHand = true;
    const caller = watch(pool.acquire());
    held.release();
    await settle();
    expect(caller.state).toBe('done');
    manager.pending[0]?.reject(new Error('refused'));
    await settle();
    expect(pool.statistics).toMatchObject({ size: 1, creating: 0, createFailures: 1 });
  });

  test('a create that throws synchronously is a failed create', async () => {
    const { pool, manager } = setUp();
    manager.create = () => {
      throw new Error('no such host');
    };
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'POOL_CREATE_FAILED', cause: new Error('no such host') });
    expect(pool.statistics.size).toBe(0);
  });

  test('a create that is too slow fails its caller but keeps its place until it settles; what it yields late is destroyed', async () => {
    const { pool, manager, clock, events } = setUp({ max: 1, createTimeoutMs: 50 });
    manager.byHand = true;
    const caller = watch(pool.acquire());
    const next = watch(pool.acquire());
    await clock.advanceAsync(50);
    expect((caller.error as Error).cause).toBeInstanceOf(ManagerTimeoutError);
    expect(manager.pending[0]?.signal.aborted).toBe(true);
    expect(pool.statistics).toMatchObject({ creating: 1, size: 1, waiting: 1 });
    expect(manager.pending.length).toBe(1);
    manager.pending[0]?.resolve();
    await settle();
    expect(manager.destroyed.length).toBe(1);
    expect(events).toContainEqual({ type: 'destroyed', reason: 'late' });
    manager.pending[1]?.resolve();
    await settle();
    expect(next.state).toBe('done');
  });

  test('min resources are made in the background, after failures with growing pauses', async () => {
    const { pool, manager, clock } = setUp({ min: 2, max: 4, warmRetryBaseMs: 100, warmRetryCapMs: 1_000 });
    await settle();
    expect(pool.statistics).toMatchObject({ idle: 2, created: 2 });
    const lease = pool.tryAcquire();
    const make = manager.create.bind(manager);
    const triedAtMs: number[] = [];
    manager.create = () => {
      triedAtMs.push(clock.now());
      return Promise.reject(new Error('down'));
    };
    lease?.discard('broken');
    await clock.advanceAsync(10_000);
    const pausesMs = triedAtMs.slice(1).map((at, i) => at - (triedAtMs[i] as number));
    expect(triedAtMs[0]).toBe(0);
    expect(pausesMs.length).toBeGreaterThan(8);
    pausesMs.forEach((pauseMs, i) => {
      const fullMs = Math.min(1_000, 100 * 2 ** i);
      expect(pauseMs).toBeGreaterThanOrEqual(fullMs / 2);
      expect(pauseMs).toBeLessThanOrEqual(fullMs);
    });
    manager.create = make;
    await clock.advanceAsync(1_000);
    expect(pool.statistics.idle).toBe(2);
  });
});

describe('closing', () => {
  test('fails waiters and newcomers, destroys the idle, waits for leases', async () => {
    const { pool, manager, clock } = setUp({ max: 2 });
    const [held, other] = [await pool.acquire(), await pool.acquire()];
    const waiting = watch(pool.acquire());
    other.release();
    await settle();
    const closing = watch(pool.close());
    await settle();
    expect(() => pool.tryAcquire()).toThrow(PoolClosedError);
    await expect(pool.acquire()).rejects.toThrow(PoolClosedError);
    expect(closing.state).toBe('pending');
    waiting.value?.release();
    held.release();
    await settle();
    expect(closing.value).toEqual({ leased: 0, creating: 0, destroying: 0 });
    expect(new Set(manager.destroyed)).toEqual(new Set([0, 1]));
    expect(clock.pendingTimers).toBe(0);
    await expect(pool.close()).resolves.toEqual({ leased: 0, creating: 0, destroying: 0 });
  });

  test('tells what is left when time is over, and destroys it when it comes back', async () => {
    const { pool, manager, clock } = setUp({ max: 2 });
    const held = await pool.acquire();
    manager.byHand = true;
    const refused = watch(pool.acquire());
    const closing = watch(pool.close({ timeoutMs: 100 }));
    await clock.advanceAsync(100);
    expect(refused.error).toBeInstanceOf(PoolClosedError);
    expect(manager.pending[0]?.signal.reason).toBeInstanceOf(PoolClosedError);
    expect(closing.value).toEqual({ leased: 1, creating: 1, destroying: 0 });
    const again = watch(pool.close());
    held.release();
    manager.pending[0]?.resolve();
    await settle();
    expect(again.value).toEqual({ leased: 0, creating: 0, destroying: 0 });
    expect(manager.destroyed.length).toBe(2);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a resource being checked is destroyed, and `await using` closes', async () => {
    const { pool, manager, clock } = setUp({ max: 1 });
    {
      await using closed = pool;
      (await closed.acquire()).release();
      manager.onRecycle = () => new Promise(() => {});
      void closed.acquire().catch(() => {});
    }
    expect(manager.destroyed).toEqual([0]);
    expect(clock.pendingTimers).toBe(0);
  });
});

test('a lease that was thrown away is counted, and its place freed', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const { pool, manager } = setUp({ max: 1 });
  await (async () => {
    const forgotten = await pool.acquire();
    expect(forgotten.value.id).toBe(0);
  })();
  const waiting = watch(pool.acquire());
  for (let tries = 0; tries < 100 && pool.statistics.leaked === 0; tries++) {
    collectGarbage();
    await settle();
  }
  expect(pool.statistics.leaked).toBe(1);
  await settle();
  expect(manager.destroyed).toEqual([0]);
  const lease: Lease<Thing> | undefined = waiting.value;
  expect(lease?.value.id).toBe(1);
  // One that is held or idle is not.
  for (let tries = 0; tries < 5; tries++) {
    collectGarbage();
    await settle();
  }
  lease?.release();
  collectGarbage();
  await settle();
  expect(pool.statistics).toMatchObject({ leaked: 1, idle: 1 });
});

test.each([
  [{ max: 0 }, 'max is an integer >= 1, not 0'],
  [{ max: 1.5 }, '1.5'],
  [{ min: 3, max: 2 }, 'min is an integer from 0 to max (2), not 3'],
  [{ maxWaiters: -1 }, 'maxWaiters is an integer >= 0 or Infinity, not -1'],
  [{ acquireTimeoutMs: -5 }, 'acquireTimeoutMs'],
  [{ idleTimeoutMs: Number.NaN }, 'NaN'],
  [{ createTimeoutMs: 2 ** 31 }, '2147483648'],
  [{ order: 'random' as 'lifo' }, "order is 'lifo' or 'fifo', not 'random'"],
  [{ warmRetryBaseMs: 0 }, 'warmRetryBaseMs is a number of milliseconds >= 1, not 0'],
  [{ warmRetryCapMs: 10 }, 'warmRetryCapMs'],
] satisfies [PoolOptions, string][])('refuses %o', (options, message) => {
  expect(() => new Pool(new HandManager(), options)).toThrow(PoolOptionError);
  expect(() => new Pool(new HandManager(), options)).toThrow(message);
});
