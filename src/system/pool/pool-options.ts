// What can be set on a pool, checked once.

import { type Clock, systemClock } from '../../runtime/clock.ts';
import { freshSeed, Random } from '../../runtime/random.ts';
import type { PoolEvent } from './pool-statistics.ts';

/** Durations are milliseconds, from 0 to 2^31 - 1 (the longest timer Node can set), or Infinity for no limit. */
export interface PoolOptions {
  /** Stands in error messages. Default 'pool'. */
  readonly name?: string;
  /** Resources kept warm: made in the background, exempt from `idleTimeoutMs`. 0 to `max`, default 0. */
  readonly min?: number;
  /** The most resources there may ever be at one moment, counting those being made and those being destroyed. >= 1, default 10. */
  readonly max?: number;
  /**
   * How many callers may wait for somebody else's release; the next one fails at once. Callers for whom a resource is
   * already being made or checked do not count. An integer >= 0 or Infinity, default 1,000.
   */
  readonly maxWaiters?: number;
  /** How long `acquire` may take in all, making the resource included. Default 30,000. */
  readonly acquireTimeoutMs?: number;
  /** A resource unused for this long is destroyed, down to `min`. Default 60,000. */
  readonly idleTimeoutMs?: number;
  /** A resource is not used again after this age, less up to 10 % so that those made together do not die together. Default Infinity. */
  readonly maxLifetimeMs?: number;
  /** How long one `create` may take. Default 10,000. */
  readonly createTimeoutMs?: number;
  /** How long one `recycle` may take; a resource that takes longer is destroyed. Default 5,000. */
  readonly recycleTimeoutMs?: number;
  /** A resource used less than this long ago is handed out without `recycle`. Default 0: every reuse is checked. */
  readonly recycleAfterIdleMs?: number;
  /** Which idle resource goes first: the one used last ('lifo', lets the surplus age and go), or first ('fifo', spreads use). Default 'lifo'. */
  readonly order?: 'lifo' | 'fifo';
  /** After a failed background create: the first pause, doubled after each further failure. Default 100. */
  readonly warmRetryBaseMs?: number;
  /** The longest pause between background creates. Default 10,000. */
  readonly warmRetryCapMs?: number;
  readonly clock?: Clock;
  /** Jitter of lifetimes and pauses. Default: freshly seeded. */
  readonly random?: Random;
  /** Called synchronously after each event. What it throws is counted and otherwise ignored. */
  readonly onEvent?: (event: PoolEvent) => void;
}

export type CheckedPoolOptions = Required<Omit<PoolOptions, 'onEvent'>> & {
  readonly onEvent: ((event: PoolEvent) => void) | undefined;
};

/** An option that cannot be. The message names the option and the offending value. */
export class PoolOptionError extends Error {
  override readonly name = 'PoolOptionError';
  readonly code = 'POOL_OPTION';
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The options with defaults filled in. Throws PoolOptionError. */
export function checkPoolOptions(options: PoolOptions): CheckedPoolOptions {
  const checked: CheckedPoolOptions = {
    name: options.name ?? 'pool',
    min: options.min ?? 0,
    max: options.max ?? 10,
    maxWaiters: options.maxWaiters ?? 1_000,
    acquireTimeoutMs: checkDurationMs('acquireTimeoutMs', options.acquireTimeoutMs ?? 30_000),
    idleTimeoutMs: checkDurationMs('idleTimeoutMs', options.idleTimeoutMs ?? 60_000),
    maxLifetimeMs: checkDurationMs('maxLifetimeMs', options.maxLifetimeMs ?? Number.POSITIVE_INFINITY),
    createTimeoutMs: checkDurationMs('createTimeoutMs', options.createTimeoutMs ?? 10_000),
    recycleTimeoutMs: checkDurationMs('recycleTimeoutMs', options.recycleTimeoutMs ?? 5_000),
    recycleAfterIdleMs: checkDurationMs('recycleAfterIdleMs', options.recycleAfterIdleMs ?? 0),
    order: options.order ?? 'lifo',
    warmRetryBaseMs: checkDurationMs('warmRetryBaseMs', options.warmRetryBaseMs ?? 100),
    warmRetryCapMs: checkDurationMs('warmRetryCapMs', options.warmRetryCapMs ?? 10_000),
    clock: options.clock ?? systemClock,
    random: options.random ?? new Random(freshSeed()),
    onEvent: options.onEvent,
  };
  const { min, max, maxWaiters, order, warmRetryBaseMs } = checked;
  if (!Number.isSafeInteger(max) || max < 1) throw new PoolOptionError(`max is an integer >= 1, not ${max}`);
  if (!Number.isSafeInteger(min) || min < 0 || min > max)
    throw new PoolOptionError(`min is an integer from 0 to max (${max}), not ${min}`);
  if (maxWaiters !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(maxWaiters) || maxWaiters < 0))
    throw new PoolOptionError(`maxWaiters is an integer >= 0 or Infinity, not ${maxWaiters}`);
  if (order !== 'lifo' && order !== 'fifo') throw new PoolOptionError(`order is 'lifo' or 'fifo', not '${String(order)}'`);
  // A pause of 0 would turn a server that is down into a busy loop.
  if (warmRetryBaseMs < 1 || !Number.isFinite(warmRetryBaseMs))
    throw new PoolOptionError(`warmRetryBaseMs is a number of milliseconds >= 1, not ${warmRetryBaseMs}`);
  if (checked.warmRetryCapMs < warmRetryBaseMs || !Number.isFinite(checked.warmRetryCapMs))
    throw new PoolOptionError(
      `warmRetryCapMs is a number of milliseconds >= warmRetryBaseMs (${warmRetryBaseMs}), not ${checked.warmRetryCapMs}`,
    );
  return checked;
}

/** The duration itself. Throws PoolOptionError unless it is from 0 to 2^31 - 1 milliseconds, or Infinity. */
export function checkDurationMs(option: string, valueMs: number): number {
  if (valueMs === Number.POSITIVE_INFINITY || (valueMs >= 0 && valueMs <= LONGEST_TIMER_MS)) return valueMs;
  throw new PoolOptionError(`${option} is a number of milliseconds from 0 to ${LONGEST_TIMER_MS}, or Infinity, not ${valueMs}`);
}
