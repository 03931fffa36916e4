// Closed loops with a fixed number of users: for a time, or for a number of operations.

import type { ValidConstantVus, ValidSharedIterations } from '../scenario/valid-scenario.ts';
import { ClosedLoop } from './closed-loop.ts';
import type { Executor, ExecutorContext } from './executor.ts';
import type { VirtualUser } from './virtual-users.ts';

/** Every user begins its next operation when its last one has ended. */
export class ConstantVus implements Executor {
  readonly #load: ValidConstantVus;
  readonly #context: ExecutorContext;
  readonly #loop: ClosedLoop;

  constructor(load: ValidConstantVus, context: ExecutorContext) {
    this.#load = load;
    this.#context = context;
    this.#loop = new ClosedLoop(load.startTimeMs + load.durationMs, context, () => true);
  }

  start(): void {
    this.#loop.start(this.#load.startTimeMs, () => beginAll(this.#load.vus, this.#loop, this.#context));
  }

  stop(): void {
    this.#loop.stop();
  }

  freed(user: VirtualUser): void {
    this.#loop.freed(user);
  }
}

/**
 * Users take the next of a number of iterations when their last one has ended. Ends when all of them have ended, or at the end
 * of the load; an iteration that fails is done as well.
 */
export class SharedIterations implements Executor {
  readonly #load: ValidSharedIterations;
  readonly #context: ExecutorContext;
  readonly #loop: ClosedLoop;
  #begun = 0;
  #ended = 0;

  constructor(load: ValidSharedIterations, context: ExecutorContext) {
    this.#load = load;
    this.#context = context;
    this.#loop = new ClosedLoop(load.startTimeMs + load.durationMs, context, () => this.#claim());
  }

  start(): void {
    this.#loop.start(this.#load.startTimeMs, () => beginAll(this.#load.vus, this.#loop, this.#context));
  }

  stop(): void {
    this.#loop.stop();
  }

  freed(user: VirtualUser): void {
    this.#ended++;
    if (this.#ended === this.#load.iterations) this.#loop.stop();
    else this.#loop.freed(user);
  }

  #claim(): boolean {
    if (this.#begun === this.#load.iterations) return false;
    this.#begun++;
    return true;
  }
}

function beginAll(vus: number, loop: ClosedLoop, context: ExecutorContext): void {
  for (let at = 0; at < vus; at++) loop.begin(context.users.allocate(), context.elapsedMs());
}
