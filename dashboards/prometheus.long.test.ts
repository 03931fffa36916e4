// Dashboards without a Grafana: a real Prometheus is loaded with a recorded run, and every query that a dashboard can ask must
// return data.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePortRow } from '../src/cli/testing/free-port-row.ts';
import { windtunnel } from '../src/cli/testing/windtunnel.ts';
import { processesNaming } from '../src/harness/launch/testing/processes.ts';
import { HARNESS_JOB, NODE_JOB } from '../src/harness/metrics/run-metrics.ts';
import { readRun } from '../src/harness/result/files.ts';
import type { ScenarioResult } from '../src/harness/result/schema.ts';
import { DistributedContext } from '../src/telemetry/context.ts';
import { withContext } from '../src/telemetry/current-context.ts';
import { DistributedMetrics } from '../src/telemetry/metrics.ts';
import { DASHBOARDS } from './all.ts';
import { lintMetrics, type Prometheus, prometheusMissing, promtool, type Series, startPrometheus } from './testing/prometheus.ts';
import { fillIn } from './testing/promql.ts';
import { annotationQueries, panelQueries, type PlacedQuery, variableQueries } from './testing/queries.ts';

const skipped = prometheusMissing();
if (skipped !== undefined)
  process.stderr.write(`\n!!! SKIPPED: dashboards and rules were NOT tested against a Prometheus: ${skipped}\n\n`);

const CONFIG_FOLDER = join(import.meta.dirname, 'prometheus');
const rulesOf = (folder: string) => readdirSync(join(CONFIG_FOLDER, folder)).map((name) => join(CONFIG_FOLDER, folder, name));

describe.skipIf(skipped !== undefined)('the files for Prometheus', () => {
  test('are what Prometheus takes', async () => {
    expect(await promtool('check', 'config', join(CONFIG_FOLDER, 'prometheus.yml'))).toContain('SUCCESS');
    expect(await promtool('check', 'rules', ...rulesOf('rules'))).not.toContain('FAILED');
  });

  test('call the nodes as recorded runs do', async () => {
    const found = await promtool('check', 'service-discovery', '--timeout=1s', join(CONFIG_FOLDER, 'prometheus.yml'), NODE_JOB);
    const targets = JSON.parse(found) as { labels: Record<string, string> }[];
    expect(targets.map(({ labels }) => labels['instance'])).toEqual(['n1', 'n2', 'n3']);
  });

  test('and so are our metrics, by the conventions of Prometheus', async () => {
    expect(lintMetrics((await new DistributedMetrics().expose()).text)).toBe('');
    expect(lintMetrics('# TYPE bad counter\nbad 1\n')).toContain('counter metrics should have "_total" suffix');
  });

  test('alert when they should, and only then', async () => {
    expect(await promtool('test', 'rules', ...rulesOf('rule-tests'))).toContain('SUCCESS');
  });
});

const liveConfig = (port: number) => `global: { scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s }
rule_files: ['${join(CONFIG_FOLDER, 'rules')}/*.yml']
scrape_configs:
  - job_name: ${HARNESS_JOB}
    static_configs: [{ targets: ['127.0.0.1:${port}'] }]
`;

describe.skipIf(skipped !== undefined)('a recorded run in a Prometheus', () => {
  const scenario = `dashboards-${process.pid}`;
  const dashboards = Object.values(DASHBOARDS);
  let folder: string;
  let prometheus: Prometheus;
  /** Scrapes the harness while the run is under way, and evaluates the rules. */
  let live: Prometheus;
  let result: ScenarioResult;
  let range: { startSeconds: number; endSeconds: number; stepSeconds: number };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'windtunnel-dashboards-'));
    // A leader that crashes makes errors, retries, open breakers and new sessions. Enough users that none has to be dropped.
    writeFileSync(
      join(folder, `${scenario}.ts`),
      `export default {
        name: '${scenario}', description: 'the leader crashes', cluster: { nodes: 3 }, warmup: '1s', recovery: '2s', operationTimeout: '10s',
        loads: {
          registers: { executor: 'constant-arrival-rate', rate: 100, duration: '12s', preAllocatedVUs: 50, maxVUs: 500, workload: { kind: 'registers', keys: 10 } },
        },
        faults: [{ kind: 'crash', target: 'leader', at: '3s', duration: '3s' }],
      };`,
    );
    const results = join(folder, 'results');
    const [livePort, port] = [await freePortRow(1), await freePortRow(1)];
    const liveFolder = join(folder, 'live');
    mkdirSync(liveFolder);
    live = await startPrometheus(liveFolder, livePort, liveConfig(port));
    const traces = ['--traces', `file=${join(folder, 'traces.jsonl')}`, '--sample', '0.5'];
    const run = await windtunnel(
      'run',
      join(folder, `${scenario}.ts`),
      '--results',
      results,
      '--seed',
      '11',
      ...traces,
      '--metrics-port',
      String(port),
    );
    // A machine that is too busy to measure on still shows its metrics.
    expect([0, 96, 99], run.out + run.err).toContain(run.code);
    const [id = ''] = readdirSync(results);
    const [first] = (await readRun(join(results, id))).scenarios;
    result = first as ScenarioResult;
    const exported = join(folder, 'run.txt');
    expect(await windtunnel('report', join(results, id), '--openmetrics', exported)).toMatchObject({ code: 0 });
    mkdirSync(join(folder, 'data'));
    await promtool('tsdb', 'create-blocks-from', 'openmetrics', exported, join(folder, 'data'));
    prometheus = await startPrometheus(folder, await freePortRow(1), 'global: {}\n');
    const startSeconds = Math.floor(Date.parse(result.startedAt) / 1_000);
    // The last scrape is behind the end of the load, and takes its time on a busy machine.
    range = { startSeconds, endSeconds: startSeconds + Math.ceil(result.durationMs / 1_000) + 5, stepSeconds: 1 };
  }, 180_000);

  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await live?.[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(processesNaming(`${scenario}-`)).toEqual([]), { timeout: 60_000, interval: 50 });
    rmSync(folder, { recursive: true, force: true });
  });

  const filled = (expr: string) =>
    // What Grafana fills in: all of every variable, and four scrapes for a rate.
    fillIn(expr, { instance: '.*', scenario: '.*', run: '.*', __rate_interval: '4s' });
  const hasData = (series: readonly Series[]) => series.some(({ values }) => values.some(([, value]) => value !== 'NaN'));

  async function emptyOnes(queries: readonly PlacedQuery[]): Promise<string[]> {
    const empty: string[] = [];
    for (const { place, expr } of queries)
      if (!hasData(await prometheus.queryRange(filled(expr), range))) empty.push(`${place}: ${filled(expr)}`);
    return empty;
  }

  test('every query of every panel returns data', async () => {
    const queries = dashboards.flatMap(panelQueries);
    expect(queries.length).toBeGreaterThan(60);
    expect(await emptyOnes(queries)).toEqual([]);
  });

  test('faults and elections are annotated, at their time', async () => {
    const queries = dashboards.flatMap(annotationQueries);
    expect(queries.length).toBe(2 * dashboards.length);
    expect(await emptyOnes(queries)).toEqual([]);
    const [faults, elections] = annotationQueries(dashboards[0] as (typeof dashboards)[number]) as [PlacedQuery, PlacedQuery];
    const [series, ...more] = await prometheus.queryRange(filled(faults.expr), range);
    expect(more).toEqual([]);
    expect(series?.metric).toMatchObject({ kind: 'crash', target: 'leader', scenario });
    const [fault] = result.faults;
    const startedSeconds = Date.parse(result.startedAt) / 1_000;
    const [firstAt = 0] = series?.values[0] ?? [];
    const [lastAt = 0] = series?.values.at(-1) ?? [];
    // To the step.
    expect(firstAt).toBeGreaterThanOrEqual(startedSeconds + (fault?.startMs ?? 0) / 1_000 - 1);
    expect(firstAt).toBeLessThanOrEqual(startedSeconds + (fault?.startMs ?? 0) / 1_000 + 2);
    const [election] = await prometheus.queryRange(filled(elections.expr), range);
    expect(election?.values.some(([at]) => at > firstAt && at < firstAt + 5)).toBe(true);
    expect(lastAt).toBeLessThanOrEqual(startedSeconds + (fault?.endMs ?? 0) / 1_000 + 1);
  });

  test('every variable has values', async () => {
    const queries = dashboards.flatMap(variableQueries);
    expect(queries.length).toBe(3 * dashboards.length);
    for (const { place, metric, label } of queries)
      expect([place, await prometheus.labelValues(label, metric)]).not.toEqual([place, []]);
    const [instance] = queries;
    expect(await prometheus.labelValues(instance?.label ?? '', instance?.metric ?? '')).toEqual(['n1', 'n2', 'n3']);
  });

  test('exemplars are in the export, and lead to traces that were sent', () => {
    const exported = readFileSync(join(folder, 'run.txt'), 'utf8');
    const traceIds = new Set(
      [...exported.matchAll(/^distributed_request_duration_seconds_bucket\{.* # \{trace_id="(\w+)"\}/gm)].map(([, id]) => id),
    );
    expect(traceIds.size).toBeGreaterThan(10);
    const sent = readFileSync(join(folder, 'traces.jsonl'), 'utf8');
    expect([...traceIds].filter((id) => !sent.includes(`"traceId":"${id}"`))).toEqual([]);
  });

  test('a Prometheus that scraped the run while it was under way saw it, and its rules did', async () => {
    const last = async (expr: string) => {
      const [series] = await live.queryRange(expr, range);
      return Number(series?.values.at(-1)?.[1]);
    };
    expect(await last('max(max_over_time(distributed_fault_active{kind="crash",target="leader"}[1m]))')).toBe(1);
    const scraped = await last('max(max_over_time(distributed_load_started_total[1m]))');
    expect(scraped).toBeGreaterThan(0);
    expect(scraped).toBeLessThanOrEqual(result.totals.started);
    expect(await last('max(max_over_time(job:distributed_load_achieved:ratio_rate1m[1m]))')).toBeGreaterThan(0);
    // It has no nodes, so none leads.
    const alerts = await live.queryRange('ALERTS{alertname="WindtunnelNoLeader",alertstate="firing"}', range);
    expect(alerts[0]?.metric).toMatchObject({ severity: 'critical' });
  });

  test('every sample is there: what Prometheus counts is what the result says', async () => {
    const at = { ...range, startSeconds: range.endSeconds, endSeconds: range.endSeconds };
    const one = async (expr: string) => Number((await prometheus.queryRange(expr, at))[0]?.values[0]?.[1]);
    const { started, ok } = result.totals;
    expect(await one('max(distributed_load_started_total)')).toBe(started);
    expect(await one('sum(distributed_load_response_time_seconds_count{outcome="ok"})')).toBe(ok);
    // The node that crashed was down, for longer than one that a busy machine kept from answering once.
    const downs = await prometheus.queryRange('up == 0', range);
    const longest = downs.toSorted((one, other) => other.values.length - one.values.length)[0];
    expect(result.faults[0]?.nodes).toEqual([longest?.metric['instance']]);
  });
});

test.skipIf(skipped !== undefined)(
  'a Prometheus that scrapes keeps the traces of requests as exemplars',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'windtunnel-exemplars-'));
    const metrics = new DistributedMetrics();
    const server = createServer((request, response) => {
      void metrics
        .expose(request.headers.accept)
        .then(({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text));
    });
    try {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const config = `global: { scrape_interval: 1s, scrape_timeout: 900ms }
storage: { exemplars: { max_exemplars: 100 } }
scrape_configs:
  - job_name: windtunnel-node
    static_configs: [{ targets: ['${target}'] }]
`;
      await using prometheus = await startPrometheus(folder, await freePortRow(1), config);
      const context = DistributedContext.root();
      await vi.waitFor(
        async () => {
          // Each time anew, as requests do: an exemplar that is older than the last scrape is not taken.
          withContext(context, () => metrics.recordRequest('write', 'ok', 0.004));
          const seconds = performance.timeOrigin / 1_000;
          const found = await prometheus.ask<{ seriesLabels: object; exemplars: { labels: object }[] }[]>(
            '/api/v1/query_exemplars',
            {
              query: 'distributed_request_duration_seconds_bucket',
              start: String(seconds - 3_600),
              end: String(seconds + 3_600),
            },
          );
          expect(found[0]?.exemplars[0]?.labels).toEqual({ trace_id: context.traceId });
        },
        { timeout: 30_000, interval: 500 },
      );
    } finally {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  60_000,
);
