// The links of a cluster as a child process.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../runtime/clock.ts';
import { RemoteLinks } from '../links/remote-links.ts';
import { windtunnelProgram } from './windtunnel-program.ts';

const STOP_TIMEOUT_MS = 5_000;

export interface LinkProcessOptions {
  /** Stands in the command line, so that a process can be told from those of other clusters. */
  readonly clusterId: string;
  /** Of jitter and loss. */
  readonly seed: number;
  /** What the process says when it fails. */
  readonly logFile: string;
  readonly clock: Clock;
  /** Told when the process ends without having been stopped: nothing passes any more. */
  readonly onDeath: (how: string) => void;
}

export class LinkProcess {
  readonly control: RemoteLinks;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #clock: Clock;
  readonly #ended: Promise<void>;
  #stopping = false;

  /** Starts the process. What cannot be started is noticed at the first command, which fails with LinkError. */
  constructor({ clusterId, seed, logFile, clock, onDeath }: LinkProcessOptions) {
    this.#clock = clock;
    mkdirSync(dirname(logFile), { recursive: true });
    this.#child = spawn(process.execPath, [windtunnelProgram(), 'links', `--cluster=${clusterId}`, `--seed=${seed}`], {
      // The process ends when its standard input does: also when this one is killed without a chance to stop it.
      stdio: ['pipe', 'pipe', 'pipe'],
      // Ctrl-C in a terminal reaches the whole process group; the harness decides when links stop.
      detached: true,
    });
    this.#child.stderr.pipe(createWriteStream(logFile, { flags: 'a' }));
    this.control = new RemoteLinks(this.#child.stdout, this.#child.stdin);
    this.#ended = new Promise((resolve) => {
      const settle = (how: string) => {
        if (!this.#stopping) onDeath(how);
        resolve();
      };
      this.#child.once('error', (error) => settle(`could not be started: ${error.message}`));
      this.#child.once('close', (code, signal) => settle(signal ?? `exit code ${code}`));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Ends the process and every connection through it. Resolves when it is gone. Never rejects. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#child.stdin.end();
    const cancel = this.#clock.schedule(STOP_TIMEOUT_MS, () => this.#child.kill('SIGKILL'));
    await this.#ended;
    cancel();
  }
}
