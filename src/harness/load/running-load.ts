// One load of a run, from its start until nothing of it is under way any more.

import { setMaxListeners } from 'node:events';
import { known } from '../../runtime/assert.ts';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { ValidLoad } from '../scenario/valid-scenario.ts';
import { ArrivalRate } from './arrival-rate.ts';
import { ConstantVus, SharedIterations } from './constant-vus.ts';
import { EngineLoop } from './engine-loop.ts';
import type { Executor } from './executor.ts';
import type { PlannedOperation, Saturate } from './operation.ts';
import type { SpinBudget } from './pacer.ts';
import { RampingVus } from './ramping-vus.ts';
import { arrivalsOf } from './schedule.ts';
import { arrivalsOfShare, loadOfShare, type Share } from './share.ts';
import { VirtualUsers } from './virtual-users.ts';
import type { UserContext } from './virtual-users.ts';
import { planOf } from './workload.ts';
import type { OperationPlan, UniqueValues } from './workload.ts';

export interface LoadSummary {
  readonly name: string;
  readonly scheduled: number;
  /** scheduled = started + dropped. */
  readonly started: number;
  readonly dropped: number;
  /** Still under way when the graceful stop or ramp-down was over, and recorded as `info`. */
  readonly cutOff: number;
  readonly virtualUsers: number;
}

/** What the loads of a run share. All instants are milliseconds from the start of the scenario. */
export interface RunContext extends UserContext {
  readonly clock: Clock;
  /** What `clock` read when the scenario started. */
  readonly originMs: number;
  readonly random: Random;
  readonly budget: SpinBudget;
  readonly saturate: Saturate | undefined;
  scheduled(atMs: number): void;
  dropped(load: string, atMs: number): void;
}

/**
 * running -> stopping (nothing begins any more; operations under way may finish) -> ended. `onEnded` is called once.
 */
export class RunningLoad {
  readonly #name: string;
  readonly #load: ValidLoad;
  readonly #share: Share;
  readonly #context: RunContext;
  readonly #onEnded: () => void;
  readonly #plan: OperationPlan;
  readonly #users: VirtualUsers;
  readonly #executor: Executor;
  readonly #abort = new AbortController();
  #state: 'running' | 'stopping' | 'ended' = 'running';
  #cancelGrace: Cancel = () => {};
  #scheduled = 0;
  #dropped = 0;

  /** @param share the part of the load that is issued here. */
  constructor(name: string, load: ValidLoad, share: Share, unique: UniqueValues, context: RunContext, onEnded: () => void) {
    this.#name = name;
    this.#load = loadOfShare(load, share);
    this.#share = share;
    this.#context = context;
    this.#onEnded = onEnded;
    // Every operation under way may listen to it.
    setMaxListeners(0, this.#abort.signal);
    const stream = share.of === 1 ? name : `${name}/${share.index}`;
    this.#plan = planOf(name, load.workload, context.random.fork(`operations/${stream}`), unique, share);
    this.#users = new VirtualUsers(context, this.#plan, this.#abort.signal, (user) => {
      if (this.#state === 'running') this.#executor.freed(user);
      else this.#maybeEnd();
    });
    this.#executor = this.#createExecutor();
  }

  #createExecutor(): Executor {
    const { clock, originMs, random, budget } = this.#context;
    const context = {
      clock,
      originMs,
      elapsedMs: () => this.#context.elapsedMs(),
      users: this.#users,
      scheduled: (atMs: number) => {
        this.#scheduled++;
        this.#context.scheduled(atMs);
      },
      dropped: (atMs: number) => {
        this.#dropped++;
        this.#context.dropped(this.#name, atMs);
      },
      finished: () => this.#beginGracefulStop(),
    };
    const load = this.#load;
    switch (load.executor) {
      case 'constant-arrival-rate':
      case 'ramping-arrival-rate': {
        // Every part draws the whole schedule, from the same stream, and takes what is its own.
        const arrivals = arrivalsOf(load, random.fork(`arrivals/${this.#name}`));
        return new ArrivalRate(load, arrivalsOfShare(arrivals, this.#share), budget, context);
      }
      case 'constant-vus':
        return new ConstantVus(load, context);
      case 'ramping-vus':
        return new RampingVus(load, context, this.#share);
      case 'shared-iterations':
        return new SharedIterations(load, context);
      case 'autocannon': {
        const saturate = known(this.#context.saturate, `the target has no engine for the load ${this.#name}`);
        return new EngineLoop(load, context, (begin) => saturate(this.#name, load, begin, this.#abort.signal));
      }
    }
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  start(): void {
    this.#executor.start();
  }

  /** Begins nothing any more; what is under way has its graceful stop. */
  stop(): void {
    this.#executor.stop();
  }

  /** Ends at once: what is under way is recorded as `info`. */
  cutOff(): void {
    this.#executor.stop();
    if (this.#state === 'ended') return;
    this.#users.cutOff();
    this.#maybeEnd();
  }

  /** See OperationPlan. */
  finalReads(): PlannedOperation[] {
    return this.#plan.finalReads();
  }

  summary(): LoadSummary {
    return {
      name: this.#name,
      scheduled: this.#scheduled,
      started: this.#scheduled - this.#dropped,
      dropped: this.#dropped,
      cutOff: this.#users.cutOffs,
      virtualUsers: this.#users.count,
    };
  }

  #beginGracefulStop(): void {
    this.#state = 'stopping';
    this.#cancelGrace = this.#context.clock.schedule(this.#load.gracefulStopMs, () => this.cutOff());
    this.#maybeEnd();
  }

  #maybeEnd(): void {
    if (this.#state !== 'stopping' || this.#users.busy > 0) return;
    this.#state = 'ended';
    this.#cancelGrace();
    // Nobody waits any more for the answers of what was cut off.
    if (this.#users.cutOffs > 0) this.#abort.abort(new Error(`load '${this.#name}': the graceful stop is over`));
    this.#onEnded();
  }
}
