// Random callers against a random manager, in virtual time, with the pool's invariants checked after every step.

import { expect, test } from 'vitest';
import { assert } from '../../runtime/assert.ts';
import { Random } from '../../runtime/random.ts';
import { sleep } from '../../runtime/clock.ts';
import { settle, VirtualClock } from '../../runtime/virtual-clock.ts';
import type { Lease } from './lease.ts';
import type { Manager } from './manager.ts';
import { PoolClosedError, PoolCreateError, PoolExhaustedError, PoolTimeoutError } from './pool-errors.ts';
import { Pool } from './pool.ts';

interface Thing {
  readonly id: number;
  broken: boolean;
}

/** Slow, unreliable, sometimes deaf to its signal; knows what exists, counting what is on its way in or out. */
class RandomManager implements Manager<Thing> {
  existing = 0;
  mostExisting = 0;
  readonly alive = new Set<Thing>();
  readonly #random: Random;
  readonly #clock: VirtualClock;
  #nextId = 0;

  constructor(random: Random, clock: VirtualClock) {
    this.#random = random;
    this.#clock = clock;
  }

  async create(signal: AbortSignal): Promise<Thing> {
    this.existing++;
    this.mostExisting = Math.max(this.mostExisting, this.existing);
    const deaf = this.#random.chance(0.3);
    try {
      if (this.#random.chance(0.8)) await sleep(this.#clock, this.#random.integer(1, 120), deaf ? undefined : signal);
      if (this.#random.chance(0.2)) throw new Error('cannot create');
    } catch (error) {
      this.existing--;
      throw error;
    }
    const thing = { id: this.#nextId++, broken: false };
    this.alive.add(thing);
    return thing;
  }

  recycle(thing: Thing): Promise<void> | void {
    assert(this.alive.has(thing), 'recycled after destroy');
    thing.broken ||= this.#random.chance(0.1);
    const broken = thing.broken;
    if (this.#random.chance(0.5)) {
      if (broken) throw new Error('broken');
      return undefined;
    }
    return sleep(this.#clock, this.#random.integer(0, 80)).then(() => {
      if (broken) throw new Error('broken');
    });
  }

  destroy(thing: Thing): Promise<void> | void {
    assert(this.alive.delete(thing), 'destroyed twice');
    if (this.#random.chance(0.5)) {
      this.existing--;
      if (this.#random.chance(0.1)) throw new Error('cannot destroy');
      return undefined;
    }
    return sleep(this.#clock, this.#random.integer(0, 40)).then(() => {
      this.existing--;
      if (this.#random.chance(0.1)) throw new Error('cannot destroy');
    });
  }
}

async function simulate(seed: number): Promise<{ acquired: number; timeouts: number }> {
  const random = new Random(seed);
  const clock = new VirtualClock();
  const manager = new RandomManager(random.fork('manager'), clock);
  const max = random.integer(1, 5);
  const min = random.integer(0, max);
  const maxWaiters = random.integer(0, 8);
  const pool = new Pool<Thing>(manager, {
    min,
    max,
    maxWaiters,
    acquireTimeoutMs: random.pick([0, 20, 100, Number.POSITIVE_INFINITY]),
    idleTimeoutMs: random.pick([10, 200, Number.POSITIVE_INFINITY]),
    maxLifetimeMs: random.pick([100, 500, Number.POSITIVE_INFINITY]),
    createTimeoutMs: random.pick([60, 1_000]),
    recycleTimeoutMs: random.pick([40, 1_000]),
    recycleAfterIdleMs: random.pick([0, 5, 50]),
    order: random.pick(['lifo', 'fifo'] as const),
    clock,
    random: random.fork('pool'),
  });

  const leases: { lease: Lease<Thing>; thing: Thing }[] = [];
  const leased = new Set<Thing>();
  /** Callers by arrival, while they wait. */
  const pending = new Set<number>();
  const answered = new Set<number>();
  const violations: unknown[] = [];
  let callers = 0;

  const take = (lease: Lease<Thing>) => {
    const thing = lease.value;
    assert(!leased.has(thing), `resource ${thing.id} leased twice`);
    assert(manager.alive.has(thing), `resource ${thing.id} lent after its destruction`);
    leased.add(thing);
    leases.push({ lease, thing });
  };
  const arrive = () => {
    const caller = callers++;
    const controller = new AbortController();
    const aborts = random.chance(0.2);
    pending.add(caller);
    const granted = (lease: Lease<Thing>) => {
      assert(!answered.has(caller), `caller ${caller} was answered twice`);
      answered.add(caller);
      assert(!controller.signal.aborted, 'an aborted caller got a resource');
      for (const other of pending) assert(other >= caller, `caller ${caller} overtook ${other}`);
      pending.delete(caller);
      take(lease);
    };
    const refused = (error: unknown) => {
      pending.delete(caller);
      const known = [PoolClosedError, PoolCreateError, PoolExhaustedError, PoolTimeoutError].some(
        (type) => error instanceof type,
      );
      assert(known || controller.signal.aborted, `unexpected error: ${String(error)}`);
    };
    pool
      .acquire(aborts ? { signal: controller.signal } : {})
      .then(granted, refused)
      .catch((violation: unknown) => violations.push(violation));
    if (aborts) clock.schedule(random.integer(0, 60), () => pending.has(caller) && controller.abort(new Error('left')));
  };
  const leave = () => {
    if (leases.length === 0) return;
    const [{ lease, thing }] = leases.splice(random.integer(0, leases.length - 1), 1) as [(typeof leases)[number]];
    leased.delete(thing);
    if (random.chance(0.1)) lease.discard('random');
    else lease.release();
    if (random.chance(0.2)) lease.release();
  };
  const check = () => {
    expect(violations).toEqual([]);
    const { size, idle, leased: leasedCount, recycling, creating, destroying, waiting } = pool.statistics;
    expect(size).toBe(idle + leasedCount + recycling + creating + destroying);
    expect(size).toBeLessThanOrEqual(max);
    expect(manager.mostExisting).toBeLessThanOrEqual(max);
    expect(leasedCount).toBe(leased.size);
    expect(waiting).toBe(pending.size);
    // Nobody waits while a resource lies idle, or while one more could be made.
    expect(waiting === 0 || idle === 0 || recycling >= waiting).toBe(true);
    expect(waiting === 0 || size === max || creating + recycling >= waiting).toBe(true);
  };

  for (let step = 0; step < 250; step++) {
    const dice = random.float();
    if (dice < 0.4) arrive();
    else if (dice < 0.45) {
      const lease = pool.tryAcquire();
      if (lease !== undefined) {
        assert(pending.size === 0, 'tryAcquire overtook');
        take(lease);
      }
    } else if (dice < 0.8) leave();
    else await clock.advanceAsync(random.integer(0, 60));
    await settle();
    check();
  }

  const closing = pool.close({ timeoutMs: Number.POSITIVE_INFINITY });
  while (leases.length > 0) {
    leave();
    await clock.advanceAsync(random.integer(0, 20));
  }
  await clock.advanceAsync(500);
  expect(await closing).toEqual({ leased: 0, creating: 0, destroying: 0 });
  expect(violations).toEqual([]);
  const { created, destroyed, acquired, timeouts } = pool.statistics;
  expect(destroyed).toBe(created);
  expect(manager.alive.size).toBe(0);
  expect(manager.existing).toBe(0);
  expect(pending.size).toBe(0);
  expect(clock.pendingTimers).toBe(0);
  return { acquired, timeouts };
}

test('100 seeds of random callers, failures and delays keep every invariant', async () => {
  let acquired = 0;
  let timeouts = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const result = await simulate(seed).catch((cause: unknown) => {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
    });
    acquired += result.acquired;
    timeouts += result.timeouts;
  }
  // The runs must have exercised what they check.
  expect(acquired).toBeGreaterThan(2_000);
  expect(timeouts).toBeGreaterThan(100);
});
