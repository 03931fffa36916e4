// Starts a cluster of our nodes in containers, by Testcontainers: a network of its own, a container and a volume for each node, and a
// container for the links. This process and the generators reach them at ports of loopback; among themselves they go by their names.

import { mkdirSync } from 'node:fs';
import type { ContainerRuntimeClient } from 'testcontainers';
import { known } from '../../runtime/assert.ts';
import type { TraceDestination } from '../../telemetry/trace-destination.ts';
import type { ContainerControl } from '../faults/fault.ts';
import type { LinkPlan } from '../links/link-table.ts';
import { CLIENT } from '../links/rule.ts';
import { type Cluster, LaunchError } from './cluster.ts';
import { ContainerBody, type ContainerLimits, type ContainerPlan } from './docker-body.ts';
import { controlGroupOf, dockerEngine, labelsOf } from './docker-engine.ts';
import { IMAGE_PORTS, imageOfCheckout } from './docker-image.ts';
import { ContainerNetwork } from './docker-network.ts';
import { launchOnFreePorts, startedOrStopped } from './local-cluster.ts';
import { NodeCluster, type NodeClusterOptions, type NodeTracing, type TraceRoutes } from './node-cluster.ts';
import type { NodeHome } from './node-process.ts';
import type { ServerBody } from './server-body.ts';

export interface DockerClusterOptions extends NodeClusterOptions {
  /** Default: that of this checkout, which is built when it is not there. */
  readonly image?: string | undefined;
  /** Of each node. */
  readonly limits: ContainerLimits;
  /** Whether packets may be dropped in the nodes' networks: the capability NET_ADMIN. */
  readonly netAdmin: boolean;
  readonly onStep?: ((step: string) => void) | undefined;
}

/** Where the links of clients listen in their container: from here on. The links between nodes take what is free. */
const FIRST_LINK_PORT = 7_500;
const LINKS_ALIAS = 'links';
/** This machine, as containers see it. */
const HOST_ALIAS = 'host.docker.internal';

/** Resolves when every node listens. @throws LaunchError; then nothing is left running. */
export async function launchContainers(options: DockerClusterOptions): Promise<Cluster> {
  const { nodes, random, onStep } = options;
  mkdirSync(options.logFolder, { recursive: true });
  const engine = await dockerEngine();
  const controlGroup = await controlGroupOf(engine);
  const image = options.image ?? (await imageOfCheckout(engine, (name) => onStep?.(`building the image ${name}`)));
  // For each node two ports past the links, and two through them.
  return launchOnFreePorts(nodes * 4, random, (ports) => {
    const cluster = new DockerCluster(options, { engine, image, controlGroup, ports });
    return startedOrStopped(cluster, () => cluster.start());
  });
}

interface Means {
  readonly engine: ContainerRuntimeClient;
  readonly image: string;
  readonly controlGroup: string | undefined;
  /** Of loopback. */
  readonly ports: readonly number[];
}

class DockerCluster extends NodeCluster {
  readonly #options: DockerClusterOptions;
  readonly #means: Means;
  readonly #name: string;
  readonly #bodies = new Map<string, ContainerBody>();
  #network: ContainerNetwork | undefined;
  #volumes: string[] = [];

  constructor(options: DockerClusterOptions, means: Means) {
    const places = Array.from({ length: options.nodes }, (_, at) => {
      const id = `n${at + 1}`;
      return {
        id,
        listen: addresses('0.0.0.0', IMAGE_PORTS.grpc, IMAGE_PORTS.http),
        inside: addresses(id, IMAGE_PORTS.grpc, IMAGE_PORTS.http),
        outside: addresses('127.0.0.1', known(means.ports[2 * at], 'two each'), known(means.ports[2 * at + 1], 'two each')),
      };
    });
    super(options, places);
    this.#options = options;
    this.#means = means;
    // The ports make it unique on this machine.
    this.#name = `windtunnel-${options.clusterId}-${means.ports[0]}`;
  }

  async start(): Promise<void> {
    const { engine } = this.#means;
    this.#network = await ContainerNetwork.create(engine, this.#name, {
      labels: labelsOf(this.#options.clusterId),
      netAdmin: this.#options.netAdmin,
    });
    await this.startNodes(await this.#tracing(this.#options.tracing, this.#network));
    for (const { id } of this.#bodies.values()) await this.#network.tryPacketFilter(id);
  }

  override get containers(): ContainerControl | undefined {
    return this.#network?.control((node) => this.#bodies.get(node)?.id);
  }

  override async stop(): Promise<void> {
    await super.stop();
    const problems = [
      ...(await Promise.all(this.#volumes.map((name) => this.#deleteVolume(name)))),
      await this.#network?.remove(),
    ].filter((problem) => problem !== undefined);
    this.#network = undefined;
    for (const problem of problems) process.stderr.write(`${problem}; windtunnel doctor --clean removes it\n`);
  }

  protected placeLinks(plans: readonly LinkPlan[]): readonly LinkPlan[] {
    let next = FIRST_LINK_PORT;
    return plans.map((plan) => ({ ...plan, listen: `0.0.0.0:${plan.from === CLIENT ? next++ : 0}` }));
  }

  protected addressOfLink({ from }: LinkPlan, listens: string): string {
    const port = Number(listens.split(':')[1]);
    if (from !== CLIENT) return `${LINKS_ALIAS}:${port}`;
    return `127.0.0.1:${
      known(
        this.#linkPorts.find(({ inside }) => inside === port),
        'a link of clients has a port',
      ).outside
    }`;
  }

  protected override linksBody(words: readonly string[]): Promise<ServerBody> {
    return ContainerBody.start(this.#means.engine, {
      ...this.#plan(LINKS_ALIAS, words),
      ports: this.#linkPorts,
      // The instrument has no limits.
      limits: {},
      netAdmin: false,
    });
  }

  get #linkPorts(): ContainerPlan['ports'] {
    const { nodes } = this.#options;
    return this.#means.ports.slice(2 * nodes).map((outside, at) => ({ inside: FIRST_LINK_PORT + at, outside }));
  }

  protected home(id: string): NodeHome {
    const { engine, ports } = this.#means;
    const { limits, netAdmin, environment } = this.#options;
    const volume = `${this.#name}-${id}`;
    const first = 2 * (Number(id.slice(1)) - 1);
    return {
      embody: async (words) => {
        await this.#createVolume(volume);
        const body = await ContainerBody.start(engine, {
          ...this.#plan(id, [...words, '--data', '/data']),
          environment: environment?.(id) ?? {},
          ports: [
            { inside: IMAGE_PORTS.grpc, outside: known(ports[first], 'two for each node') },
            { inside: IMAGE_PORTS.http, outside: known(ports[first + 1], 'two for each node') },
          ],
          volume,
          limits,
          netAdmin,
        });
        this.#bodies.set(id, body);
        return body;
      },
      deleteData: async () => {
        const problem = await this.#deleteVolume(volume);
        if (problem !== undefined) throw new LaunchError(problem);
      },
    };
  }

  #plan(alias: string, words: readonly string[]) {
    const { image, controlGroup } = this.#means;
    const name = `${this.#name}-${alias}`;
    const network = known(this.#network, 'it was made first').name;
    return {
      image,
      name,
      network,
      alias,
      words,
      environment: {},
      hostAlias: HOST_ALIAS,
      controlGroup,
      labels: labelsOf(this.#options.clusterId),
    };
  }

  async #createVolume(name: string): Promise<void> {
    if (this.#volumes.includes(name)) return;
    await this.#means.engine.container.dockerode.createVolume({ Name: name, Labels: labelsOf(this.#options.clusterId) });
    this.#volumes.push(name);
  }

  /** Resolves with why it could not. */
  async #deleteVolume(name: string): Promise<string | undefined> {
    try {
      await this.#means.engine.container.dockerode.getVolume(name).remove();
      this.#volumes = this.#volumes.filter((other) => other !== name);
      return undefined;
    } catch (error) {
      return `the volume ${name} could not be removed: ${(error as Error).message}`;
    }
  }

  /** Where the nodes send spans: loopback is their own. */
  async #tracing(tracing: NodeTracing | undefined, network: ContainerNetwork): Promise<TraceRoutes | undefined> {
    if (tracing === undefined) return undefined;
    const { gateway } = network;
    // Where the engine runs in a virtual machine, its gateway is no address of ours, and its name for us leads to our loopback.
    const receiver = gateway ? await tracing.receiverAt(gateway).catch(() => onHost(tracing.receiver)) : onHost(tracing.receiver);
    const { destination } = tracing;
    return { receiver, destination: destination && fromContainers(destination) };
  }
}

function addresses(host: string, grpc: number, http: number) {
  return { grpc: `${host}:${grpc}`, http: `${host}:${http}` };
}

/** @throws LaunchError */
function fromContainers(destination: TraceDestination): TraceDestination {
  switch (destination.kind) {
    case 'otlp':
    case 'jaeger':
      return { ...destination, url: onHost(destination.url) };
    case 'jaeger-udp':
      return { ...destination, host: onHost(`//${destination.host}`).slice(2) };
    case 'file':
      throw new LaunchError(
        `nodes in containers cannot write traces to ${destination.path}, a file of this machine: use --traces otlp=URL`,
      );
  }
}

function onHost(url: string): string {
  return url.replace(/\/\/(127\.0\.0\.1|localhost|\[::1\])(?=[:/]|$)/, `//${HOST_ALIAS}`);
}
