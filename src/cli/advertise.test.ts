// Nodes that clients reach at other addresses than one another, and at more than one: each client is told addresses that it can use.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { queryService, type WireHealth } from '../system/rpc/contract.ts';
import { freePortRow } from './testing/free-port-row.ts';
import { type Running, start, windtunnel } from './testing/windtunnel.ts';

const IDS = ['n1', 'n2', 'n3'] as const;
const folder = mkdtempSync(join(tmpdir(), 'windtunnel-advertise-'));
const running: Running[] = [];
let port: number;
const grpc = (id: (typeof IDS)[number]) => port + IDS.indexOf(id);
const http = (id: (typeof IDS)[number]) => port + 3 + IDS.indexOf(id);

beforeAll(async () => {
  port = await freePortRow(6);
  for (const id of IDS) {
    const peers = IDS.filter((peer) => peer !== id).map((peer) => `--peer=${peer}=127.0.0.1:${grpc(peer)}`);
    const advertised = IDS.map(
      (node) => `--advertise=${node}=${node}.inside:7401,127.0.0.1:${grpc(node)},localhost:${grpc(node)}`,
    );
    const listen = [`--listen=0.0.0.0:${grpc(id)}`, `--http=0.0.0.0:${http(id)}`];
    running.push(start(['node', `--id=${id}`, '--cluster=c', ...listen, `--data=${join(folder, id)}`, ...peers, ...advertised]));
  }
  for (const id of IDS)
    await vi.waitFor(async () => expect((await fetch(`http://127.0.0.1:${http(id)}/readyz`)).status).toBe(200), {
      timeout: 30_000,
      interval: 50,
    });
});
afterAll(async () => {
  for (const { child, ended } of running) {
    child.kill('SIGKILL');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

const health = async (id: (typeof IDS)[number], host: string) =>
  (await (await fetch(`http://${host}:${http(id)}/readyz`)).json()) as WireHealth;

const membersByGrpc = (endpoint: string, authority: string) => {
  const client = new Client(endpoint, credentials.createInsecure(), { 'grpc.default_authority': authority });
  const { path, requestSerialize, responseDeserialize } = queryService.HealthCheck;
  return new Promise<WireHealth | undefined>((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, (error, response) =>
      error ? reject(error) : resolve(response),
    );
  }).finally(() => client.close());
};

test('a follower names the leader where its caller can reach it', async () => {
  const { leaderId } = await health('n1', '127.0.0.1');
  const leader = leaderId as (typeof IDS)[number];
  const follower = IDS.find((id) => id !== leader) as (typeof IDS)[number];
  for (const host of ['127.0.0.1', 'localhost']) {
    const response = await fetch(`http://${host}:${http(follower)}/query`, {
      method: 'POST',
      body: JSON.stringify({ query: 'create table if not exists t (k)' }),
    });
    expect(await response.json()).toMatchObject({
      error: { code: 'not-leader', leader: { id: leader, endpoint: `${host}:${grpc(leader)}` } },
    });
  }
  // It knows one node only, and that is not the one that can write.
  for (const host of ['127.0.0.1', 'localhost'])
    expect(
      await windtunnel('query', '--endpoints', `${host}:${grpc(follower)}`, 'create table if not exists u (k)'),
    ).toMatchObject({ code: 0, err: '' });
});

test('the members are listed in the network of the caller, over gRPC too', async () => {
  const inside = await membersByGrpc(`127.0.0.1:${grpc('n1')}`, 'n1.inside:7401');
  expect(inside?.members).toEqual(IDS.map((nodeId) => ({ nodeId, endpoint: `${nodeId}.inside:7401` })));
  const outside = await membersByGrpc(`127.0.0.1:${grpc('n2')}`, `127.0.0.1:${grpc('n2')}`);
  expect(outside?.members).toContainEqual({ nodeId: 'n1', endpoint: `127.0.0.1:${grpc('n1')}` });
});
