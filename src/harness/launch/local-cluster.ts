// What clusters that are launched here have in common, whatever their servers are and live in: their events, their leader, their
// links, and what is done to their servers.

import { join } from 'node:path';
import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Injection, InjectionReport } from '../../system/rpc/injection.ts';
import type { ContainerControl, LinkControl } from '../faults/fault.ts';
import type { LinkPlan, SocksPlan } from '../links/link-table.ts';
import { type Cluster, type ClusterEvent, type ClusterNode, LaunchError } from './cluster.ts';
import { freePorts } from './free-ports.ts';
import { LinkProcess } from './link-process.ts';
import { type ServerBody, windtunnelBody } from './server-body.ts';
import type { ServerProcess } from './server-process.ts';

export interface LocalClusterOptions {
  readonly clusterId: string;
  /** 1 to 9. */
  readonly nodes: number;
  readonly logFolder: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Everything between the nodes, and from clients to them, goes through links; the seed is that of their jitter and loss. */
  readonly links?: { readonly seed: number } | undefined;
}

/** Where the links listen: on free ports, which they hold for as long as they run. */
export const LINKS_LISTEN = '127.0.0.1:0';

/** The cluster, when `start` has started it; else it is stopped, so that nothing of it is left, before why it did not start is thrown. */
export async function startedOrStopped<Started extends Cluster>(cluster: Started, start: () => Promise<void>): Promise<Started> {
  try {
    await start();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

export abstract class LocalCluster<Process extends ServerProcess> implements Cluster {
  readonly events: ClusterEvent[] = [];
  nodes: readonly ClusterNode[] = [];
  protected processes: ReadonlyMap<string, Process> = new Map();
  protected readonly clock: Clock;
  #links: LinkProcess | undefined;
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  #leader: { node: string; term: number } | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  abstract wipe(node: string): Promise<string>;
  abstract waitForRejoin(node: string, timeoutMs: number): Promise<void>;
  abstract inject(node: string, injection: Injection): Promise<InjectionReport>;

  /** Processes of others keep no spans. */
  wantTraces(_traceIds: readonly string[]): void {}

  tracesSent(): Promise<void> {
    return Promise.resolve();
  }

  get links(): LinkControl | undefined {
    return this.#links?.control;
  }

  get containers(): ContainerControl | undefined {
    return undefined;
  }

  /** Starts the process of the links; resolves with where they listen. */
  protected async openLinks(
    plans: readonly (LinkPlan | SocksPlan)[],
    seed: number,
    { clusterId, logFolder, clock }: LocalClusterOptions,
  ): Promise<readonly string[]> {
    this.#links = new LinkProcess({
      // The name of the cluster is there for those who list processes.
      body: await this.linksBody(['links', `--cluster=${clusterId}`, `--seed=${seed}`]),
      logFile: join(logFolder, 'links.log'),
      clock,
      onDeath: (how) => this.handle({ type: 'exited', node: 'links', wallMs: clock.wallTime(), expected: false, how }),
    });
    return this.#links.control.open(plans);
  }

  /** Starts `windtunnel` with these words. */
  protected linksBody(words: readonly string[]): Promise<ServerBody> {
    return Promise.resolve(windtunnelBody(words, this.clock));
  }

  /** Starts every process at once; rejects, after all have started or failed, with the first failure. */
  protected async startProcesses(): Promise<void> {
    const started = await Promise.allSettled([...this.processes.values()].map((node) => node.start()));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  leader(): string | undefined {
    return this.#leader?.node;
  }

  onEvent(listener: (event: ClusterEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async waitForLeader(timeoutMs: number): Promise<string> {
    const problem = `no leader was elected within ${timeoutMs} ms; the nodes' logs say why`;
    await this.waitFor(() => this.#leader !== undefined, timeoutMs, problem);
    return known(this.#leader, 'it was waited for').node;
  }

  crash(node: string): Promise<string> {
    return this.process(node).kill();
  }

  restart(node: string): Promise<void> {
    return this.process(node).start();
  }

  shutDown(node: string): Promise<string> {
    return this.process(node).stop();
  }

  ended(node: string): Promise<string> {
    return this.process(node).ended;
  }

  pause(node: string): Promise<void> {
    return this.process(node).pause();
  }

  resume(node: string): Promise<void> {
    return this.process(node).resume();
  }

  isPaused(node: string): Promise<boolean> {
    return this.process(node).isPaused();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.processes.values()].map((node) => node.stop()));
    await Promise.all([...this.processes.values()].map((node) => node.closeLog()));
    await this.#links?.stop();
  }

  protected process(node: string): Process {
    return known(this.processes.get(node), `no such node: ${node}`);
  }

  /** Resolves as soon as it holds, looked at after every event; rejects with LaunchError after `timeoutMs`. */
  protected waitFor(holds: () => boolean, timeoutMs: number, problem: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!holds()) return;
        unsubscribe();
        cancel();
        resolve();
      };
      const unsubscribe = this.onEvent(check);
      const cancel = this.clock.schedule(timeoutMs, () => {
        unsubscribe();
        reject(new LaunchError(problem));
      });
      check();
    });
  }

  protected handle(event: ClusterEvent): void {
    this.events.push(event);
    if (event.type === 'role' && event.role === 'leader' && event.term >= (this.#leader?.term ?? 0)) {
      this.#leader = { node: event.node, term: event.term };
    } else if ((event.type === 'role' || event.type === 'exited') && this.#leader?.node === event.node) {
      this.#leader = undefined;
    }
    for (const listener of this.#listeners) listener(event);
  }
}

/** Between our choice of a free port and a node's use of it somebody else may take it. */
const MOST_TRIES = 5;

/** Starts a cluster on `count` free ports, and on others when one of them was taken meanwhile. @throws LaunchError; then nothing is left running */
export async function launchOnFreePorts(
  count: number,
  random: Random,
  start: (ports: readonly number[]) => Promise<Cluster>,
): Promise<Cluster> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePorts(count, random));
    } catch (error) {
      const portTaken =
        error instanceof LaunchError &&
        /EADDRINUSE|cannot listen|address already in use|port is already allocated/.test(error.message);
      if (!portTaken || attempt === MOST_TRIES) throw error;
    }
  }
}
