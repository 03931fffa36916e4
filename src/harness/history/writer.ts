// Writes a history while the run is under way: one JSON object a line, appended in chunks, so that recording an event
// costs a microsecond and never a system call.

import { open } from 'node:fs/promises';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { HistoryHeader, NewHistoryEvent } from './event.ts';
import { HISTORY_MODELS } from './event.ts';

/** What the writer needs of a file: to be written at its end, and made durable. */
export interface HistoryFile {
  append(text: string): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface HistoryWriterOptions {
  /** A chunk is written when this much text waits. Characters, >= 1. Default 65,536. */
  readonly chunkSize?: number;
  /** `append` answers false, and later refuses, as more than this waits for a slow disk. Characters. Default 16 Mi. */
  readonly maxBuffered?: number;
  /** What waits is written at the latest this much later, so that a killed harness leaves its history behind. Default 200. */
  readonly flushEveryMs?: number;
  readonly clock?: Clock;
  /** Creates the file, which must not exist. Default: on disk. */
  readonly create?: (path: string) => Promise<HistoryFile>;
}

async function createOnDisk(path: string): Promise<HistoryFile> {
  const file = await open(path, 'ax');
  return { append: (text) => file.writeFile(text), sync: () => file.sync(), close: () => file.close() };
}

/** The history could not be written. What was appended before may or may not be in the file. */
export class HistoryWriteError extends Error {
  override readonly name = 'HistoryWriteError';
  readonly code = 'history_write';
}

/**
 * Invariants: (1) lines reach the file in the order of `append`, whole lines only; (2) at most one write is under way;
 * (3) buffered text never exceeds twice `maxBuffered`.
 */
export class HistoryWriter {
  readonly path: string;
  readonly #file: HistoryFile;
  readonly #chunkSize: number;
  readonly #maxBuffered: number;
  readonly #flushEveryMs: number;
  readonly #clock: Clock;
  #lines: string[] = [];
  #waiting = 0;
  #writing: Promise<void> | undefined;
  #writingSize = 0;
  #cancelFlush: Cancel | undefined;
  #failure: HistoryWriteError | undefined;
  #closing: Promise<void> | undefined;
  #count = 0;

  private constructor(path: string, file: HistoryFile, options: HistoryWriterOptions) {
    this.path = path;
    this.#file = file;
    this.#chunkSize = options.chunkSize ?? 65_536;
    this.#maxBuffered = options.maxBuffered ?? 16 * 1024 * 1024;
    this.#flushEveryMs = options.flushEveryMs ?? 200;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Creates the file, which must not exist, and writes its header.
   * Throws RangeError for a bad option, HistoryWriteError when the file cannot be created.
   */
  static async open(path: string, header: HistoryHeader, options: HistoryWriterOptions = {}): Promise<HistoryWriter> {
    if (!HISTORY_MODELS.includes(header.model)) throw new RangeError(`unknown history model: ${header.model}`);
    for (const name of ['chunkSize', 'maxBuffered', 'flushEveryMs'] as const) {
      const value = options[name];
      if (value !== undefined && !(value >= 1)) throw new RangeError(`${name} must be >= 1, not ${value}`);
    }
    let file: HistoryFile;
    try {
      file = await (options.create ?? createOnDisk)(path);
    } catch (error) {
      throw new HistoryWriteError(`cannot create ${path}: ${(error as Error).message}`, { cause: error });
    }
    const writer = new HistoryWriter(path, file, options);
    writer.#add(JSON.stringify({ windtunnel: 'history', version: 1, ...header }));
    return writer;
  }

  /** How many events were appended; also the index of the next one. */
  get count(): number {
    return this.#count;
  }

  /**
   * Records an event; its index is its position. Answers false when the disk is behind: await `drained()` before
   * appending much more. Throws HistoryWriteError when an earlier write failed, when the writer is closed, or when twice
   * `maxBuffered` waits; then the event is not recorded.
   */
  append(event: NewHistoryEvent): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined) throw new HistoryWriteError(`${this.path} is closed`);
    const line = JSON.stringify({ index: this.#count, ...event, value: event.value ?? null });
    if (this.#buffered + line.length > 2 * this.#maxBuffered) {
      throw new HistoryWriteError(`${this.path}: the disk does not keep up; ${this.#buffered} characters wait`);
    }
    this.#count++;
    this.#add(line);
    return this.#buffered < this.#maxBuffered;
  }

  /** Resolves when less than half of `maxBuffered` waits. Rejects with HistoryWriteError when writing failed. */
  async drained(): Promise<void> {
    while (this.#failure === undefined && this.#buffered >= this.#maxBuffered / 2) await this.#flush();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Writes what waits, syncs the file to disk and closes it. Repeated calls wait for the first. Rejects with
   * HistoryWriteError when any write failed: the file then holds a prefix of the history.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  get #buffered(): number {
    return this.#waiting + this.#writingSize;
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#waiting += line.length + 1;
    if (this.#waiting >= this.#chunkSize) this.#startWriting();
    else this.#cancelFlush ??= this.#clock.scheduleBackground(this.#flushEveryMs, () => this.#startWriting());
  }

  #startWriting(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    if (this.#writing !== undefined || this.#lines.length === 0 || this.#failure !== undefined) return;
    const text = `${this.#lines.join('\n')}\n`;
    this.#lines = [];
    this.#writingSize = this.#waiting;
    this.#waiting = 0;
    // Settles always: a failure is kept and thrown to the next caller.
    this.#writing = this.#file.append(text).then(
      () => this.#finishWriting(),
      (error: unknown) => {
        this.#fail(error);
        this.#finishWriting();
      },
    );
  }

  #finishWriting(): void {
    this.#writing = undefined;
    this.#writingSize = 0;
    if (this.#waiting >= this.#chunkSize) this.#startWriting();
    else if (this.#lines.length > 0 && this.#closing === undefined) {
      this.#cancelFlush ??= this.#clock.scheduleBackground(this.#flushEveryMs, () => this.#startWriting());
    }
  }

  async #flush(): Promise<void> {
    this.#startWriting();
    await this.#writing;
  }

  async #close(): Promise<void> {
    while (this.#failure === undefined && (this.#writing !== undefined || this.#lines.length > 0)) await this.#flush();
    this.#cancelFlush?.();
    if (this.#failure === undefined) await this.#file.sync().catch((error: unknown) => this.#fail(error));
    await this.#file.close().catch((error: unknown) => this.#fail(error));
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(error: unknown): void {
    this.#failure ??= new HistoryWriteError(`cannot write ${this.path}: ${(error as Error).message}`, { cause: error });
  }
}
