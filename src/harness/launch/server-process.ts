// One server of a cluster over all its lives: starts it, keeps what it prints, stops it where it stands, kills it, ends it in good
// order, starts it again. What kind of server it is, its subclass says; whether it is a process or a container, its body.

import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import type { Clock } from '../../runtime/clock.ts';
import { type ClusterEvent, LaunchError } from './cluster.ts';
import type { PausedProcess } from './process-pause.ts';
import type { BodyEnd, ServerBody } from './server-body.ts';

export interface ServerProcessOptions {
  readonly id: string;
  /** Everything the server prints goes here, over all its lives. */
  readonly logFile: string;
  readonly clock: Clock;
  readonly onEvent: (event: ClusterEvent) => void;
}

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5_000;

export abstract class ServerProcess {
  readonly id: string;
  readonly #options: ServerProcessOptions;
  readonly #log: WriteStream;
  /** Being made, or living. */
  #life: Promise<ServerBody> | undefined;
  #body: ServerBody | undefined;
  #exited: Promise<string> = Promise.resolve('never started');
  /** Whether it was told to end, or made to. */
  protected exitExpected = false;
  #pause: PausedProcess | undefined;
  /** The last lines of stderr, for error messages. */
  #lastWords: string[] = [];

  constructor(options: ServerProcessOptions) {
    this.id = options.id;
    this.#options = options;
    mkdirSync(dirname(options.logFile), { recursive: true });
    this.#log = createWriteStream(options.logFile, { flags: 'a' });
  }

  /**
   * Asked for at every start. It must end when its standard input does: also when this process is killed without a chance to stop it.
   * Rejects with LaunchError when there is none to be had.
   */
  protected abstract embody(): Promise<ServerBody>;

  /** Resolves when a process that was just started serves; need not settle when `signal` is aborted. */
  protected abstract serves(signal: AbortSignal): Promise<void>;

  /** Told every line that it prints. */
  protected abstract hear(line: string): void;

  /** How it ended, in words. */
  protected abstract ending(end: BodyEnd): string;

  /** Told when it is gone. */
  protected onExit(_how: string): void {}

  /** Where the process is told things; undefined while there is none. */
  protected get input(): Writable | undefined {
    return this.#body?.stdin;
  }

  protected get clock(): Clock {
    return this.#options.clock;
  }

  /** Starts the server and resolves when it serves. @throws LaunchError with what it printed. */
  async start(): Promise<void> {
    if (this.#life) throw new LaunchError(`node ${this.id} is running already`);
    this.exitExpected = false;
    this.#lastWords = [];
    this.#life = this.embody();
    let body: ServerBody;
    try {
      body = await this.#life;
    } catch (error) {
      this.#life = undefined;
      throw error;
    }
    this.#body = body;
    const { promise: failed, reject: fail } = Promise.withResolvers<never>();
    // It ends some day, when nobody waits for its start any more.
    failed.catch(() => {});
    this.#exited = body.ended.then((end) => this.ending(end));
    void this.#exited.then((how) => {
      this.#life = undefined;
      this.#body = undefined;
      this.emit({ type: 'exited', expected: this.exitExpected, how });
      this.onExit(how);
      fail(
        new LaunchError(
          `node ${this.id} ended before it listened (${how}): ${this.#lastWords.join('\n') || 'it printed nothing'}`,
        ),
      );
    });
    this.#listenTo(body);
    const over = new AbortController();
    const cancel = this.clock.schedule(START_TIMEOUT_MS, () =>
      fail(new LaunchError(`node ${this.id} did not listen within ${START_TIMEOUT_MS} ms: ${this.#lastWords.join('\n')}`)),
    );
    try {
      await Promise.race([this.serves(over.signal), failed]);
      this.emit({ type: 'started' });
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      cancel();
      over.abort();
    }
  }

  /** Stops it where it stands; resolves when it has stopped. @throws LaunchError */
  async pause(): Promise<void> {
    if (this.#pause) throw new LaunchError(`node ${this.id} is paused already`);
    if (!this.#body) throw new LaunchError(`node ${this.id} does not run, so it cannot be paused`);
    this.#pause = await this.#body.pause();
  }

  /** Lets it go on; resolves when it runs. Does nothing when it is not paused. */
  async resume(): Promise<void> {
    const pause = this.#pause;
    this.#pause = undefined;
    await pause?.resume();
  }

  async isPaused(): Promise<boolean> {
    return (await this.#body?.isPaused()) ?? false;
  }

  /** SIGKILL; resolves with how it ended when it is gone. */
  async kill(): Promise<string> {
    this.exitExpected = true;
    await this.#made();
    this.#body?.kill('SIGKILL');
    return this.#exited;
  }

  /** Resolves with how it ended when it is gone. */
  get ended(): Promise<string> {
    return this.#exited;
  }

  /** SIGTERM, and SIGKILL when that is not enough. Resolves with how it ended when it is gone. */
  async stop(): Promise<string> {
    this.exitExpected = true;
    await this.#made();
    // A stopped process would not hear the signal.
    await this.resume().catch(() => {});
    this.#body?.kill('SIGTERM');
    const cancel = this.clock.schedule(STOP_TIMEOUT_MS, () => this.#body?.kill('SIGKILL'));
    const how = await this.#exited;
    cancel();
    return how;
  }

  /** Closes the log file. After `stop`, for good. */
  closeLog(): Promise<void> {
    return new Promise((resolve) => {
      this.#log.end(resolve);
    });
  }

  protected emit(event: { type: 'started' } | { type: 'wiped' } | { type: 'exited'; expected: boolean; how: string }): void {
    this.#options.onEvent({ ...event, node: this.id, wallMs: this.clock.wallTime() });
  }

  /** What is still being made could not be told to end. */
  async #made(): Promise<void> {
    await this.#life?.catch(() => {});
  }

  #listenTo({ stdout, stderr }: ServerBody): void {
    const keep = (line: string) => {
      this.#log.write(`${line}\n`);
      this.hear(line);
    };
    createInterface({ input: stdout }).on('line', keep);
    createInterface({ input: stderr }).on('line', (line) => {
      this.#lastWords = [...this.#lastWords, line].slice(-10);
      keep(line);
    });
  }
}
