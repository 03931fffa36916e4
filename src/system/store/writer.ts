// The main thread's end of the writer: sends batches to its thread and turns the answers into promises.

import { Worker } from 'node:worker_threads';
import { assert } from '../../runtime/assert.ts';
import { ByteWriter } from './bytes.ts';
import { StoreFailedError } from './connection.ts';
import { entryPoint } from '../../runtime/entry-point.ts';
import { decodeOutcomes } from './outcome.ts';
import type { StatementOutcome } from './outcome.ts';
import type { AppliedEntry } from './state-machine.ts';
import type { WriterAnswer, WriterRequest } from './writer-worker.ts';

/** The store was closed: a batch that was still waiting may or may not have been applied here. The log knows. */
export class StoreClosedError extends Error {
  override readonly name = 'StoreClosedError';
  readonly code = 'store-closed';
}

interface Waiting {
  readonly resolve: (answer: WriterAnswer) => void;
  readonly reject: (error: Error) => void;
}

export class Writer {
  readonly #worker: Worker;
  /** In the order of their requests. */
  readonly #waiting: Waiting[] = [];
  readonly #bytes = new ByteWriter(64 << 10);
  readonly #exited: Promise<void>;
  #appliedIndex = 0;
  #failure: Error | undefined;

  private constructor(path: string, forgetsWrites: boolean) {
    this.#worker = new Worker(entryPoint(new URL('./writer-worker.ts', import.meta.url), import.meta.url), {
      workerData: { path, forgetsWrites },
      // Flags of the node's own start (--input-type, --inspect) are not for its threads.
      execArgv: [],
    });
    this.#worker.on('message', (answer: WriterAnswer) => this.#receive(answer));
    this.#worker.on('error', (error) => this.#fail(new StoreFailedError('the writer of the store crashed', { cause: error })));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#fail(new StoreFailedError(`the writer of the store ended unexpectedly with code ${code}`));
        resolve();
      });
    });
  }

  /** Starts the thread. Rejects with StoreFailedError when the database cannot be used; no thread is left then. */
  static async start(path: string, forgetsWrites = false): Promise<Writer> {
    const writer = new Writer(path, forgetsWrites);
    try {
      const ready = await writer.#answer();
      assert(ready.type === 'ready', `the first answer of a writer is 'ready', not '${ready.type}'`);
      writer.#appliedIndex = ready.appliedIndex;
      return writer;
    } catch (error) {
      await writer.#worker.terminate();
      throw error;
    }
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** Several batches may be under way; they are applied in order. */
  async apply(entries: readonly AppliedEntry[]): Promise<StatementOutcome[]> {
    this.#bytes.reset();
    this.#bytes.varint(entries.length);
    for (const { index, data } of entries) {
      this.#bytes.varint(index);
      this.#bytes.blob(data);
    }
    const answer = await this.#request({ type: 'apply', batch: this.#bytes.finish() });
    assert(answer.type === 'applied', `the answer to a batch is 'applied', not '${answer.type}'`);
    this.#appliedIndex = answer.appliedIndex;
    return decodeOutcomes(answer.outcomes);
  }

  async digest(): Promise<string> {
    const answer = await this.#request({ type: 'digest' });
    assert(answer.type === 'digest', `the answer to a digest is 'digest', not '${answer.type}'`);
    return answer.digest;
  }

  /** Waits for the batches under way, closes the database and ends the thread. */
  async close(): Promise<void> {
    if (this.#failure === undefined) {
      const closed = this.#request({ type: 'close' });
      this.#failure = new StoreClosedError('the store is closed');
      await closed.catch(() => {});
    }
    await this.#worker.terminate();
    await this.#exited;
  }

  #request(request: WriterRequest): Promise<WriterAnswer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const answer = this.#answer();
    this.#worker.postMessage(request, request.type === 'apply' ? [request.batch.buffer as ArrayBuffer] : []);
    return answer;
  }

  #answer(): Promise<WriterAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  #receive(answer: WriterAnswer): void {
    if (answer.type === 'failed') {
      // The state machine does nothing after a failure; neither do we.
      this.#fail(new StoreFailedError(answer.message));
      return;
    }
    const next = this.#waiting.shift();
    assert(next !== undefined, `the writer answered '${answer.type}', but nothing was asked`);
    next.resolve(answer);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
