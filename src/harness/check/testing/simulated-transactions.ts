// A database of append-only lists with transactions, under several isolation levels, and the histories of its clients.

import type { HistoryEvent, NewHistoryEvent } from '../../history/event.ts';
import type { Random } from '../../../runtime/random.ts';

/**
 * `strict`: every transaction at one instant between call and return. `stale`: the same, but transactions that only read
 * may see an old state. `snapshot`: reads of a snapshot taken at the first step, first committer wins. `read-committed`: every
 * read sees what is committed at its moment. `read-uncommitted`: appends are visible at once, also those of aborted ones.
 */
export type Isolation = 'strict' | 'stale' | 'snapshot' | 'read-committed' | 'read-uncommitted';

export interface TransactionSimulationOptions {
  readonly random: Random;
  readonly isolation: Isolation;
  readonly transactions: number;
  readonly clients: number;
  readonly keys: number;
  /** Most micro-operations of a transaction, >= 1. Default 4. */
  readonly maxSteps?: number;
  readonly unknownRate?: number;
  readonly failRate?: number;
}

type State = ReadonlyMap<string, readonly number[]>;
type Step = readonly [f: 'append' | 'r', key: string, value: number | readonly number[] | null];

interface Running {
  readonly steps: readonly Step[];
  readonly done: Step[];
  readonly own: Map<string, number[]>;
  snapshot: State | undefined;
  outcome: 'ok' | 'fail' | undefined;
}

export function simulateTransactions(options: TransactionSimulationOptions): HistoryEvent[] {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: TransactionSimulationOptions;
  readonly #random: Random;
  readonly #events: HistoryEvent[] = [];
  /** Every state that was committed, oldest first. */
  readonly #states: State[] = [new Map()];
  readonly #places: { process: number; running: Running | undefined }[];
  readonly #abandoned: Running[] = [];
  readonly #elements = new Map<string, number>();
  #nextProcess: number;
  #invoked = 0;

  constructor(options: TransactionSimulationOptions) {
    this.#options = options;
    this.#random = options.random;
    this.#places = Array.from({ length: options.clients }, (_, process) => ({ process, running: undefined }));
    this.#nextProcess = options.clients;
  }

  run(): HistoryEvent[] {
    while (this.#invoked < this.#options.transactions || this.#places.some(({ running }) => running !== undefined)) this.#turn();
    return this.#events;
  }

  #turn(): void {
    const random = this.#random;
    if (this.#abandoned.length > 0 && random.chance(0.1)) {
      const running = this.#abandoned[0] as Running;
      this.#advance(running);
      if (running.outcome !== undefined) this.#abandoned.shift();
    }
    const place = random.pick(this.#places);
    const { running, process } = place;
    const { unknownRate = 0, failRate = 0 } = this.#options;
    if (running === undefined) {
      if (this.#invoked < this.#options.transactions) place.running = this.#invoke(process);
    } else if (running.outcome !== undefined) {
      this.#emit(process, running.outcome, running.outcome === 'ok' ? running.done : running.steps);
      place.running = undefined;
    } else if (random.chance(unknownRate)) {
      this.#emit(process, 'info', running.steps);
      this.#abandoned.push(running);
      place.running = undefined;
      place.process = this.#nextProcess++;
    } else if (random.chance(failRate)) {
      running.outcome = 'fail';
    } else {
      this.#advance(running);
    }
  }

  #invoke(process: number): Running {
    this.#invoked++;
    const count = this.#random.integer(1, this.#options.maxSteps ?? 4);
    const steps = Array.from({ length: count }, (): Step => {
      const key = `k${this.#random.integer(1, this.#options.keys)}`;
      if (this.#random.chance(0.5)) return ['r', key, null];
      const element = (this.#elements.get(key) ?? 0) + 1;
      this.#elements.set(key, element);
      return ['append', key, element];
    });
    this.#emit(process, 'invoke', steps);
    return { steps, done: [], own: new Map(), snapshot: undefined, outcome: undefined };
  }

  /** One step, or the commit; everything at once where transactions are atomic. */
  #advance(running: Running): void {
    const { isolation } = this.#options;
    const atomic = isolation === 'strict' || isolation === 'stale';
    const readOnly = running.steps.every(([f]) => f === 'r');
    const lag = isolation === 'stale' && readOnly ? this.#random.integer(0, 3) : 0;
    running.snapshot ??= this.#states.at(-1 - Math.min(lag, this.#states.length - 1)) as State;
    this.#takeStep(running);
    if (atomic && running.outcome === undefined) this.#advance(running);
  }

  #takeStep(running: Running): void {
    const step = running.steps[running.done.length];
    if (step === undefined) this.#commit(running);
    else running.done.push(this.#do(running, step));
  }

  #do({ own, snapshot }: Running, [f, key, value]: Step): Step {
    const current = this.#states.at(-1) as State;
    const mine = own.get(key) ?? [];
    if (f === 'r') {
      const seen = this.#options.isolation.startsWith('read-') ? current : (snapshot as State);
      return ['r', key, [...(seen.get(key) ?? []), ...mine]];
    }
    if (this.#options.isolation === 'read-uncommitted') {
      this.#states.push(new Map([...current, [key, [...(current.get(key) ?? []), value as number]]]));
    } else own.set(key, [...mine, value as number]);
    return [f, key, value];
  }

  #commit(running: Running): void {
    const current = this.#states.at(-1) as State;
    const conflict = [...running.own.keys()].some((key) => current.get(key) !== running.snapshot?.get(key));
    if (this.#options.isolation === 'snapshot' && conflict) {
      running.outcome = 'fail';
      return;
    }
    const next = new Map(current);
    for (const [key, elements] of running.own) next.set(key, [...(current.get(key) ?? []), ...elements]);
    if (running.own.size > 0) this.#states.push(next);
    running.outcome = 'ok';
  }

  #emit(process: number, type: NewHistoryEvent['type'], steps: readonly Step[]): void {
    const index = this.#events.length;
    this.#events.push({ index, process, type, f: 'txn', value: structuredClone(steps), timeNs: index * 1_000 });
  }
}
