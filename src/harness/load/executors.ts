// When a load's virtual users begin their operations: on schedule, or when their last one has ended.

import type { Cancel, Clock } from '../../runtime/clock.ts';
import type { ValidConstantArrivalRate, ValidConstantVus } from '../scenario/valid-scenario.ts';
import { DUE_TOLERANCE_MS, Pacer } from './pacer.ts';
import type { SpinBudget } from './pacer.ts';
import type { Arrivals } from './schedule.ts';
import type { VirtualUser, VirtualUsers } from './virtual-users.ts';

/** How many operations begin before the event loop gets a turn: answers must be read however late the schedule is. */
const MOST_PER_TURN = 64;

/** What an executor needs of the run. All instants are milliseconds from the start of the scenario. */
export interface ExecutorContext {
  readonly clock: Clock;
  /** What `clock` read when the scenario started. */
  readonly originMs: number;
  elapsedMs(): number;
  readonly users: VirtualUsers;
  /** An operation was due. */
  scheduled(atMs: number): void;
  /** It could not start. */
  dropped(atMs: number): void;
  /** The load's time is over and no operation will begin any more; some may be under way. Called once. */
  finished(): void;
}

export interface Executor {
  /** Called at the start of the scenario; the load itself may start later. */
  start(): void;
  /** Begins nothing any more, and finishes unless it has. */
  stop(): void;
  /** A user's operation has ended. */
  freed(user: VirtualUser): void;
}

/** Open loop. An arrival takes a free user, or a new one up to `maxVUs`; with neither it is dropped. */
export class ArrivalRate implements Executor {
  readonly #load: ValidConstantArrivalRate;
  readonly #arrivals: Arrivals;
  readonly #context: ExecutorContext;
  readonly #pacer: Pacer;
  readonly #free: VirtualUser[] = [];
  /** When the next operation is due; behind the last one, when the load ends. */
  #next: { readonly kind: 'arrival' | 'end'; readonly atMs: number };
  #running = true;

  constructor(load: ValidConstantArrivalRate, arrivals: Arrivals, budget: SpinBudget, context: ExecutorContext) {
    this.#load = load;
    this.#arrivals = arrivals;
    this.#context = context;
    this.#pacer = new Pacer(context.clock, budget, () => this.#issueDue());
    this.#next = this.#takeNext();
  }

  start(): void {
    for (let at = 0; at < this.#load.preAllocatedVUs; at++) this.#free.push(this.#context.users.allocate());
    this.#wait();
  }

  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#pacer.cancel();
    this.#context.finished();
  }

  freed(user: VirtualUser): void {
    this.#free.push(user);
  }

  #issueDue(): void {
    const dueMs = this.#context.elapsedMs() + DUE_TOLERANCE_MS;
    for (let begun = 0; begun < MOST_PER_TURN && this.#running && this.#next.atMs <= dueMs; begun++) {
      if (this.#next.kind === 'end') {
        this.stop();
        return;
      }
      this.#issue(this.#next.atMs);
      this.#next = this.#takeNext();
    }
    // An operation may have stopped the run.
    if (this.#running) this.#wait();
  }

  #issue(atMs: number): void {
    const { users } = this.#context;
    this.#context.scheduled(atMs);
    const user = this.#free.pop() ?? (users.count < this.#load.maxVUs ? users.allocate() : undefined);
    if (user === undefined) this.#context.dropped(atMs);
    else users.begin(user, atMs);
  }

  #takeNext() {
    const { startTimeMs, durationMs } = this.#load;
    const arrivalMs = this.#arrivals();
    if (arrivalMs === undefined) return { kind: 'end', atMs: startTimeMs + durationMs } as const;
    return { kind: 'arrival', atMs: startTimeMs + arrivalMs } as const;
  }

  #wait(): void {
    this.#pacer.arm(this.#context.originMs + this.#next.atMs);
  }
}

/**
 * A user that was refused at once waits this long before its next attempt. A system that is down refuses without delay (a
 * closed port, an open circuit breaker), and a closed loop would turn into a busy loop that takes the core the system needs
 * for its recovery and fills the history with nothing.
 */
export const REFUSED_PAUSE_MS = 10;
const REFUSED_WITHIN_MS = 1;

/** Closed loop: every user begins its next operation when its last one has ended. */
export class ConstantVus implements Executor {
  readonly #load: ValidConstantVus;
  readonly #context: ExecutorContext;
  readonly #endMs: number;
  /** Timers of the load's start and end, and of users that pause. */
  readonly #timers = new Set<Cancel>();
  #cancelTurn: Cancel | undefined;
  #begunThisTurn = 0;
  #nextTurn: { readonly user: VirtualUser; readonly freeAtMs: number }[] = [];
  #running = true;

  constructor(load: ValidConstantVus, context: ExecutorContext) {
    this.#load = load;
    this.#context = context;
    this.#endMs = load.startTimeMs + load.durationMs;
  }

  start(): void {
    this.#at(this.#endMs, () => this.stop());
    this.#at(this.#load.startTimeMs, () => {
      for (let at = 0; at < this.#load.vus; at++) this.#begin(this.#context.users.allocate(), this.#context.elapsedMs());
    });
  }

  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#cancelTurn?.();
    for (const cancel of this.#timers) cancel();
    this.#context.finished();
  }

  freed(user: VirtualUser): void {
    const refused = user.failed && user.endedMs - user.sentMs < REFUSED_WITHIN_MS;
    if (!refused) this.#begin(user, user.endedMs);
    else this.#at(user.endedMs + REFUSED_PAUSE_MS, () => this.#begin(user, this.#context.elapsedMs()));
  }

  #begin(user: VirtualUser, freeAtMs: number): void {
    if (!this.#running || freeAtMs >= this.#endMs) return;
    // Answers that come at once, one after another in microtasks, would keep the event loop from ever turning.
    this.#cancelTurn ??= this.#context.clock.scheduleImmediate(() => this.#turn());
    if (this.#begunThisTurn >= MOST_PER_TURN) {
      this.#nextTurn.push({ user, freeAtMs });
      return;
    }
    this.#begunThisTurn++;
    this.#context.scheduled(freeAtMs);
    this.#context.users.begin(user, freeAtMs);
  }

  #turn(): void {
    this.#cancelTurn = undefined;
    this.#begunThisTurn = 0;
    const waiting = this.#nextTurn;
    this.#nextTurn = [];
    for (const { user, freeAtMs } of waiting) this.#begin(user, freeAtMs);
  }

  #at(atMs: number, callback: () => void): void {
    if (!this.#running) return;
    const cancel = this.#context.clock.schedule(Math.max(0, atMs - this.#context.elapsedMs()), () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }
}
