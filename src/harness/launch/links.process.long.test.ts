// A real cluster whose traffic goes through links: what a partition does to it, and that it heals.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sleep, systemClock } from '../../runtime/clock.ts';
import { Random, freshSeed } from '../../runtime/random.ts';
import { type ConnectedClient, createClient } from '../../system/rpc/client.ts';
import { RpcError } from '../../system/rpc/errors.ts';
import { known } from '../../runtime/assert.ts';
import { beginLatency } from '../faults/latency.ts';
import { beginPartition } from '../faults/partition.ts';
import type { FaultContext } from '../faults/fault.ts';
import { CLIENT } from '../links/rule.ts';
import type { ValidPartition } from '../scenario/valid-scenario.ts';
import { ClusterWatch } from './cluster-watch.ts';
import type { Cluster } from './cluster.ts';
import { LinkProcess } from './link-process.ts';
import { windtunnelBody } from './server-body.ts';
import { launchProcesses } from './process-launcher.ts';

const PATIENCE_MS = 60_000;
const clock = systemClock;

let folder: string;
let cluster: Cluster | undefined;
const clients: ConnectedClient[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'windtunnel-links-'));
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.disconnect();
  await cluster?.stop();
  cluster = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function launch() {
  const launched = await launchProcesses({
    clusterId: 'links-test',
    nodes: 3,
    dataFolder: folder,
    logFolder: join(folder, 'logs'),
    clock,
    random: new Random(freshSeed()),
    links: { seed: 1 },
  });
  cluster = launched;
  const leader = await launched.waitForLeader(PATIENCE_MS);
  return { launched, leader };
}

async function connect(endpoints: readonly string[], reads: 'leader' | 'any' = 'leader'): Promise<ConnectedClient> {
  const client = await createClient({ endpoints, reads, clock, timeoutMs: PATIENCE_MS }).connect();
  clients.push(client);
  return client;
}

function contextOf(launched: Cluster): FaultContext {
  const watch = new ClusterWatch(launched.events);
  return {
    clock,
    target: launched,
    witness: { operationsSucceeded: () => 1, highestLeaderTerm: () => watch.highestLeaderTerm },
    random: new Random(1),
  };
}

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = clock.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (clock.now() > deadlineMs) throw new Error(`did not come about: ${what}`);
    await sleep(clock, 20);
  }
}

const isolateLeader: ValidPartition = {
  kind: 'partition',
  shape: 'isolate-leader',
  mode: 'hold',
  target: 'leader',
  clients: false,
  atMs: 0,
  durationMs: 1,
};

describe('a cluster behind links', () => {
  test.each(['hold', 'cut'] as const)(
    'replaces a leader that is cut off (%s), which answers nobody; it heals, and nothing is lost',
    { timeout: 2 * PATIENCE_MS },
    async (mode) => {
      const { launched, leader } = await launch();
      const everybody = await connect(launched.nodes.map(({ endpoint }) => endpoint));
      await everybody.execute('create table t (k text primary key, v integer)');
      await everybody.execute("insert into t values ('k', 1)");

      const fault = await beginPartition({ ...isolateLeader, mode }, contextOf(launched));
      expect(fault.nodes).toEqual([leader]);
      const before = launched.events.length;
      await until(
        () =>
          launched.events
            .slice(before)
            .some((event) => event.type === 'role' && event.role === 'leader' && event.node !== leader),
        'another leader',
      );
      // The old one is reached by clients, and must not answer from its old state.
      const old = known(launched.nodes.find(({ id }) => id === leader)?.endpoint, 'the leader is a node');
      await everybody.execute("update t set v = 2 where k = 'k'");
      const asked = await connect([old], 'any');
      const answer = asked.execute("select v from t where k = 'k'", [], { timeoutMs: 1_000 }).then(
        ({ results }) => results[0]?.rows[0]?.[0],
        (error: unknown) => (error instanceof RpcError ? 'refused' : error),
      );
      expect(await answer).toBe('refused');

      await fault.end();
      expect(fault.proof().observations).toContain('not one byte passed during it');
      expect(fault.proof()).toMatchObject({ proven: true });
      // A read at a follower asks the leader, over the links that were blocked.
      expect((await asked.execute("select v from t where k = 'k'")).results[0]?.rows).toEqual([[2]]);
    },
  );

  test(
    'clients and nodes reach one another only through links, also those that a node names',
    { timeout: PATIENCE_MS },
    async () => {
      const { launched, leader } = await launch();
      const links = known(launched.links, 'launched with links');
      const follower = known(
        launched.nodes.find(({ id }) => id !== leader),
        'there are three',
      );
      const client = await connect([follower.endpoint]);
      await client.execute('create table t (k text primary key)');
      const counters = await links.counters();
      const forwarded = (from: string, to: string) =>
        known(
          counters.find((each) => each.from === from && each.to === to),
          `${from}->${to}`,
        ).bytesForwarded;
      for (const { id } of launched.nodes.filter((node) => node.id !== leader)) {
        expect(forwarded(leader, id)).toBeGreaterThan(0);
        expect(forwarded(id, leader)).toBeGreaterThan(0);
      }
      // The follower sent the client on to the leader.
      expect(forwarded(CLIENT, leader)).toBeGreaterThan(0);
      expect(forwarded(leader, CLIENT)).toBeGreaterThan(0);
      const answer = await fetch(`http://${follower.httpEndpoint}/healthz`);
      expect(answer.ok).toBe(true);
      expect(new Set(launched.nodes.flatMap((node) => [node.endpoint, node.httpEndpoint, node.directEndpoint])).size).toBe(9);
    },
  );

  test('a slow follower is proven by probes', { timeout: PATIENCE_MS }, async () => {
    const { launched, leader } = await launch();
    const slow = known(launched.nodes.find(({ id }) => id !== leader)?.id, 'there are three');
    const latency = { kind: 'latency', target: slow, links: 'peers', delayMs: 40, jitterMs: 5, atMs: 0, durationMs: 1 } as const;
    const fault = await beginLatency(latency, contextOf(launched));
    await fault.end();
    expect(fault.proof()).toMatchObject({ proven: true });
  });
});

describe('the process of the links', () => {
  test('ends with the input that controls it, and says when it ended by itself', async () => {
    const deaths: string[] = [];
    const start = () => windtunnelBody(['links', '--cluster=links-test', '--seed=1'], clock);
    const options = {
      logFile: join(folder, 'links.log'),
      clock,
      onDeath: (how: string) => deaths.push(how),
    };
    const body = start();
    const { pid } = body;
    const stopped = new LinkProcess({ ...options, body });
    await stopped.control.counters();
    await stopped.stop();
    expect(() => process.kill(known(pid, 'it ran'), 0)).toThrow('ESRCH');
    expect(deaths).toEqual([]);

    const killedBody = start();
    const killed = new LinkProcess({ ...options, body: killedBody });
    await killed.control.counters();
    killedBody.kill('SIGKILL');
    await until(() => deaths.length > 0, 'the news of its death');
    expect(deaths).toEqual(['SIGKILL']);
    await expect(killed.control.counters()).rejects.toThrow('the process of the links has ended');
    await killed.stop();
  });
});
