// Starts a cluster of our nodes as processes on this machine, on loopback.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LinkPlan } from '../links/link-table.ts';
import type { Cluster } from './cluster.ts';
import { launchOnFreePorts, LINKS_LISTEN, startedOrStopped } from './local-cluster.ts';
import { NodeCluster, type NodeClusterOptions } from './node-cluster.ts';
import type { NodeHome } from './node-process.ts';
import { windtunnelBody } from './server-body.ts';

export interface ProcessClusterOptions extends NodeClusterOptions {
  /** Each node has its own folder below it. */
  readonly dataFolder: string;
  /** The gRPC port of the first node; the others and the HTTP ports follow it. Default: free ports are looked for. */
  readonly firstPort?: number;
  /** bin/windtunnel.js that nodes are started with. Default: ours. */
  readonly program?: string | undefined;
}

/** Resolves when every node listens. @throws LaunchError; then nothing is left running. */
export async function launchProcesses(options: ProcessClusterOptions): Promise<Cluster> {
  const { firstPort, nodes, random } = options;
  const start = (ports: readonly number[]) => {
    const cluster = new ProcessCluster(options, ports);
    return startedOrStopped(cluster, () => cluster.start());
  };
  return firstPort === undefined ? launchOnFreePorts(nodes * 2, random, start) : start(fixedPorts(firstPort, nodes));
}

function fixedPorts(first: number, nodes: number): number[] {
  return Array.from({ length: nodes * 2 }, (_, at) => first + at);
}

class ProcessCluster extends NodeCluster {
  readonly #options: ProcessClusterOptions;

  constructor(options: ProcessClusterOptions, ports: readonly number[]) {
    const places = Array.from({ length: options.nodes }, (_, at) => {
      const own = { grpc: `127.0.0.1:${ports[at]}`, http: `127.0.0.1:${ports[options.nodes + at]}` };
      return { id: `n${at + 1}`, listen: own, inside: own, outside: own };
    });
    super(options, places);
    this.#options = options;
  }

  start(): Promise<void> {
    return this.startNodes(this.#options.tracing);
  }

  protected placeLinks(plans: readonly LinkPlan[]): readonly LinkPlan[] {
    return plans.map((plan) => ({ ...plan, listen: LINKS_LISTEN }));
  }

  protected addressOfLink(_: LinkPlan, listens: string): string {
    return listens;
  }

  protected home(id: string): NodeHome {
    const { dataFolder, environment, program } = this.#options;
    const data = join(dataFolder, id);
    return {
      embody: (words) => Promise.resolve(windtunnelBody([...words, '--data', data], this.clock, environment?.(id), program)),
      deleteData: () => rm(data, { recursive: true, force: true }),
    };
  }
}
