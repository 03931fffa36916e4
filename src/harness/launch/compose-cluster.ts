// A cluster that `docker compose up` started, as one that can be loaded and disturbed: found by the labels that compose puts on its
// containers, heard from now on, and left as it was found.

import type { ContainerRuntimeClient } from 'testcontainers';
import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type Cluster, LaunchError } from './cluster.ts';
import { ComposeNode } from './compose-node.ts';
import { dockerEngine } from './docker-engine.ts';
import { IMAGE_PORTS } from './docker-image.ts';
import { LocalCluster, startedOrStopped } from './local-cluster.ts';

export interface ComposeClusterOptions {
  /** Of compose. Default: the only one whose nodes are there. */
  readonly project?: string | undefined;
  /** How many nodes it must have. */
  readonly nodes: number;
  readonly logFolder: string;
  readonly clock: Clock;
}

const PROJECT_LABEL = 'com.docker.compose.project';
const SERVICE_LABEL = 'com.docker.compose.service';
/** On every container of our image. */
const IMAGE_LABEL = 'windtunnel.image';

/** Resolves when the role of every node is known. @throws LaunchError; then nothing has been done to the cluster. */
export async function attachCompose(options: ComposeClusterOptions): Promise<Cluster> {
  const engine = await dockerEngine();
  const found = await findNodes(engine, options);
  const cluster = new ComposeCluster(engine, found, options);
  return startedOrStopped(cluster, () => cluster.listen());
}

interface FoundNode {
  readonly id: string;
  readonly project: string;
  readonly container: string;
  /** host:port on this machine. */
  readonly grpc: string;
  readonly http: string;
}

class ComposeCluster extends LocalCluster<ComposeNode> {
  constructor(engine: ContainerRuntimeClient, found: readonly FoundNode[], { logFolder, clock }: ComposeClusterOptions) {
    super(clock);
    this.nodes = found.map(({ id, grpc, http }) => ({
      id,
      endpoint: grpc,
      httpEndpoint: http,
      directEndpoint: grpc,
      directHttpEndpoint: http,
    }));
    this.processes = new Map(
      found.map(({ id, container, http }) => [
        id,
        new ComposeNode({ id, engine, container, http, logFolder, clock, onEvent: (event) => this.handle(event) }),
      ]),
    );
  }

  /** Hears what the nodes say from now on. */
  async listen(): Promise<void> {
    await this.startProcesses();
    await Promise.all([...this.processes.values()].map((node) => node.sayRole()));
  }

  wipe(node: string): Promise<string> {
    return refuse(node, 'its volume is that of compose');
  }

  waitForRejoin(node: string): Promise<void> {
    return refuse(node, 'nothing was wiped');
  }

  inject(node: string): Promise<never> {
    return refuse(node, 'it takes no orders from here');
  }

  /** Leaves the nodes running, whatever was done to them. */
  override async stop(): Promise<void> {
    const problems = await Promise.all([...this.processes.values()].map((node) => node.leave()));
    for (const problem of problems.filter((each) => each !== undefined)) process.stderr.write(`windtunnel: ${problem}\n`);
  }
}

function refuse(node: string, reason: string): Promise<never> {
  return Promise.reject(new LaunchError(`${node} was not launched by this run: ${reason}`));
}

/** @throws LaunchError when they are not what is looked for, or do not all run. */
async function findNodes(engine: ContainerRuntimeClient, options: ComposeClusterOptions): Promise<readonly FoundNode[]> {
  const { dockerode } = engine.container;
  const labels = [IMAGE_LABEL, options.project === undefined ? PROJECT_LABEL : `${PROJECT_LABEL}=${options.project}`];
  const all = await dockerode.listContainers({ all: true, filters: { label: labels } });
  const nodes = all
    .filter(({ Labels: own }) => /^n[1-9]$/.test(own[SERVICE_LABEL] ?? ''))
    .map((container) => ({
      ...container,
      id: known(container.Labels[SERVICE_LABEL], 'filtered'),
      project: known(container.Labels[PROJECT_LABEL], 'asked for'),
    }))
    .sort((a, b) => a.id.localeCompare(b.id));
  const running = nodes.filter(({ State: state }) => state !== 'exited' && state !== 'created');
  const projects = [...new Set((running.length > 0 ? running : nodes).map(({ project }) => project))].sort();
  const [project, another] = projects;
  if (project === undefined)
    throw new LaunchError(
      `no compose project${options.project === undefined ? '' : ` '${options.project}'`} has nodes here: start one with 'docker compose up -d'`,
    );
  if (another !== undefined)
    throw new LaunchError(
      `several compose projects have nodes here: say which with --target compose=NAME, of ${projects.join(', ')}`,
    );
  const own = nodes.filter((node) => node.project === project);
  if (own.length !== options.nodes)
    throw new LaunchError(`the scenario is for ${options.nodes} nodes, and the compose project '${project}' has ${own.length}`);
  return own.map((node) => {
    if (node.State === 'paused')
      throw new LaunchError(
        `${node.id} of the compose project '${project}' is paused: 'docker compose unpause ${node.id}' lets it go on`,
      );
    if (node.State !== 'running')
      throw new LaunchError(
        `${node.id} of the compose project '${project}' does not run (${node.State}): start it with 'docker compose up -d'`,
      );
    const published = (inside: number) => {
      const port = node.Ports.find(({ PrivatePort, PublicPort }) => PrivatePort === inside && PublicPort !== undefined);
      if (port === undefined)
        throw new LaunchError(
          `${node.id} of the compose project '${project}' does not publish its port ${inside} on this machine`,
        );
      return `${port.IP === '0.0.0.0' ? '127.0.0.1' : port.IP}:${port.PublicPort}`;
    };
    return { id: node.id, project, container: node.Id, grpc: published(IMAGE_PORTS.grpc), http: published(IMAGE_PORTS.http) };
  });
}
