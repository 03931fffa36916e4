// Starts a cluster of our nodes as processes on this machine, on loopback.

import { join } from 'node:path';
import type { Injection, InjectionReport } from '../../system/rpc/injection.ts';
import { formatTraceDestination, type TraceDestination } from '../../telemetry/trace-destination.ts';
import type { Cluster } from './cluster.ts';
import { type DirectAddresses, directRoutes, linkPlans, type Routes, routesThrough } from './link-plans.ts';
import { launchOnFreePorts, LINKS_LISTEN, LocalCluster, type LocalClusterOptions } from './local-cluster.ts';
import { NodeProcess } from './node-process.ts';

export interface ProcessClusterOptions extends LocalClusterOptions {
  /** The gRPC port of the first node; the others and the HTTP ports follow it. Default: free ports are looked for. */
  readonly firstPort?: number;
  /** Environment of single nodes, for known-bad variants in tests. */
  readonly environment?: (node: string) => Readonly<Record<string, string>>;
  /** Whether faults may be injected into the nodes (`inject`). Default false: what is only measured runs without the means to. */
  readonly faultControl?: boolean;
  /** Default: nothing is traced. */
  readonly tracing?: NodeTracing | undefined;
}

export interface NodeTracing {
  /** URL of the OTLP receiver to which the spans of wanted traces go. */
  readonly receiver: string;
  /** Where sampled traces go. */
  readonly destination: TraceDestination | undefined;
}

/** Resolves when every node listens. @throws LaunchError; then nothing is left running. */
export async function launchProcesses(options: ProcessClusterOptions): Promise<Cluster> {
  const { firstPort, nodes, random } = options;
  const start = async (ports: readonly number[]) => {
    const cluster = new ProcessCluster(options, ports);
    try {
      await cluster.start(options);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  };
  return firstPort === undefined ? launchOnFreePorts(nodes * 2, random, start) : start(fixedPorts(firstPort, nodes));
}

function fixedPorts(first: number, nodes: number): number[] {
  return Array.from({ length: nodes * 2 }, (_, at) => first + at);
}

class ProcessCluster extends LocalCluster<NodeProcess> {
  readonly #direct: readonly DirectAddresses[];

  constructor(options: ProcessClusterOptions, ports: readonly number[]) {
    super(options.clock);
    this.#direct = Array.from({ length: options.nodes }, (_, at) => ({
      id: `n${at + 1}`,
      grpc: `127.0.0.1:${ports[at]}`,
      http: `127.0.0.1:${ports[options.nodes + at]}`,
    }));
  }

  async start(options: ProcessClusterOptions): Promise<void> {
    const routes = options.links ? await this.#routesThroughLinks(options.links.seed, options) : directRoutes(this.#direct);
    this.nodes = this.#direct.map(({ id, grpc: directEndpoint, http: directHttpEndpoint }) => ({
      id,
      endpoint: routes.client(id),
      httpEndpoint: routes.clientHttp(id),
      directEndpoint,
      directHttpEndpoint,
    }));
    this.processes = new Map(this.#direct.map((node) => [node.id, this.#nodeProcess(node, routes, options)]));
    await this.startProcesses();
  }

  /** Before the nodes: they must be told where they reach one another. */
  async #routesThroughLinks(seed: number, options: ProcessClusterOptions): Promise<Routes> {
    const plans = linkPlans(this.#direct, LINKS_LISTEN);
    return routesThrough(plans, await this.openLinks(plans, seed, options));
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
        ...tracingArguments(options.tracing),
        ...peers.map((peer) => `--peer=${peer.id}=${routes.peer(id, peer.id)}`),
        ...this.#direct.map((node) => `--advertise=${node.id}=${routes.client(node.id)}`),
      ],
      environment: options.environment?.(id) ?? {},
      dataFolder: join(options.dataFolder, id),
      logFile: join(options.logFolder, `${id}.log`),
      clock: options.clock,
      onEvent: (event) => this.handle(event),
    });
  }

  override wantTraces(traceIds: readonly string[]): void {
    for (const node of this.processes.values()) node.wantTraces(traceIds);
  }

  wipe(node: string): Promise<string> {
    return this.process(node).wipe();
  }

  waitForRejoin(node: string, timeoutMs: number): Promise<void> {
    const problem = `node ${node} did not catch up within ${timeoutMs} ms after the loss of its data; its log says why`;
    return this.waitFor(() => this.process(node).rejoined, timeoutMs, problem);
  }

  inject(node: string, injection: Injection): Promise<InjectionReport> {
    return this.process(node).inject(injection);
  }
}

function tracingArguments(tracing: NodeTracing | undefined): string[] {
  if (tracing === undefined) return [];
  const { receiver, destination } = tracing;
  return [`--trace-receiver=${receiver}`, ...(destination ? [`--traces=${formatTraceDestination(destination)}`] : [])];
}
