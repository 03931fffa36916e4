// Loads of any HTTP endpoint and of any gRPC service, as a user meets them: here our own nodes are that.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readRun } from '../harness/result/files.ts';
import { type Running, start } from './testing/windtunnel.ts';

const PROTO = resolve(import.meta.dirname, '../system/rpc/query.proto');

let folder: string;
const running: Running[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-any-'));
});
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

const CALLS = `calls: { executor: 'constant-arrival-rate', rate: 20, duration: '3s', preAllocatedVUs: 4, maxVUs: 100,
  workload: { kind: 'grpc', proto: '${PROTO}', method: 'windtunnel.v1.QueryService/ExecuteQuery', request: { query: 'select 1' } } }`;

async function run(loads: string, more = '') {
  const path = join(folder, 'any.ts');
  writeFileSync(
    path,
    `export default { name: 'any', description: 'a short one', cluster: { nodes: 1 }, warmup: '500ms', operationTimeout: '10s', loads: { ${loads} }, ${more} };`,
  );
  const results = join(folder, 'results');
  const command = start(['run', path, '--results', results]);
  running.push(command);
  const { code } = await command.ended;
  return { code, out: command.out(), err: command.err(), results };
}

test('HTTP, gRPC and autocannon side by side, each with statistics and thresholds of its own', async () => {
  const statement = "{ kind: 'http', url: '/query', body: { query: 'select 1' } }";
  const broken = "{ kind: 'http', url: '/query', body: { query: 'select * from nowhere' } }";
  const { code, out, results } = await run(
    `${CALLS},
     open: { executor: 'constant-arrival-rate', rate: 30, duration: '3s', preAllocatedVUs: 4, maxVUs: 100, workload: ${statement} },
     refused: { executor: 'constant-arrival-rate', rate: 10, duration: '3s', preAllocatedVUs: 4, maxVUs: 100, workload: ${broken} },
     closed: { executor: 'autocannon', startTime: '500ms', connections: 3, duration: '1m', amount: 60, workload: ${statement} }`,
    "thresholds: { 'operations_failed{load:closed}': ['rate==0'], 'response_time{load:calls}': ['p(50)<10000'] }",
  );
  // The instrument may be late on a busy machine, which is exit 96 and not what this test is about.
  expect([0, 96], out).toContain(code);
  const { scenarios } = await readRun(join(results, readdirSync(results)[0] ?? 'nothing was written'));
  const [result] = scenarios;
  const count = (load: string, outcome: string) =>
    (result?.statistics ?? [])
      .filter((each) => each.load === load && each.outcome === outcome)
      .reduce((sum, each) => sum + each.count, 0);
  expect(result?.status, result?.statusReason).toBe('complete');
  expect([count('calls', 'ok'), count('open', 'ok'), count('closed', 'ok')]).toEqual([60, 90, 60]);
  expect(count('refused', 'fail')).toBe(30);
  expect(result?.errors).toEqual([{ code: 'HTTP_400', outcome: 'fail', count: 30 }]);
  expect(result?.thresholds.map(({ passed }) => passed)).toEqual([true, true]);
  expect(new Set(result?.statistics.map(({ operation }) => operation))).toEqual(
    new Set(['POST', 'windtunnel.v1.QueryService/ExecuteQuery']),
  );
  for (const load of ['calls', 'open', 'closed']) expect(out).toMatch(new RegExp(`\\b${load} +\\d`));
}, 120_000);

test('a call that cannot work: exit 104 with the reason, and nothing is started', async () => {
  const { code, err, results } = await run(CALLS.replace('query:', 'qurey:'));
  expect(code).toBe(104);
  expect(err).toContain("any.ts: loads.calls.workload.request has no field 'qurey'");
  expect(() => readdirSync(results)).toThrow('ENOENT');
});
