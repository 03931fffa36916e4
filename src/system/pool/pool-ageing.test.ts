// Which resources of a pool stay: those that are checked, used and young; in virtual time.

import { describe, expect, test } from 'vitest';
import { settle } from '../../runtime/virtual-clock.ts';
import { setUp, watch } from './testing/hand-manager.ts';

describe('checking and ageing', () => {
  test('a resource that fails its check is destroyed and replaced, and the caller does not notice', async () => {
    const { pool, manager } = setUp({ max: 1 });
    (await pool.acquire()).release();
    manager.onRecycle = (thing) => {
      if (thing.id === 0) throw new Error('stale');
    };
    expect((await pool.acquire()).value.id).toBe(1);
    expect(manager.destroyed).toEqual([0]);
    expect(pool.statistics).toMatchObject({ recycleFailures: 1, size: 1 });
  });

  test('the same with asynchronous checks and destroys, and never above max', async () => {
    const { pool, manager } = setUp({ max: 1 });
    (await pool.acquire()).release();
    let finishDestroy = () => {};
    manager.onRecycle = () => Promise.reject(new Error('stale'));
    manager.onDestroy = () => new Promise((resolve) => (finishDestroy = resolve));
    const caller = watch(pool.acquire());
    await settle();
    expect(pool.statistics).toMatchObject({ destroying: 1, size: 1, waiting: 1 });
    finishDestroy();
    await settle();
    expect(caller.value?.value.id).toBe(1);
    // Now that checks are known to take time, a synchronous acquire does not start one.
    caller.value?.release();
    const checks = manager.recycled;
    expect(pool.tryAcquire()).toBeUndefined();
    expect(manager.recycled).toBe(checks);
  });

  test('a check that hangs counts as failed', async () => {
    const { pool, manager, clock } = setUp({ max: 1, recycleTimeoutMs: 20 });
    (await pool.acquire()).release();
    manager.onRecycle = () => new Promise(() => {});
    const caller = watch(pool.acquire());
    await clock.advanceAsync(20);
    expect(caller.value?.value.id).toBe(1);
    expect(manager.destroyed).toEqual([0]);
  });

  test('a resource used a moment ago is not checked', async () => {
    const { pool, manager, clock } = setUp({ recycleAfterIdleMs: 100 });
    (await pool.acquire()).release();
    clock.advance(99);
    pool.tryAcquire()?.release();
    expect(manager.recycled).toBe(0);
    clock.advance(100);
    pool.tryAcquire()?.release();
    expect(manager.recycled).toBe(1);
  });

  test('idle resources go, down to min; the timer goes with the last', async () => {
    const { pool, clock, events } = setUp({ min: 1, max: 3, idleTimeoutMs: 100 });
    const leases = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
    for (const lease of leases) {
      lease.release();
      clock.advance(10);
    }
    clock.advance(79);
    expect(pool.statistics.idle).toBe(2);
    clock.advance(10);
    expect(pool.statistics.idle).toBe(1);
    clock.advance(1_000);
    expect(pool.statistics).toMatchObject({ idle: 1, destroyed: 2 });
    expect(events.filter(({ type }) => type === 'destroyed')).toEqual([
      { type: 'destroyed', reason: 'idle' },
      { type: 'destroyed', reason: 'idle' },
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('no resource outlives its lifetime: idle, leased, or about to be lent', async () => {
    const { pool, clock, manager } = setUp({ min: 1, max: 1, maxLifetimeMs: 1_000 });
    await settle();
    await clock.advanceAsync(1_000);
    expect(manager.destroyed).toEqual([0]);
    expect(pool.statistics.idle).toBe(1);
    const lease = await pool.acquire();
    await clock.advanceAsync(1_000);
    expect(manager.destroyed).toEqual([0]);
    lease.release();
    expect(manager.destroyed).toEqual([0, 1]);
  });

  test('lifetimes are spread over a tenth', async () => {
    const { pool, clock, manager } = setUp({ min: 20, max: 20, maxLifetimeMs: 1_000 });
    await settle();
    clock.advance(899);
    expect(manager.destroyed).toEqual([]);
    clock.advance(50);
    expect(manager.destroyed.length).toBeGreaterThan(2);
    expect(manager.destroyed.length).toBeLessThan(18);
    clock.advance(51);
    expect(new Set(manager.destroyed)).toEqual(new Set(Array.from({ length: 20 }, (_, id) => id)));
    expect(pool.statistics.destroyed).toBe(20);
  });

  test('a destroy that fails frees its place', async () => {
    const { pool, manager } = setUp({ max: 1 });
    manager.onDestroy = (thing) => {
      if (thing.id === 0) throw new Error('already gone');
      return Promise.reject(new Error('already gone'));
    };
    (await pool.acquire()).discard('x');
    (await pool.acquire()).discard('x');
    expect((await pool.acquire()).value.id).toBe(2);
    expect(pool.statistics).toMatchObject({ destroyFailures: 2, destroyed: 2, size: 1 });
  });

  test('a listener that throws is counted and does no harm', async () => {
    const { pool } = setUp({
      onEvent: () => {
        throw new Error('listener');
      },
    });
    (await pool.acquire()).release();
    expect(pool.statistics).toMatchObject({ listenerErrors: 2, idle: 1 });
  });
});
