// A cluster that runs already is loaded and left as it was.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readRun } from '../harness/result/files.ts';
import { freePortRow } from './testing/free-port-row.ts';
import { processesNaming } from '../harness/launch/testing/processes.ts';
import { type Running, start, windtunnel } from './testing/windtunnel.ts';

const TIMEOUT_MS = 180_000;

let folder: string;
let cluster: Running | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-external-'));
});
afterEach(async () => {
  cluster?.child.kill('SIGKILL');
  await cluster?.ended;
  await vi.waitFor(() => expect(processesNaming(folder)).toEqual([]), { timeout: 60_000, interval: 50 });
  rmSync(folder, { recursive: true, force: true });
});

function scenarioFile(): string {
  const path = join(folder, 'short.ts');
  const load = (workload: string) => `{ executor: 'constant-vus', vus: 2, duration: '3s', workload: ${workload} }`;
  writeFileSync(
    path,
    `export default {
      name: 'short', description: 'For a test.', cluster: { nodes: 3 }, warmup: '500ms', operationTimeout: '10s',
      loads: {
        registers: ${load("{ kind: 'registers', keys: 3 }")}, elements: ${load("{ kind: 'set' }")},
        lists: ${load("{ kind: 'append' }")}, bank: ${load("{ kind: 'bank', accounts: 3 }")},
        statements: ${load("{ kind: 'sql', statements: [{ sql: 'select 1' }] }")},
      },
    };`,
  );
  return path;
}

test(
  'it is loaded and checked, again too although it keeps the data, and goes on afterwards',
  async () => {
    const port = await freePortRow(6);
    const data = join(folder, 'data');
    cluster = start(['cluster', 'up', '--data', data, '--port', String(port)]);
    await cluster.printed(/Ctrl-C stops the cluster/);
    const endpoints = [0, 1, 2].map((at) => `127.0.0.1:${port + at}`);
    const aim = ['--target', 'external', ...endpoints.flatMap((endpoint) => ['--endpoint', endpoint])];
    const results = join(folder, 'results');
    const path = scenarioFile();
    for (const round of [1, 2]) {
      const { code, out, err } = await windtunnel('run', path, ...aim, '--results', results, '--seed', '7');
      // The instrument may be late on a busy machine, which is exit 96 and not what this test is about.
      expect([0, 96], out + err).toContain(code);
      expect(err).not.toContain('warming up');
      const runs = readdirSync(results).sort();
      expect(runs).toHaveLength(round);
      const [result] = (await readRun(join(results, runs.at(-1) as string))).scenarios;
      expect(result).toMatchObject({ target: 'external', status: 'complete', nodes: endpoints, faults: [], roles: [] });
      expect(result?.verdicts.correct, out).toBe('valid');
      expect(result?.checks.map(({ checker }) => checker)).not.toContain('raft-invariants');
      expect(result?.totals.ok).toBeGreaterThan(100);
    }
    expect(await windtunnel('query', '--data', data, '--timeout', '30s', 'select 1')).toMatchObject({ code: 0 });
    expect(readFileSync(join(data, 'endpoints.json'), 'utf8')).toContain(endpoints[0]);
    const faulty = await windtunnel('run', 'leader-crash', ...aim);
    expect(faulty).toMatchObject({ code: 104, err: expect.stringContaining('(crash) needs a target that is launched') });
  },
  TIMEOUT_MS,
);

test(
  'where nobody answers is a failed scenario that says so',
  async () => {
    const nobody = `127.0.0.1:${await freePortRow(1)}`;
    const results = join(folder, 'results');
    const aim = ['--target', 'external', '--protocol', 'etcd', '--endpoint', nobody];
    const { code, out } = await windtunnel('run', 'steady', ...aim, '--results', results);
    expect(code).toBe(1);
    expect(out).toMatch(/FAILED[^]*No connection established/);
  },
  TIMEOUT_MS,
);
