// Keeps resources that are expensive to make, and lends each to one caller at a time.

import { known } from '../../runtime/assert.ts';
import type { Cancel } from '../../runtime/clock.ts';
import { type Entry, Lease, type LeaseOwner } from './lease.ts';
import type { Manager } from './manager.ts';
import { PoolClosedError, PoolCreateError, PoolExhaustedError, PoolTimeoutError } from './pool-errors.ts';
import { checkDurationMs, type CheckedPoolOptions, checkPoolOptions, type PoolOptions } from './pool-options.ts';
import { type CloseReport, Ledger, type PoolStatistics } from './pool-statistics.ts';
import { Stock } from './stock.ts';
import { type Waiter, WaitingLine } from './waiting-line.ts';

export interface AcquireOptions {
  /** Aborting it makes the acquire reject with the signal's reason; the caller then never gets a resource. */
  readonly signal?: AbortSignal;
  /** Instead of the pool's `acquireTimeoutMs`. 0: what cannot be had in this turn of the event loop times out. */
  readonly timeoutMs?: number;
}

/**
 * 1. idle + leased + recycling + creating + destroying <= max, at every moment.
 * 2. A resource is in one of those states, and leased to at most one lease.
 * 3. Resources go to waiters in the order in which they began to wait, and while anybody waits nobody overtakes.
 * 4. Every resource that `create` made is given to `destroy` once, at the latest by `close`.
 */
export class Pool<T> {
  readonly #options: CheckedPoolOptions;
  readonly #ledger: Ledger;
  readonly #line = new WaitingLine<T>();
  readonly #stock: Stock<T>;
  readonly #owner: LeaseOwner<T>;
  readonly #closers = new Set<() => void>();
  #closing = false;

  /** Begins at once to make `min` resources. Throws PoolOptionError. */
  constructor(manager: Manager<T>, options: PoolOptions = {}) {
    this.#options = checkPoolOptions(options);
    this.#ledger = new Ledger(options.onEvent);
    this.#stock = new Stock(manager, this.#options, this.#ledger, {
      line: this.#line,
      deliver: (entry, now) => this.#deliver(entry, now),
      createFailed: (waiter, cause) =>
        this.#dismiss(waiter, new PoolCreateError(`${this.#options.name}: no resource could be made`, { cause })),
      emptied: () => this.#closers.forEach((finish) => finish()),
    });
    this.#owner = {
      giveBack: (entry, suspect) => this.#stock.giveBack(entry, suspect),
      discard: (entry, reason) => this.#stock.discard(entry, reason),
    };
    this.#stock.fill();
  }

  /**
   * A resource that is ready now, or undefined: when none is idle, when others wait, or when it needs a check that the
   * manager makes asynchronously. Throws PoolClosedError.
   */
  tryAcquire(): Lease<T> | undefined {
    if (this.#closing) throw this.#closedError();
    if (this.#line.size > 0) return undefined;
    const entry = this.#stock.take();
    return entry === undefined ? undefined : this.#lend(entry, 0);
  }

  /**
   * A resource, once there is one; first come, first served. Rejects, always without having handed out anything, with
   * PoolExhaustedError (too many wait), PoolTimeoutError, PoolCreateError (`cause` is what `create` threw), PoolClosedError,
   * PoolOptionError (a bad `timeoutMs`) or the signal's reason.
   */
  acquire(options?: AcquireOptions): Promise<Lease<T>> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#closing) return Promise.reject(this.#closedError());
    const lease = this.tryAcquire();
    if (lease !== undefined) return Promise.resolve(lease);
    return new Promise((resolve, reject) => {
      const timeoutMs = checkDurationMs('timeoutMs', options?.timeoutMs ?? this.#options.acquireTimeoutMs);
      if (this.#line.needyCount >= this.#options.maxWaiters && !this.#stock.canSupply) {
        this.#ledger.record({ type: 'refused' });
        reject(new PoolExhaustedError(`${this.#describe()}: as many callers wait already as may (${this.#options.maxWaiters})`));
        return;
      }
      this.#line.join(this.#waiter(resolve, reject, timeoutMs, signal));
      this.#stock.supply();
    });
  }

  /**
   * Runs `use` with a resource and gives it back however that ends. When `use` throws, the resource is checked before its
   * next use, even if it would otherwise count as fresh. Rejects as `acquire` does (then `use` was not called), or with
   * what `use` throws.
   */
  async with<R>(use: (resource: T) => Promise<R> | R, options?: AcquireOptions): Promise<R> {
    const lease = await this.acquire(options);
    try {
      return await use(lease.value);
    } catch (error) {
      lease.suspect();
      throw error;
    } finally {
      lease.release();
    }
  }

  /**
   * Refuses new callers, fails the waiting ones with PoolClosedError, aborts creates, destroys what is idle, and waits up
   * to `timeoutMs` (default 10,000) for leases to come back and destroys to end. Tells what is left; what comes back later
   * is destroyed then. May be called again, to go on waiting. Throws PoolOptionError.
   */
  close({ timeoutMs = 10_000 }: { readonly timeoutMs?: number } = {}): Promise<CloseReport> {
    checkDurationMs('timeoutMs', timeoutMs);
    this.#beginClose();
    return new Promise((resolve) => {
      const finish = () => {
        cancelTimer();
        this.#closers.delete(finish);
        const { leased, creating, destroying } = this.#stock.levels;
        resolve({ leased, creating, destroying });
      };
      const empty = this.#stock.size === 0;
      const cancelTimer = this.#after(empty ? Number.POSITIVE_INFINITY : timeoutMs, finish);
      if (empty) finish();
      else this.#closers.add(finish);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get statistics(): PoolStatistics {
    return { ...this.#stock.levels, waiting: this.#line.size, ...this.#ledger.counts };
  }

  #waiter(
    resolve: (lease: Lease<T>) => void,
    reject: (error: unknown) => void,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Waiter<T> {
    const onAbort = () => this.#giveUp(waiter, 'aborted', signal?.reason);
    const cancelTimer = this.#after(timeoutMs, () => {
      this.#giveUp(waiter, 'timed-out', new PoolTimeoutError(`${this.#describe()}: no resource within ${timeoutMs} ms`));
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    const waiter: Waiter<T> = {
      joinedAtMs: this.#options.clock.now(),
      resolve,
      reject,
      stopWatching: () => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
      },
      supply: undefined,
      order: 0,
      inLine: false,
      previous: undefined,
      next: undefined,
    };
    return waiter;
  }

  #giveUp(waiter: Waiter<T>, type: 'aborted' | 'timed-out', error: unknown): void {
    this.#dismiss(waiter, error);
    this.#ledger.record({ type, waitedMs: this.#options.clock.now() - waiter.joinedAtMs });
  }

  #dismiss(waiter: Waiter<T>, error: unknown): void {
    this.#line.leave(waiter);
    waiter.stopWatching();
    waiter.reject(error);
  }

  #deliver(entry: Entry<T>, now: number): void {
    const waiter = known(this.#line.takeFirst(), 'a resource was delivered although nobody waits');
    waiter.stopWatching();
    waiter.resolve(this.#lend(entry, now - waiter.joinedAtMs));
  }

  #lend(entry: Entry<T>, waitedMs: number): Lease<T> {
    this.#stock.lent();
    const lease = new Lease(this.#owner, entry);
    this.#ledger.acquired(waitedMs);
    return lease;
  }

  #beginClose(): void {
    if (this.#closing) return;
    this.#closing = true;
    const closed = this.#closedError();
    for (let waiter = this.#line.first; waiter !== undefined; waiter = this.#line.first) this.#dismiss(waiter, closed);
    this.#stock.close(closed);
  }

  #after(delayMs: number, callback: () => void): Cancel {
    return delayMs === Number.POSITIVE_INFINITY ? () => {} : this.#options.clock.schedule(delayMs, callback);
  }

  #closedError(): PoolClosedError {
    return new PoolClosedError(`${this.#options.name} is closed`);
  }

  #describe(): string {
    const { size, leased, idle } = this.#stock.levels;
    const { name, max } = this.#options;
    return `${name} (${size} of ${max} resources, ${leased} leased, ${idle} idle, ${this.#line.size} waiting)`;
  }
}
