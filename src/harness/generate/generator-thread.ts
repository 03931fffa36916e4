// The controlling end of one generator: starts its thread, asks it things, and sees to it that a thread that crashes, ends or
// falls silent is an answer too.

import { Worker } from 'node:worker_threads';
import { assert } from '../../runtime/assert.ts';
import { type Cancel, type Clock, every } from '../../runtime/clock.ts';
import { formatDuration } from '../../runtime/duration.ts';
import { entryPoint } from '../../runtime/entry-point.ts';
import type { FromGenerator, GeneratorBatch, GeneratorData, ToGenerator } from './protocol.ts';

/** A generator that could not connect, crashed, or did not answer. What it had told before counts; nothing comes any more. */
export class GeneratorError extends Error {
  override readonly name = 'GeneratorError';
  readonly code = 'generator';
}

export interface GeneratorThreadOptions {
  /** Names it in messages. */
  readonly name: string;
  readonly data: GeneratorData;
  readonly clock: Clock;
  /** How long it may take until it is connected. */
  readonly startLimitMs: number;
  /** How long it may say nothing after that: ten batches a second come from an event loop that turns. */
  readonly silenceLimitMs: number;
}

type Answer<T extends FromGenerator['type']> = Extract<FromGenerator, { readonly type: T }>;

interface Question {
  readonly type: FromGenerator['type'];
  readonly resolve: (answer: FromGenerator) => void;
  readonly reject: (error: GeneratorError) => void;
}

const CHECK_EVERY_MS = 500;

/** One question at a time. When it has failed, every question, also that under way, is rejected with the same GeneratorError. */
export class GeneratorThread {
  readonly name: string;
  /** See LoadTracingOptions; empty when nothing is traced. */
  readonly tracePrefix: string;
  readonly #clock: Clock;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #cancelChecks: Cancel;
  #onBatch: (batch: GeneratorBatch) => void = () => {};
  #metrics = '';
  /** Who waits for its spans, in the order in which they asked. */
  readonly #spansSent: PromiseWithResolvers<void>[] = [];
  #question: Question | undefined;
  #failure: GeneratorError | undefined;
  #wasEnded = false;
  #silenceLimitMs: number;
  #heardAtMs: number;
  #wasSilent = false;
  /** Resolves when it has connected. */
  readonly ready: Promise<void>;

  constructor({ name, data, clock, startLimitMs, silenceLimitMs }: GeneratorThreadOptions) {
    this.name = name;
    this.tracePrefix = data.tracing?.prefix ?? '';
    this.#clock = clock;
    this.#heardAtMs = clock.now();
    this.#silenceLimitMs = startLimitMs;
    this.#worker = new Worker(entryPoint(new URL('./generator-worker.ts', import.meta.url), import.meta.url), {
      workerData: data,
      // Flags of this process's own start (--input-type, --inspect) are not for its threads.
      execArgv: [],
    });
    this.#worker.on('message', (message: FromGenerator) => this.#receive(message));
    this.#worker.on('error', (error) => this.#fail(`crashed: ${error instanceof Error ? error.message : String(error)}`, error));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#fail(`ended by itself, with code ${code}`);
        resolve();
      });
    });
    this.#cancelChecks = every(clock, CHECK_EVERY_MS, () => this.#checkSilence());
    this.ready = this.#expect('ready').then(() => {
      this.#silenceLimitMs = silenceLimitMs;
    });
  }

  /** Why it can do nothing any more; undefined while it can, and when it was ended. */
  get failure(): GeneratorError | undefined {
    return this.#wasEnded ? undefined : this.#failure;
  }

  /** Its metrics as it told them last, in the Prometheus text format; '' before it has. */
  get metrics(): string {
    return this.#metrics;
  }

  /** Who is told of every batch from now on. */
  set onBatch(listener: (batch: GeneratorBatch) => void) {
    this.#onBatch = listener;
  }

  tell(message: ToGenerator): void {
    this.#worker.postMessage(message, []);
  }

  /** Resolves when it has sent the spans that it had of wanted traces, or can do nothing any more. Other questions may be open. */
  spansSent(): Promise<void> {
    if (this.#failure !== undefined) return Promise.resolve();
    const sent = Promise.withResolvers<void>();
    this.#spansSent.push(sent);
    this.tell({ type: 'spans-sent?' });
    return sent.promise;
  }

  /** Rejects with GeneratorError when no answer can come any more. */
  ask<T extends FromGenerator['type']>(message: ToGenerator, type: T): Promise<Answer<T>> {
    const answer = this.#expect(type);
    if (this.#failure === undefined) this.tell(message);
    return answer;
  }

  /** Ends the thread wherever it is. */
  async terminate(): Promise<void> {
    this.#wasEnded ||= this.#failure === undefined;
    this.#fail('was ended');
    await this.#exited;
  }

  #expect<T extends FromGenerator['type']>(type: T): Promise<Answer<T>> {
    assert(this.#question === undefined, `${this.name} is asked for '${type}' before it answered '${this.#question?.type}'`);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#question = { type, resolve: (answer) => resolve(answer as Answer<T>), reject };
    });
  }

  #receive(message: FromGenerator): void {
    // What was on its way when it was given up.
    if (this.#failure !== undefined) return;
    this.#heardAtMs = this.#clock.now();
    this.#wasSilent = false;
    if (message.type === 'failed') this.#fail(`failed: ${message.reason}`);
    else if (message.type === 'batch') this.#onBatch(message);
    else if (message.type === 'metrics') this.#metrics = message.text;
    else if (message.type === 'spans-sent') this.#spansSent.shift()?.resolve();
    else {
      const question = this.#question;
      assert(question?.type === message.type, `${this.name} answered '${message.type}', but was asked for '${question?.type}'`);
      this.#question = undefined;
      question.resolve(message);
    }
  }

  /** Silent twice in a row: after this process itself was held up, what came meanwhile is heard between the two. */
  #checkSilence(): void {
    const silentMs = this.#clock.now() - this.#heardAtMs;
    if (silentMs <= this.#silenceLimitMs) return;
    if (this.#wasSilent) this.#fail(`did not answer for ${formatDuration(silentMs)}: its event loop is blocked`);
    this.#wasSilent = true;
  }

  #fail(reason: string, cause?: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = new GeneratorError(`${this.name} ${reason}`, { cause });
    this.#cancelChecks();
    this.#question?.reject(this.#failure);
    this.#question = undefined;
    for (const { resolve } of this.#spansSent.splice(0)) resolve();
    void this.#worker.terminate();
  }
}
