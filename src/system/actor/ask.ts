// A message that wants an answer: the asker's promise on one side, the reply channel on the other, and a deadline.

import type { Cancel, Clock } from '../../runtime/clock.ts';
import type { ReplyTo } from './actor.ts';
import { AskTimeoutError } from './errors.ts';
import type { DeadLetterReason } from './events.ts';

export interface AskHost {
  readonly clock: Clock;
  deadLetter(reason: DeadLetterReason, message: unknown): void;
}

/** The longest delay Node's timers accept; a longer one would fire at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Invariants:
 * 1. The promise settles exactly once: by the first of reply, failure and deadline.
 * 2. A message whose deadline passed before its handler began is never handled (`begin` is false from then on).
 * 3. No timer is left once the promise has settled.
 */
export class Ask<M, R> implements ReplyTo<R> {
  readonly promise: Promise<R>;
  readonly #actorId: string;
  readonly #host: AskHost;
  #resolve!: (reply: R) => void;
  #reject!: (error: Error) => void;
  #state: 'open' | 'answered' | 'failed' = 'open';
  #begun = false;
  #expired = false;
  #cancelTimer: Cancel | undefined;

  constructor(actorId: string, host: AskHost) {
    this.#actorId = actorId;
    this.#host = host;
    this.promise = new Promise<R>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** True: its deadline passed before the handler began. It is a dead letter already. */
  get expired(): boolean {
    return this.#expired;
  }

  /** Starts the deadline, unless the ask is settled already. */
  arm(message: M, timeoutMs: number): void {
    if (this.#state === 'open') this.#cancelTimer = this.#host.clock.schedule(timeoutMs, () => this.#expire(message, timeoutMs));
  }

  /** The handler is about to get the message. False when it must not: nobody waits for it any more. */
  begin(): boolean {
    this.#begun = !this.#expired;
    return this.#begun;
  }

  // Functions, not methods: `work.then(replyTo.tell, replyTo.fail)` is how a handler hands in a reply it does not await.
  readonly tell = (reply: R): void => {
    if (this.#close('answered', reply)) this.#resolve(reply);
  };

  readonly fail = (error: Error): void => {
    if (this.#close('answered', error)) this.#reject(error);
  };

  /** There will be no reply. Does nothing when there was one. */
  abandon(error: Error): void {
    if (this.#state === 'open' && this.#close('failed', error)) this.#reject(error);
  }

  /** True if the ask was open until now; if not, `reply` is a dead letter. */
  #close(state: 'answered' | 'failed', reply: unknown): boolean {
    if (this.#state !== 'open') {
      this.#host.deadLetter(this.#state === 'failed' ? 'late-reply' : 'duplicate-reply', reply);
      return false;
    }
    this.#state = state;
    this.#cancelTimer?.();
    return true;
  }

  #expire(message: M, timeoutMs: number): void {
    this.#state = 'failed';
    this.#expired = !this.#begun;
    if (this.#expired) this.#host.deadLetter('expired', message);
    this.#reject(new AskTimeoutError(this.#actorId, timeoutMs, this.#begun));
  }
}

/** An ask as the actor's side sees it, whatever it asks for. */
export type OpenAsk = Pick<Ask<never, never>, 'expired' | 'begin' | 'abandon'>;

/** How an ask travels in a mailbox; the message of a tell travels bare. Never shown to users, so the two cannot be confused. */
export class Envelope<M> {
  readonly message: M;
  readonly ask: OpenAsk;

  constructor(message: M, ask: OpenAsk) {
    this.message = message;
    this.ask = ask;
  }
}

export type Entry<M> = M | Envelope<M>;
