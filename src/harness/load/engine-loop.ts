// A closed loop that an engine of its own carries out: it asks before each request and tells what came of it, so that its
// requests are scheduled, timed, recorded and ended like those of any other load.

import type { ValidAutocannon } from '../scenario/valid-scenario.ts';
import { ClosedLoop } from './closed-loop.ts';
import type { Executor, ExecutorContext } from './executor.ts';
import type { Answer } from './operation.ts';
import type { VirtualUser } from './virtual-users.ts';

type Begin = () => ((answer: Answer) => void) | undefined;

/** Every request under way has a user. Ends at the end of the load, or with its last request. */
export class EngineLoop implements Executor {
  readonly #load: ValidAutocannon;
  readonly #context: ExecutorContext;
  readonly #startEngine: (begin: Begin) => Promise<void>;
  readonly #loop: ClosedLoop;
  readonly #free: VirtualUser[] = [];
  #begun = 0;
  #ended = 0;
  #running = true;

  constructor(load: ValidAutocannon, context: ExecutorContext, startEngine: (begin: Begin) => Promise<void>) {
    this.#load = load;
    this.#context = context;
    this.#startEngine = startEngine;
    this.#loop = new ClosedLoop(load.startTimeMs + load.durationMs, { ...context, finished: () => this.#finish() }, () => false);
  }

  start(): void {
    this.#loop.start(this.#load.startTimeMs, () => {
      // An engine that breaks down is a bug, and takes its thread with it.
      void this.#startEngine(() => this.#begin()).then(() => this.stop());
    });
  }

  stop(): void {
    this.#loop.stop();
  }

  freed(user: VirtualUser): void {
    this.#free.push(user);
    this.#ended++;
    if (this.#ended === this.#load.amount) this.stop();
  }

  #begin(): ReturnType<Begin> {
    if (!this.#running || this.#begun === this.#load.amount) return undefined;
    this.#begun++;
    const { users } = this.#context;
    const nowMs = this.#context.elapsedMs();
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#context.scheduled(nowMs);
    users.begin(this.#free.pop() ?? users.allocate(), nowMs, () => promise);
    return resolve;
  }

  #finish(): void {
    this.#running = false;
    this.#context.finished();
  }
}
