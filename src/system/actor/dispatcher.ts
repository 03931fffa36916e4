// Runs the actors that have something to do, one after another, and lets the event loop breathe in between.

import { AsyncLocalStorage } from 'node:async_hooks';
import { RingQueue } from '../../runtime/ring-queue.ts';

export interface Runnable {
  /** Handles about `limit` messages at most and returns how many it did. Never throws. */
  run(limit: number): number;
}

/** Messages one actor may handle before the next ready actor gets its turn. */
const SLICE = 32;

/**
 * All actors share one queue of ready actors, drained in a microtask, so a message usually costs no scheduling of its own.
 * Every `messagesPerTurn` messages the drain continues in a setImmediate: microtasks run before any I/O, and actors that
 * keep one another busy (or one that tells itself) would otherwise starve sockets and timers for ever. The count is not
 * reset by an idle moment, which needs no knowledge of turns: at low load one drain in `messagesPerTurn` starts a turn later.
 */
export class Dispatcher {
  readonly #messagesPerTurn: number;
  readonly #ready = new RingQueue<Runnable>();
  #armed = false;
  #remaining: number;
  // Bound to the place where the system was made: otherwise handlers would inherit the async context (the active trace
  // span, say) of whichever sender happened to wake the dispatcher.
  readonly #drain = AsyncLocalStorage.bind(() => this.#runReady());
  readonly #drainInNewTurn = AsyncLocalStorage.bind(() => {
    this.#remaining = this.#messagesPerTurn;
    this.#runReady();
  });

  /** @param messagesPerTurn an integer >= 1. */
  constructor(messagesPerTurn: number) {
    this.#messagesPerTurn = messagesPerTurn;
    this.#remaining = messagesPerTurn;
  }

  /** Queues `runnable` for one run. The caller sees to it that it is queued at most once at a time. */
  ready(runnable: Runnable): void {
    this.#ready.push(runnable);
    if (this.#armed) return;
    this.#armed = true;
    this.#arm();
  }

  #arm(): void {
    if (this.#remaining > 0) queueMicrotask(this.#drain);
    else setImmediate(this.#drainInNewTurn);
  }

  #runReady(): void {
    while (this.#ready.length > 0 && this.#remaining > 0) {
      const handled = (this.#ready.shift() as Runnable).run(Math.min(this.#remaining, SLICE));
      // A run that handled nothing (a hook, a restart) counts too, or a loop of those would never yield.
      this.#remaining -= Math.max(1, handled);
    }
    this.#armed = this.#ready.length > 0;
    if (this.#armed) this.#arm();
  }
}
