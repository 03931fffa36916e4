// One instance of an actor, as its factory made it: gives it messages and calls its hooks.

import type { Actor, ActorContext, BatchActor, MessageActor } from './actor.ts';
import { Envelope, type Entry, type OpenAsk } from './ask.ts';
import { AskFailedError } from './errors.ts';

/** Where messages come from. */
export interface Source<M> {
  readonly depth: number;
  take(): Entry<M>;
}

/** What a call into user code left behind: nothing, or a promise of the end of its work. */
export type Pending = PromiseLike<void> | undefined;

export class Instance<M> {
  readonly #actor: Actor<M>;
  readonly #context: ActorContext<M>;
  /** The asks among the messages that the handler has now: they fail with it. */
  #asks: OpenAsk[] | undefined;
  /** How many messages the last `handle` took from its source, and how many of them it gave to the handler. */
  taken = 0;
  given = 0;

  /** Throws TypeError or RangeError for what is no actor: the types say so, but a cast or plain JavaScript gets here. */
  constructor(actor: Actor<M>, context: ActorContext<M>) {
    if (typeof actor.receive !== 'function' && typeof actor.receiveBatch !== 'function')
      throw new TypeError('an actor has a method receive or receiveBatch');
    const { maxBatch } = actor as BatchActor<M>;
    if (maxBatch !== undefined && !(Number.isSafeInteger(maxBatch) && maxBatch >= 1))
      throw new RangeError(`maxBatch is an integer >= 1, not ${maxBatch}`);
    this.#actor = actor;
    this.#context = context;
  }

  get hasStarted(): boolean {
    return this.#actor.started !== undefined;
  }

  get hasRestarted(): boolean {
    return this.#actor.restarted !== undefined;
  }

  get hasStopped(): boolean {
    return this.#actor.stopped !== undefined;
  }

  started(): Pending {
    return pending(this.#actor.started?.(this.#context));
  }

  restarted(error: unknown): Pending {
    return pending(this.#actor.restarted?.(error, this.#context));
  }

  stopped(): Pending {
    return pending(this.#actor.stopped?.(this.#context));
  }

  /**
   * Gives the handler the next message, or all that wait, and throws what it throws. Only while `source.depth` > 0. Messages
   * are the handler's until `release` or `fail`; without a promise or an exception they are released already.
   */
  handle(source: Source<M>): Pending {
    const actor = this.#actor;
    return actor.receiveBatch === undefined ? this.#handleOne(actor, source) : this.#handleBatch(actor, source);
  }

  /** The handler has finished its messages. */
  release(): void {
    this.#asks = undefined;
  }

  /** The handler has failed: whoever asked, and has no answer yet, learns it now and not at the deadline. */
  fail(actorId: string, error: unknown): void {
    for (const ask of this.#asks ?? []) ask.abandon(new AskFailedError(actorId, error));
    this.#asks = undefined;
  }

  #handleOne(actor: MessageActor<M>, source: Source<M>): Pending {
    this.taken = 1;
    this.given = 0;
    const entry = source.take();
    if (entry instanceof Envelope) {
      if (!entry.ask.begin()) return undefined;
      this.#asks = [entry.ask];
      this.given = 1;
      const work = pending(actor.receive(entry.message, this.#context));
      if (work === undefined) this.#asks = undefined;
      return work;
    }
    this.given = 1;
    return pending(actor.receive(entry, this.#context));
  }

  #handleBatch(actor: BatchActor<M>, source: Source<M>): Pending {
    this.taken = Math.min(source.depth, actor.maxBatch ?? Number.POSITIVE_INFINITY);
    const messages: M[] = [];
    for (let at = 0; at < this.taken; at++) {
      const entry = source.take();
      if (!(entry instanceof Envelope)) messages.push(entry);
      else if (entry.ask.begin()) {
        messages.push(entry.message);
        (this.#asks ??= []).push(entry.ask);
      }
    }
    this.given = messages.length;
    if (messages.length === 0) return undefined;
    const work = pending(actor.receiveBatch(messages, this.#context));
    if (work === undefined) this.#asks = undefined;
    return work;
  }
}

/** Only what can be waited for; a handler in plain JavaScript may return anything. */
function pending(result: unknown): Pending {
  const thenable = typeof result === 'object' && result !== null && typeof (result as PromiseLike<void>).then === 'function';
  return thenable ? (result as PromiseLike<void>) : undefined;
}
