// Virtual users: each carries out one operation at a time and records what came of it.

import { assert, known } from '../../runtime/assert.ts';
import type { LoadTracing, OperationTrace } from './load-tracing.ts';
import { EXPECTED_FAILURES } from './operation.ts';
import type { Answer, Invoke, LoadEvent, PlannedOperation } from './operation.ts';
import type { OperationPlan } from './workload.ts';

/** What the users of all loads share. */
export interface UserContext {
  /** Milliseconds from the start of the scenario. */
  elapsedMs(): number;
  /** A process id that nobody has had. */
  nextProcess(): number;
  readonly invoke: Invoke;
  /** Absent: nothing is traced. */
  readonly tracing?: LoadTracing | undefined;
  /** Records an event. Must not throw. */
  emit(event: LoadEvent): void;
}

/** The code of an operation that was still under way when its graceful stop was over. */
export const CUT_OFF = 'cut-off';

/**
 * The users of one load.
 * Invariants: (1) a user has at most one operation; (2) an operation that began is recorded as ended exactly once: when its
 * answer comes or when it is cut off, whichever is first; (3) `busy` is the number of operations under way.
 */
export class VirtualUsers {
  readonly #context: UserContext;
  readonly #plan: OperationPlan;
  readonly #signal: AbortSignal;
  readonly #onFree: (user: VirtualUser) => void;
  readonly #users: VirtualUser[] = [];
  #busy = 0;
  #cutOffs = 0;

  /** @param onFree is called when a user's operation has ended, from a microtask; not after `cutOff`. */
  constructor(context: UserContext, plan: OperationPlan, signal: AbortSignal, onFree: (user: VirtualUser) => void) {
    this.#context = context;
    this.#plan = plan;
    this.#signal = signal;
    this.#onFree = onFree;
  }

  get count(): number {
    return this.#users.length;
  }

  get busy(): number {
    return this.#busy;
  }

  /** How many operations were cut off. */
  get cutOffs(): number {
    return this.#cutOffs;
  }

  /** Adds a user, with nothing to do. */
  allocate(): VirtualUser {
    const user = new VirtualUser(this.#users.length, this.#context.nextProcess(), this.#ended, this.#rejected);
    this.#users.push(user);
    return user;
  }

  /**
   * Starts the next operation of the plan.
   * @param scheduledMs when it should have started.
   * @param invoke carries it out. Default: the run's.
   */
  begin(user: VirtualUser, scheduledMs: number, invoke: Invoke = this.#context.invoke): void {
    assert(user.operation === undefined, `process ${user.process} began an operation before its last one ended`);
    const operation = this.#plan.next();
    // Not before it was scheduled: the pacer's tolerance is below what clocks can tell.
    const sentMs = Math.max(scheduledMs, this.#context.elapsedMs());
    user.operation = operation;
    user.scheduledMs = scheduledMs;
    user.sentMs = sentMs;
    user.trace = this.#context.tracing?.begin(operation, sentMs - scheduledMs);
    this.#busy++;
    this.#context.emit({ type: 'invoke', process: user.process, atMs: sentMs, scheduledMs, operation });
    let answer: Promise<Answer>;
    try {
      answer = user.trace ? user.trace.run(() => invoke(operation, this.#signal)) : invoke(operation, this.#signal);
    } catch (error) {
      answer = Promise.reject(error);
    }
    answer.then(user.onAnswer, user.onRejection);
  }

  /** Records every operation under way as `info`; answers that still come are ignored. */
  cutOff(): void {
    for (const user of this.#users) if (user.operation !== undefined) this.#cutOff(user);
  }

  /**
   * Records what a user does as `info`, and gives a free one in its place: the user itself may still get an answer, which is
   * ignored, and which must not be taken for that of another operation.
   */
  replace(user: VirtualUser): VirtualUser {
    this.#cutOff(user);
    const successor = new VirtualUser(user.index, user.process, this.#ended, this.#rejected);
    this.#users[user.index] = successor;
    return successor;
  }

  #cutOff(user: VirtualUser): void {
    this.#record(user, { outcome: 'info', code: CUT_OFF });
    this.#cutOffs++;
  }

  readonly #ended = (user: VirtualUser, answer: Answer): void => {
    // Cut off before its answer came.
    if (user.operation === undefined) return;
    this.#record(user, answer);
    this.#onFree(user);
  };

  readonly #rejected = (user: VirtualUser, error: unknown): void => {
    // Nobody knows what happened to the operation, and a bug must not stop the run that shows it.
    this.#ended(user, { outcome: 'info', code: codeOf(error) });
  };

  #record(user: VirtualUser, answer: Answer): void {
    const operation = known(user.operation, 'an operation that ended has begun');
    const { process, scheduledMs, sentMs, trace } = user;
    const code = answer.outcome === 'ok' ? undefined : answer.code;
    const expected = answer.outcome === 'fail' && EXPECTED_FAILURES.has(code);
    user.operation = undefined;
    user.trace = undefined;
    trace?.end(answer.outcome, code, answer.outcome !== 'ok' && !expected);
    user.endedMs = Math.max(sentMs, this.#context.elapsedMs());
    user.failed = answer.outcome !== 'ok' && !expected;
    this.#busy--;
    this.#plan.learn(operation, answer);
    this.#context.emit({
      type: answer.outcome,
      process,
      atMs: user.endedMs,
      operation,
      scheduledMs,
      sentMs,
      value: answer.outcome === 'ok' ? answer.value : undefined,
      code,
      expected,
      trace: trace?.number,
    });
    // Its last operation may still happen at any time, concurrently with what a process does next.
    if (answer.outcome === 'info') user.process = this.#context.nextProcess();
  }
}

export class VirtualUser {
  /** Its place among the users of its load, from 0. */
  readonly index: number;
  process: number;
  /** What it is doing; undefined while it is free. */
  operation: PlannedOperation | undefined;
  trace: OperationTrace | undefined;
  scheduledMs = 0;
  sentMs = 0;
  /** When its last operation ended, and whether with an error. */
  endedMs = 0;
  failed = false;
  /** Made once, because they are needed for every operation. */
  readonly onAnswer: (answer: Answer) => void;
  readonly onRejection: (error: unknown) => void;

  constructor(
    index: number,
    process: number,
    ended: (user: VirtualUser, answer: Answer) => void,
    rejected: (user: VirtualUser, error: unknown) => void,
  ) {
    this.index = index;
    this.process = process;
    this.onAnswer = (answer) => ended(this, answer);
    this.onRejection = (error) => rejected(this, error);
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'rejected';
  const { code } = error as Error & { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
