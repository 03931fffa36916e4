// Dashboards and rules against the catalogue: no panel asks for what nobody says, and nothing is said that nobody looks at.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HARNESS_JOB, NODE_JOB } from '../src/harness/metrics/run-metrics.ts';
import { METRICS, type MetricName } from '../src/telemetry/catalogue.ts';
import { DistributedMetrics } from '../src/telemetry/metrics.ts';
import type { MetricDefinition } from '../src/telemetry/signal.ts';
import { DASHBOARDS } from './all.ts';
import { panelsOf } from './dashboard.ts';
import { catalogueName, fillIn, selectedMetrics } from './testing/promql.ts';
import { annotationQueries, panelQueries, variableQueries } from './testing/queries.ts';

const JSON_FOLDER = join(import.meta.dirname, 'grafana', 'dashboards');
const RULES_FOLDER = join(import.meta.dirname, 'prometheus', 'rules');

/** Catalogue metrics that are on no panel, and why. None is left out at present. */
const DELIBERATELY_NOT: Readonly<Partial<Record<MetricName, string>>> = {};

const dashboards = Object.values(DASHBOARDS);
const definitions: Readonly<Record<string, MetricDefinition>> = METRICS;
const isHistogram = (name: string) => definitions[name]?.type === 'histogram';
const allQueries = dashboards.flatMap((dashboard) => [...panelQueries(dashboard), ...annotationQueries(dashboard)]);
const rules = readdirSync(RULES_FOLDER).map((name) => readFileSync(join(RULES_FOLDER, name), 'utf8'));

/** What Prometheus says of every target, and prom-client of every process: its families, as it writes them now. */
async function knownOfOthers(): Promise<Set<string>> {
  const { text } = await new DistributedMetrics({ metrics: {}, processMetrics: true }).expose();
  const declared = [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  return new Set(['up', 'scrape_duration_seconds', ...declared]);
}

describe('the JSON', () => {
  test('is that of the sources (UPDATE_DASHBOARDS=1 npm run unit -- dashboards writes it)', () => {
    const texts = Object.fromEntries(
      Object.entries(DASHBOARDS).map(([name, dashboard]) => [name, `${JSON.stringify(dashboard, null, 2)}\n`]),
    );
    if (process.env['UPDATE_DASHBOARDS'] === '1')
      for (const [name, text] of Object.entries(texts)) writeFileSync(join(JSON_FOLDER, name), text);
    const committed = readdirSync(JSON_FOLDER).map((name) => [name, readFileSync(join(JSON_FOLDER, name), 'utf8')]);
    expect(Object.fromEntries(committed)).toEqual(texts);
  });

  test('has an address of its own for every dashboard', () => {
    const uids = dashboards.map(({ uid }) => uid);
    expect(new Set(uids).size).toBe(dashboards.length);
    for (const uid of uids) expect(uid).toMatch(/^windtunnel-[a-z]+$/);
  });
});

describe.each(dashboards.map((dashboard) => [dashboard.title ?? '', dashboard] as const))('%s', (_, dashboard) => {
  test('says of every panel what it shows, and in which unit', () => {
    const panels = panelsOf(dashboard);
    expect(panels.length).toBeGreaterThan(5);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { title = '', description = '', fieldConfig, targets = [] } of panels) {
      expect(title).toMatch(/^[\p{L}]/u);
      expect([title, description]).toEqual([title, expect.stringMatching(/^.{15,}[.]$/)]);
      expect([title, fieldConfig?.defaults.unit]).toEqual([title, expect.stringMatching(/^\w+$/)]);
      expect(targets.length).toBeGreaterThan(0);
    }
    expect(dashboard.description).toMatch(/\.$/);
  });

  test('takes its Prometheus, its nodes and its runs from variables, everywhere', () => {
    for (const panel of panelsOf(dashboard)) expect(panel.datasource?.uid).toBe('${datasource}');
    for (const { datasource } of dashboard.annotations?.list ?? []) expect(datasource?.uid).toBe('${datasource}');
    for (const { place, expr } of [...panelQueries(dashboard), ...annotationQueries(dashboard)]) {
      const selectors = [...expr.matchAll(/\{([^}]*)\}/g)].map(([, inside = '']) => inside);
      expect([place, selectors.length]).not.toEqual([place, 0]);
      for (const selector of selectors) {
        expect([place, selector]).toEqual([place, expect.stringMatching(/job=~?"windtunnel-/)]);
        expect([place, selector]).toEqual([place, expect.stringContaining('scenario=~"$scenario",run=~"$run"')]);
        if (selector.includes(`job="${NODE_JOB}"`)) expect(selector).toContain('instance=~"$instance"');
      }
      // A fixed window is empty when Prometheus scrapes less often; those of annotations have a fixed step.
      if (!place.includes('annotation')) expect(expr.replaceAll('[$__rate_interval]', '')).not.toContain('[');
    }
    for (const { place, metric, label } of variableQueries(dashboard)) expect([place, metric, label]).not.toContain('');
  });

  test('shades faults and marks elections', () => {
    expect(annotationQueries(dashboard).map(({ expr }) => selectedMetrics(expr))).toEqual([
      ['distributed_fault_active'],
      ['distributed_raft_term'],
    ]);
  });
});

describe('metrics', () => {
  test('every one that a dashboard asks for is in the catalogue, or is of Prometheus or prom-client', async () => {
    const others = await knownOfOthers();
    const unknown = allQueries.flatMap(({ place, expr }) =>
      selectedMetrics(expr)
        .filter((series) => !(catalogueName(series, isHistogram) in METRICS) && !others.has(series))
        .map((series) => `${place}: ${series}`),
    );
    expect(unknown).toEqual([]);
    expect(allQueries.every(({ expr }) => selectedMetrics(expr).length > 0)).toBe(true);
  });

  test('every label that is matched or grouped by is one of its metric, or of the target', () => {
    const ofTargets = ['job', 'instance', 'scenario', 'run', 'generator', 'le'];
    const wrong: string[] = [];
    for (const { place, expr } of allQueries) {
      const names = selectedMetrics(expr).map((series) => catalogueName(series, isHistogram));
      const labels = new Set([...ofTargets, ...names.flatMap((name) => Object.keys(definitions[name]?.labels ?? { kind: '' }))]);
      const used = [
        ...[...expr.matchAll(/([a-z_]+)\s*(?:=~|!=|!~|=)"/g)].map(([, label = '']) => label),
        ...[...expr.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
          list.split(',').map((label) => label.trim()),
        ),
      ];
      wrong.push(...used.filter((label) => !labels.has(label)).map((label) => `${place}: ${label}`));
    }
    expect(wrong).toEqual([]);
  });

  test('every one of the catalogue is on a panel, or left out with a reason', () => {
    const shown = new Set(
      dashboards
        .flatMap(panelQueries)
        .flatMap(({ expr }) => selectedMetrics(expr).map((series) => catalogueName(series, isHistogram))),
    );
    const missing = Object.keys(METRICS).filter((name) => !shown.has(name) && !(name in DELIBERATELY_NOT));
    expect(missing).toEqual([]);
    expect(Object.keys(DELIBERATELY_NOT).filter((name) => shown.has(name))).toEqual([]);
  });

  test('every one that a rule asks for is in the catalogue, or recorded by a rule', () => {
    const text = rules.join('\n').replaceAll(/^\s*#.*$/gm, '');
    const recorded = new Set([...text.matchAll(/record: (\S+)/g)].map(([, name]) => name));
    const asked = [...text.matchAll(/(?<![\w:])distributed_\w+(?![\w:])/g)].map(([series]) => catalogueName(series, isHistogram));
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((name) => !(name in METRICS))).toEqual([]);
    const askedOfRules = [...text.matchAll(/(?<!record: )\b(?:instance|job):distributed_\w+:\w+/g)].map(([name]) => name);
    expect(askedOfRules.filter((name) => !recorded.has(name))).toEqual([]);
  });

  test('Prometheus scrapes under the jobs that the harness records under, and calls nodes as it does', () => {
    const config = readFileSync(join(import.meta.dirname, 'prometheus', 'prometheus.yml'), 'utf8');
    expect([...config.matchAll(/job_name: (\S+)/g)].map(([, job]) => job)).toEqual([NODE_JOB, HARNESS_JOB]);
    expect([...config.matchAll(/'(n\d):\d+'[,\]]/g)].map(([, node]) => node)).toEqual(['n1', 'n2', 'n3']);
  });

  test('exemplars lead to Jaeger under the name that they are written with', async () => {
    const provisioned = readFileSync(
      join(import.meta.dirname, 'grafana', 'provisioning', 'datasources', 'windtunnel.yaml'),
      'utf8',
    );
    const [, label] = /exemplarTraceIdDestinations:\s+- name: (\w+)\s+datasourceUid: windtunnel-jaeger/.exec(provisioned) ?? [];
    expect(label).toBe('trace_id');
    expect(provisioned).toContain('uid: windtunnel-jaeger');
    const withExemplars = dashboards.flatMap(({ panels = [] }) =>
      panels
        .flatMap((panel) => ('targets' in panel ? (panel.targets ?? []) : []))
        .filter((target) => 'exemplar' in target && target.exemplar === true),
    );
    expect(withExemplars.length).toBeGreaterThan(0);
    for (const target of withExemplars) {
      const [series = ''] = selectedMetrics((target as unknown as { expr: string }).expr);
      expect(definitions[catalogueName(series, isHistogram)]).toMatchObject({ exemplars: true });
    }
  });
});

describe('the tests themselves', () => {
  test.each([
    ['sum by (le, a) (rate(x_bucket{le="0.1",b=~"c|d{}"}[5m])) / on (a) y', ['x_bucket', 'y']],
    ['1 - sum(a:b:c) > bool 3 and ignoring (d) max(e offset 5m)', ['a:b:c', 'e']],
    ['histogram_quantile(0.99, sum by (le) (rate(z_bucket[$__rate_interval])))', ['z_bucket']],
    ['up', ['up']],
  ])('find the metrics of %s', (query, expected) => expect(selectedMetrics(query)).toEqual(expected));

  test('fill in every variable or say which they cannot', () => {
    expect(
      fillIn('a{i=~"$instance"}[$__rate_interval] ${datasource}', { instance: '.*', __rate_interval: '4s', datasource: 'p' }),
    ).toBe('a{i=~".*"}[4s] p');
    expect(() => fillIn('$nobody', {})).toThrow('no value for $nobody');
  });
});
