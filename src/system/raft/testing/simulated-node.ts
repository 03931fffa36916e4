// One simulated process: a core with its disk, its state machine, its ticking and its pauses. The counterpart of the real host
// in src/system/node.

import { AssertionError } from '../../../runtime/assert.ts';
import type { Cancel, Clock } from '../../../runtime/clock.ts';
import type { Random } from '../../../runtime/random.ts';
import type { RaftStatus } from '../core.ts';
import { RaftCore } from '../core.ts';
import { RaftOptionsError } from '../options.ts';
import type { RaftOptions } from '../options.ts';
import type { Effect, Entry, HardState, Input, Message, NodeId } from '../protocol.ts';
import { InvariantViolation } from './invariants.ts';
import type { Invariants } from './invariants.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

export interface Core {
  step(input: Input): Effect[];
  readonly status: RaftStatus;
}

/** Ways in which a canary may be wrong. */
export interface NodeTampering {
  /** Puts a broken core in the place of the good one. */
  readonly wrapCore?: (core: RaftCore, options: RaftOptions) => Core;
  /** Whether the disk says that this write is durable when it has only received it. */
  readonly reportsEarly?: (status: RaftStatus) => boolean;
  readonly restoreHardState?: (hardState: HardState) => HardState;
  /** Clients are told of success when their write is proposed. */
  readonly acknowledgesEarly?: boolean;
  /** A node that lost its disk starts as if it were new, and votes at once. */
  readonly forgetsLoss?: boolean;
}

export interface NodeContext {
  readonly clock: Clock;
  readonly invariants: Invariants;
  readonly settings: Omit<RaftOptions, 'id' | 'random' | 'hardState' | 'entries' | 'appliedIndex'>;
  readonly tampering: NodeTampering;
  readonly send: (message: Message) => void;
  /** Sees every step: for the trace and for coverage. */
  readonly onStep: (node: SimulatedNode, input: Input, effects: readonly Effect[]) => void;
}

export class SimulatedNode {
  readonly id: NodeId;
  readonly disk: SimulatedDisk;
  core: Core | undefined;
  /** Mean time to apply one batch, milliseconds. */
  meanApplyMs = 1;
  /** Called once, when the node next writes to its disk. */
  onNextWrite: (() => void) | undefined;
  #appliedIndex = 0;
  #pausedUntilMs = 0;
  #waiting: Input[] = [];
  #toApply: Entry[] = [];
  #applying = false;
  readonly #timers = new Set<Cancel>();
  /** By index: the term of a proposal whose client waits here. */
  readonly #proposed = new Map<number, number>();
  /** By id: the index that the read must see. */
  readonly #reads = new Map<number, number>();
  #answersDue = 0;
  #nextId = 1;
  #starts = 0;
  readonly #tickMs: number;
  readonly #context: NodeContext;
  readonly #random: Random;

  /** @param tickMs how often this node's clock ticks, in true milliseconds. */
  constructor(id: NodeId, disk: SimulatedDisk, random: Random, tickMs: number, context: NodeContext) {
    this.id = id;
    this.disk = disk;
    this.#random = random;
    this.#tickMs = tickMs;
    this.#context = context;
  }

  get isUp(): boolean {
    return this.core !== undefined;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get pendingReads(): number {
    return this.#reads.size;
  }

  start(): void {
    const { settings, tampering, invariants } = this.#context;
    const hardState = tampering.restoreHardState?.(this.disk.hardState) ?? this.disk.hardState;
    const options: RaftOptions = {
      ...settings,
      id: this.id,
      random: this.#random.fork(`start ${++this.#starts}`),
      hardState,
      entries: this.disk.entries,
      appliedIndex: this.#appliedIndex,
      ...(this.disk.recovery && tampering.forgetsLoss !== true && { recovery: this.disk.recovery }),
    };
    const core = asViolation(() => new RaftCore(options));
    this.core = tampering.wrapCore?.(core, options) ?? core;
    invariants.started(this.id, hardState, this.#appliedIndex);
    this.#later(this.#random.float() * this.#tickMs, () => this.#tick());
  }

  /** Loses memory and what the disk has not synced; the state machine may go back, as a database without its last syncs does. */
  crash(): { survived: number; of: number; torn: boolean } {
    this.core = undefined;
    this.onNextWrite = undefined;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#waiting = [];
    this.#pausedUntilMs = 0;
    this.#toApply = [];
    this.#applying = false;
    this.#proposed.clear();
    this.#reads.clear();
    this.#appliedIndex -= this.#random.integer(0, Math.min(20, this.#appliedIndex));
    return this.disk.crash();
  }

  /** Everything it had is gone, and it knows that. It must be down. */
  loseDisk(incarnation: number): void {
    this.#context.invariants.lostDisk(this.id);
    this.#appliedIndex = 0;
    this.disk.lose(incarnation);
  }

  /** Nothing is handled for a while; then everything that arrived, with a single tick for the time lost. */
  pause(durationMs: number): void {
    this.#pausedUntilMs = this.#context.clock.now() + durationMs;
    this.#later(durationMs, () => this.resume());
  }

  resume(): void {
    this.#pausedUntilMs = 0;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const input of waiting) this.#step(input);
  }

  receive(message: Message): void {
    this.#input({ type: 'message', message });
  }

  propose(data: readonly Uint8Array[]): void {
    this.#input({ type: 'propose', proposals: data.map((bytes) => ({ id: this.#nextId++, data: bytes })) });
  }

  /** A client reads here. What was acknowledged before must be visible when the answer comes. */
  read(): void {
    const id = this.#nextId++;
    this.#reads.set(id, this.#context.invariants.visibleIndex);
    this.#input({ type: 'read-index', id });
  }

  #tick(): void {
    this.#later(this.#tickMs, () => this.#tick());
    const paused = this.#context.clock.now() < this.#pausedUntilMs;
    if (!paused || !this.#waiting.some(({ type }) => type === 'tick')) this.#input({ type: 'tick' });
  }

  #input(input: Input): void {
    if (this.core === undefined) return;
    if (this.#context.clock.now() < this.#pausedUntilMs) this.#waiting.push(input);
    else this.#step(input);
  }

  #step(input: Input): void {
    const { core } = this;
    if (core === undefined) return;
    const effects = asViolation(() => core.step(input));
    this.#context.onStep(this, input, effects);
    this.#context.invariants.check(this.id, effects);
    if (input.type === 'propose') this.#answersDue += input.proposals.length;
    for (const effect of effects) this.#perform(effect, core);
    if (this.#answersDue !== 0) {
      throw new InvariantViolation(
        'answers each request once',
        `${this.id} left ${this.#answersDue} proposals without an answer`,
      );
    }
    this.#flush();
  }

  #perform(effect: Effect, core: Core): void {
    switch (effect.type) {
      case 'persist':
        this.disk.write(effect, (sequence) => this.#input({ type: 'persisted', sequence }));
        if (this.#context.tampering.reportsEarly?.(core.status) === true) {
          this.#later(0, () => this.#input({ type: 'persisted', sequence: effect.sequence }));
        }
        this.onNextWrite?.();
        this.onNextWrite = undefined;
        break;
      case 'send':
        this.#context.send(effect.message);
        break;
      case 'apply':
        this.#toApply.push(...effect.entries);
        break;
      case 'proposed':
        this.#answersDue--;
        this.#proposed.set(effect.index, effect.term);
        if (this.#context.tampering.acknowledgesEarly === true) this.#context.invariants.acknowledged(effect.index, effect.term);
        break;
      case 'proposal-rejected':
        this.#answersDue--;
        break;
      case 'read-ready':
        this.#answerRead(effect.id);
        break;
      case 'read-rejected':
        this.#takeRead(effect.id);
        break;
      case 'recovered':
        // Recording it takes the disk a while too.
        this.#later(this.#random.exponential(this.disk.meanSyncMs), () => {
          if (this.disk.recovery === undefined || this.disk.recovery.over) return;
          this.disk.recovery = { ...this.disk.recovery, over: true };
          this.#input({ type: 'recovery-recorded' });
        });
        break;
      case 'event':
        break;
      default:
        effect satisfies never;
    }
  }

  #answerRead(id: number): void {
    const mustSee = this.#takeRead(id);
    if (this.#appliedIndex < mustSee) {
      throw new InvariantViolation(
        'linearizable reads',
        `${this.id} answers read ${id} from index ${this.#appliedIndex}; index ${mustSee} was acknowledged before it began`,
      );
    }
  }

  #takeRead(id: number): number {
    const mustSee = this.#reads.get(id);
    if (mustSee === undefined) throw new InvariantViolation('answers each request once', `${this.id} answers read ${id} again`);
    this.#reads.delete(id);
    return mustSee;
  }

  #flush(): void {
    if (this.#applying || this.#toApply.length === 0) return;
    this.#applying = true;
    const batch = this.#toApply.splice(0, this.#random.integer(1, this.#toApply.length));
    this.#later(this.#random.exponential(this.meanApplyMs), () => {
      this.#applying = false;
      for (const { index, term } of batch) {
        this.#appliedIndex = index;
        if (this.#proposed.get(index) === term) {
          this.#context.invariants.acknowledged(index, term);
          this.#context.invariants.visible(index);
        }
        this.#proposed.delete(index);
      }
      this.#input({ type: 'applied', index: this.#appliedIndex });
      this.#flush();
    });
  }

  #later(delayMs: number, callback: () => void): void {
    const cancel = this.#context.clock.schedule(delayMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }
}

function asViolation<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof AssertionError || error instanceof RaftOptionsError)
      throw new InvariantViolation('assertion', error.message);
    throw error;
  }
}
