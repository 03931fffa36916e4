// The gate's end of a process that runs a benchmark for it.

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../runtime/clock.ts';
import { entryPoint } from '../../runtime/entry-point.ts';
import { moveToCore, pinned } from './cores.ts';
import { ContestError } from './contest.ts';
import type { DuetAnswer, DuetCommand } from './duet-protocol.ts';

/** A benchmark that cannot be measured: it threw, or its process ended or fell silent. The message says on which side. */
export class DuetError extends ContestError {
  override readonly name = 'DuetError';
}

export interface DuetProcessOptions {
  /** 'base' or 'head', for messages. */
  readonly side: string;
  /** The folder of suites. */
  readonly folder: string;
  readonly core: number | undefined;
  readonly clock: Clock;
  /** When aborted, whatever is asked is rejected with its reason. */
  readonly signal: AbortSignal;
}

/** Preparing all suites takes seconds, everything else much less. */
const ANSWER_LIMIT_MS = 60_000;

/** For closing its suite, after which it is killed. */
const CLOSE_LIMIT_MS = 5_000;

export class DuetProcess {
  readonly #options: DuetProcessOptions;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #lastWords = '';
  #pending: PromiseWithResolvers<DuetAnswer> | undefined;
  #end: DuetError | undefined;

  constructor(options: DuetProcessOptions) {
    this.#options = options;
    const program = fileURLToPath(entryPoint(new URL('./duet-program.ts', import.meta.url), import.meta.url));
    const [command, words] = pinned(options.core, process.execPath, [program, options.folder]);
    this.#child = spawn(command, words, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Ctrl-C in a terminal reaches the whole process group; a suite is to be closed first.
      detached: true,
    });
    this.#child.on('message', (answer) => this.#settle((pending) => pending.resolve(answer as DuetAnswer)));
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      this.#lastWords = `${this.#lastWords}${bytes.toString()}`.slice(-2_000);
    });
    this.#exited = new Promise((settle) => {
      const end = (how: string) => {
        this.#end = new DuetError(`the process of ${options.side} ${how}${this.#lastWords && `: ${this.#lastWords.trim()}`}`);
        this.#settle((pending) => pending.reject(this.#end));
        settle();
      };
      this.#child.once('error', (error) => end(`could not be started: ${error.message}`));
      this.#child.once('close', (code, signal) => end(`ended (${signal ?? `exit code ${code}`})`));
    });
  }

  /** One question at a time. @throws DuetError, or the reason of the signal */
  async ask<T extends DuetAnswer['is']>(command: DuetCommand, ...expected: T[]): Promise<Extract<DuetAnswer, { is: T }>> {
    const { signal, side } = this.#options;
    signal.throwIfAborted();
    const answer = await this.#exchange(command, ANSWER_LIMIT_MS);
    if (expected.includes(answer.is as T)) return answer as Extract<DuetAnswer, { is: T }>;
    throw new DuetError(
      answer.is === 'failed' ? `in ${side}: ${answer.error}` : `${side} answered ${answer.is} to ${command.do}`,
    );
  }

  /** Moves it, and what it has started, to another core. @throws DuetError */
  async moveTo(core: number): Promise<void> {
    const { pid } = this.#child;
    if (this.#end !== undefined || pid === undefined) return;
    const problem = await moveToCore(pid, core);
    if (problem !== undefined && this.#end === undefined)
      throw new DuetError(`the process of ${this.#options.side} could not be moved to core ${core}: ${problem}`);
  }

  /** Closes its suite when it can, and resolves when the process is gone, whatever it takes. */
  async close(): Promise<void> {
    const idle = this.#end === undefined && this.#pending === undefined;
    if (idle) await this.#exchange({ do: 'close' }, CLOSE_LIMIT_MS).catch(() => {});
    const cancel = this.#options.clock.schedule(idle ? CLOSE_LIMIT_MS : 0, () => this.#child.kill('SIGKILL'));
    await this.#exited;
    cancel();
  }

  async #exchange(command: DuetCommand, limitMs: number): Promise<DuetAnswer> {
    if (this.#end) throw this.#end;
    const { signal, clock, side } = this.#options;
    const pending = Promise.withResolvers<DuetAnswer>();
    this.#pending = pending;
    const cancel = clock.schedule(limitMs, () =>
      pending.reject(new DuetError(`the process of ${side} did not answer to '${command.do}' within ${limitMs} ms`)),
    );
    const onAbort = () => pending.reject(signal.reason);
    if (command.do !== 'close') signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.#child.send(command);
      return await pending.promise;
    } finally {
      cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }

  #settle(how: (pending: PromiseWithResolvers<DuetAnswer>) => void): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending) how(pending);
  }
}
