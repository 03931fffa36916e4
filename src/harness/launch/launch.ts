// Starts, or attaches to, what a scenario puts under load.

import type { Clock } from '../../runtime/clock.ts';
import { freshSeed, Random } from '../../runtime/random.ts';
import { unreachable } from '../../runtime/assert.ts';
import { isLaunched, needsFaultControl, type ValidScenario } from '../scenario/valid-scenario.ts';
import type { Cluster } from './cluster.ts';
import { launchEtcd } from './etcd-launcher.ts';
import { attach } from './external.ts';
import type { NodeTracing } from './node-cluster.ts';
import { launchProcesses } from './process-launcher.ts';

export interface LaunchOptions {
  /** Of jitter and loss on the links. */
  readonly seed: number;
  readonly dataFolder: string;
  readonly logFolder: string;
  readonly clock: Clock;
  /** Environment of single nodes of ours, for known-bad variants. */
  readonly environment?: ((node: string) => Readonly<Record<string, string>>) | undefined;
  /** bin/windtunnel.js that nodes as processes are started with. Default: ours. */
  readonly program?: string | undefined;
  /** Of nodes of ours. */
  readonly tracing?: NodeTracing | undefined;
  /** What takes long before anything is started. */
  readonly onStep?: (step: string) => void;
}

export interface Launched {
  readonly cluster: Cluster;
  /** Where /metrics can be asked for, past the links; of a system that runs already perhaps nowhere. */
  readonly metrics: readonly { readonly instance: string; /** host:port */ readonly endpoint: string }[];
  readonly addresses: {
    /** host:port of gRPC servers. */
    readonly endpoints: readonly string[];
    /** host:port of HTTP servers. */
    readonly httpEndpoints: readonly string[];
    /** What the names of the run's tables and keys end with, so that it does not meet those of earlier runs. */
    readonly namespace: string;
    /** Of the nodes at `endpoints`. */
    readonly names: readonly string[];
  };
}

/** @throws LaunchError; then nothing is left running */
export async function launchTarget(scenario: ValidScenario, options: LaunchOptions): Promise<Launched> {
  const { target } = scenario;
  // Data that outlives the run: a value of the run before would look like one that nobody wrote.
  const namespace = isLaunched(target) ? '' : `_${Math.floor(options.clock.wallTime()).toString(36)}`;
  if (target.kind === 'external') {
    const { endpoints, httpEndpoints } = target;
    const cluster = attach(endpoints.length > 0 ? endpoints : httpEndpoints);
    // etcd serves its metrics where it serves everything; our nodes only over HTTP.
    const metrics = [...(target.protocol === 'etcd' ? endpoints : []), ...httpEndpoints];
    return {
      cluster,
      metrics: metrics.map((endpoint) => ({ instance: endpoint, endpoint })),
      addresses: { endpoints, httpEndpoints, namespace, names: endpoints },
    };
  }
  const cluster = await launch(scenario, target, options);
  return {
    cluster,
    metrics: cluster.nodes.map(({ id, directHttpEndpoint }) => ({ instance: id, endpoint: directHttpEndpoint })),
    addresses: {
      endpoints: cluster.nodes.map((node) => node.endpoint),
      httpEndpoints: cluster.nodes.map((node) => node.httpEndpoint),
      namespace,
      names: cluster.nodes.map((node) => node.id),
    },
  };
}

async function launch(
  { name, cluster: { nodes, links }, faults, nemesis }: ValidScenario,
  target: Exclude<ValidScenario['target'], { kind: 'external' }>,
  { seed, environment, program, tracing, onStep, dataFolder, ...same }: LaunchOptions,
): Promise<Cluster> {
  const common = {
    ...same,
    clusterId: `${name}-${seed}`,
    nodes,
    links: links ? { seed } : undefined,
    // Not from the seed: a repeated run must not fight over the ports of the first.
    random: new Random(freshSeed()),
  };
  const faultControl = [...faults, ...(nemesis?.mix ?? [])].some(needsFaultControl);
  const ours = { ...common, environment, tracing, faultControl };
  switch (target.kind) {
    case 'process':
      return launchProcesses({ ...ours, dataFolder, program });
    case 'docker': {
      // Only now: Testcontainers takes half a second to load.
      const { launchContainers } = await import('./docker-launcher.ts');
      const { image, cpus, memory, netAdmin } = target;
      return launchContainers({ ...ours, image, limits: { cpus, memory }, netAdmin, onStep });
    }
    case 'compose': {
      const { attachCompose } = await import('./compose-cluster.ts');
      return attachCompose({ ...same, project: target.project, nodes });
    }
    case 'etcd':
      return launchEtcd({ ...common, dataFolder, binary: target.binary });
    default:
      return unreachable(target);
  }
}
