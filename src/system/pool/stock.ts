// The supply side of a pool: makes, checks, keeps and destroys resources, and never has more than `max` of them.

import type { Cancel } from '../../runtime/clock.ts';
import { IdleShelf } from './idle-shelf.ts';
import { Job } from './job.ts';
import type { Entry, LeaseToken } from './lease.ts';
import type { Manager } from './manager.ts';
import type { CheckedPoolOptions } from './pool-options.ts';
import type { DestroyReason, Ledger } from './pool-statistics.ts';
import type { Waiter, WaitingLine } from './waiting-line.ts';

/** The demand side, as the stock sees it. */
export interface Demand<T> {
  readonly line: WaitingLine<T>;
  /** The oldest waiter takes a resource that is ready. Only when somebody waits. */
  deliver(entry: Entry<T>, now: number): void;
  /** What was being made for this waiter could not be made. */
  createFailed(waiter: Waiter<T>, error: unknown): void;
  /** The stock is closed and empty. */
  emptied(): void;
}

export class Stock<T> {
  readonly #manager: Manager<T>;
  readonly #options: CheckedPoolOptions;
  readonly #ledger: Ledger;
  readonly #demand: Demand<T>;
  readonly #shelf: IdleShelf<T>;
  readonly #creates = new Set<Job<T>>();
  readonly #recycles = new Map<Job<T>, Entry<T>>();
  readonly #leaks: FinalizationRegistry<Entry<T>>;
  #leased = 0;
  #destroying = 0;
  #supplying = false;
  /** Learned from the manager: whether a check can be made without leaving the turn. */
  #recycleIsAsync = false;
  #warmFailures = 0;
  #cancelWarmRetry: Cancel | undefined;
  #closed = false;

  constructor(manager: Manager<T>, options: CheckedPoolOptions, ledger: Ledger, demand: Demand<T>) {
    this.#manager = manager;
    this.#options = options;
    this.#ledger = ledger;
    this.#demand = demand;
    this.#shelf = new IdleShelf(options, {
      surplus: () => this.size - this.#destroying - options.min,
      expired: (entry, reason) => this.#destroy(entry, reason),
    });
    this.#leaks = new FinalizationRegistry((entry) => {
      this.#leased--;
      this.#destroy(entry, 'leaked');
    });
  }

  get size(): number {
    return this.#shelf.size + this.#leased + this.#recycles.size + this.#creates.size + this.#destroying;
  }

  get levels() {
    return {
      size: this.size,
      idle: this.#shelf.size,
      leased: this.#leased,
      recycling: this.#recycles.size,
      creating: this.#creates.size,
      destroying: this.#destroying,
    };
  }

  /** Whether one more waiter would get a supply of its own at once. */
  get canSupply(): boolean {
    return this.#shelf.size > 0 || this.size < this.#options.max || this.#demand.line.hasSpare;
  }

  /** A resource that is idle and ready. The caller lends it. */
  take(): Entry<T> | undefined {
    while (this.#shelf.size > 0) {
      const now = this.#options.clock.now();
      if (this.#recycleIsAsync && !this.#isFresh(this.#shelf.peek(), now)) return undefined;
      const entry = this.#shelf.take();
      const state = this.#check(entry, now);
      if (state === 'ready') return entry;
      if (state === 'pending') return undefined;
    }
    return undefined;
  }

  /** To be called for each resource that is lent. */
  lent(): void {
    this.#leased++;
  }

  /** A lease ended well, or (`suspect`) perhaps not. */
  giveBack(entry: Entry<T>, suspect: boolean): void {
    this.#leased--;
    const now = this.#options.clock.now();
    entry.usableAtMs = suspect ? Number.NEGATIVE_INFINITY : now;
    if (this.#closed) this.#destroy(entry, 'closed');
    else if (now >= entry.expiresAtMs) this.#destroy(entry, 'lifetime');
    else if (this.#demand.line.size === 0) this.#shelf.put(entry, now);
    else if (this.#check(entry, now) === 'ready') this.#demand.deliver(entry, now);
  }

  discard(entry: Entry<T>, reason: unknown): void {
    this.#leased--;
    this.#destroy(entry, 'discarded', reason);
  }

  /** Finds a supply for everybody in line, as far as there is one. */
  supply(): void {
    // A resource destroyed on the way frees its place, which leads here again; the loop below sees the place anyway.
    if (this.#supplying) return;
    this.#supplying = true;
    const { line } = this.#demand;
    try {
      while (!this.#closed) {
        // What exists comes before what is being made, so even those whose resource is being made get an idle one.
        if (this.#shelf.size > 0 && line.size > this.#recycles.size) {
          const entry = this.#shelf.take();
          const now = this.#options.clock.now();
          if (this.#check(entry, now) === 'ready') this.#demand.deliver(entry, now);
        } else if (line.needy !== undefined && this.size < this.#options.max) this.#create();
        else return;
      }
    } finally {
      this.#supplying = false;
    }
  }

  /** Makes what is missing to `min`, unless that failed a short while ago. */
  fill(): void {
    if (this.#closed || this.#cancelWarmRetry !== undefined) return;
    const { min, max } = this.#options;
    const missing = Math.min(min - (this.size - this.#destroying), max - this.size);
    for (let i = 0; i < missing; i++) this.#create();
  }

  /** Destroys all that is not leased, now or as soon as it can be. Nobody may be waiting any more. */
  close(reason: unknown): void {
    this.#closed = true;
    this.#cancelWarmRetry?.();
    for (const job of this.#creates) job.abandon(reason);
    for (const [job, entry] of this.#recycles) {
      this.#recycles.delete(job);
      this.#demand.line.withdraw(job);
      job.abandon(reason);
      this.#destroy(entry, 'closed');
    }
    for (const entry of this.#shelf.clear()) this.#destroy(entry, 'closed');
  }

  #create(): void {
    const { clock, createTimeoutMs } = this.#options;
    const job = new Job<T>(clock);
    this.#creates.add(job);
    this.#demand.line.announce(job);
    job.start(clock, 'create', createTimeoutMs, (signal) => this.#manager.create(signal), {
      // Its place stays taken until the call settles: the resource may exist.
      overdue: (error) => this.#createFailed(job, error),
      succeeded: (value) => this.#created(job, value),
      failed: (error) => {
        this.#creates.delete(job);
        if (!job.abandoned) this.#createFailed(job, error);
        this.#freed();
      },
    });
  }

  #created(job: Job<T>, value: T): void {
    const { clock, maxLifetimeMs, random } = this.#options;
    const now = clock.now();
    const expiresAtMs = now + maxLifetimeMs * (1 - 0.1 * random.float());
    const token: LeaseToken = {};
    const entry: Entry<T> = { value, expiresAtMs, usableAtMs: now, idleSinceMs: now, token };
    this.#leaks.register(token, entry, token);
    this.#creates.delete(job);
    this.#demand.line.withdraw(job);
    this.#ledger.record({ type: 'created', tookMs: now - job.startedAtMs });
    if (this.#closed || job.abandoned) {
      this.#destroy(entry, this.#closed ? 'closed' : 'late');
      return;
    }
    this.#warmFailures = 0;
    this.#cancelWarmRetry?.();
    this.#cancelWarmRetry = undefined;
    this.#deliverOrKeep(entry, now);
    this.fill();
  }

  #createFailed(job: Job<T>, error: unknown): void {
    this.#retryWarmLater();
    const waiter = this.#demand.line.withdraw(job);
    if (waiter !== undefined) this.#demand.createFailed(waiter, error);
    this.#ledger.record({ type: 'create-failed', error });
  }

  /** Tests a resource that nobody holds. 'pending': it is being checked and will be delivered; 'broken': it was destroyed. */
  #check(entry: Entry<T>, now: number): 'ready' | 'pending' | 'broken' {
    if (now >= entry.expiresAtMs) {
      this.#destroy(entry, 'lifetime');
      return 'broken';
    }
    if (this.#isFresh(entry, now)) return 'ready';
    let checking: Promise<void> | void;
    try {
      checking = this.#manager.recycle(entry.value);
    } catch (error) {
      this.#recycleFailed(entry, error);
      return 'broken';
    }
    if (checking === undefined) return 'ready';
    this.#recycleIsAsync = true;
    this.#awaitRecycle(entry, checking);
    return 'pending';
  }

  #awaitRecycle(entry: Entry<T>, checking: Promise<void>): void {
    const { clock, recycleTimeoutMs } = this.#options;
    const job = new Job<T>(clock);
    this.#recycles.set(job, entry);
    this.#demand.line.announce(job);
    const fail = (error: unknown) => {
      if (!this.#recycles.delete(job)) return;
      this.#demand.line.withdraw(job);
      this.#recycleFailed(entry, error);
      this.supply();
    };
    job.start(clock, 'recycle', recycleTimeoutMs, () => checking, {
      overdue: fail,
      failed: fail,
      succeeded: () => {
        if (!this.#recycles.delete(job)) return;
        this.#demand.line.withdraw(job);
        entry.usableAtMs = clock.now();
        this.#deliverOrKeep(entry, entry.usableAtMs);
      },
    });
  }

  #recycleFailed(entry: Entry<T>, error: unknown): void {
    this.#ledger.record({ type: 'recycle-failed', error });
    this.#destroy(entry, 'recycle');
  }

  #deliverOrKeep(entry: Entry<T>, now: number): void {
    if (this.#demand.line.size > 0) this.#demand.deliver(entry, now);
    else this.#shelf.put(entry, now);
  }

  #destroy(entry: Entry<T>, reason: DestroyReason, detail?: unknown): void {
    if (entry.token !== undefined) this.#leaks.unregister(entry.token);
    this.#destroying++;
    this.#ledger.record(detail === undefined ? { type: 'destroyed', reason } : { type: 'destroyed', reason, detail });
    const freed = () => {
      this.#destroying--;
      this.#freed();
    };
    const failed = (error: unknown) => this.#ledger.record({ type: 'destroy-failed', error });
    let destroying: Promise<void> | void = undefined;
    try {
      destroying = this.#manager.destroy(entry.value);
    } catch (error) {
      failed(error);
    }
    if (destroying === undefined) freed();
    else void destroying.catch(failed).then(freed);
  }

  /** A place became free. */
  #freed(): void {
    this.supply();
    this.fill();
    if (this.#closed && this.size === 0) this.#demand.emptied();
  }

  #isFresh(entry: Entry<T>, now: number): boolean {
    return now - entry.usableAtMs < this.#options.recycleAfterIdleMs;
  }

  #retryWarmLater(): void {
    if (this.#closed || this.#cancelWarmRetry !== undefined || this.#options.min === 0) return;
    const { clock, random, warmRetryBaseMs, warmRetryCapMs } = this.#options;
    const pauseMs = Math.min(warmRetryCapMs, warmRetryBaseMs * 2 ** this.#warmFailures++);
    // Half fixed, half random: the pools of many clients must not come back together.
    this.#cancelWarmRetry = clock.scheduleBackground(pauseMs * (0.5 + 0.5 * random.float()), () => {
      this.#cancelWarmRetry = undefined;
      this.fill();
    });
  }
}
