// One actor at run time, as the rest of the system sees it: an address in front of an inbox and a life.

import type { Clock } from '../../runtime/clock.ts';
import type { ActorContext, ActorFactory, ActorStatistics } from './actor.ts';
import type { Entry, Envelope } from './ask.ts';
import type { DeadLetterReason, Events } from './events.ts';
import type { Kin, StopMode } from './family.ts';
import { Inbox } from './inbox.ts';
import { Life, type LifeHost } from './life.ts';
import type { Mailbox } from './mailbox.ts';
import { type Addressee, Ref } from './ref.ts';
import type { Supervisor } from './supervision.ts';

export interface CellHost extends LifeHost {
  context<M>(cell: Cell<M>): ActorContext<M>;
}

export interface CellOptions<M> {
  readonly id: string;
  readonly parent: Kin | undefined;
  readonly factory: ActorFactory<M>;
  readonly mailbox: Mailbox<Entry<M>>;
  readonly supervisor: Supervisor;
}

export class Cell<M> implements Addressee<M> {
  readonly id: string;
  readonly clock: Clock;
  readonly ref: Ref<M>;
  readonly life: Life<M>;
  readonly isTopLevel: boolean;
  readonly #events: Events;
  readonly #inbox: Inbox<M>;

  /** Nothing runs before `life.start()`. */
  constructor({ id, parent, factory, mailbox, supervisor }: CellOptions<M>, host: CellHost) {
    this.id = id;
    this.clock = host.clock;
    this.isTopLevel = parent === undefined;
    this.#events = host.events;
    this.#inbox = new Inbox(id, mailbox, host.events);
    this.ref = new Ref<M>(this);
    this.life = new Life({ id, parent, factory, inbox: this.#inbox, supervisor, context: host.context(this) }, host);
  }

  tell(message: M): Promise<void> | undefined {
    const accepted = this.#inbox.admit(message);
    this.life.messageArrived();
    return accepted;
  }

  deliver(envelope: Envelope<M>): void {
    // A waiting mailbox that refuses rejects this promise, and abandons the ask, which is what the asker sees.
    void this.#inbox.admit(envelope);
    this.life.messageArrived();
  }

  deadLetter(reason: DeadLetterReason, message: unknown): void {
    if (reason === 'expired') this.#inbox.deadLetter(reason, message);
    else this.#events.deadLetter(this.id, reason, message);
  }

  stop(mode: StopMode): Promise<void> {
    return this.life.stop(mode);
  }

  statistics(): ActorStatistics {
    const { depth, waiting, rejected, deadLetters } = this.#inbox;
    return { id: this.id, ...this.life.statistics, mailboxDepth: depth, waitingSenders: waiting, rejected, deadLetters };
  }
}
