// The handle users hold. It shows them what they may do with an actor and hides the rest.

import type { ActorStatistics, AskOptions, ReplyTo, StopOptions, WaitingActorRef } from './actor.ts';
import { Ask, type AskHost, Envelope, MAX_TIMEOUT_MS } from './ask.ts';

/** What a reference needs of its actor. */
export interface Addressee<M> extends AskHost {
  readonly id: string;
  /** A promise only if the mailbox makes senders wait. */
  tell(message: M): Promise<void> | undefined;
  /** Takes an ask, or throws or abandons it with the reason why not. */
  deliver(envelope: Envelope<M>): void;
  stop(mode: 'drain' | 'now'): Promise<void>;
  statistics(): ActorStatistics;
}

/** For mailboxes of every policy: users see it as an ActorRef, whose `tell` returns nothing, unless the policy is `wait`. */
export class Ref<M> implements WaitingActorRef<M> {
  readonly id: string;
  readonly #addressee: Addressee<M>;

  constructor(addressee: Addressee<M>) {
    this.id = addressee.id;
    this.#addressee = addressee;
  }

  // Functions, not methods, so that they can be handed on: `socket.on('data', ref.tell)`.
  readonly tell = (message: M): Promise<void> => this.#addressee.tell(message) as Promise<void>;

  readonly ask = <R>(message: (replyTo: ReplyTo<R>) => M, { timeoutMs }: AskOptions): Promise<R> => {
    if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
      return Promise.reject(new RangeError(`timeoutMs is > 0 and <= ${MAX_TIMEOUT_MS}, not ${timeoutMs}`));
    const ask = new Ask<M, R>(this.id, this.#addressee);
    try {
      const question = message(ask);
      this.#addressee.deliver(new Envelope(question, ask));
      ask.arm(question, timeoutMs);
    } catch (error) {
      ask.abandon(error as Error);
    }
    return ask.promise;
  };

  readonly stop = (options?: StopOptions): Promise<void> => this.#addressee.stop(options?.drain === true ? 'drain' : 'now');

  readonly statistics = (): ActorStatistics => this.#addressee.statistics();
}
