// The cluster as a user meets it: processes, ports, files, signals.

import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { freePortRow } from './testing/free-port-row.ts';
import { processesNaming } from '../harness/launch/testing/processes.ts';
import { type Running, start, windtunnel } from './testing/windtunnel.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };

let folder: string;
const running: Running[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-cluster-'));
});
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  // The nodes notice that their parent is gone; none may outlive it.
  await vi.waitFor(() => expect(processesNaming(folder)).toEqual([]), PATIENCE);
  rmSync(folder, { recursive: true, force: true });
});

async function up(): Promise<Running & { port: number }> {
  const port = await freePortRow(6);
  const cluster = start(['cluster', 'up', '--data', folder, '--port', String(port)]);
  running.push(cluster);
  await cluster.printed(/Ctrl-C stops the cluster/);
  return { ...cluster, port };
}

const query = (...words: string[]) => windtunnel('query', '--data', folder, '--timeout', '30s', ...words);

async function rows(sql: string): Promise<unknown[][]> {
  const { code, out, err } = await query('--json', sql);
  expect(err).toBe('');
  expect(code).toBe(0);
  return (JSON.parse(out) as { results: { rows: unknown[][] }[] }).results[0]?.rows ?? [];
}

function pidOf(node: string): number {
  const log = readFileSync(join(folder, 'logs', `${node}.log`), 'utf8');
  return Number([...log.matchAll(/"pid":(\d+)/g)].at(-1)?.[1]);
}

function leaderOf(output: string): string {
  const named = [...output.matchAll(/^(n\d)\s+(?:leader\s|leads)/gm)].at(-1)?.[1];
  if (named === undefined) throw new Error(`no leader in:\n${output}`);
  return named;
}

test('cluster up serves SQL and HTTP, survives kill -9 of its leader, ends on Ctrl-C and finds its data again', async () => {
  const cluster = await up();
  expect((await query('create table t (k text primary key, v)')).code).toBe(0);
  expect((await query('insert into t values (?, ?)', 'answer', '42')).out).toBe('1 row affected\n');
  expect((await query('select * from t')).out).toBe('k      |  v\n-------+---\nanswer | 42\n(1 row)\n');

  const base = `http://127.0.0.1:${cluster.port + 3}`;
  const posted = await fetch(`${base}/query`, {
    method: 'POST',
    body: JSON.stringify({ query: 'select v from t where k = ?', params: ['answer'] }),
  });
  expect([posted.status, await posted.json()]).toMatchObject([200, { results: [{ columns: ['v'], rows: [[42]] }] }]);
  for (const [body, status] of [
    ['{', 400],
    ['{"sql": 1}', 400],
    ['{"query": "select * from missing"}', 400],
  ] as const) {
    expect((await fetch(`${base}/query`, { method: 'POST', body })).status).toBe(status);
  }
  expect((await fetch(`${base}/query`)).status).toBe(405);
  expect((await fetch(`${base}/nowhere`)).status).toBe(404);
  expect((await fetch(`${base}/healthz`)).status).toBe(200);
  expect((await fetch(`${base}/readyz`)).status).toBe(200);
  const metrics = await (await fetch(`${base}/metrics`)).text();
  expect(metrics).toMatch(/distributed_requests_total\{[^}]*method="read"[^}]*outcome="ok"[^}]*\} [1-9]/);
  expect(metrics).toMatch(/distributed_raft_term(\{\})? [1-9]/);

  const before = leaderOf(cluster.out());
  process.kill(pidOf(before), 'SIGKILL');
  expect((await query('insert into t values (?, ?)', 'after', '43')).out).toBe('1 row affected\n');
  await cluster.printed(new RegExp(`${before} is back`));

  cluster.child.kill('SIGINT');
  expect(await cluster.ended).toMatchObject({ code: 0 });
  expect(processesNaming(folder)).toEqual([]);
  expect(existsSync(join(folder, 'endpoints.json'))).toBe(false);

  await up();
  expect(await rows('select * from t order by v')).toEqual([
    ['answer', 42],
    ['after', 43],
  ]);
}, 120_000);

test('SQL that would differ between replicas or reaches outside is refused with advice', async () => {
  await up();
  await query('create table t (a)');
  const refused = async (sql: string, message: RegExp) => {
    const { code, err } = await query(sql);
    expect(err).toMatch(message);
    expect(code).toBe(1);
  };
  await refused('insert into t values (random())', /random\(\).*parameter/s);
  await refused("attach 'x' as y", /attach/i);
  await refused('insert into missing values (1)', /no such table: missing/);
  await refused('selec 1', /syntax error/);
}, 120_000);

test('when the harness is killed, its nodes end too', async () => {
  const cluster = await up();
  const pids = ['n1', 'n2', 'n3'].map(pidOf);
  cluster.child.kill('SIGKILL');
  await cluster.ended;
  await vi.waitFor(() => expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]), PATIENCE);
}, 120_000);

describe('one node on its own data', () => {
  const node = (data: string, cluster = 'c') =>
    start(['node', '--id', 'n1', '--cluster', cluster, '--listen', '127.0.0.1:0', '--http', '127.0.0.1:0', '--data', data]);

  async function written(): Promise<string> {
    const data = join(folder, 'n1');
    const first = node(data);
    running.push(first);
    await first.printed(/"role":"leader"/);
    const port = /"grpcPort":(\d+)/.exec(first.out())?.[1];
    for (const sql of ['create table t (a)', 'insert into t values (1)', 'insert into t values (2)']) {
      expect((await windtunnel('query', '--endpoints', `127.0.0.1:${port}`, sql)).code).toBe(0);
    }
    first.child.kill('SIGTERM');
    expect(await first.ended).toMatchObject({ code: 0 });
    return data;
  }

  async function rowsOf(node: Running): Promise<unknown> {
    const port = /"grpcPort":(\d+)/.exec(node.out())?.[1];
    const read = await windtunnel('query', '--endpoints', `127.0.0.1:${port}`, '--json', 'select a from t order by a');
    return (JSON.parse(read.out) as { results: { rows: unknown }[] }).results[0]?.rows;
  }

  const segments = (data: string) =>
    readdirSync(join(data, 'log'))
      .sort()
      .map((name) => join(data, 'log', name));

  test('is found again, and refused to another cluster', async () => {
    const data = await written();
    const stranger = node(data, 'other');
    running.push(stranger);
    expect(await stranger.ended).toMatchObject({ code: 1 });
    expect(stranger.err()).toMatch(/other/);
    expect(stranger.err()).toContain(data);

    const again = node(data);
    running.push(again);
    await again.printed(/"event":"recovered","logEntries":[1-9]/);
    await again.printed(/"role":"leader"/);
    expect(await rowsOf(again)).toEqual([[1], [2]]);
    const second = node(data);
    running.push(second);
    expect(await second.ended).toMatchObject({ code: 1 });
    expect(second.err()).toContain(data);
  }, 120_000);

  test('with a torn tail starts without it', async () => {
    const data = await written();
    const last = segments(data).at(-1) as string;
    appendFileSync(last, Buffer.from([0, 0, 0, 9, 1, 2]));
    const again = node(data);
    running.push(again);
    await again.printed(/"role":"leader"/);
    expect(await rowsOf(again)).toEqual([[1], [2]]);
  }, 120_000);

  test('with damage in the middle refuses to start and names segment and offset', async () => {
    const data = await written();
    const [segment = ''] = segments(data);
    const bytes = readFileSync(segment);
    const at = Math.floor(statSync(segment).size / 3);
    bytes[at] = (bytes[at] as number) ^ 0xff;
    writeFileSync(segment, bytes);
    const again = node(data);
    running.push(again);
    expect(await again.ended).toMatchObject({ code: 1 });
    expect(again.err()).toContain(segment);
    expect(again.err()).toMatch(/at byte \d+/);
  }, 120_000);

  test('without its log refuses to vote', async () => {
    const data = await written();
    for (const segment of segments(data)) truncateSync(segment, 0);
    const again = node(data);
    running.push(again);
    expect(await again.ended).toMatchObject({ code: 1 });
    expect(again.err()).toMatch(/log/);
  }, 120_000);
});
