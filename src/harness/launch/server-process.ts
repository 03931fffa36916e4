// One server of a cluster as a child process, over all its lives: starts it, keeps what it prints, stops it where it stands, kills
// it, ends it in good order, starts it again. What kind of server it is, its subclass says.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../runtime/clock.ts';
import { type ClusterEvent, LaunchError } from './cluster.ts';
import { isStopped, type PausedProcess, pauseProcess } from './process-pause.ts';

export interface ServerProcessOptions {
  readonly id: string;
  /** Everything the server prints goes here, over all its lives. */
  readonly logFile: string;
  readonly clock: Clock;
  readonly onEvent: (event: ClusterEvent) => void;
}

export interface ServerCommand {
  readonly program: string;
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5_000;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export abstract class ServerProcess {
  readonly id: string;
  readonly #options: ServerProcessOptions;
  readonly #log: WriteStream;
  #child: Child | undefined;
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

  /** Asked at every start. The process must end when its standard input does: also when this one is killed without a chance to stop it. */
  protected abstract command(): ServerCommand;

  /** Resolves when a process that was just started serves; need not settle when `signal` is aborted. */
  protected abstract serves(signal: AbortSignal): Promise<void>;

  /** Told every line that it prints. */
  protected abstract hear(line: string): void;

  /** How it ended, from its exit code or the signal that ended it. */
  protected abstract ending(code: number | null, signal: NodeJS.Signals | null): string;

  /** Told when it is gone. */
  protected onExit(_how: string): void {}

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Where the process is told things; undefined while there is none. */
  protected get input(): Writable | undefined {
    return this.#child?.stdin;
  }

  protected get clock(): Clock {
    return this.#options.clock;
  }

  /** Starts the process and resolves when it serves. @throws LaunchError with what it printed. */
  async start(): Promise<void> {
    if (this.#child) throw new LaunchError(`node ${this.id} is running already`);
    this.exitExpected = false;
    this.#lastWords = [];
    const { program, words, environment } = this.command();
    const child: Child = spawn(program, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: environment,
      // Ctrl-C in a terminal reaches the whole process group; the harness decides when nodes stop.
      detached: true,
    });
    child.stdin.on('error', () => {});
    this.#child = child;
    const { promise: failed, reject: fail } = Promise.withResolvers<never>();
    // It ends some day, when nobody waits for its start any more.
    failed.catch(() => {});
    this.#exited = new Promise((settle) => {
      child.once('error', (error) => settle(`could not be started: ${error.message}`));
      child.once('close', (code, signal) => settle(this.ending(code, signal)));
    });
    void this.#exited.then((how) => {
      this.#child = undefined;
      // What watches over the process by way of that input has nothing to watch any more.
      child.stdin.destroy();
      this.emit({ type: 'exited', expected: this.exitExpected, how });
      this.onExit(how);
      fail(
        new LaunchError(
          `node ${this.id} ended before it listened (${how}): ${this.#lastWords.join('\n') || 'it printed nothing'}`,
        ),
      );
    });
    this.#listenTo(child);
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

  /** SIGSTOP; resolves when the process has stopped. @throws LaunchError */
  async pause(): Promise<void> {
    if (this.#pause) throw new LaunchError(`node ${this.id} is paused already`);
    if (this.pid === undefined) throw new LaunchError(`node ${this.id} does not run, so it cannot be paused`);
    this.#pause = await pauseProcess(this.pid, this.clock);
  }

  /** SIGCONT; resolves when the process runs. Does nothing when it is not paused. */
  async resume(): Promise<void> {
    const pause = this.#pause;
    this.#pause = undefined;
    await pause?.resume();
  }

  get paused(): boolean {
    return this.pid !== undefined && isStopped(this.pid);
  }

  /** SIGKILL; resolves with how the process ended when it is gone. */
  async kill(): Promise<string> {
    this.exitExpected = true;
    this.#child?.kill('SIGKILL');
    return this.#exited;
  }

  /** Resolves with how the process ended when it is gone. */
  get ended(): Promise<string> {
    return this.#exited;
  }

  /** SIGTERM, and SIGKILL when that is not enough. Resolves with how the process ended when it is gone. */
  async stop(): Promise<string> {
    this.exitExpected = true;
    // A stopped process would not hear the signal.
    await this.resume().catch(() => {});
    this.#child?.kill('SIGTERM');
    const cancel = this.clock.schedule(STOP_TIMEOUT_MS, () => this.#child?.kill('SIGKILL'));
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

  #listenTo(child: Child): void {
    const keep = (line: string) => {
      this.#log.write(`${line}\n`);
      this.hear(line);
    };
    createInterface({ input: child.stdout }).on('line', keep);
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#lastWords = [...this.#lastWords, line].slice(-10);
      keep(line);
    });
  }
}
