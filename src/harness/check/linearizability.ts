// Is a history linearizable? Every key by itself (linearizability is local: Herlihy and Wing 1990, theorem 1), all keys
// in turns, so that one hard key does not hide a violation in another, and with budgets of time and memory.

import { breathe } from '../../runtime/breathe.ts';
import type { Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import { formatDuration } from '../../runtime/duration.ts';
import type { Explanation } from './explanation.ts';
import { explainViolation } from './explanation.ts';
import type { Model } from './model.ts';
import type { Operation } from './operation.ts';
import { OperationStore } from './operation-store.ts';
import { Search } from './search.ts';
import { layOut } from './timeline.ts';
import type { ZoneConflict } from './zones.ts';
import { findZoneConflict } from './zones.ts';

export interface LinearizabilityProgress {
  readonly partitionsDone: number;
  readonly partitions: number;
  /** Operations of the partitions that are done. */
  readonly operationsDone: number;
  readonly operations: number;
  readonly steps: number;
}

export interface LinearizabilityOptions {
  readonly model: Model;
  /** Milliseconds, > 0. Default: no limit. */
  readonly timeLimitMs?: number;
  /** For remembered configurations, all keys together. Bytes, > 0. Default 512 MiB. */
  readonly maxCacheBytes?: number;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  /** Called about every 10 ms of work, and once at the end. */
  readonly onProgress?: (progress: LinearizabilityProgress) => void;
}

interface Examined {
  readonly checker: 'linearizability';
  readonly model: string;
  /** Independent objects (keys). */
  readonly partitions: number;
  readonly operations: number;
  readonly steps: number;
  /** Acknowledged appends that no read saw although one began later. Of lists only: a register forgets what it held. */
  readonly lost?: number;
}

export type LinearizabilityResult =
  | (Examined & { readonly verdict: 'valid' })
  | (Examined & { readonly verdict: 'violated'; readonly explanation: Explanation })
  | (Examined & { readonly verdict: 'unknown'; readonly reason: string });

/** Steps of one key's turn: a few milliseconds. */
const TURN_STEPS = 20_000;
/** Work between two turns of the event loop. */
const YIELD_AFTER_STEPS = 40_000;

/**
 * Checks the operations of a history, in the order of their invocation. `unknown`, with the reason, when there is
 * nothing to check or a budget ran out; never `valid` without evidence. Throws RangeError for a bad option,
 * HistoryStructureError for an operation that the model does not know, and the signal's reason when aborted.
 */
export async function checkLinearizability(
  operations: readonly Operation[] | OperationStore,
  options: LinearizabilityOptions,
): Promise<LinearizabilityResult> {
  return new Check(operations, options).run();
}

interface Partition {
  readonly key: string | undefined;
  readonly operations: number;
  /** What has to and what may be ordered; empty before its first turn and after its last. */
  required: Operation[];
  optional: Operation[];
  search: Search | undefined;
  conflict: ZoneConflict | undefined;
}

class Check {
  readonly #model: Model;
  readonly #store: OperationStore;
  readonly #partitions: readonly Partition[];
  readonly #clock: Clock;
  readonly #timeLimitMs: number;
  readonly #deadline: number;
  readonly #maxCacheBytes: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((progress: LinearizabilityProgress) => void) | undefined;
  /** Keys given up for want of memory. */
  readonly #abandoned: Partition[] = [];
  #anyRequired = false;
  #cacheBytes = 0;
  #steps = 0;
  #stepsAtYield = 0;
  #partitionsDone = 0;
  #operationsDone = 0;

  constructor(operations: readonly Operation[] | OperationStore, options: LinearizabilityOptions) {
    this.#model = options.model;
    this.#store = operations instanceof OperationStore ? operations : storeOf(operations);
    this.#partitions = [...this.#store.keys].map((key) => ({
      key,
      operations: this.#store.countOf(key),
      required: [],
      optional: [],
      search: undefined,
      conflict: undefined,
    }));
    this.#clock = options.clock ?? systemClock;
    this.#timeLimitMs = positive(options.timeLimitMs ?? Number.POSITIVE_INFINITY, 'timeLimitMs');
    this.#deadline = this.#clock.now() + this.#timeLimitMs;
    this.#maxCacheBytes = positive(options.maxCacheBytes ?? 512 * 1024 * 1024, 'maxCacheBytes');
    this.#signal = options.signal;
    this.#onProgress = options.onProgress;
  }

  async run(): Promise<LinearizabilityResult> {
    if (this.#store.size === 0) return this.#unknown('the history has no operations');
    const result = await this.#takeTurns();
    this.#report();
    return result;
  }

  async #takeTurns(): Promise<LinearizabilityResult> {
    let waiting: readonly Partition[] = this.#partitions;
    while (waiting.length > 0) {
      const next: Partition[] = [];
      for (const [at, partition] of waiting.entries()) {
        const outcome = this.#turn(partition);
        if (outcome === 'violated') return this.#violated(partition);
        if (outcome === 'running') next.push(partition);
        await this.#yieldNowAndThen();
        if (this.#clock.now() >= this.#deadline && (at + 1 < waiting.length || next.length > 0)) {
          const left = this.#partitions.length - this.#partitionsDone;
          const limit = formatDuration(this.#timeLimitMs);
          return this.#unknown(`no answer within ${limit} for ${left} of ${this.#partitions.length} keys`);
        }
      }
      waiting = next;
    }
    const [first] = this.#abandoned;
    if (!this.#anyRequired) return this.#unknown('no operation succeeded');
    if (first === undefined) return { ...this.#examined(), verdict: 'valid' };
    const limit = `${Math.round(this.#maxCacheBytes / 1024 / 1024)} MiB`;
    const others = this.#abandoned.length === 1 ? '' : ` and ${this.#abandoned.length - 1} more`;
    return this.#unknown(`key ${first.key ?? '(only one)'}${others}: more configurations than fit in ${limit}`);
  }

  #turn(partition: Partition): 'violated' | 'running' | 'done' {
    if (partition.search === undefined) {
      this.#fill(partition);
      const timeline = layOut(this.#model, partition.required, partition.optional);
      // Laying out costs time too.
      this.#steps += partition.operations;
      partition.conflict = findZoneConflict(timeline);
      if (partition.conflict !== undefined) return 'violated';
      partition.search = new Search(timeline);
    }
    const { search } = partition;
    const before = { steps: search.steps, bytes: search.cacheBytes };
    const status = search.run(TURN_STEPS);
    this.#steps += search.steps - before.steps;
    this.#cacheBytes += search.cacheBytes - before.bytes;
    if (status === 'violated') return 'violated';
    const outOfMemory = this.#cacheBytes > this.#maxCacheBytes;
    if (status === 'running' && !outOfMemory) return 'running';
    if (status === 'running') this.#abandoned.push(partition);
    // The largest part by far, and not needed any more.
    this.#cacheBytes -= search.cacheBytes;
    partition.search = undefined;
    partition.required = [];
    partition.optional = [];
    this.#partitionsDone++;
    this.#operationsDone += partition.operations;
    return 'done';
  }

  #fill(partition: Partition): void {
    for (const operation of this.#store.operationsOf(partition.key)) {
      const role = this.#model.role(operation);
      if (role === 'required') partition.required.push(operation);
      else if (role === 'optional') partition.optional.push(operation);
    }
    if (partition.required.length > 0) this.#anyRequired = true;
  }

  async #violated(partition: Partition): Promise<LinearizabilityResult> {
    const explanation = await explainViolation({
      model: this.#model,
      key: partition.key,
      required: partition.required,
      optional: partition.optional,
      stuck: partition.search?.stuckAt,
      conflict: partition.conflict,
      breathe: () => breathe(this.#signal),
    });
    return { ...this.#examined(), verdict: 'violated', explanation };
  }

  #unknown(reason: string): LinearizabilityResult {
    return { ...this.#examined(), verdict: 'unknown', reason };
  }

  #examined(): Examined {
    return {
      checker: 'linearizability',
      model: this.#model.name,
      partitions: this.#partitions.length,
      operations: this.#store.size,
      steps: this.#steps,
    };
  }

  async #yieldNowAndThen(): Promise<void> {
    if (this.#steps - this.#stepsAtYield < YIELD_AFTER_STEPS) return;
    this.#stepsAtYield = this.#steps;
    this.#report();
    await breathe(this.#signal);
  }

  #report(): void {
    this.#onProgress?.({
      partitionsDone: this.#partitionsDone,
      partitions: this.#partitions.length,
      operationsDone: this.#operationsDone,
      operations: this.#store.size,
      steps: this.#steps,
    });
  }
}

function storeOf(operations: readonly Operation[]): OperationStore {
  const store = new OperationStore();
  for (const operation of operations) store.add(operation);
  return store;
}

function positive(value: number, name: string): number {
  if (!(value > 0)) throw new RangeError(`${name} must be > 0, not ${value}`);
  return value;
}
