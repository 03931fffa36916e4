// One etcd server as a child process. Its roles are asked for (etcd-roles.ts): etcd prints no events.

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { sleep } from '../../runtime/clock.ts';
import type { EtcdEndpoint } from '../etcd/etcd-api.ts';
import { LaunchError } from './cluster.ts';
import { type BodyEnd, ChildBody, endingOf, type ServerBody } from './server-body.ts';
import { ServerProcess, type ServerProcessOptions } from './server-process.ts';

export interface EtcdProcessOptions extends ServerProcessOptions {
  /** Path of the program. */
  readonly binary: string;
  readonly arguments: readonly string[];
  /** host:port of the SOCKS 5 proxy through which it dials its peers; undefined: directly. */
  readonly proxy: string | undefined;
  /** Of this server itself, past the links. */
  readonly endpoint: EtcdEndpoint;
}

/**
 * etcd does not end with its standard input, so a shell beside it watches that input and kills it then, also when it is paused. The
 * watcher is a child of the process that becomes etcd: process id, signals and exit code are etcd's own.
 */
const WITH_GUARD = 'exec 3<&0; (exec >/dev/null 2>&1; cat <&3; kill -KILL $$) & exec "$0" "$@" 3<&- </dev/null';

/** By any of these a Go program is told of a proxy, or that it must not use one. */
const PROXY_VARIABLES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy', 'REQUEST_METHOD'];

const STATUS_TIMEOUT_MS = 1_000;
const ASK_AGAIN_MS = 50;

export class EtcdProcess extends ServerProcess {
  readonly #options: EtcdProcessOptions;
  #closed = false;

  constructor(options: EtcdProcessOptions) {
    super(options);
    this.#options = options;
  }

  protected embody(): Promise<ServerBody> {
    const { binary, arguments: words, proxy } = this.#options;
    this.#closed = false;
    const own = Object.keys(process.env).filter((name) => name.startsWith('ETCD_'));
    const without = Object.fromEntries([...PROXY_VARIABLES, ...own].map((name) => [name, undefined]));
    const environment = { ...process.env, ...without, ...(proxy !== undefined && { HTTP_PROXY: `socks5://${proxy}` }) };
    const command = { program: '/bin/sh', words: ['-c', WITH_GUARD, binary, ...words], environment };
    return Promise.resolve(new ChildBody(command, this.clock));
  }

  /** It answers only when it is part of a cluster that has a leader. */
  protected async serves(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#options.endpoint.status({ timeoutMs: STATUS_TIMEOUT_MS, signal });
        return;
      } catch {
        await sleep(this.clock, ASK_AGAIN_MS, signal).catch(() => {});
      }
    }
  }

  protected hear(line: string): void {
    if (line.includes('"closed etcd server"')) this.#closed = true;
  }

  /** When it has closed everything in good order, etcd ends itself by the signal that it was asked with. */
  protected ending(end: BodyEnd): string {
    return end.signal === 'SIGTERM' && this.#closed ? 'in good order, by SIGTERM' : endingOf(end);
  }
}

/** The path of a program: as it is when it has a folder in it, otherwise the first on PATH. @throws LaunchError */
export function findEtcd(binary: string, path = process.env['PATH'] ?? ''): string {
  const candidates = binary.includes('/') ? [binary] : path.split(delimiter).map((folder) => join(folder, binary));
  const found = candidates.find(isProgram);
  if (found !== undefined) return found;
  const where = binary.includes('/') ? `there is no program ${binary}` : `there is no program '${binary}' on PATH`;
  throw new LaunchError(
    `${where}: install etcd (Debian and Ubuntu: apt-get install etcd-server), or name the program with --target etcd=PATH`,
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
