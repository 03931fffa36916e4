// One of our nodes, in a process or a container: reads the events it prints, injects faults, deletes its data.

import type { Injection, InjectionReport } from '../../system/rpc/injection.ts';
import type { NodeEvent } from '../../system/rpc/node-event.ts';
import { LaunchError } from './cluster.ts';
import { type BodyEnd, endingOf, type ServerBody } from './server-body.ts';
import { ServerProcess, type ServerProcessOptions } from './server-process.ts';

export interface NodeProcessOptions extends ServerProcessOptions {
  /** Behind `windtunnel node`. */
  readonly arguments: readonly string[];
  readonly home: NodeHome;
}

/** Where a node lives: it keeps its data there from one life to the next. */
export interface NodeHome {
  /** Starts `windtunnel` with these words, and the folder of its data behind them. @throws LaunchError */
  embody(words: readonly string[]): Promise<ServerBody>;
  /** While it does not run. */
  deleteData(): Promise<void>;
}

const INJECT_TIMEOUT_MS = 5_000;

export class NodeProcess extends ServerProcess {
  readonly #options: NodeProcessOptions;
  #listening = Promise.withResolvers<void>();
  /** Its data was deleted, and no process has recorded that yet. */
  #wiped = false;
  #recovering = false;
  /** Why the node says that it must end. */
  #fatal: string | undefined;
  #lastRequest = 0;
  readonly #requests = new Map<number, PromiseWithResolvers<InjectionReport>>();
  /** Who waits for it to have sent its spans, in the order in which they asked. */
  readonly #sent: PromiseWithResolvers<void>[] = [];

  constructor(options: NodeProcessOptions) {
    super(options);
    this.#options = options;
  }

  /** Kills the node and deletes its data; resolves with how it ended. The next start tells the node. */
  async wipe(): Promise<string> {
    const how = await this.kill();
    await this.#options.home.deleteData();
    this.#wiped = true;
    this.emit({ type: 'wiped' });
    this.#recovering = true;
    return how;
  }

  /** Whether the node votes: it never lost its data, or has caught up since. */
  get rejoined(): boolean {
    return !this.#recovering;
  }

  /** See Cluster.inject. @throws LaunchError */
  async inject(injection: Injection): Promise<InjectionReport> {
    const { input } = this;
    if (!input) throw new LaunchError(`node ${this.id} does not run, so nothing can be injected into it`);
    const request = ++this.#lastRequest;
    const answer = Promise.withResolvers<InjectionReport>();
    this.#requests.set(request, answer);
    const what = `${injection.inject}${injection.inject === 'none' ? ` of ${injection.of}` : ''}`;
    const cancel = this.clock.schedule(INJECT_TIMEOUT_MS, () =>
      answer.reject(new LaunchError(`node ${this.id} did not answer to '${what}' within ${INJECT_TIMEOUT_MS} ms`)),
    );
    const fills = injection.inject === 'full-disk';
    // Before it is in force: the node may end at once.
    if (fills) this.exitExpected = true;
    input.write(`${JSON.stringify({ request, ...injection })}\n`);
    try {
      const report = await answer.promise;
      if (injection.inject === 'none' && injection.of === 'full-disk') this.exitExpected = false;
      return report;
    } catch (error) {
      if (fills && this.input === input) this.exitExpected = false;
      throw error;
    } finally {
      cancel();
      this.#requests.delete(request);
    }
  }

  /** See Cluster.wantTraces. */
  wantTraces(traceIds: readonly string[]): void {
    this.input?.write(`${JSON.stringify({ want: traceIds })}\n`);
  }

  /** See Cluster.tracesSent. */
  tracesSent(): Promise<void> {
    const { input } = this;
    if (!input) return Promise.resolve();
    const sent = Promise.withResolvers<void>();
    this.#sent.push(sent);
    input.write(`${JSON.stringify({ want: [], answer: true })}\n`);
    return sent.promise;
  }

  protected embody(): Promise<ServerBody> {
    const { arguments: words, home } = this.#options;
    this.#fatal = undefined;
    this.#listening = Promise.withResolvers();
    return home.embody(['node', ...words, ...(this.#wiped ? ['--recovering'] : [])]);
  }

  protected async serves(): Promise<void> {
    await this.#listening.promise;
    this.#wiped = false;
  }

  protected hear(line: string): void {
    const event = parseEvent(line);
    if (event !== undefined) this.#hearEvent(event);
  }

  protected ending(end: BodyEnd): string {
    return this.#fatal === undefined || end.signal !== null ? endingOf(end) : `${endingOf(end)}, ${this.#fatal}`;
  }

  protected override onExit(how: string): void {
    for (const { reject: refuse } of this.#requests.values()) refuse(new LaunchError(`node ${this.id} ended (${how})`));
    // What it had not sent is gone.
    for (const { resolve } of this.#sent.splice(0)) resolve();
  }

  #hearEvent(event: NodeEvent): void {
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
    } else if (event.event === 'traces') {
      const { exported, dropped, problem } = event;
      onEvent({ type: 'traces', node: this.id, wallMs, exported, dropped, ...(problem !== undefined && { problem }) });
    } else if (event.event === 'spans-sent') {
      this.#sent.shift()?.resolve();
    } else if (event.event === 'listening') {
      this.#listening.resolve();
    } else if (event.event === 'fatal') {
      this.#fatal = event.message;
    } else if (event.event === 'injected') {
      this.#requests.get(event.request)?.resolve({ before: event.before, after: event.after });
    } else if (event.event === 'injection-refused') {
      this.#requests.get(event.request)?.reject(new LaunchError(`node ${this.id} refused an injection: ${event.problem}`));
    }
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
