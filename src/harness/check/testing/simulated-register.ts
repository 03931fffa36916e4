// Histories of registers that are linearizable by construction: every operation takes effect at one instant between its
// invocation and its completion (or, when its outcome is unknown, at any later one, or never).

import type { HistoryEvent, NewHistoryEvent } from '../../history/event.ts';
import { MISMATCH } from '../../history/event.ts';
import type { Random } from '../../../runtime/random.ts';

export interface SimulationOptions {
  readonly random: Random;
  readonly operations: number;
  readonly clients: number;
  readonly keys?: number;
  /** How many different values are written; Infinity makes each write unique. Default 5. */
  readonly values?: number;
  /** Probabilities. Defaults 0. */
  readonly unknownRate?: number;
  readonly failRate?: number;
  /** Share of compare-and-set among what changes the register. Default 0.3. */
  readonly casShare?: number;
  /** Takes the events as they come, instead of the returned list: for histories too large to hold. */
  readonly onEvent?: (event: HistoryEvent) => void;
}

interface Running {
  readonly key: string;
  readonly f: 'read' | 'write' | 'cas';
  readonly input: unknown;
  /** What it answered when it took effect; undefined before. */
  answer: Partial<NewHistoryEvent> | undefined;
}

/** The events of a run, in order (none when `onEvent` took them). Registers begin with null. */
export function simulateRegisters(options: SimulationOptions): HistoryEvent[] {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: Random;
  readonly #registers = new Map<string, unknown>();
  readonly #clients: { process: number; running: Running | undefined }[];
  /** Operations whose clients gave up; they may yet take effect. */
  readonly #abandoned: Running[] = [];
  readonly #events: HistoryEvent[] = [];
  #nextProcess: number;
  #nextValue = 0;
  #invoked = 0;
  #emitted = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = options.random;
    this.#clients = Array.from({ length: options.clients }, (_, process) => ({ process, running: undefined }));
    this.#nextProcess = options.clients;
  }

  run(): HistoryEvent[] {
    const idle = () => this.#clients.every(({ running }) => running === undefined);
    while (this.#invoked < this.#options.operations || !idle()) this.#step();
    return this.#events;
  }

  #step(): void {
    if (this.#abandoned.length > 0 && this.#random.chance(0.05)) {
      const at = this.#random.integer(0, this.#abandoned.length - 1);
      this.#apply(this.#abandoned.splice(at, 1)[0] as Running);
    }
    const client = this.#random.pick(this.#clients);
    const { running } = client;
    if (running === undefined) {
      if (this.#invoked < this.#options.operations) this.#invoke(client);
    } else if (running.answer === undefined && this.#random.chance(this.#options.failRate ?? 0)) {
      this.#emit({ ...this.#event(client.process, running), type: 'fail', error: 'refused' });
      client.running = undefined;
    } else if (this.#random.chance(this.#options.unknownRate ?? 0)) {
      this.#emit({ ...this.#event(client.process, running), type: 'info', error: 'timeout' });
      if (running.answer === undefined) this.#abandoned.push(running);
      client.process = this.#nextProcess++;
      client.running = undefined;
    } else if (running.answer === undefined) {
      this.#apply(running);
    } else {
      this.#emit({ ...this.#event(client.process, running), ...running.answer });
      client.running = undefined;
    }
  }

  #invoke(client: { process: number; running: Running | undefined }): void {
    this.#invoked++;
    const key = `k${this.#random.integer(1, this.#options.keys ?? 1)}`;
    const f = this.#random.chance(0.5) ? 'read' : this.#random.chance(this.#options.casShare ?? 0.3) ? 'cas' : 'write';
    const input = f === 'read' ? null : f === 'write' ? this.#value() : [this.#registers.get(key) ?? null, this.#value()];
    client.running = { key, f, input, answer: undefined };
    this.#emit(this.#event(client.process, client.running));
  }

  #value(): number {
    const values = this.#options.values ?? 5;
    return values === Number.POSITIVE_INFINITY ? this.#nextValue++ : this.#random.integer(0, values - 1);
  }

  #apply(running: Running): void {
    const value = this.#registers.get(running.key) ?? null;
    if (running.f === 'read') {
      running.answer = { type: 'ok', value };
    } else if (running.f === 'write') {
      this.#registers.set(running.key, running.input);
      running.answer = { type: 'ok' };
    } else {
      const [from, to] = running.input as [unknown, unknown];
      if (from === value) this.#registers.set(running.key, to);
      running.answer = from === value ? { type: 'ok' } : { type: 'fail', error: MISMATCH };
    }
  }

  #event(process: number, { key, f, input }: Running): NewHistoryEvent {
    return { process, type: 'invoke', f, key, value: input, timeNs: this.#emitted * 1_000 };
  }

  #emit(event: NewHistoryEvent): void {
    const numbered = { ...event, index: this.#emitted++ };
    if (this.#options.onEvent === undefined) this.#events.push(numbered);
    else this.#options.onEvent(numbered);
  }
}
