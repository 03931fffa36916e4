// The door of an actor: lets entries into its mailbox, and accounts for every one that it turns away.

import { Envelope, type Entry } from './ask.ts';
import { ActorStoppedError, MailboxFullError } from './errors.ts';
import type { DeadLetterReason, Events } from './events.ts';
import { type Admission, type Mailbox, STORED } from './mailbox.ts';

const ACCEPTED = Promise.resolve();
const ignore = () => {};

/**
 * Invariant: every entry given to `admit` is returned once by `take`, or becomes a dead letter once, or is refused with
 * MailboxFullError.
 */
export class Inbox<M> {
  readonly #actorId: string;
  readonly #mailbox: Mailbox<Entry<M>>;
  readonly #events: Events;
  /** What `admit` returns for an entry that was let in: senders to a waiting mailbox expect a promise. */
  readonly #accepted: Promise<void> | undefined;
  #closed = false;
  #rejected = 0;
  #deadLetters = 0;

  constructor(actorId: string, mailbox: Mailbox<Entry<M>>, events: Events) {
    this.#actorId = actorId;
    this.#mailbox = mailbox;
    this.#events = events;
    this.#accepted = mailbox.whenFull === 'wait' ? ACCEPTED : undefined;
  }

  get depth(): number {
    return this.#mailbox.depth;
  }

  get waiting(): number {
    return this.#mailbox.waiting;
  }

  get rejected(): number {
    return this.#rejected;
  }

  get deadLetters(): number {
    return this.#deadLetters;
  }

  /** Throws MailboxFullError; returns the promise of acceptance if the mailbox makes senders wait. */
  admit(entry: Entry<M>): Promise<void> | undefined {
    if (this.#closed) return this.#turnAway(entry);
    const admission = this.#mailbox.add(entry);
    return admission === STORED ? this.#accepted : this.#overflow(admission);
  }

  /** The oldest message. An envelope is to be `begin`-ed before it is handled. Only while `depth` > 0. */
  take(): Entry<M> {
    return this.#mailbox.take();
  }

  /** Lets nothing in any more. What is inside, and in line, stays. */
  close(): void {
    this.#closed = true;
  }

  /** Turns what is inside, and in line, into dead letters. */
  discard(): void {
    for (const entry of this.#mailbox.empty(() => new ActorStoppedError(this.#actorId))) this.#lose(entry, 'stopped');
  }

  /** Counts and announces a message to this actor that nobody will handle. */
  deadLetter(reason: DeadLetterReason, message: unknown): void {
    this.#deadLetters++;
    this.#events.deadLetter(this.#actorId, reason, message);
  }

  #turnAway(entry: Entry<M>): Promise<void> | undefined {
    this.#lose(entry, 'stopped');
    return this.#accepted && handled(Promise.reject(new ActorStoppedError(this.#actorId)));
  }

  #overflow(admission: Admission<Entry<M>>): Promise<void> | undefined {
    switch (admission.kind) {
      case 'stored':
        return this.#accepted;
      case 'waiting':
        return handled(admission.accepted);
      case 'dropped':
        this.#lose(admission.entry, 'mailbox-full');
        return undefined;
      case 'rejected': {
        this.#rejected++;
        this.#events.totals.rejected++;
        throw new MailboxFullError(this.#actorId, this.#mailbox.capacity);
      }
    }
  }

  #lose(entry: Entry<M>, reason: 'stopped' | 'mailbox-full'): void {
    if (!(entry instanceof Envelope)) {
      this.deadLetter(reason, entry);
      return;
    }
    // One that expired in the mailbox was counted when it did.
    if (entry.ask.expired) return;
    const full = reason === 'mailbox-full';
    entry.ask.abandon(full ? new MailboxFullError(this.#actorId, this.#mailbox.capacity) : new ActorStoppedError(this.#actorId));
    this.deadLetter(reason, entry.message);
  }
}

/** The same promise, no longer "unhandled" when its sender ignores it: the dead letter tells of the loss. */
function handled(promise: Promise<void>): Promise<void> {
  promise.catch(ignore);
  return promise;
}
