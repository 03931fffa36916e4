// The same contract for every launcher: processes, containers, etcd. What the last two need is not ours to bring along: .ci/run
// installs it.

import { type ContainerRuntimeClient } from 'testcontainers';
import { systemClock } from '../../runtime/clock.ts';
import { known } from '../../runtime/assert.ts';
import { EtcdEndpoint } from '../etcd/etcd-api.ts';
import type { Cluster, ClusterNode } from './cluster.ts';
import { dockerEngine } from './docker-engine.ts';
import { launchContainers } from './docker-launcher.ts';
import { launchEtcd } from './etcd-launcher.ts';
import { findEtcd } from './etcd-process.ts';
import { launchProcesses } from './process-launcher.ts';
import { launcherContract, type LauncherUnderTest } from './testing/launcher-contract.ts';
import { processesNaming } from './testing/processes.ts';

const nodeOf = (cluster: Cluster, id: string): ClusterNode =>
  known(
    cluster.nodes.find((node) => node.id === id),
    `there is ${id}`,
  );

/** The rows of the answer. */
async function sql(endpoint: string, query: string): Promise<unknown[][]> {
  const response = await fetch(`http://${endpoint}/query`, {
    method: 'POST',
    body: JSON.stringify({ query }),
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const { results } = (await response.json()) as { results: { rows: unknown[][] }[] };
  return results[0]?.rows ?? [];
}

const ours: Pick<LauncherUnderTest, 'write' | 'has' | 'unreachable' | 'goodOrder'> = {
  async write(cluster, key) {
    const leader = known(cluster.leader(), 'somebody leads');
    const { directHttpEndpoint } = nodeOf(cluster, leader);
    await sql(directHttpEndpoint, 'create table if not exists contract (k text primary key)');
    await sql(directHttpEndpoint, `insert into contract values ('${key}') on conflict do nothing`);
  },
  async has(cluster, node, key) {
    const rows = await sql(nodeOf(cluster, node).directHttpEndpoint, `select k from contract where k = '${key}'`);
    return rows.length === 1;
  },
  unreachable: /fetch failed/,
  goodOrder: /^exit code 0$/,
};

launcherContract('processes', {
  ...ours,
  launch: launchProcesses,
  remains: (clusterId) => Promise.resolve(processesNaming(`--cluster=${clusterId}`).map(String)),
});

const ETCD_CALL = { timeoutMs: 5_000 };

async function withEtcd<T>(address: string, ask: (endpoint: EtcdEndpoint) => Promise<T>): Promise<T> {
  const endpoint = new EtcdEndpoint(address, systemClock);
  try {
    return await ask(endpoint);
  } finally {
    endpoint.close();
  }
}

function etcdHere(): string | undefined {
  try {
    return findEtcd('etcd');
  } catch {
    return undefined;
  }
}

const etcd = etcdHere();
if (etcd === undefined) process.stderr.write('\n!!! SKIPPED: the launcher of etcd was NOT tested: there is no etcd on PATH\n\n');
else
  launcherContract('etcd', {
    launch: (options) => launchEtcd({ ...options, binary: etcd }),
    async write(cluster, key) {
      const { directEndpoint } = nodeOf(cluster, known(cluster.leader(), 'somebody leads'));
      await withEtcd(directEndpoint, (endpoint) => endpoint.put({ key: Buffer.from(key), value: Buffer.from('') }, ETCD_CALL));
    },
    async has(cluster, node, key) {
      const { kvs = [] } = await withEtcd(nodeOf(cluster, node).directEndpoint, (endpoint) =>
        endpoint.range({ key: Buffer.from(key) }, ETCD_CALL),
      );
      return kvs.length === 1;
    },
    unreachable: /ECONNREFUSED|unavailable/i,
    goodOrder: /^in good order/,
    cannotWipe: /etcd has no way back/,
    remains: (clusterId) => Promise.resolve(processesNaming(clusterId).map(String)),
  });

async function engineHere(): Promise<ContainerRuntimeClient | undefined> {
  return dockerEngine().catch(() => undefined);
}

const engine = await engineHere();
if (engine === undefined)
  process.stderr.write('\n!!! SKIPPED: the launcher of containers was NOT tested: no Docker engine answers\n\n');
else {
  const { dockerode } = engine.container;
  launcherContract('containers', {
    ...ours,
    launch: (options) => launchContainers({ ...options, limits: {}, netAdmin: false }),
    async remains(clusterId) {
      const filters = { label: [`windtunnel.cluster=${clusterId}`] };
      const [containers, networks, { Volumes: volumes }] = await Promise.all([
        dockerode.listContainers({ all: true, filters }),
        dockerode.listNetworks({ filters }),
        dockerode.listVolumes({ filters }),
      ]);
      return [
        ...containers.map(({ Names: [name] }) => `container ${name}`),
        ...networks.map(({ Name: name }) => `network ${name}`),
        ...volumes.map(({ Name: name }) => `volume ${name}`),
      ];
    },
  });
}
