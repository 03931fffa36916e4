// Scenarios on etcd, end to end: the same faults, proofs and checkers as on our nodes, and nothing left behind. They need an `etcd`
// on PATH (Debian: apt-get install etcd-server); it is not ours to bring along: .ci/run installs it.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findEtcd } from '../harness/launch/etcd-process.ts';
import { isStopped } from '../harness/launch/process-pause.ts';
import { readRun } from '../harness/result/files.ts';
import type { ScenarioResult } from '../harness/result/schema.ts';
import type { Fault } from '../harness/scenario/faults.ts';
import { freePortRow } from './testing/free-port-row.ts';
import { processesNaming } from '../harness/launch/testing/processes.ts';
import { type Running, start } from './testing/windtunnel.ts';

const TIMEOUT_MS = 240_000;
const PATIENCE = { timeout: 60_000, interval: 50 };

function etcdHere(): string | undefined {
  try {
    return findEtcd('etcd');
  } catch {
    return undefined;
  }
}

const etcd = etcdHere();
const skipped = etcd === undefined ? 'there is no etcd on PATH' : undefined;
if (skipped !== undefined) process.stderr.write(`\n!!! SKIPPED: etcd was NOT tested as a target: ${skipped}\n\n`);

/** Stands in the command line of every etcd, as the token of its cluster, and of the links. */
const NAME = `etcd-test-${process.pid}`;

let folder: string;
const running: Running[] = [];
const servers: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-etcd-test-'));
});
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  for (const server of servers.splice(0)) {
    const closed = new Promise((resolve) => {
      server.once('close', resolve);
    });
    server.kill('SIGKILL');
    await closed;
  }
  await vi.waitFor(() => expect(processesNaming(`${NAME}-`)).toEqual([]), PATIENCE);
  rmSync(folder, { recursive: true, force: true });
});

function scenarioFile(seconds: number, faults: readonly Fault[] = []): string {
  const path = join(folder, `${NAME}.ts`);
  const load = (workload: object) => ({ executor: 'constant-vus', vus: 2, duration: `${seconds}s`, workload });
  const scenario = {
    name: NAME,
    description: 'For a test.',
    cluster: { nodes: 3 },
    warmup: '1s',
    recovery: '1s',
    operationTimeout: '4s',
    loads: {
      registers: load({ kind: 'registers', keys: 5 }),
      elements: load({ kind: 'set' }),
      lists: load({ kind: 'append', keys: 3 }),
      bank: load({ kind: 'bank', accounts: 4 }),
    },
    faults,
  };
  writeFileSync(path, `export default ${JSON.stringify(scenario)};\n`);
  return path;
}

function launch(path: string, ...words: string[]): Running {
  const run = start(['run', path, '--results', join(folder, 'results'), ...words], {
    // But for the temporary folder, in which a killed run leaves something, none of it may reach the servers: it would make them other
    // ones, or keep them from one another.
    env: { TMPDIR: folder, ETCD_NAME: 'somebody-else', NO_PROXY: '*', HTTP_PROXY: 'http://127.0.0.1:1' },
  });
  running.push(run);
  return run;
}

async function resultOf(): Promise<{ result: ScenarioResult; base: string }> {
  const results = join(folder, 'results');
  const [only = 'no result', ...more] = readdirSync(results);
  expect(more).toEqual([]);
  const run = await readRun(join(results, only));
  const [result] = run.scenarios;
  if (result === undefined) throw new Error('the run has no scenario');
  return { result, base: join(results, only) };
}

const observationsOf = (result: ScenarioResult) => result.faults.map(({ proof }) => proof.observations.join('; '));

describe.skipIf(skipped !== undefined)(`etcd${skipped === undefined ? '' : ` (skipped: ${skipped})`}`, () => {
  test(
    'every fault of processes befalls its server, and all that etcd answered is right',
    async () => {
      const run = launch(
        scenarioFile(26, [
          { kind: 'crash', target: 'leader', at: '2s', duration: '2s' },
          { kind: 'pause', target: 'follower', at: '10s', duration: '2s' },
          { kind: 'restart', target: 'n1', at: '16s', duration: '3s' },
        ]),
        '--target',
        'etcd',
      );
      const { code } = await run.ended;
      // Elections may come late on a busy machine, and then the run is invalid; what the processes did remains.
      expect([0, 96], run.out() + run.err()).toContain(code);
      const { result, base } = await resultOf();
      expect(result).toMatchObject({ target: 'etcd', status: 'complete', nodes: ['n1', 'n2', 'n3'] });
      const [crash, pause, restart] = observationsOf(result);
      expect(crash).toMatch(/the process of n\d, the leader, ended by SIGKILL.*came back on its data/);
      expect(pause).toMatch(/was stopped at the beginning and at the end.*runs again/);
      expect(restart).toMatch(/n1.* ended in good order when it was asked to.*n1 came back on its data/);
      expect(result.verdicts.correct, run.out()).toBe('valid');
      expect(result.checks.map(({ checker }) => checker)).not.toContain('raft-invariants');
      // Some answer after the crash: it was brought back.
      expect(result.totals.ok).toBeGreaterThan(200);
      expect(result.roles.filter(({ role }) => role === 'leader').length).toBeGreaterThanOrEqual(1);
      const hasLog = (node: string) => readFileSync(join(base, NAME, `${node}.log`), 'utf8').includes(`"name":"${node}"`);
      expect(result.nodes.filter(hasLog)).toEqual(result.nodes);
      expect(processesNaming(`${NAME}-`)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'partitions of ordered pairs and slow links are carried out, proven and undone',
    async () => {
      const run = launch(
        scenarioFile(26, [
          { kind: 'partition', shape: 'isolate-leader', at: '2s', duration: '4s' },
          { kind: 'partition', shape: 'one-way', target: 'n2', at: '12s', duration: '2s', mode: 'cut' },
          { kind: 'latency', target: 'n3', at: '18s', duration: '3s', delay: '60ms' },
        ]),
        '--target',
        'etcd',
      );
      const { code } = await run.ended;
      expect([0, 96], run.out() + run.err()).toContain(code);
      const { result } = await resultOf();
      const [isolated, oneWay, slow] = observationsOf(result);
      expect(isolated).toMatch(/n\d cut off from n\d, n\d.*not one byte passed during it.*bytes? waited/);
      expect(oneWay).toMatch(/nothing from n2 reaches n1, n3.*not one byte passed during it.*broke/);
      expect(slow).toMatch(/n3->n1 took .* before and .* during it.*n2->n3 took .* during it/);
      expect(result.verdicts.correct, run.out()).toBe('valid');
    },
    TIMEOUT_MS,
  );

  test(
    'Ctrl-C, while one is paused, keeps what was measured and leaves nothing',
    async () => {
      const run = launch(scenarioFile(600, [{ kind: 'pause', target: 'leader', at: '2s', duration: '5m' }]), '--target', 'etcd');
      await run.printed(/pause leader/);
      run.child.kill('SIGINT');
      expect(await run.ended).toMatchObject({ code: 105 });
      expect(processesNaming(`${NAME}-`)).toEqual([]);
      const { result } = await resultOf();
      expect(result).toMatchObject({ status: 'interrupted' });
      expect(result.totals.ok).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  test(
    'killed without a chance to stop them, a run leaves no server behind, neither one that runs nor one that is paused',
    async () => {
      const run = launch(
        scenarioFile(600, [{ kind: 'pause', target: 'n2', at: '2s', duration: '5m' }]),
        '--target',
        `etcd=${etcd}`,
        '--links',
        'off',
      );
      await run.printed(/pause n2/);
      const isEtcd = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(etcd as string);
      const pids = processesNaming(`${NAME}-`).filter(isEtcd);
      expect(pids).toHaveLength(3);
      await vi.waitFor(() => expect(pids.filter(isStopped)).toHaveLength(1), PATIENCE);
      run.child.kill('SIGKILL');
      await run.ended;
      await vi.waitFor(() => expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]), PATIENCE);
      await vi.waitFor(() => expect(processesNaming(`${NAME}-`)).toEqual([]), PATIENCE);
    },
    TIMEOUT_MS,
  );

  test(
    'one that runs already is attached to, and goes on afterwards',
    async () => {
      const port = await freePortRow(2);
      const server = spawn(etcd as string, [
        `--data-dir=${join(folder, 'data')}`,
        `--listen-client-urls=http://127.0.0.1:${port}`,
        `--advertise-client-urls=http://127.0.0.1:${port}`,
        `--listen-peer-urls=http://127.0.0.1:${port + 1}`,
        `--initial-advertise-peer-urls=http://127.0.0.1:${port + 1}`,
        `--initial-cluster=default=http://127.0.0.1:${port + 1}`,
      ]);
      servers.push(server);
      const aim = ['--target', 'external', '--protocol', 'etcd', '--endpoint', `127.0.0.1:${port}`];
      const run = launch(scenarioFile(3), ...aim);
      expect([0, 96], run.out() + run.err()).toContain((await run.ended).code);
      const { result } = await resultOf();
      expect(result).toMatchObject({ target: 'external', nodes: [`127.0.0.1:${port}`], verdicts: { correct: 'valid' } });
      expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
      expect(server.exitCode).toBeNull();
    },
    TIMEOUT_MS,
  );
});

test(
  'without the program the scenario fails and says how to get it',
  async () => {
    const run = launch(scenarioFile(3), '--target', 'etcd=no-such-etcd');
    expect(await run.ended).toMatchObject({ code: 1 });
    const { result } = await resultOf();
    expect(result).toMatchObject({ target: 'etcd', status: 'failed' });
    expect(result.statusReason).toMatch(/no program 'no-such-etcd' on PATH: install etcd .*etcd-server.*--target etcd=PATH/);
  },
  TIMEOUT_MS,
);
