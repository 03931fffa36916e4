// What happened in a generator, on its way to the thread that counts: numbers in one buffer, and the words they stand for.
// The counting is done once, there, for all generators: histograms are exact, and the phase of an operation is decided
// where faults begin and end.

import { assert, known } from '../../runtime/assert.ts';
import type { LoadRecorder } from '../load/generator.ts';
import { isRead, type LoadEvent } from '../load/operation.ts';
import type { Ended, Recorder } from '../load/recorder.ts';

/** What operations that ended alike have in common. */
export type Label = Pick<Ended, 'load' | 'operation' | 'isRead' | 'outcome' | 'code' | 'expected'>;

/** Everything between two batches. All instants are milliseconds from the start of the scenario. */
export interface EventBatch {
  /** One event after another: its kind, and then its numbers. */
  readonly values: Float64Array<ArrayBuffer>;
  /** Words that are new in this batch; events name them by their position among all words of the generator. */
  readonly loads: readonly string[];
  readonly labels: readonly Label[];
}

const SCHEDULED = 0;
const DROPPED = 1;
const STARTED = 2;
const ENDED = 3;
const LONGEST = 6;

/** Where the number of a trace is expected. */
const NO_TRACE = 0;

const FIRST_CAPACITY = 4_096;

/** The generator's end. */
export class EventBatchWriter implements LoadRecorder {
  #values = new Float64Array(FIRST_CAPACITY);
  #size = 0;
  readonly #loads = new Map<string, number>();
  readonly #labels = new Map<string, number>();
  #newLoads: string[] = [];
  #newLabels: Label[] = [];

  /** How many numbers wait. */
  get size(): number {
    return this.#size;
  }

  scheduled(atMs: number): void {
    this.#grow();
    this.#values[this.#size++] = SCHEDULED;
    this.#values[this.#size++] = atMs;
  }

  dropped(load: string, atMs: number): void {
    this.#grow();
    this.#values[this.#size++] = DROPPED;
    this.#values[this.#size++] = this.#loadOf(load);
    this.#values[this.#size++] = atMs;
  }

  record(event: LoadEvent): void {
    this.#grow();
    if (event.type === 'invoke') {
      this.#values[this.#size++] = STARTED;
      this.#values[this.#size++] = event.scheduledMs;
      this.#values[this.#size++] = event.atMs;
      return;
    }
    const { operation, type: outcome, code, expected } = event;
    this.#values[this.#size++] = ENDED;
    this.#values[this.#size++] = this.#labelOf({
      load: operation.load,
      operation: operation.operation,
      isRead: isRead(operation),
      outcome,
      code,
      expected,
    });
    this.#values[this.#size++] = event.scheduledMs;
    this.#values[this.#size++] = event.sentMs;
    this.#values[this.#size++] = event.atMs;
    this.#values[this.#size++] = event.trace ?? NO_TRACE;
  }

  /** Everything since the last call. Its buffer may be transferred. */
  take(): EventBatch {
    const batch = { values: this.#values.slice(0, this.#size), loads: this.#newLoads, labels: this.#newLabels };
    this.#size = 0;
    this.#newLoads = [];
    this.#newLabels = [];
    return batch;
  }

  #grow(): void {
    if (this.#size + LONGEST <= this.#values.length) return;
    const grown = new Float64Array(this.#values.length * 2);
    grown.set(this.#values);
    this.#values = grown;
  }

  #loadOf(load: string): number {
    let at = this.#loads.get(load);
    if (at === undefined) {
      this.#loads.set(load, (at = this.#loads.size));
      this.#newLoads.push(load);
    }
    return at;
  }

  #labelOf(label: Label): number {
    // A load's name has no blank, and the rest is told apart by its position.
    const key = `${label.load} ${label.outcome} ${label.isRead} ${label.expected} ${label.code?.length ?? ''} ${label.code ?? ''} ${label.operation}`;
    let at = this.#labels.get(key);
    if (at === undefined) {
      this.#labels.set(key, (at = this.#labels.size));
      this.#newLabels.push(label);
    }
    return at;
  }
}

/** What is told of the batches of one generator. */
export type BatchReceiver = Pick<Recorder, 'scheduled' | 'dropped' | 'started' | 'ended'>;

/** The other end: one for each generator. */
export class EventBatchReader {
  readonly #loads: string[] = [];
  readonly #labels: Label[] = [];
  readonly #receiver: BatchReceiver;

  constructor(receiver: BatchReceiver) {
    this.#receiver = receiver;
  }

  /** Tells the receiver of every event, in order. */
  read({ values, loads, labels }: EventBatch): void {
    this.#loads.push(...loads);
    this.#labels.push(...labels);
    const receiver = this.#receiver;
    let at = 0;
    const next = () => known(values[at++], 'a batch holds whole events');
    while (at < values.length) {
      const kind = next();
      switch (kind) {
        case SCHEDULED:
          receiver.scheduled(next());
          break;
        case DROPPED:
          receiver.dropped(known(this.#loads[next()], 'a load of the batch is known'), next());
          break;
        case STARTED:
          receiver.started(next(), next());
          break;
        case ENDED: {
          const label = known(this.#labels[next()], 'a label of the batch is known');
          receiver.ended({ ...label, scheduledMs: next(), sentMs: next(), atMs: next(), trace: next() || undefined });
          break;
        }
        default:
          assert(false, `no kind of event is ${kind}`);
      }
    }
  }
}
