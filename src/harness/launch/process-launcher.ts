// Starts a cluster as processes on this machine, on loopback.

import { join } from 'node:path';
import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Injection, InjectionReport } from '../../system/rpc/injection.ts';
import { type Cluster, type ClusterEvent, type ClusterNode, LaunchError } from './cluster.ts';
import { freePorts } from './free-ports.ts';
import type { LinkControl } from '../faults/fault.ts';
import { type DirectAddresses, directRoutes, linkPlans, type Routes, routesThrough } from './link-plans.ts';
import { LinkProcess } from './link-process.ts';
import { NodeProcess } from './node-process.ts';

export interface ProcessClusterOptions {
  readonly clusterId: string;
  /** 1 to 9. */
  readonly nodes: number;
  /** Each node has its own folder below it. */
  readonly dataFolder: string;
  readonly logFolder: string;
  /** The gRPC port of the first node; the others and the HTTP ports follow it. Default: free ports are looked for. */
  readonly firstPort?: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Environment of single nodes, for known-bad variants in tests. */
  readonly environment?: (node: string) => Readonly<Record<string, string>>;
  /** Everything between the nodes, and from clients to them, goes through links; the seed is that of their jitter and loss. */
  readonly links?: { readonly seed: number } | undefined;
  /** Whether faults may be injected into the nodes (`inject`). Default false: what is only measured runs without the means to. */
  readonly faultControl?: boolean;
}

/** Between our choice of a free port and the node's use of it somebody else may take it. */
const MOST_TRIES = 5;

/** Resolves when every node listens. @throws LaunchError; then nothing is left running. */
export async function launchProcesses(options: ProcessClusterOptions): Promise<Cluster> {
  for (let attempt = 1; ; attempt++) {
    const ports =
      options.firstPort === undefined
        ? await freePorts(options.nodes * 2, options.random)
        : fixedPorts(options.firstPort, options.nodes);
    const cluster = new ProcessCluster(options, ports);
    try {
      await cluster.start(options);
      return cluster;
    } catch (error) {
      await cluster.stop();
      const portTaken = error instanceof LaunchError && /EADDRINUSE|cannot listen/.test(error.message);
      if (options.firstPort !== undefined || !portTaken || attempt === MOST_TRIES) throw error;
    }
  }
}

function fixedPorts(first: number, nodes: number): number[] {
  return Array.from({ length: nodes * 2 }, (_, at) => first + at);
}

/** Where the links listen: on free ports, which they hold for as long as they run. */
const LINKS_LISTEN = '127.0.0.1:0';

class ProcessCluster implements Cluster {
  readonly events: ClusterEvent[] = [];
  readonly #direct: readonly DirectAddresses[];
  #nodes: readonly ClusterNode[] = [];
  #links: LinkProcess | undefined;
  #processes: ReadonlyMap<string, NodeProcess> = new Map();
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  readonly #clock: Clock;
  #leader: { node: string; term: number } | undefined;

  constructor(options: ProcessClusterOptions, ports: readonly number[]) {
    this.#clock = options.clock;
    this.#direct = Array.from({ length: options.nodes }, (_, at) => ({
      id: `n${at + 1}`,
      grpc: `127.0.0.1:${ports[at]}`,
      http: `127.0.0.1:${ports[options.nodes + at]}`,
    }));
  }

  get nodes(): readonly ClusterNode[] {
    return this.#nodes;
  }

  get links(): LinkControl | undefined {
    return this.#links?.control;
  }

  async start(options: ProcessClusterOptions): Promise<void> {
    const routes = options.links ? await this.#openLinks(options.links.seed, options) : directRoutes(this.#direct);
    this.#nodes = this.#direct.map(({ id, grpc: directEndpoint }) => ({
      id,
      endpoint: routes.client(id),
      httpEndpoint: routes.clientHttp(id),
      directEndpoint,
    }));
    this.#processes = new Map(this.#direct.map((node) => [node.id, this.#nodeProcess(node, routes, options)]));
    const started = await Promise.allSettled([...this.#processes.values()].map((node) => node.start()));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Before the nodes: they must be told where they reach one another. */
  async #openLinks(seed: number, { clusterId, logFolder, clock }: ProcessClusterOptions): Promise<Routes> {
    this.#links = new LinkProcess({
      clusterId,
      seed,
      logFile: join(logFolder, 'links.log'),
      clock,
      onDeath: (how) => this.#handle({ type: 'exited', node: 'links', wallMs: clock.wallTime(), expected: false, how }),
    });
    const plans = linkPlans(this.#direct, LINKS_LISTEN);
    return routesThrough(plans, await this.#links.control.open(plans));
  }

  #nodeProcess({ id, grpc, http }: DirectAddresses, routes: Routes, options: ProcessClusterOptions): NodeProcess {
    const peers = this.#direct.filter((peer) => peer.id !== id);
    return new NodeProcess({
      id,
      arguments: [
        `--id=${id}`,
        `--cluster=${options.clusterId}`,
        `--listen=${grpc}`,
        `--http=${http}`,
        '--exit-with-parent',
        ...(options.faultControl === true ? ['--fault-control'] : []),
        ...peers.map((peer) => `--peer=${peer.id}=${routes.peer(id, peer.id)}`),
        ...this.#direct.map((node) => `--advertise=${node.id}=${routes.client(node.id)}`),
      ],
      environment: options.environment?.(id) ?? {},
      dataFolder: join(options.dataFolder, id),
      logFile: join(options.logFolder, `${id}.log`),
      clock: options.clock,
      onEvent: (event) => this.#handle(event),
    });
  }

  leader(): string | undefined {
    return this.#leader?.node;
  }

  onEvent(listener: (event: ClusterEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  waitForLeader(timeoutMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (this.#leader === undefined) return;
        unsubscribe();
        cancel();
        resolve(this.#leader.node);
      };
      const unsubscribe = this.onEvent(check);
      const cancel = this.#clock.schedule(timeoutMs, () => {
        unsubscribe();
        reject(new LaunchError(`no leader was elected within ${timeoutMs} ms; the nodes' logs say why`));
      });
      check();
    });
  }

  crash(node: string): Promise<string> {
    return this.#process(node).kill();
  }

  restart(node: string): Promise<void> {
    return this.#process(node).start();
  }

  wipe(node: string): Promise<string> {
    return this.#process(node).wipe();
  }

  waitForRejoin(node: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!this.#process(node).rejoined) return;
        unsubscribe();
        cancel();
        resolve();
      };
      const unsubscribe = this.onEvent(check);
      const cancel = this.#clock.schedule(timeoutMs, () => {
        unsubscribe();
        reject(
          new LaunchError(`node ${node} did not catch up within ${timeoutMs} ms after the loss of its data; its log says why`),
        );
      });
      check();
    });
  }

  shutDown(node: string): Promise<string> {
    return this.#process(node).stop();
  }

  ended(node: string): Promise<string> {
    return this.#process(node).ended;
  }

  inject(node: string, injection: Injection): Promise<InjectionReport> {
    return this.#process(node).inject(injection);
  }

  pause(node: string): Promise<void> {
    return this.#process(node).pause();
  }

  resume(node: string): Promise<void> {
    return this.#process(node).resume();
  }

  isPaused(node: string): boolean {
    return this.#process(node).paused;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((node) => node.stop()));
    await Promise.all([...this.#processes.values()].map((node) => node.closeLog()));
    await this.#links?.stop();
  }

  #process(node: string): NodeProcess {
    return known(this.#processes.get(node), `no such node: ${node}`);
  }

  #handle(event: ClusterEvent): void {
    this.events.push(event);
    if (event.type === 'role' && event.role === 'leader' && event.term >= (this.#leader?.term ?? 0)) {
      this.#leader = { node: event.node, term: event.term };
    } else if ((event.type === 'role' || event.type === 'exited') && this.#leader?.node === event.node) {
      this.#leader = undefined;
    }
    for (const listener of this.#listeners) listener(event);
  }
}
