// Open loop: operations begin on schedule, whether or not earlier ones have ended.

import type { ValidArrivalRate } from '../scenario/valid-scenario.ts';
import { MOST_PER_TURN } from './executor.ts';
import type { Executor, ExecutorContext } from './executor.ts';
import { DUE_TOLERANCE_MS, Pacer } from './pacer.ts';
import type { SpinBudget } from './pacer.ts';
import type { Arrivals } from './schedule.ts';
import type { VirtualUser } from './virtual-users.ts';

/** An arrival takes a free user, or a new one up to `maxVUs`; with neither it is dropped. */
export class ArrivalRate implements Executor {
  readonly #load: ValidArrivalRate;
  readonly #arrivals: Arrivals;
  readonly #context: ExecutorContext;
  readonly #pacer: Pacer;
  readonly #free: VirtualUser[] = [];
  /** When the next operation is due; behind the last one, when the load ends. */
  #next: { readonly kind: 'arrival' | 'end'; readonly atMs: number };
  #running = true;

  constructor(load: ValidArrivalRate, arrivals: Arrivals, budget: SpinBudget, context: ExecutorContext) {
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
