// Metrics as a user meets them: served while a run is under way, recorded in its folder, exported again.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { parseExposition } from '../harness/metrics/exposition.ts';
import { readMetricsRecord } from '../harness/metrics/record.ts';
import { readRun, writeRun } from '../harness/result/files.ts';
import { sampleRun } from '../harness/result/testing/sample-run.ts';
import { METRICS, type MetricName } from '../telemetry/catalogue.ts';
import { scenarioFolder } from './testing/scenario-folder.ts';
import { windtunnel } from './testing/windtunnel.ts';

const folder = scenarioFolder('metrics');

const namesOf = (text: string) =>
  new Set(parseExposition(text).map(({ name, type }) => (type === 'counter' ? `${name}_total` : name)));

test('a run serves its metrics, records those of everybody, a crashed node as a gap, and exports them', async () => {
  const path = folder.writeOwn(
    `cluster: { nodes: 3 }, warmup: '500ms', recovery: '1s', operationTimeout: '10s',
      loads: {
        registers: { executor: 'constant-arrival-rate', rate: 60, duration: '8s', preAllocatedVUs: 10, maxVUs: 600, workload: { kind: 'registers', keys: 3 } },
      },
      faults: [{ kind: 'crash', target: 'leader', at: '2s', duration: '3s' }]`,
  );
  const results = join(folder.path, 'results');
  const run = folder.start(['run', path, '--results', results, '--seed', '7', '--metrics-port', '0']);
  await run.printed(/the harness's own metrics: http:\/\/127\.0\.0\.1:\d+\/metrics/);
  const url = /http:\/\/127\.0\.0\.1:\d+\/metrics/.exec(run.err())?.[0] ?? '';
  // Also what the threads of the generators say is there, once a second has passed.
  const live = await vi.waitFor(
    async () => {
      const text = await (await fetch(url, { headers: { accept: 'application/openmetrics-text' } })).text();
      expect(text).toMatch(/^distributed_fault_active\{kind="crash",target="leader"\} 1$/m);
      expect(text).toMatch(/^distributed_generator_cpu_seconds_total\{generator="1"\} /m);
      return text;
    },
    { timeout: 60_000, interval: 100 },
  );
  expect(namesOf(live)).toContain('distributed_breaker_state');
  expect(live).toMatch(/^distributed_pool_size\{generator="1",pool="sessions n1"\} 1$/m);
  const { code } = await run.ended;
  // What matters here does not depend on how busy the machine was.
  expect([0, 96, 99], run.out() + run.err()).toContain(code);

  const [id = ''] = readdirSync(results);
  const base = join(results, id);
  const [result] = (await readRun(base)).scenarios;
  expect(result?.metricsFile).toBe(`${folder.scenario}/metrics.jsonl`);
  const record = await readMetricsRecord(join(base, result?.metricsFile ?? ''));
  expect(record.targets.map(({ instance }) => instance)).toEqual(['n1', 'n2', 'n3', 'harness']);
  const upOf = (instance: string) =>
    record.scrapes.flatMap(({ of, took }) => (record.targets[of]?.instance === instance ? [took === undefined ? 0 : 1] : []));
  const crashed = result?.faults[0]?.nodes[0] ?? '';
  // A scrape that a busy machine did not answer in time is down, too: so it is not said how often.
  expect(upOf(crashed).join('')).toMatch(/1.*00.*1/);
  expect(upOf('harness')).not.toContain(0);

  const file = join(folder.path, 'out.txt');
  expect(await windtunnel('report', base, '--openmetrics', file)).toEqual({ code: 0, out: `${file}\n`, err: '' });
  const text = readFileSync(file, 'utf8');
  expect(text.endsWith('# EOF\n')).toBe(true);
  const recorded = namesOf(text.replaceAll(/ \d+\.\d{3}(?= #|$)/gm, ''));
  expect((Object.keys(METRICS) as MetricName[]).filter((name) => !recorded.has(name))).toEqual([]);
  const active = [...text.matchAll(/^distributed_fault_active\{(.*)\} ([01]) ([\d.]+)$/gm)];
  expect(active.map(([, , value]) => value).join('')).toMatch(/^0+1+0+$/);
  for (const label of [`scenario="${folder.scenario}"`, `run="${id}"`, 'job="windtunnel-harness"', 'instance="harness"'])
    expect(active[0]?.[1]).toContain(label);
}, 120_000);

test('a port that is taken or is none is refused before anything runs', async () => {
  const results = join(folder.path, 'results');
  const none = await windtunnel('run', 'steady', '--metrics-port', '70000', '--results', results);
  expect(none).toMatchObject({ code: 1, out: '' });
  expect(none.err).toContain("--metrics-port takes [HOST:]PORT with a port from 0 to 65535, not '70000'");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const taken = await windtunnel('run', 'steady', '--metrics-port', String(port), '--results', results);
  server.close();
  expect(taken).toMatchObject({ code: 1, out: '' });
  expect(taken.err).toMatch(new RegExp(`^windtunnel: cannot serve metrics on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE.*\n$`));
  expect(existsSync(results)).toBe(false);
});

test('a result without metrics, or whose metrics were not kept, has none to export', async () => {
  const run = sampleRun();
  const write = (scenarios: typeof run.scenarios) => writeRun(folder.path, { ...run, scenarios });
  const exported = () => windtunnel('report', folder.path, '--openmetrics');
  await write(run.scenarios);
  expect(await exported()).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining(`no metrics were recorded in ${folder.path}`),
  });
  await write(run.scenarios.map((each) => ({ ...each, metricsFile: `${each.name}/metrics.jsonl` })));
  expect(await exported()).toMatchObject({ code: 1, out: '', err: expect.stringContaining('steady/metrics.jsonl is not there') });
  expect(readdirSync(folder.path)).toEqual(['run.json']);
});
