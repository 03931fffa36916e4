// The main process's end of a reader process, and the manager by which a pool makes, checks and discards readers.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { assert } from '../../runtime/assert.ts';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import { ByteReader, ByteWriter, problemOfValue } from './bytes.ts';
import type { SqlValue } from './bytes.ts';
import { CommandError } from './command.ts';
import { StoreFailedError } from './connection.ts';
import { entryPoint } from '../../runtime/entry-point.ts';
import { readOutcome } from './outcome.ts';
import type { StatementOutcome } from './outcome.ts';
import { READER_ANSWER } from './reader-protocol.ts';

/** A read took longer than it may. It was stopped, and its reader with it. */
export class ReadTimeoutError extends Error {
  override readonly name = 'ReadTimeoutError';
  readonly code = 'read-timeout';
}

export interface QueryOptions {
  /** From now, > 0. When it has passed the reader's process is killed. */
  readonly timeoutMs: number;
  /** Aborting it stops the read likewise. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs one read at a time. After a timeout, an abort or a failure it is of no more use. */
export interface Reader {
  /**
   * Reads the database as it is when the read begins: everything that `apply` has answered is in it. Wrong SQL is an outcome.
   * Rejects with ReadTimeoutError, the reason of the signal, CommandError for a parameter that SQL cannot hold, or
   * StoreFailedError when the reader broke.
   */
  query(sql: string, params: readonly SqlValue[], options: QueryOptions): Promise<StatementOutcome>;
}

interface Pending {
  readonly resolve: (answer: ByteReader) => void;
  readonly reject: (error: Error) => void;
}

const START_TIMEOUT_MS = 10_000;

export class ProcessReader implements Reader {
  readonly exited: Promise<void>;
  readonly #clock: Clock;
  readonly #child: ChildProcess;
  readonly #channel: Duplex;
  readonly #request = new ByteWriter(1_024);
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #pending: Pending | undefined;
  #failure: Error | undefined;
  #complaints = '';

  private constructor(path: string, clock: Clock) {
    this.#clock = clock;
    const program = fileURLToPath(entryPoint(new URL('./reader-process.ts', import.meta.url), import.meta.url));
    const child = spawn(process.execPath, [program, path, String(process.pid)], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    this.#child = child;
    this.#channel = child.stdio[3] as Duplex;
    this.#channel.on('data', (chunk: Buffer) => this.#receive(chunk));
    child.stderr?.on('data', (chunk: Buffer) => (this.#complaints = (this.#complaints + chunk.toString()).slice(-1_000)));
    child.on('error', (error) => this.#fail(new StoreFailedError('cannot start a reader process', { cause: error })));
    // Writing to a process that has ended; its end is what counts.
    this.#channel.on('error', () => {});
    this.exited = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        this.#fail(
          new StoreFailedError(`a reader process ended unexpectedly (${signal ?? `code ${code}`}) ${this.#complaints}`.trim()),
        );
        resolve();
      });
    });
  }

  /** Starts the process and waits until it has opened the database. Rejects with StoreFailedError; no process is left then. */
  static async start(path: string, clock: Clock, onStart: (reader: ProcessReader) => void): Promise<ProcessReader> {
    const reader = new ProcessReader(path, clock);
    onStart(reader);
    const cancel = clock.scheduleBackground(START_TIMEOUT_MS, () =>
      reader.kill(new StoreFailedError('a reader process did not start in 10 s')),
    );
    try {
      await reader.#answer();
      return reader;
    } catch (error) {
      await reader.end();
      throw error;
    } finally {
      cancel();
    }
  }

  /** Idle and in working order. */
  get usable(): boolean {
    return this.#failure === undefined && this.#pending === undefined;
  }

  get processId(): number | undefined {
    return this.#child.pid;
  }

  async query(sql: string, params: readonly SqlValue[], { timeoutMs, signal }: QueryOptions): Promise<StatementOutcome> {
    assert(timeoutMs > 0, `a read needs a timeout of more than 0 ms, not ${timeoutMs}`);
    assert(this.#pending === undefined, 'a reader runs one read at a time');
    if (this.#failure !== undefined) throw this.#failure;
    signal?.throwIfAborted();
    this.#send(sql, params);
    const cancel = this.#clock.schedule(timeoutMs, () =>
      this.kill(new ReadTimeoutError(`the read was stopped after ${timeoutMs} ms`)),
    );
    const unlisten = onAbort(signal, (reason) => this.kill(reason));
    try {
      return readOutcome(await this.#answer());
    } finally {
      cancel();
      unlisten();
    }
  }

  /** Ends the process at once; a read under way rejects with `reason`. */
  kill(reason: Error): void {
    this.#fail(reason);
    this.#child.kill('SIGKILL');
  }

  /** Ends the process and waits for its end. */
  end(): Promise<void> {
    this.kill(new StoreFailedError('the reader was closed'));
    return this.exited;
  }

  #send(sql: string, params: readonly SqlValue[]): void {
    const request = this.#request;
    request.reset();
    request.uint32(0);
    request.text(sql);
    request.varint(params.length);
    for (const [at, value] of params.entries()) {
      const problem = problemOfValue(value);
      if (problem !== undefined) throw new CommandError(`parameter ${at + 1} ${problem}`);
      request.value(value);
    }
    request.setUint32(0, request.length - 4);
    this.#channel.write(request.finish());
  }

  #answer(): Promise<ByteReader> {
    return new Promise((resolve, reject) => {
      if (this.#failure === undefined) this.#pending = { resolve, reject };
      else reject(this.#failure);
    });
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#receivedBytes += chunk.byteLength;
    if (this.#receivedBytes < 4) return;
    // Joined only when something can be complete: a large answer comes in many chunks.
    const first = this.#received[0] as Buffer;
    const header = first.byteLength >= 4 ? first : Buffer.concat(this.#received);
    if (this.#receivedBytes < 4 + header.readUInt32LE(0)) return;
    const answer = new ByteReader(Buffer.concat(this.#received).subarray(4));
    this.#received = [];
    this.#receivedBytes = 0;
    if (answer.byte() === READER_ANSWER.failure) {
      this.kill(new StoreFailedError(answer.text()));
      return;
    }
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve(answer);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(this.#failure);
  }
}

function onAbort(signal: AbortSignal | undefined, react: (reason: Error) => void): Cancel {
  if (signal === undefined) return () => {};
  const listener = () => react(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
