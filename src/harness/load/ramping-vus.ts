// A closed loop whose number of users rises and falls.

import { known } from '../../runtime/assert.ts';
import type { Cancel } from '../../runtime/clock.ts';
import type { ValidRampingVus, ValidStage } from '../scenario/valid-scenario.ts';
import { ClosedLoop } from './closed-loop.ts';
import type { Executor, ExecutorContext } from './executor.ts';
import { DUE_TOLERANCE_MS } from './pacer.ts';
import { partOf, type Share, WHOLE } from './share.ts';
import type { VirtualUser } from './virtual-users.ts';

export interface UserStep {
  /** From the start of the load. */
  readonly atMs: number;
  /** How many users there are from then on. */
  readonly vus: number;
}

/**
 * How the number of users follows its line, in k6's way: it becomes v when the line reaches v, rising or falling. One step
 * for each user that comes or goes; a jump is one step.
 */
export function* userSteps(startVUs: number, stages: readonly ValidStage[]): Generator<UserStep, void> {
  yield { atMs: 0, vus: startVUs };
  let [startMs, from] = [0, startVUs];
  for (const { target, durationMs } of stages) {
    const change = Math.abs(target - from);
    const direction = Math.sign(target - from);
    if (durationMs === 0 && change > 0) yield { atMs: startMs, vus: target };
    else
      for (let step = 1; step <= change; step++)
        yield { atMs: startMs + (durationMs * step) / change, vus: from + direction * step };
    startMs += durationMs;
    from = target;
  }
}

/** The steps of one part of the users, who are dealt out in turn. */
export function* stepsOfShare(steps: Iterable<UserStep>, share: Share): Generator<UserStep, void> {
  let last: number | undefined;
  for (const { atMs, vus } of steps) {
    const mine = partOf(vus, share);
    if (mine !== last) yield { atMs, vus: mine };
    last = mine;
  }
}

/**
 * The users are 0 to vus - 1: the last to come is the first to go. One that must go finishes its operation, for which it has
 * the graceful ramp-down, and is parked then; when it is needed again before, it goes on as if nothing had been.
 * Invariant: a user is parked, or has an operation under way, or waits inside the loop to begin one: exactly one of them.
 */
export class RampingVus implements Executor {
  readonly #load: ValidRampingVus;
  readonly #context: ExecutorContext;
  readonly #loop: ClosedLoop;
  readonly #steps: Iterator<UserStep, void>;
  readonly #users: VirtualUser[] = [];
  readonly #parked = new Set<VirtualUser>();
  /** Of users that must go: when their time is over. By the user's index. */
  readonly #rampDowns = new Map<number, Cancel>();
  #vus = 0;

  /** @param share the part of the users that is here. */
  constructor(load: ValidRampingVus, context: ExecutorContext, share: Share = WHOLE) {
    this.#load = load;
    this.#context = context;
    this.#steps = stepsOfShare(userSteps(load.startVUs, load.stages), share);
    this.#loop = new ClosedLoop(load.startTimeMs + load.durationMs, context, (user) => this.#mayBegin(user));
  }

  start(): void {
    this.#loop.start(this.#load.startTimeMs, () => this.#follow(this.#steps.next()));
  }

  stop(): void {
    this.#loop.stop();
  }

  freed(user: VirtualUser): void {
    this.#loop.freed(user);
  }

  /** Takes every step that is due, and waits for the next. */
  #follow(first: IteratorResult<UserStep, void>): void {
    const dueMs = this.#context.elapsedMs() + DUE_TOLERANCE_MS;
    let step = first;
    for (; step.done !== true && this.#load.startTimeMs + step.value.atMs <= dueMs; step = this.#steps.next())
      this.#setVus(step.value.vus);
    if (step.done === true) return;
    const next = step;
    this.#loop.at(this.#load.startTimeMs + step.value.atMs, () => this.#follow(next));
  }

  #setVus(vus: number): void {
    const before = this.#vus;
    this.#vus = vus;
    for (let index = before; index < vus; index++) this.#bring(index);
    for (let index = vus; index < before; index++) this.#dismiss(index);
  }

  #bring(index: number): void {
    this.#cancelRampDown(index);
    const user = this.#users[index];
    if (user === undefined) {
      const newcomer = this.#context.users.allocate();
      this.#users.push(newcomer);
      this.#loop.begin(newcomer, this.#context.elapsedMs());
    } else if (this.#parked.delete(user)) this.#loop.begin(user, this.#context.elapsedMs());
  }

  #dismiss(index: number): void {
    const user = known(this.#users[index], 'a user that goes has come');
    // One that waits to begin is parked when it would.
    if (user.operation === undefined) return;
    const endMs = this.#context.elapsedMs() + this.#load.gracefulRampDownMs;
    this.#rampDowns.set(
      index,
      this.#loop.at(endMs, () => this.#cutOff(user)),
    );
  }

  #cutOff(user: VirtualUser): void {
    this.#rampDowns.delete(user.index);
    // It has answered and pauses: then it has nothing to be cut off from.
    if (user.operation === undefined) return;
    const successor = this.#context.users.replace(user);
    this.#users[user.index] = successor;
    this.#parked.add(successor);
  }

  #mayBegin(user: VirtualUser): boolean {
    if (user.index < this.#vus) return true;
    this.#cancelRampDown(user.index);
    this.#parked.add(user);
    return false;
  }

  #cancelRampDown(index: number): void {
    this.#rampDowns.get(index)?.();
    this.#rampDowns.delete(index);
  }
}
