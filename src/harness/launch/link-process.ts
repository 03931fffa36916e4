// The links of a cluster, in a process or a container of their own.

import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { RemoteLinks } from '../links/remote-links.ts';
import { endingOf, type ServerBody } from './server-body.ts';

const STOP_TIMEOUT_MS = 5_000;

export interface LinkProcessOptions {
  /** `windtunnel links`. It ends when its standard input does: also when this process is killed without a chance to stop it. */
  readonly body: ServerBody;
  /** What it says when it fails. */
  readonly logFile: string;
  readonly clock: Clock;
  /** Told when it ends without having been stopped: nothing passes any more. */
  readonly onDeath: (how: string) => void;
}

export class LinkProcess {
  readonly control: RemoteLinks;
  readonly #body: ServerBody;
  readonly #clock: Clock;
  readonly #ended: Promise<void>;
  #stopping = false;

  /** What could not be started is noticed at the first command, which fails with LinkError. */
  constructor({ body, logFile, clock, onDeath }: LinkProcessOptions) {
    this.#clock = clock;
    mkdirSync(dirname(logFile), { recursive: true });
    this.#body = body;
    body.stderr.pipe(createWriteStream(logFile, { flags: 'a' }));
    this.control = new RemoteLinks(body.stdout, body.stdin);
    this.#ended = body.ended.then((end) => {
      if (!this.#stopping) onDeath(endingOf(end));
    });
  }

  /** Ends the process and every connection through it. Resolves when it is gone. Never rejects. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#body.stdin.end();
    const cancel = this.#clock.schedule(STOP_TIMEOUT_MS, () => this.#body.kill('SIGKILL'));
    await this.#ended;
    cancel();
  }
}
