// The vocabulary of actors: what a user writes (an actor and its factory) and what a user holds (references).

import type { Clock } from '../../runtime/clock.ts';
import type { MailboxOptions } from './mailbox.ts';
import type { SupervisionOptions } from './supervision.ts';

/**
 * Hooks of one instance. Each may be asynchronous; no message is handled before it settles. An error in `started` or
 * `restarted` is a failure like any other; an error in `stopped` is reported and otherwise ignored.
 */
export interface ActorHooks<M> {
  /** Before the first message. Also after a restart, for an instance without `restarted`. */
  started?(context: ActorContext<M>): void | Promise<void>;
  /** In place of `started`, for an instance that replaces one that failed with `error`. */
  restarted?(error: unknown, context: ActorContext<M>): void | Promise<void>;
  /** The last call an instance gets, whether the actor stops or restarts, also when `started` failed: release resources here. */
  stopped?(context: ActorContext<M>): void | Promise<void>;
}

/** Handles messages one by one. */
export interface MessageActor<M> extends ActorHooks<M> {
  /** After a promise is returned, the next message is handled when it has settled. Throwing or rejecting is a failure. */
  receive(message: M, context: ActorContext<M>): void | Promise<void>;
  readonly receiveBatch?: never;
}

/** Handles everything that waits in one call. */
export interface BatchActor<M> extends ActorHooks<M> {
  /** `messages` holds at least one message, oldest first, and belongs to the handler. A failure fails the whole batch. */
  receiveBatch(messages: readonly M[], context: ActorContext<M>): void | Promise<void>;
  /** The most messages in one call, an integer >= 1. Default: no limit but the mailbox's capacity. */
  readonly maxBatch?: number;
  readonly receive?: never;
}

export type Actor<M> = MessageActor<M> | BatchActor<M>;

/** Makes an instance: at spawn, and again at every restart. `context` is the same object for all instances of an actor. */
export type ActorFactory<M> = (context: ActorContext<M>) => Actor<M>;

export interface SpawnOptions {
  /** Unique among the actors of a system that have not stopped; not empty. Default: `actor-<number>`. */
  readonly id?: string;
  /** Default: the system's. */
  readonly mailbox?: MailboxOptions;
  /** What is not given comes from the system's defaults. */
  readonly supervision?: SupervisionOptions;
}

/**
 * Calls the factory and returns a reference; the actor runs from the next microtask on.
 * Throws what the factory throws, DuplicateActorError, SystemShutDownError, ActorStoppedError (when the parent stops or
 * restarts), RangeError for bad options and TypeError for what is no actor. After any of these there is no new actor.
 */
export interface Spawn {
  <M>(factory: ActorFactory<M>, options: SpawnOptions & { readonly mailbox: MailboxOptions<'wait'> }): WaitingActorRef<M>;
  <M>(factory: ActorFactory<M>, options?: SpawnOptions): ActorRef<M>;
}

/** What an actor sees of its surroundings. */
export interface ActorContext<M> {
  readonly self: ActorRef<M>;
  readonly clock: Clock;
  /** Spawns a child, which is stopped with this actor and when this actor restarts. */
  readonly spawn: Spawn;
  /** Stops this actor after the current message. Unlike `self.stop()` there is nothing to await, which would be a deadlock. */
  readonly stop: (options?: StopOptions) => void;
  /** The system's look-up, see ActorSystem. */
  readonly lookup: <T = never>(id: string) => ActorRef<T> | undefined;
}

export interface StopOptions {
  /** True: handle what was told before, restarting without backoff if need be. False (default): all of it becomes dead letters. */
  readonly drain?: boolean;
}

/** Anything that takes a message: an actor, or the asker at the other end of an ask. */
export interface Recipient<M> {
  /**
   * Hands over `message` and returns at once. Throws MailboxFullError (not delivered) if the mailbox is full and its policy
   * is `reject`. To an actor that stopped it is a dead letter, never an error.
   */
  readonly tell: (message: M) => void;
}

/** Where the answer to an ask goes. It may be kept and used after the handler returned, or passed on to another actor. */
export interface ReplyTo<R> extends Recipient<R> {
  /** Makes the ask reject with `error`, as it is. */
  readonly fail: (error: Error) => void;
}

/** A handle on an actor that accepts messages of type M. It stays valid, and harmless, after the actor has stopped. */
export interface ActorRef<M> extends Recipient<M> {
  readonly id: string;
  /**
   * Sends the message that `message` makes around `replyTo` and resolves with the reply. Name the type of the reply:
   * `ref.ask<number>((replyTo) => ({ type: 'get', replyTo }), { timeoutMs: 100 })`; the compiler checks it against M.
   *
   * Rejects with AskTimeoutError after `timeoutMs` (> 0, at most 2^31 - 1; a message still in the mailbox is then not
   * handled any more), ActorStoppedError when the actor stops before it reaches the message, MailboxFullError,
   * AskFailedError when the handler throws first, or what was given to `replyTo.fail`. Every error but the last says in
   * `mayHaveHappened` whether the handler may have seen the message.
   *
   * An actor that awaits an ask to itself inside its handler waits in vain until the deadline.
   */
  readonly ask: <R>(message: (replyTo: ReplyTo<R>) => M, options: AskOptions) => Promise<R>;
  /**
   * Stops the actor after the current message, then its children, and resolves when the last `stopped` hook has settled.
   * From now on messages are dead letters. Asking again without `drain` cuts a drain short. Never rejects.
   */
  readonly stop: (options?: StopOptions) => Promise<void>;
  readonly statistics: () => ActorStatistics;
}

/** A reference to an actor whose mailbox makes senders wait. It may be used wherever an ActorRef<M> may. */
export interface WaitingActorRef<M> extends Omit<ActorRef<M>, 'tell'> {
  /**
   * Resolves when the message has its place in the mailbox; rejects with ActorStoppedError when the actor stops first (the
   * message is then a dead letter as well, so the promise may be ignored). Places are given in the order of the calls.
   * An actor that awaits this for a full mailbox of its own waits for ever.
   */
  readonly tell: (message: M) => Promise<void>;
}

export interface AskOptions {
  readonly timeoutMs: number;
}

/**
 * `starting`: a hook or the factory is to run; `ready`: handles messages, if there are any; `busy`: an asynchronous handler
 * or hook has not settled; `suspended`: its failure was escalated and the parent has not decided; `restarting`: the old
 * instance and the children are being stopped; `backoff`: waits to restart; `stopping`, `stopped`.
 */
export type ActorState = 'starting' | 'ready' | 'busy' | 'suspended' | 'restarting' | 'backoff' | 'stopping' | 'stopped';

export interface ActorStatistics {
  readonly id: string;
  readonly state: ActorState;
  /** Children that have not stopped. */
  readonly children: number;
  readonly mailboxDepth: number;
  /** Senders in line for a place in the mailbox. */
  readonly waitingSenders: number;
  /** Messages given to the handler, with those it failed on. */
  readonly processed: number;
  /** Failures supervision dealt with, including those of children that escalated. */
  readonly failures: number;
  readonly restarts: number;
  /** Messages refused with MailboxFullError under the policy `reject`. */
  readonly rejected: number;
  /** Messages to this actor that became dead letters. Late and duplicate replies are counted by the system only. */
  readonly deadLetters: number;
}
