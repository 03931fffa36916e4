// One node of a cluster that compose started: a container that was there before, and stays.

import { join } from 'node:path';
import type { ContainerRuntimeClient } from 'testcontainers';
import type { Role } from '../../system/raft/protocol.ts';
import type { ClusterEvent } from './cluster.ts';
import { LaunchError } from './cluster.ts';
import { ContainerBody } from './docker-body.ts';
import { NodeProcess } from './node-process.ts';
import type { ServerProcessOptions } from './server-process.ts';

export interface ComposeNodeOptions extends Omit<ServerProcessOptions, 'logFile'> {
  readonly engine: ContainerRuntimeClient;
  /** Id of its container. */
  readonly container: string;
  /** host:port of its HTTP server. */
  readonly http: string;
  readonly logFolder: string;
}

const STATUS_TIMEOUT_MS = 5_000;

export class ComposeNode extends NodeProcess {
  readonly #options: ComposeNodeOptions;
  readonly #bodies: ContainerBody[] = [];
  #hasSaidRole = false;
  /** It served before anybody here listened. */
  #found = true;

  constructor(options: ComposeNodeOptions) {
    const { engine, container, onEvent } = options;
    super({
      ...options,
      logFile: join(options.logFolder, `${options.id}.log`),
      arguments: [],
      home: {
        // Its command is compose's.
        embody: async () => this.#keep(await ContainerBody.join(engine, container)),
        deleteData: () => Promise.reject(new LaunchError(`the volume of ${options.id} is not ours to delete`)),
      },
      onEvent: (event: ClusterEvent) => {
        this.#hasSaidRole ||= event.type === 'role';
        onEvent(event);
      },
    });
    this.#options = options;
  }

  /** What it said before anybody listened: unless it has said something newer meanwhile, its role. @throws LaunchError */
  async sayRole(): Promise<void> {
    const { id, http, clock, onEvent } = this.#options;
    const status = await this.#status();
    if (status.nodeId !== id) throw new LaunchError(`the node at http://${http} is ${status.nodeId}, not ${id}`);
    if (this.#hasSaidRole) return;
    const { role, term, leaderId } = status;
    onEvent({ type: 'role', node: id, wallMs: clock.wallTime(), role, term, ...(leaderId !== '' && { leader: leaderId }) });
  }

  /** Lets it go on or starts it again when it does not run, and listens no more. Resolves with what is left to be done. */
  async leave(): Promise<string | undefined> {
    const problem = await this.#wake().then(
      () => undefined,
      (error: unknown) => `${this.id} could not be left running: ${(error as Error).message}`,
    );
    for (const body of this.#bodies.splice(0)) body.leave();
    await this.closeLog();
    return problem;
  }

  protected override serves(): Promise<void> {
    const found = this.#found;
    this.#found = false;
    return found ? Promise.resolve() : super.serves();
  }

  #keep(body: ContainerBody): ContainerBody {
    this.#bodies.push(body);
    return body;
  }

  async #wake(): Promise<void> {
    const { engine, container } = this.#options;
    const { State: state } = await engine.container.getById(container).inspect();
    if (state.Paused) await engine.container.getById(container).unpause();
    else if (!state.Running) await engine.container.getById(container).start();
  }

  async #status(): Promise<{ nodeId: string; role: Role; term: number; leaderId: string }> {
    const { id, http } = this.#options;
    try {
      const response = await fetch(`http://${http}/readyz`, { signal: AbortSignal.timeout(STATUS_TIMEOUT_MS) });
      return (await response.json()) as { nodeId: string; role: Role; term: number; leaderId: string };
    } catch (error) {
      throw new LaunchError(`${id} runs, but does not answer at http://${http}/readyz: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}
