// How an actor lives: what it does next, and how it starts, fails, restarts and stops.

import { known } from '../../runtime/assert.ts';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import type { ActorContext, ActorFactory, ActorState, ActorStatistics } from './actor.ts';
import type { Dispatcher, Runnable } from './dispatcher.ts';
import type { Events } from './events.ts';
import { Family, type Kin, type StopMode } from './family.ts';
import type { Inbox } from './inbox.ts';
import { Instance } from './instance.ts';
import type { Decision, Failure, FailurePhase, Supervisor } from './supervision.ts';

/** What a life needs of the system. */
export interface LifeHost {
  readonly clock: Clock;
  readonly dispatcher: Dispatcher;
  readonly events: Events;
  /** The actor has stopped; its id is free again. */
  release(id: string): void;
}

export interface LifeOptions<M> {
  readonly id: string;
  readonly parent: Kin | undefined;
  readonly factory: ActorFactory<M>;
  readonly inbox: Inbox<M>;
  readonly supervisor: Supervisor;
  readonly context: ActorContext<M>;
}

/**
 * Invariants:
 * 1. Code of the actor (the first call of its factory aside) runs only inside `run` or, for `stopped`, after `run` can do
 *    nothing more with the instance; and never while an asynchronous handler or hook has not settled.
 * 2. Every instance that the factory returned gets `stopped` once, as its last call.
 * 3. When an instance is replaced or the actor has stopped, its children have stopped.
 */
export class Life<M> implements Runnable, Kin {
  readonly id: string;
  readonly #host: LifeHost;
  readonly #parent: Kin | undefined;
  readonly #factory: ActorFactory<M>;
  readonly #inbox: Inbox<M>;
  readonly #supervisor: Supervisor;
  readonly #context: ActorContext<M>;
  readonly #family = new Family();

  #state: ActorState = 'starting';
  #closing: 'open' | StopMode = 'open';
  /** In the dispatcher's queue, or running. */
  #queued = false;
  #instance: Instance<M> | undefined;
  /** The error for which the instance in 'starting' replaces another; undefined at the first start. */
  #replaces: { readonly error: unknown } | undefined;
  /** What the promise waited for in 'busy' belongs to. */
  #busyWith: FailurePhase = 'receive';
  /** Undefined in 'backoff': it is over. */
  #cancelBackoff: Cancel | undefined;
  /** The child whose failure this actor has escalated further; it resumes when this actor does. */
  #escalatedFor: Kin | undefined;
  #whenStopped: PromiseWithResolvers<void> | undefined;
  #onSettled: (() => void) | undefined;
  #onRejected: ((error: unknown) => void) | undefined;

  #processed = 0;
  #failures = 0;
  #restarts = 0;

  constructor(options: LifeOptions<M>, host: LifeHost) {
    this.id = options.id;
    this.#host = host;
    this.#parent = options.parent;
    this.#factory = options.factory;
    this.#inbox = options.inbox;
    this.#supervisor = options.supervisor;
    this.#context = options.context;
  }

  /** The first start. Throws what the factory throws: the actor then stops, with the children it spawned until then. */
  start(): void {
    this.#parent?.adopt(this);
    try {
      this.#instance = this.#create();
    } catch (error) {
      this.#report({ error, originId: this.id, phase: 'create' }, 'stop');
      this.#close('now');
      this.#finish();
      throw error;
    }
    if (!this.#instance.hasStarted) this.#state = 'ready';
    this.#wake();
  }

  /** There is a message in the inbox. The usual cases of `#wake`, for the path every message takes. */
  messageArrived(): void {
    if (this.#state === 'ready' && !this.#queued) this.#enqueue();
  }

  stop(mode: StopMode): Promise<void> {
    if (this.#state === 'stopped') return Promise.resolve();
    this.#whenStopped ??= Promise.withResolvers<void>();
    this.#close(mode);
    // Children that drain because this actor drained are cut short with it.
    if (this.#state === 'stopping' && mode === 'now') void this.#family.stop('now');
    this.#wake();
    return this.#whenStopped.promise;
  }

  get statistics(): Pick<ActorStatistics, 'state' | 'children' | 'processed' | 'failures' | 'restarts'> {
    return {
      state: this.#state,
      children: this.#family.size,
      processed: this.#processed,
      failures: this.#failures,
      restarts: this.#restarts,
    };
  }

  // --- What its kin asks of it

  get suspended(): boolean {
    return this.#state === 'suspended';
  }

  /** Whether it may have (more) children now: not while those it has are being stopped. */
  get mayAdopt(): boolean {
    return this.#closing !== 'now' && (this.#state === 'starting' || this.#state === 'ready' || this.#state === 'busy');
  }

  adopt(child: Kin): void {
    this.#family.add(child);
  }

  disown(child: Kin): void {
    this.#family.remove(child);
  }

  takeEscalation(child: Kin, failure: Failure): void {
    // While it drains its children this actor has no instance to speak for any more.
    if (this.#state === 'stopping') {
      void child.stop('now');
      return;
    }
    this.#family.escalate({ child, failure });
    this.#wake();
  }

  resume(): void {
    if (this.#state !== 'suspended') return;
    this.#state = 'ready';
    if (this.#instance === undefined) this.#close('now');
    this.#escalatedFor?.resume();
    this.#escalatedFor = undefined;
    this.#wake();
  }

  // --- Work

  run(limit: number): number {
    const processedBefore = this.#processed;
    let taken = 0;
    // A factory that stops its actor and then throws leaves it in the queue.
    if (this.#state === 'stopping' || this.#state === 'stopped') return taken;
    if (this.#closing === 'now') this.#finish();
    else if (this.#state === 'backoff') this.#replace();
    else if (this.#state === 'starting') this.#runStartHook(known(this.#instance, 'no instance to start'));
    while (this.#state === 'ready' && taken < limit) {
      if (this.#inbox.depth > 0 && this.#closing !== 'now' && !this.#family.hasEscalation) taken += this.#handle();
      else if (!this.#attend()) break;
    }
    this.#host.events.totals.processed += this.#processed - processedBefore;
    this.#queued = false;
    this.#wake();
    return taken;
  }

  /** What goes before messages, or is left when there are none. False when there is nothing to do. */
  #attend(): boolean {
    if (this.#closing === 'now') this.#finish();
    else if (this.#family.hasEscalation) this.#decideForChild();
    else if (this.#closing === 'drain') this.#finish();
    else return false;
    return true;
  }

  #handle(): number {
    const instance = known(this.#instance, 'no instance to handle messages');
    try {
      const work = instance.handle(this.#inbox);
      if (work !== undefined) this.#waitFor(work, 'receive');
    } catch (error) {
      this.#fail('receive', error);
    }
    this.#processed += instance.given;
    return instance.taken;
  }

  #waitFor(work: PromiseLike<void>, phase: FailurePhase): void {
    this.#state = 'busy';
    this.#busyWith = phase;
    this.#onSettled ??= () => {
      this.#state = 'ready';
      this.#instance?.release();
      this.#wake();
    };
    this.#onRejected ??= (error) => {
      this.#state = 'ready';
      this.#fail(this.#busyWith, error);
      this.#wake();
    };
    void Promise.resolve(work).then(this.#onSettled, this.#onRejected);
  }

  #wake(): void {
    if (!this.#queued && this.#hasWork()) this.#enqueue();
  }

  #enqueue(): void {
    this.#queued = true;
    this.#host.dispatcher.ready(this);
  }

  #hasWork(): boolean {
    switch (this.#state) {
      case 'ready':
        return this.#inbox.depth > 0 || this.#closing !== 'open' || this.#family.hasEscalation;
      case 'starting':
        return true;
      case 'backoff':
        return this.#cancelBackoff === undefined || this.#closing !== 'open';
      case 'suspended':
        return this.#closing === 'now';
      case 'busy':
      case 'restarting':
      case 'stopping':
      case 'stopped':
        return false;
    }
  }

  // --- Failure

  /** Only in state 'ready'. */
  #fail(phase: FailurePhase, error: unknown): void {
    this.#instance?.fail(this.id, error);
    const failure: Failure = { error, originId: this.id, phase };
    if (this.#closing === 'now') this.#report(failure, 'ignored');
    else this.#carryOut(failure);
  }

  #carryOut(failure: Failure, child?: Kin): void {
    const circumstances = {
      nowMs: this.#host.clock.now(),
      draining: this.#closing === 'drain',
      hasInstance: this.#instance !== undefined,
    };
    const decision = this.#supervisor.decide(failure, circumstances);
    this.#report(failure, decision.directive);
    switch (decision.directive) {
      case 'resume':
        child?.resume();
        break;
      case 'restart':
        void this.#restart(failure.error, decision.delayMs);
        break;
      case 'stop':
        this.#close('now');
        break;
      case 'escalate':
        this.#escalatedFor = child;
        this.#escalate(failure);
        break;
    }
  }

  #decideForChild(): void {
    const escalation = this.#family.takeEscalation();
    if (escalation === undefined) return;
    this.#carryOut({ ...escalation.failure, phase: 'child' }, escalation.child);
  }

  #escalate(failure: Failure): void {
    if (this.#parent !== undefined) {
      this.#state = 'suspended';
      this.#parent.takeEscalation(this, failure);
      return;
    }
    const { originId, error } = failure;
    this.#host.events.emit({ type: 'escalated-to-root', actorId: this.id, originId, error });
    this.#close('now');
  }

  #report(failure: Failure, directive: Decision['directive'] | 'ignored'): void {
    this.#failures++;
    this.#host.events.totals.failures++;
    this.#host.events.emit({ type: 'failed', actorId: this.id, ...failure, directive });
  }

  // --- Start, restart, stop

  #create(): Instance<M> {
    return new Instance(this.#factory(this.#context), this.#context);
  }

  #runStartHook(instance: Instance<M>): void {
    const replaces = this.#replaces;
    const phase = replaces !== undefined && instance.hasRestarted ? 'restarted' : 'started';
    this.#state = 'ready';
    try {
      const work = phase === 'restarted' ? instance.restarted(replaces?.error) : instance.started();
      if (work !== undefined) this.#waitFor(work, phase);
    } catch (error) {
      this.#fail(phase, error);
    }
  }

  async #restart(error: unknown, delayMs: number): Promise<void> {
    this.#state = 'restarting';
    this.#replaces = { error };
    this.#restarts++;
    this.#host.events.totals.restarts++;
    await this.#retire('now');
    this.#state = 'backoff';
    // When it is closing by now, `run` cuts the backoff short.
    if (delayMs > 0) {
      this.#cancelBackoff = this.#host.clock.schedule(delayMs, () => {
        this.#cancelBackoff = undefined;
        this.#wake();
      });
    }
    this.#wake();
  }

  #replace(): void {
    this.#endBackoff();
    this.#state = 'ready';
    try {
      this.#instance = this.#create();
    } catch (error) {
      this.#fail('create', error);
      return;
    }
    this.#host.events.emit({ type: 'restarted', actorId: this.id });
    this.#runStartHook(this.#instance);
  }

  #endBackoff(): void {
    this.#cancelBackoff?.();
    this.#cancelBackoff = undefined;
  }

  /** Takes no more messages; with 'now', those it has are dead letters. A 'drain' does not undo a 'now'. */
  #close(mode: StopMode): void {
    if (this.#closing !== 'now') this.#closing = mode;
    this.#inbox.close();
    if (this.#closing === 'now') this.#inbox.discard();
  }

  #finish(): void {
    this.#endBackoff();
    this.#state = 'stopping';
    if (this.#family.size === 0 && this.#instance?.hasStopped !== true) this.#end();
    else void this.#retire(this.#closing === 'drain' ? 'drain' : 'now').then(() => this.#end());
  }

  /** Stops the children, then takes leave of the instance. Never rejects. */
  async #retire(mode: StopMode): Promise<void> {
    if (this.#family.size > 0) await this.#family.stop(mode);
    try {
      await this.#instance?.stopped();
    } catch (error) {
      this.#report({ error, originId: this.id, phase: 'stopped' }, 'ignored');
    }
    this.#instance = undefined;
  }

  #end(): void {
    this.#state = 'stopped';
    this.#instance = undefined;
    this.#host.release(this.id);
    this.#parent?.disown(this);
    this.#host.events.totals.stopped++;
    this.#host.events.emit({ type: 'stopped', actorId: this.id });
    this.#whenStopped?.resolve();
  }
}
