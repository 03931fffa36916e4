// Starts a cluster as processes on this machine, on loopback.

import { join } from 'node:path';
import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Injection, InjectionReport } from '../../system/rpc/injection.ts';
import { type Cluster, type ClusterEvent, type ClusterNode, LaunchError } from './cluster.ts';
import { freePorts } from './free-ports.ts';
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
      await cluster.start();
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

class ProcessCluster implements Cluster {
  readonly nodes: readonly ClusterNode[];
  readonly events: ClusterEvent[] = [];
  readonly #processes: ReadonlyMap<string, NodeProcess>;
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  readonly #clock: Clock;
  #leader: { node: string; term: number } | undefined;

  constructor(options: ProcessClusterOptions, ports: readonly number[]) {
    this.#clock = options.clock;
    const ids = Array.from({ length: options.nodes }, (_, at) => `n${at + 1}`);
    this.nodes = ids.map((id, at) => ({
      id,
      endpoint: `127.0.0.1:${ports[at]}`,
      httpEndpoint: `127.0.0.1:${ports[options.nodes + at]}`,
    }));
    this.#processes = new Map(
      this.nodes.map((node) => [
        node.id,
        new NodeProcess({
          id: node.id,
          arguments: [
            '--id',
            node.id,
            '--cluster',
            options.clusterId,
            '--listen',
            node.endpoint,
            '--http',
            node.httpEndpoint,
            '--exit-with-parent',
            ...(options.faultControl === true ? ['--fault-control'] : []),
            ...this.nodes.filter((peer) => peer.id !== node.id).flatMap((peer) => ['--peer', `${peer.id}=${peer.endpoint}`]),
          ],
          environment: options.environment?.(node.id) ?? {},
          dataFolder: join(options.dataFolder, node.id),
          logFile: join(options.logFolder, `${node.id}.log`),
          clock: options.clock,
          onEvent: (event) => this.#handle(event),
        }),
      ]),
    );
  }

  async start(): Promise<void> {
    const started = await Promise.allSettled([...this.#processes.values()].map((node) => node.start()));
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
