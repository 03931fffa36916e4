// A cluster of our own nodes, whatever they live in: what they are told when they start, and the links between them.

import type { Injection, InjectionReport } from '../../system/rpc/injection.ts';
import { formatTraceDestination, type TraceDestination } from '../../telemetry/trace-destination.ts';
import type { LinkPlan } from '../links/link-table.ts';
import { type DirectAddresses, directRoutes, linkPlans, type NodePlace, type Routes, routesThrough } from './link-plans.ts';
import { LocalCluster, type LocalClusterOptions } from './local-cluster.ts';
import { type NodeHome, NodeProcess } from './node-process.ts';
import { join } from 'node:path';

export interface NodeClusterOptions extends LocalClusterOptions {
  /** Environment of single nodes, for known-bad variants in tests. */
  readonly environment?: ((node: string) => Readonly<Record<string, string>>) | undefined;
  /** Whether faults may be injected into the nodes (`inject`). Default false: what is only measured runs without the means to. */
  readonly faultControl?: boolean;
  /** Default: nothing is traced. */
  readonly tracing?: NodeTracing | undefined;
}

export interface NodeTracing {
  /** URL of the OTLP receiver to which the spans of wanted traces go, on loopback. */
  readonly receiver: string;
  /** Lets the receiver listen at another address of this machine too; resolves with its URL there. */
  receiverAt(host: string): Promise<string>;
  /** Where sampled traces go. */
  readonly destination: TraceDestination | undefined;
}

/** Where a node sends its spans: of wanted traces to an OTLP receiver, of sampled ones to a destination. */
export type TraceRoutes = Pick<NodeTracing, 'receiver' | 'destination'>;

export abstract class NodeCluster extends LocalCluster<NodeProcess> {
  readonly #options: NodeClusterOptions;
  readonly #places: readonly NodePlace[];

  constructor(options: NodeClusterOptions, places: readonly NodePlace[]) {
    super(options.clock);
    this.#options = options;
    this.#places = places;
  }

  protected abstract home(id: string): NodeHome;

  /** With where each link listens. */
  protected abstract placeLinks(plans: readonly LinkPlan[]): readonly LinkPlan[];

  /** Where a link is reached that listens at an address, by those who dial it. */
  protected abstract addressOfLink(plan: LinkPlan, listens: string): string;

  /** @param tracing as the nodes see it. */
  protected async startNodes(tracing: TraceRoutes | undefined): Promise<void> {
    const { links } = this.#options;
    const routes = links ? await this.#routesThroughLinks(links.seed) : directRoutes(this.#places);
    this.nodes = this.#places.map(({ id, outside: { grpc: directEndpoint, http: directHttpEndpoint } }) => ({
      id,
      endpoint: routes.client(id),
      httpEndpoint: routes.clientHttp(id),
      directEndpoint,
      directHttpEndpoint,
    }));
    this.processes = new Map(this.#places.map((place) => [place.id, this.#node(place, routes, tracing)]));
    await this.startProcesses();
  }

  /** Before the nodes: they must be told where they reach one another. */
  async #routesThroughLinks(seed: number): Promise<Routes> {
    const inside = this.#places.map(({ id, inside: addresses }): DirectAddresses => ({ id, ...addresses }));
    const plans = this.placeLinks(linkPlans(inside));
    const listening = await this.openLinks(plans, seed, this.#options);
    return routesThrough(
      plans,
      plans.map((plan, at) => this.addressOfLink(plan, listening[at] as string)),
    );
  }

  #node({ id, listen }: NodePlace, routes: Routes, tracing: TraceRoutes | undefined): NodeProcess {
    const { clusterId, faultControl, logFolder, clock } = this.#options;
    const peers = this.#places.filter((peer) => peer.id !== id);
    return new NodeProcess({
      id,
      arguments: [
        `--id=${id}`,
        `--cluster=${clusterId}`,
        `--listen=${listen.grpc}`,
        `--http=${listen.http}`,
        '--exit-with-parent',
        ...(faultControl === true ? ['--fault-control'] : []),
        ...tracingArguments(tracing),
        ...peers.map((peer) => `--peer=${peer.id}=${routes.peer(id, peer.id)}`),
        ...this.#places.map((node) => `--advertise=${node.id}=${routes.client(node.id)}`),
      ],
      home: this.home(id),
      logFile: join(logFolder, `${id}.log`),
      clock,
      onEvent: (event) => this.handle(event),
    });
  }

  override wantTraces(traceIds: readonly string[]): void {
    for (const node of this.processes.values()) node.wantTraces(traceIds);
  }

  override async tracesSent(): Promise<void> {
    await Promise.all([...this.processes.values()].map((node) => node.tracesSent()));
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

function tracingArguments(tracing: TraceRoutes | undefined): string[] {
  if (tracing === undefined) return [];
  const { receiver, destination } = tracing;
  return [`--trace-receiver=${receiver}`, ...(destination ? [`--traces=${formatTraceDestination(destination)}`] : [])];
}
