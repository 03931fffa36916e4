// What an actor system lets others see: counters that are always on, and events for those who subscribe.

import type { Directive, FailurePhase } from './supervision.ts';

/**
 * Why no actor handled a message (or no asker took a reply).
 * - `stopped`: the actor had stopped, was about to, or stopped before it reached the message.
 * - `mailbox-full`: dropped by the policy `drop-newest` or `drop-oldest`.
 * - `expired`: an ask whose deadline passed while it waited in the mailbox.
 * - `late-reply`: the ask had failed (deadline, failed handler) when the reply came.
 * - `duplicate-reply`: the ask had been answered already.
 *
 * A message refused with MailboxFullError by the policy `reject` is not a dead letter: its sender has it back.
 */
export type DeadLetterReason = 'stopped' | 'mailbox-full' | 'expired' | 'late-reply' | 'duplicate-reply';

/** `actorId` is always the actor it is about; for replies, the actor that was asked. */
export type ActorEvent =
  | { readonly type: 'spawned'; readonly actorId: string; readonly parentId: string | undefined }
  | { readonly type: 'stopped'; readonly actorId: string }
  | { readonly type: 'restarted'; readonly actorId: string }
  | {
      readonly type: 'failed';
      readonly actorId: string;
      /** The actor whose code threw: `actorId` itself, or a descendant that escalated. */
      readonly originId: string;
      readonly phase: FailurePhase;
      readonly error: unknown;
      /** What supervision decided; `ignored` when the actor was stopping anyway. */
      readonly directive: Directive | 'ignored';
    }
  /** A failure was escalated past a top-level actor, which is therefore stopped with all its children. */
  | { readonly type: 'escalated-to-root'; readonly actorId: string; readonly originId: string; readonly error: unknown }
  | { readonly type: 'dead-letter'; readonly actorId: string; readonly reason: DeadLetterReason; readonly message: unknown };

export type ActorEventListener = (event: ActorEvent) => void;

/** Sums over the life of a system. */
export interface Totals {
  spawned: number;
  stopped: number;
  processed: number;
  failures: number;
  restarts: number;
  rejected: number;
  deadLetters: Record<DeadLetterReason, number>;
  /** Exceptions thrown by event listeners. They reach nobody else. */
  listenerFailures: number;
}

export class Events {
  readonly totals: Totals = {
    spawned: 0,
    stopped: 0,
    processed: 0,
    failures: 0,
    restarts: 0,
    rejected: 0,
    deadLetters: { stopped: 0, 'mailbox-full': 0, expired: 0, 'late-reply': 0, 'duplicate-reply': 0 },
    listenerFailures: 0,
  };
  #listeners: readonly ActorEventListener[] = [];
  #announcingDeadLetter = false;

  /** Returns what ends the subscription. */
  subscribe(listener: ActorEventListener): () => void {
    this.#listeners = [...this.#listeners, listener];
    let subscribed = true;
    return () => {
      if (!subscribed) return;
      subscribed = false;
      const at = this.#listeners.indexOf(listener);
      this.#listeners = this.#listeners.toSpliced(at, 1);
    };
  }

  emit(event: ActorEvent): void {
    // `#listeners` is replaced, never changed, so a listener may subscribe or unsubscribe meanwhile.
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        this.totals.listenerFailures++;
      }
    }
  }

  deadLetter(actorId: string, reason: DeadLetterReason, message: unknown): void {
    this.totals.deadLetters[reason]++;
    // A listener that reports dead letters by telling an actor which has stopped would call itself without end.
    if (this.#listeners.length === 0 || this.#announcingDeadLetter) return;
    this.#announcingDeadLetter = true;
    this.emit({ type: 'dead-letter', actorId, reason, message });
    this.#announcingDeadLetter = false;
  }
}
