// What a server of a cluster lives in for one life: a process of this machine here, a container in docker-body.ts.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../runtime/clock.ts';
import { LaunchError } from './cluster.ts';
import { isStopped, type PausedProcess, pauseProcess } from './process-pause.ts';
import { windtunnelProgram } from './windtunnel-program.ts';

export interface ServerBody {
  /** Its end is how a server learns that its harness is gone. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** How it ended, when it is gone, with nothing more to come from its outputs. */
  readonly ended: Promise<BodyEnd>;
  /** Does nothing when it is gone. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Stops it where it stands, so that it goes on again whatever happens to us; resolves when it has stopped. @throws LaunchError */
  pause(): Promise<PausedProcess>;
  /** Whether it is stopped at this moment. */
  isPaused(): Promise<boolean>;
}

export interface BodyEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** What else is known of its end: that it could not be started, that it had used up its memory. */
  readonly remark?: string;
}

export interface ChildCommand {
  readonly program: string;
  readonly words: readonly string[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export class ChildBody implements ServerBody {
  readonly ended: Promise<BodyEnd>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #clock: Clock;
  #isGone = false;

  /** What cannot be started ends at once. */
  constructor({ program, words, environment = process.env }: ChildCommand, clock: Clock) {
    this.#clock = clock;
    const child = spawn(program, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: environment,
      // Ctrl-C in a terminal reaches the whole process group; the harness decides when servers stop.
      detached: true,
    });
    this.#child = child;
    child.stdin.on('error', () => {});
    this.ended = new Promise<BodyEnd>((settle) => {
      child.once('error', ({ message }) => settle({ code: null, signal: null, remark: `could not be started: ${message}` }));
      child.once('close', (code, signal) => settle({ code, signal }));
    }).finally(() => {
      this.#isGone = true;
      // What watches over the process by way of that input has nothing to watch any more.
      child.stdin.destroy();
    });
  }

  get stdin(): Writable {
    return this.#child.stdin;
  }

  get stdout(): Readable {
    return this.#child.stdout;
  }

  get stderr(): Readable {
    return this.#child.stderr;
  }

  get pid(): number | undefined {
    return this.#isGone ? undefined : this.#child.pid;
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#child.kill(signal);
  }

  pause(): Promise<PausedProcess> {
    if (this.pid === undefined) return Promise.reject(new LaunchError('a process that is gone cannot be paused'));
    return pauseProcess(this.pid, this.#clock);
  }

  isPaused(): Promise<boolean> {
    return Promise.resolve(this.pid !== undefined && isStopped(this.pid));
  }
}

/** `windtunnel` with these words. @param environment besides our own @param program bin/windtunnel.js, perhaps of another checkout */
export function windtunnelBody(
  words: readonly string[],
  clock: Clock,
  environment: Readonly<Record<string, string>> = {},
  program = windtunnelProgram(),
): ChildBody {
  const command = { program: process.execPath, words: [program, ...words] };
  return new ChildBody({ ...command, environment: { ...process.env, ...environment } }, clock);
}

/** In words: the signal that ended it, or its exit code. */
export function endingOf({ code, signal, remark }: BodyEnd): string {
  if (code === null && signal === null) return remark ?? 'for a reason that is not known';
  const how = signal ?? `exit code ${code}`;
  return remark === undefined ? how : `${how}, ${remark}`;
}
