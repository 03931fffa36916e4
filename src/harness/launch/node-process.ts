// One node as a child process: starts it, reads the events it prints, kills it, starts it again.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../runtime/clock.ts';
import type { Injection, InjectionReport } from '../../system/rpc/injection.ts';
import type { NodeEvent } from '../../system/rpc/node-event.ts';
import { type ClusterEvent, LaunchError } from './cluster.ts';
import { isStopped, type PausedProcess, pauseProcess } from './process-pause.ts';
import { windtunnelProgram } from './windtunnel-program.ts';

export interface NodeProcessOptions {
  readonly id: string;
  /** Behind `windtunnel node`. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly dataFolder: string;
  /** Everything the node prints goes here, over all its lives. */
  readonly logFile: string;
  readonly clock: Clock;
  readonly onEvent: (event: ClusterEvent) => void;
}

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5_000;
const INJECT_TIMEOUT_MS = 5_000;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export class NodeProcess {
  readonly id: string;
  readonly #options: NodeProcessOptions;
  readonly #log: WriteStream;
  #child: Child | undefined;
  #exited: Promise<string> = Promise.resolve('never started');
  #exitExpected = false;
  /** Its data was deleted, and no process has recorded that yet. */
  #wiped = false;
  #recovering = false;
  #pause: PausedProcess | undefined;
  /** The last lines of stderr, for error messages. */
  #lastWords: string[] = [];
  /** Why the node says that it must end. */
  #fatal: string | undefined;
  #lastRequest = 0;
  readonly #requests = new Map<number, PromiseWithResolvers<InjectionReport>>();

  constructor(options: NodeProcessOptions) {
    this.id = options.id;
    this.#options = options;
    mkdirSync(dirname(options.logFile), { recursive: true });
    this.#log = createWriteStream(options.logFile, { flags: 'a' });
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process and resolves when it listens. @throws LaunchError with what the node printed. */
  async start(): Promise<void> {
    if (this.#child) throw new LaunchError(`node ${this.id} is running already`);
    this.#exitExpected = false;
    this.#lastWords = [];
    this.#fatal = undefined;
    const child: Child = spawn(process.execPath, [windtunnelProgram(), 'node', ...this.#arguments()], {
      // The node ends when its standard input does: also when this process is killed without a chance to stop it.
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...this.#options.environment },
      // Ctrl-C in a terminal reaches the whole process group; the harness decides when nodes stop.
      detached: true,
    });
    child.stdin.on('error', () => {});
    this.#child = child;
    const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
    this.#exited = new Promise((settle) => {
      child.once('error', (error) => settle(`could not be started: ${error.message}`));
      child.once('close', (code, signal) => settle(signal ?? this.#exitOf(code)));
    });
    void this.#exited.then((how) => {
      this.#child = undefined;
      this.#emit({ type: 'exited', expected: this.#exitExpected, how });
      for (const { reject: refuse } of this.#requests.values()) refuse(new LaunchError(`node ${this.id} ended (${how})`));
      reject(
        new LaunchError(
          `node ${this.id} ended before it listened (${how}): ${this.#lastWords.join('\n') || 'it printed nothing'}`,
        ),
      );
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#log.write(`${line}\n`);
      const event = parseEvent(line);
      if (event?.event === 'listening') resolve();
      if (event !== undefined) this.#hear(event);
    });
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#log.write(`${line}\n`);
      this.#lastWords = [...this.#lastWords, line].slice(-10);
    });
    const cancel = this.#options.clock.schedule(START_TIMEOUT_MS, () =>
      reject(new LaunchError(`node ${this.id} did not listen within ${START_TIMEOUT_MS} ms: ${this.#lastWords.join('\n')}`)),
    );
    try {
      await listening;
      this.#wiped = false;
      this.#emit({ type: 'started' });
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      cancel();
    }
  }

  /** SIGSTOP; resolves when the process has stopped. @throws LaunchError */
  async pause(): Promise<void> {
    if (this.#pause) throw new LaunchError(`node ${this.id} is paused already`);
    if (this.pid === undefined) throw new LaunchError(`node ${this.id} does not run, so it cannot be paused`);
    this.#pause = await pauseProcess(this.pid, this.#options.clock);
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
    this.#exitExpected = true;
    this.#child?.kill('SIGKILL');
    return this.#exited;
  }

  /** Kills the process and deletes its data; resolves with how the process ended. The next start tells the node. */
  async wipe(): Promise<string> {
    const how = await this.kill();
    await rm(this.#options.dataFolder, { recursive: true, force: true });
    this.#wiped = true;
    this.#emit({ type: 'wiped' });
    this.#recovering = true;
    return how;
  }

  /** Whether the node votes: it never lost its data, or has caught up since. */
  get rejoined(): boolean {
    return !this.#recovering;
  }

  /** Resolves with how the process ended when it is gone. */
  get ended(): Promise<string> {
    return this.#exited;
  }

  /** See Cluster.inject. @throws LaunchError */
  async inject(injection: Injection): Promise<InjectionReport> {
    const child = this.#child;
    if (!child) throw new LaunchError(`node ${this.id} does not run, so nothing can be injected into it`);
    const request = ++this.#lastRequest;
    const answer = Promise.withResolvers<InjectionReport>();
    this.#requests.set(request, answer);
    const what = `${injection.inject}${injection.inject === 'none' ? ` of ${injection.of}` : ''}`;
    const cancel = this.#options.clock.schedule(INJECT_TIMEOUT_MS, () =>
      answer.reject(new LaunchError(`node ${this.id} did not answer to '${what}' within ${INJECT_TIMEOUT_MS} ms`)),
    );
    const fills = injection.inject === 'full-disk';
    // Before it is in force: the node may end at once.
    if (fills) this.#exitExpected = true;
    child.stdin.write(`${JSON.stringify({ request, ...injection })}\n`);
    try {
      const report = await answer.promise;
      if (injection.inject === 'none' && injection.of === 'full-disk') this.#exitExpected = false;
      return report;
    } catch (error) {
      if (fills && this.#child === child) this.#exitExpected = false;
      throw error;
    } finally {
      cancel();
      this.#requests.delete(request);
    }
  }

  /** SIGTERM, and SIGKILL when that is not enough. Resolves with how the process ended when it is gone. */
  async stop(): Promise<string> {
    this.#exitExpected = true;
    // A stopped process would not hear the signal.
    await this.resume().catch(() => {});
    this.#child?.kill('SIGTERM');
    const cancel = this.#options.clock.schedule(STOP_TIMEOUT_MS, () => this.#child?.kill('SIGKILL'));
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

  #hear(event: NodeEvent): void {
    const { onEvent } = this.#options;
    const { time: wallMs } = event;
    if (event.event === 'role') {
      const { role, term, leader } = event;
      onEvent({ type: 'role', node: this.id, wallMs, role, term, ...(leader !== undefined && { leader }) });
    } else if (event.event === 'applied') {
      const { index, term, checksum } = event;
      onEvent({ type: 'applied', node: this.id, wallMs, index, term, checksum });
    } else if (event.event === 'rejoined') {
      this.#recovering = false;
      onEvent({ type: 'rejoined', node: this.id, wallMs, index: event.index });
    } else if (event.event === 'fatal') {
      this.#fatal = event.message;
    } else if (event.event === 'injected') {
      this.#requests.get(event.request)?.resolve({ before: event.before, after: event.after });
    } else if (event.event === 'injection-refused') {
      this.#requests.get(event.request)?.reject(new LaunchError(`node ${this.id} refused an injection: ${event.problem}`));
    }
  }

  #arguments(): string[] {
    const { arguments: words, dataFolder } = this.#options;
    return [...words, '--data', dataFolder, ...(this.#wiped ? ['--recovering'] : [])];
  }

  #exitOf(code: number | null): string {
    return `exit code ${code}${this.#fatal === undefined ? '' : `, ${this.#fatal}`}`;
  }

  #emit(event: { type: 'started' } | { type: 'wiped' } | { type: 'exited'; expected: boolean; how: string }): void {
    this.#options.onEvent({ ...event, node: this.id, wallMs: this.#options.clock.wallTime() });
  }
}

function parseEvent(line: string): NodeEvent | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as NodeEvent;
  } catch {
    return undefined;
  }
}
