// Real nodes as processes: how they end, what can be injected into them, and what they say of what they applied.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { freshSeed, Random } from '../../runtime/random.ts';
import type { Cluster, ClusterEvent } from './cluster.ts';
import { launchProcesses } from './process-launcher.ts';

const TIMEOUT_MS = 120_000;
const PATIENCE = { timeout: 30_000, interval: 50 };

let folder: string;
let cluster: Cluster | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-launcher-'));
});
afterEach(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true });
});

async function oneNode(faultControl: boolean): Promise<Cluster> {
  cluster = await launchProcesses({
    clusterId: 'test',
    nodes: 1,
    dataFolder: join(folder, 'data'),
    logFolder: join(folder, 'logs'),
    clock: systemClock,
    random: new Random(freshSeed()),
    faultControl,
  });
  await cluster.waitForLeader(PATIENCE.timeout);
  return cluster;
}

function sql(query: string): Promise<Response> {
  return fetch(`http://${cluster?.nodes[0]?.httpEndpoint}/query`, { method: 'POST', body: JSON.stringify({ query }) });
}

const of = <T extends ClusterEvent['type']>(type: T) =>
  (cluster?.events ?? []).filter((event): event is Extract<ClusterEvent, { type: T }> => event.type === type);

test(
  'a node ends in good order, and says the same of what it applied when it is back',
  async () => {
    const { shutDown, restart } = bound(await oneNode(false));
    for (const query of ['create table t (a)', 'insert into t values (1)']) expect((await sql(query)).status).toBe(200);
    expect(await shutDown('n1')).toBe('exit code 0');
    expect(of('exited')).toMatchObject([{ expected: true, how: 'exit code 0' }]);
    const last = of('applied').at(-1);
    // The noop of the leader, and two writes.
    expect(last?.index).toBeGreaterThanOrEqual(3);
    const known = of('applied').length;
    await restart('n1');
    await vi.waitFor(() => expect(of('applied').length).toBeGreaterThan(known), PATIENCE);
    // At its first change of role: it has applied nothing since.
    expect(of('applied')[known]).toMatchObject({ index: last?.index, term: last?.term, checksum: last?.checksum });
  },
  TIMEOUT_MS,
);

test(
  'a clock is skewed and right again, and what is no injection is refused',
  async () => {
    const { inject } = bound(await oneNode(true));
    const ahead = (wallMs: number) => wallMs - systemClock.wallTime();
    const begun = await inject('n1', { inject: 'clock-skew', offsetMs: 3_600_000, drift: 1 });
    expect(ahead(begun.before.wallMs)).toBeLessThan(1_800_000);
    expect(ahead(begun.after.wallMs)).toBeGreaterThan(1_800_000);
    // It works on, and its events are on our time line.
    expect((await sql('create table t (a)')).status).toBe(200);
    const ended = await inject('n1', { inject: 'none', of: 'clock-skew' });
    expect(ahead(ended.before.wallMs)).toBeGreaterThan(1_800_000);
    expect(ahead(ended.after.wallMs)).toBeLessThan(1_800_000);
    await expect(inject('n1', { inject: 'slow-disk', delayMs: -1 })).rejects.toThrow(/n1 refused.*delayMs must be.*not -1/);
    for (const { wallMs } of of('applied')) expect(Math.abs(ahead(wallMs))).toBeLessThan(1_800_000);
  },
  TIMEOUT_MS,
);

test(
  'a node whose disk is full ends by itself with its reason, which is no surprise, and comes back on its data',
  async () => {
    const { inject, ended, restart } = bound(await oneNode(true));
    expect((await sql('create table t (a)')).status).toBe(200);
    await inject('n1', { inject: 'full-disk' });
    const end = ended('n1');
    await sql('insert into t values (1)').catch(() => {});
    expect(await end).toMatch(/^exit code 1, the disk is full: .*ENOSPC/);
    expect(of('exited')).toMatchObject([{ expected: true }]);
    await expect(inject('n1', { inject: 'full-disk' })).rejects.toThrow('node n1 does not run');
    await restart('n1');
    await cluster?.waitForLeader(PATIENCE.timeout);
    expect((await sql('select * from t')).status).toBe(200);
    // Injections end with the process, and so does what is expected of it.
    expect((await sql('insert into t values (2)')).status).toBe(200);
  },
  TIMEOUT_MS,
);

test(
  'a node that was not started for it refuses injections and works on',
  async () => {
    const { inject } = bound(await oneNode(false));
    await expect(inject('n1', { inject: 'full-disk' })).rejects.toThrow('started without --fault-control');
    expect((await sql('create table t (a)')).status).toBe(200);
  },
  TIMEOUT_MS,
);

test(
  'whoever waits for the spans of a node does not wait for one that is gone',
  async () => {
    const own = await oneNode(true);
    await own.tracesSent();
    await own.pause('n1');
    const sent = own.tracesSent();
    await own.crash('n1');
    await sent;
    await own.tracesSent();
    expect(of('exited')).toHaveLength(1);
  },
  TIMEOUT_MS,
);

function bound(of: Cluster): Pick<Cluster, 'shutDown' | 'restart' | 'inject' | 'ended'> {
  return {
    shutDown: (node) => of.shutDown(node),
    restart: (node) => of.restart(node),
    inject: (node, injection) => of.inject(node, injection),
    ended: (node) => of.ended(node),
  };
}
