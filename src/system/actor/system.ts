// The actor system: spawns actors, finds them, watches them and shuts them down. The public door to this folder.

import { type Clock, systemClock } from '../../runtime/clock.ts';
import type {
  ActorContext,
  ActorFactory,
  ActorRef,
  ActorStatistics,
  SpawnOptions,
  StopOptions,
  WaitingActorRef,
} from './actor.ts';
import { MAX_TIMEOUT_MS } from './ask.ts';
import { Cell, type CellHost } from './cell.ts';
import { Dispatcher } from './dispatcher.ts';
import { ActorStoppedError, DuplicateActorError, SystemShutDownError } from './errors.ts';
import { type ActorEventListener, Events, type Totals } from './events.ts';
import type { Kin, StopMode } from './family.ts';
import { checkMailboxOptions, type FullPolicy, Mailbox, type MailboxOptions, type WaitMeter } from './mailbox.ts';
import type { Ref } from './ref.ts';
import { resolveSupervision, type Supervision, type SupervisionOptions, Supervisor } from './supervision.ts';

export type * from './actor.ts';
export * from './errors.ts';
export type { ActorEvent, ActorEventListener, DeadLetterReason } from './events.ts';
export type { FullPolicy, MailboxOptions } from './mailbox.ts';
export type { Directive, Failure, FailurePhase, SupervisionOptions } from './supervision.ts';

export interface ActorSystemOptions {
  /** For messages. Default 'actors'. */
  readonly name?: string;
  /** Deadlines and backoffs. Default: the system clock. */
  readonly clock?: Clock;
  /** A first subscriber, see `subscribe`. */
  readonly onEvent?: ActorEventListener;
  /**
   * Called for every message taken from a mailbox with the time since it was stored there, in milliseconds. Costs two clock
   * readings a message; absent, none. An exception it throws is counted as a listener's.
   */
  readonly onMailboxWait?: (actorId: string, waitedMs: number) => void;
  /** Messages handled before other events of the process get a turn, all actors together. An integer >= 1, default 256. */
  readonly messagesPerTurn?: number;
  readonly defaults?: {
    /** Default: 10,000 messages, reject. (Not `wait`: that changes what `tell` returns, so it is said at spawn.) */
    readonly mailbox?: MailboxOptions<Exclude<FullPolicy, 'wait'>>;
    readonly supervision?: SupervisionOptions;
  };
}

export interface ActorSystemStatistics extends Readonly<Totals> {
  /** Actors that have not stopped. */
  readonly actors: number;
  /** Messages in all mailboxes. */
  readonly mailboxDepth: number;
}

export type ShutdownResult =
  | { readonly outcome: 'drained' }
  /** The actors that had not stopped when the time was up, as they were then. */
  | { readonly outcome: 'timed-out'; readonly unfinished: readonly ActorStatistics[] };

/** A cell whose type of message is not known any more. */
interface AnyCell {
  readonly ref: ActorRef<never>;
  readonly isTopLevel: boolean;
  stop(mode: StopMode): Promise<void>;
  statistics(): ActorStatistics;
}

/** An actor that may have children, whatever its messages are. */
type Parent = Kin & { readonly mayAdopt: boolean };

const DEFAULT_MAILBOX: MailboxOptions = { capacity: 10_000, whenFull: 'reject' };
const DEFAULT_MESSAGES_PER_TURN = 256;

/**
 * Actors that run in this thread: each handles its messages one at a time, in the order they were told, and fails for
 * itself alone. After Hewitt's model; supervision after Erlang/OTP, typed asks after Akka Typed.
 */
export class ActorSystem {
  readonly name: string;
  readonly clock: Clock;
  readonly #cells = new Map<string, AnyCell>();
  readonly #events = new Events();
  readonly #host: CellHost;
  readonly #mailbox: MailboxOptions;
  readonly #supervision: Supervision;
  readonly #onMailboxWait: ActorSystemOptions['onMailboxWait'];
  #lastNumber = 0;
  #shutdown: Promise<ShutdownResult> | undefined;

  /** Throws RangeError, naming the value, for bad options. */
  constructor(options: ActorSystemOptions = {}) {
    const { messagesPerTurn = DEFAULT_MESSAGES_PER_TURN, defaults } = options;
    if (!Number.isSafeInteger(messagesPerTurn) || messagesPerTurn < 1)
      throw new RangeError(`messagesPerTurn is an integer >= 1, not ${messagesPerTurn}`);
    this.name = options.name ?? 'actors';
    this.clock = options.clock ?? systemClock;
    this.#mailbox = defaults?.mailbox ?? DEFAULT_MAILBOX;
    checkMailboxOptions(this.#mailbox);
    if (this.#mailbox.whenFull === 'wait') throw new RangeError("defaults.mailbox.whenFull cannot be 'wait'; say so at spawn");
    this.#supervision = resolveSupervision(defaults?.supervision);
    this.#onMailboxWait = options.onMailboxWait;
    if (options.onEvent !== undefined) this.#events.subscribe(options.onEvent);
    this.#host = {
      clock: this.clock,
      dispatcher: new Dispatcher(messagesPerTurn),
      events: this.#events,
      context: (cell) => this.#context(cell),
      release: (id) => this.#cells.delete(id),
    };
  }

  /** Spawns a top-level actor, see `Spawn`. */
  spawn<M>(factory: ActorFactory<M>, options: SpawnOptions & { readonly mailbox: MailboxOptions<'wait'> }): WaitingActorRef<M>;
  spawn<M>(factory: ActorFactory<M>, options?: SpawnOptions): ActorRef<M>;
  spawn<M>(factory: ActorFactory<M>, options: SpawnOptions = {}): ActorRef<M> {
    if (this.#shutdown !== undefined) throw new SystemShutDownError(this.name, options.id ?? '(unnamed)');
    return this.#spawn(undefined, factory, options);
  }

  /**
   * The actor with this id, children included, unless it has stopped. Its type of message cannot be known here: naming one
   * is a claim that nobody checks.
   */
  lookup<M = never>(id: string): ActorRef<M> | undefined {
    return this.#cells.get(id)?.ref as ActorRef<M> | undefined;
  }

  /** Calls `listener`, synchronously, for every event from now on. What it throws is counted and goes no further. */
  subscribe(listener: ActorEventListener): () => void {
    return this.#events.subscribe(listener);
  }

  /** A snapshot. Takes time in proportion to the number of actors, for `mailboxDepth`. */
  statistics(): ActorSystemStatistics {
    const { totals } = this.#events;
    let mailboxDepth = 0;
    for (const { mailboxDepth: depth } of this.actors()) mailboxDepth += depth;
    return { ...totals, deadLetters: { ...totals.deadLetters }, actors: this.#cells.size, mailboxDepth };
  }

  /** Snapshots of all actors that have not stopped, parents before their children. */
  actors(): ActorStatistics[] {
    return Array.from(this.#cells.values(), (cell) => cell.statistics());
  }

  /**
   * Spawns no more top-level actors and stops those there are, all at once, letting each handle what it was told before; its
   * children follow when it is done, in the same way. What is told to an actor that is being stopped, even by a sibling, is a
   * dead letter: actors that depend on one another belong under one parent.
   *
   * After `timeoutMs` (0 to 2^31 - 1) the remaining actors are stopped without draining, and are named in the result; a handler
   * that is still busy is not waited for. A second call returns the result of the first. Rejects only with RangeError.
   */
  shutdown({ timeoutMs }: { readonly timeoutMs: number }): Promise<ShutdownResult> {
    if (!(timeoutMs >= 0 && timeoutMs <= MAX_TIMEOUT_MS))
      return Promise.reject(new RangeError(`timeoutMs is from 0 to ${MAX_TIMEOUT_MS}, not ${timeoutMs}`));
    this.#shutdown ??= this.#shutDown(timeoutMs);
    return this.#shutdown;
  }

  async #shutDown(timeoutMs: number): Promise<ShutdownResult> {
    const topLevel = [...this.#cells.values()].filter((cell) => cell.isTopLevel);
    const { promise: timeUp, resolve: onTimeUp } = Promise.withResolvers<'timed-out'>();
    const cancel = this.clock.schedule(timeoutMs, () => onTimeUp('timed-out'));
    const drained = Promise.all(topLevel.map((cell) => cell.stop('drain'))).then(() => 'drained' as const);
    const outcome = await Promise.race([drained, timeUp]);
    cancel();
    if (outcome === 'drained') return { outcome };
    const unfinished = this.actors();
    // Children too: a parent that is stuck in a handler would not come to stop them.
    for (const cell of this.#cells.values()) void cell.stop('now');
    return { outcome, unfinished };
  }

  #spawn<M>(parent: Parent | undefined, factory: ActorFactory<M>, options: SpawnOptions): Ref<M> {
    if (parent?.mayAdopt === false) throw new ActorStoppedError(parent.id);
    const id = options.id ?? this.#freshId();
    if (id === '') throw new RangeError("an actor's id has at least one character, not ''");
    if (this.#cells.has(id)) throw new DuplicateActorError(id);
    const mailbox = options.mailbox ?? this.#mailbox;
    if (options.mailbox !== undefined) checkMailboxOptions(mailbox);
    const supervision =
      options.supervision === undefined ? this.#supervision : resolveSupervision(options.supervision, this.#supervision);
    const cell = new Cell<M>(
      { id, parent, factory, mailbox: new Mailbox(mailbox, this.#waitMeter(id)), supervisor: new Supervisor(supervision) },
      this.#host,
    );
    this.#cells.set(id, cell);
    this.#events.totals.spawned++;
    this.#events.emit({ type: 'spawned', actorId: id, parentId: parent?.id });
    cell.life.start();
    return cell.ref;
  }

  #context<M>(cell: Cell<M>): ActorContext<M> {
    return {
      self: cell.ref,
      clock: this.clock,
      spawn: <T>(factory: ActorFactory<T>, options?: SpawnOptions) => this.#spawn(cell.life, factory, options ?? {}),
      stop: (options?: StopOptions) => void cell.ref.stop(options),
      lookup: <T = never>(id: string) => this.lookup<T>(id),
    };
  }

  #freshId(): string {
    let id: string;
    do id = `actor-${++this.#lastNumber}`;
    while (this.#cells.has(id));
    return id;
  }

  #waitMeter(id: string): WaitMeter | undefined {
    const report = this.#onMailboxWait;
    if (report === undefined) return undefined;
    return {
      now: () => this.clock.now(),
      waited: (durationMs) => {
        try {
          report(id, durationMs);
        } catch {
          this.#events.totals.listenerFailures++;
        }
      },
    };
  }
}
