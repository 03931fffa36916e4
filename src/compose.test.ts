// docker-compose.yml is a promise, too: what it starts is pinned, reachable from this machine only, understood by the programs that it
// is said to, and knows one another by the names that the configuration of Prometheus and Grafana uses.

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Command, type Invocation, parseInvocation } from './cli/command.ts';
import { metricsAddressOf } from './cli/metrics-option.ts';
import { node } from './cli/node.ts';
import { run } from './cli/run.ts';
import { targetOf } from './cli/target-options.ts';
import { tracesOf } from './cli/trace-options.ts';
import { loadScenarios } from './harness/scenario/discover.ts';
import { withOverrides } from './harness/scenario/validate.ts';

const ROOT = resolve(import.meta.dirname, '..');
const NODES = ['n1', 'n2', 'n3'] as const;

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly args: Record<string, string> };
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly extra_hosts?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly profiles?: readonly string[];
  readonly depends_on?: Record<string, unknown>;
  readonly read_only?: boolean;
}

const read = (path: string): unknown => parse(readFileSync(join(ROOT, path), 'utf8'), { merge: true });

/** As compose reads it when nothing is set. */
const withDefaults = (text: string) => text.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');

const compose = read('docker-compose.yml') as { services: Record<string, Service>; volumes: Record<string, unknown> };
const { services } = compose;
const entries = Object.entries(services);

function service(name: string): Service {
  const found = services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service '${name}'`);
  return found;
}

/** @throws UsageError as the command line does. */
function invocationOf(name: string, command: Command): Invocation {
  const [word, ...words] = service(name).command?.map(withDefaults) ?? [];
  expect(word).toBe(command.name);
  return parseInvocation(command, words);
}

const option = (invocation: Invocation, name: string) => invocation.options[name] as string;
const listOption = (invocation: Invocation, name: string) => (invocation.options[name] ?? []) as readonly string[];

/** Of a service: published port of loopback by the port inside. */
const published = (name: string) =>
  new Map(
    service(name).ports?.map((port) => {
      const [, outside = '', inside = ''] = port.split(':');
      return [inside, outside];
    }),
  );

test('every image has a version', () => {
  for (const [name, { image, build }] of entries) {
    if (build === undefined) expect(image, name).toMatch(/^[a-z]+\/[a-z]+:v?\d+\.\d+\.\d+$/);
    else expect(withDefaults(image), name).toBe('windtunnel:local');
  }
  const base = /^ARG BASE_IMAGE=(\S+)$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))?.[1];
  for (const name of [...NODES, 'harness']) {
    const { build, read_only } = service(name);
    expect(build?.context).toBe('.');
    expect(withDefaults(build?.args['BASE_IMAGE'] ?? '')).toBe(base);
    expect(read_only).toBe(true);
  }
});

test('every port is published on loopback only, and once', () => {
  const ports = entries.flatMap(([, { ports: own }]) => own ?? []);
  expect(ports.length).toBeGreaterThan(8);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  const outside = ports.map((port) => port.split(':')[1]);
  expect(new Set(outside).size).toBe(outside.length);
});

test('what is mounted is here, or a volume of its own', () => {
  const mounts = entries.flatMap(([, { volumes }]) => volumes ?? []).map((mount) => mount.split(':')[0] as string);
  expect(mounts.some((path) => path.startsWith('./'))).toBe(true);
  for (const mount of mounts) {
    if (mount.startsWith('.')) expect(existsSync(join(ROOT, mount)), mount).toBe(true);
    else expect(compose.volumes, mount).toHaveProperty([mount]);
  }
});

describe('the nodes', () => {
  test.each(NODES)('%s is started as `windtunnel node` understands it', (id) => {
    const words = invocationOf(id, node);
    expect(words.positionals).toEqual([]);
    expect(option(words, 'id')).toBe(id);
    expect(option(words, 'data')).toBe('/data');
    expect(service(id).volumes).toEqual([`${id}:/data`]);
    const others = NODES.filter((other) => other !== id);
    const grpcPort = (other: string) => option(invocationOf(other, node), 'listen').replace('0.0.0.0:', '');
    expect(listOption(words, 'peer')).toEqual(others.map((other) => `${other}=${other}:${grpcPort(other)}`));
    // Inside by name, outside by what is published.
    expect(listOption(words, 'advertise')).toEqual(
      NODES.map((other) => {
        const inside = grpcPort(other);
        const outside = published(other).get(inside);
        return `${other}=${other}:${inside},127.0.0.1:${outside},localhost:${outside}`;
      }),
    );
    expect(service(id).healthcheck?.test).toEqual(['CMD', 'node', '/app/bin/healthcheck.js', '/readyz']);
    expect(existsSync(join(ROOT, 'bin/healthcheck.js'))).toBe(true);
  });

  test('have the ports that `windtunnel query` and `cluster up` are used to', () => {
    expect(NODES.flatMap((id) => [...published(id).values()])).toEqual(['7401', '7404', '7402', '7405', '7403', '7406']);
  });
});

test('the harness runs a scenario on all of them, and only when it is asked to', async () => {
  const words = invocationOf('harness', run);
  const target = targetOf(words);
  expect(target).toEqual({
    kind: 'external',
    endpoints: NODES.map((id) => `${id}:7401`),
    httpEndpoints: NODES.map((id) => `${id}:7404`),
    protocol: 'windtunnel',
  });
  const [scenario] = await loadScenarios(words.positionals, join(ROOT, 'scenarios'));
  if (scenario === undefined) throw new Error('it names no scenario');
  expect(withOverrides(scenario, { target }).target).toEqual(target);
  expect(tracesOf(words, {})).toMatchObject({ destination: { kind: 'otlp', url: expect.stringContaining('//jaeger:4318') } });
  expect(service('harness').profiles).toEqual(['load']);
  // Without Jaeger its spans would be lost, and the run invalid.
  expect(Object.keys(service('harness').depends_on ?? {})).toEqual([...NODES, 'jaeger', 'prometheus']);
  const results = option(words, 'results');
  expect(service('harness').volumes).toEqual([`results:${results}`]);
});

describe('Prometheus', () => {
  const words = service('prometheus').command ?? [];
  const config = read('dashboards/prometheus/prometheus.yml') as {
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    rule_files: string[];
  };
  const targets = (job: string) =>
    config.scrape_configs.flatMap(({ job_name: name, static_configs: all }) =>
      name === job ? all.flatMap(({ targets: own }) => own) : [],
    );

  test('reads the configuration and the rules of this checkout, and keeps exemplars', () => {
    const [mount] = service('prometheus').volumes ?? [];
    const [here = '', there = ''] = mount?.split(':') ?? [];
    const path = words.find((word) => word.startsWith('--config.file='))?.split('=')[1] ?? '';
    expect(path.startsWith(`${there}/`)).toBe(true);
    expect(join(here, path.slice(there.length + 1))).toBe('dashboards/prometheus/prometheus.yml');
    expect(config.rule_files).toEqual(['rules/*.yml']);
    expect(words).toContain('--enable-feature=exemplar-storage');
    // What comes in is what is scraped: nobody outside can write.
    expect(words.filter((word) => word.includes('receiver') || word.includes('lifecycle') || word.includes('admin'))).toEqual([]);
  });

  test('scrapes the nodes where they serve HTTP', () => {
    const http = (id: string) => option(invocationOf(id, node), 'http').replace('0.0.0.0:', '');
    expect(targets('windtunnel-node')).toEqual(NODES.map((id) => `${id}:${http(id)}`));
  });

  test('scrapes the harness where it serves its metrics, inside and beside the containers', () => {
    const { host, port } = metricsAddressOf(invocationOf('harness', run)) ?? {};
    expect(host).toBe('0.0.0.0');
    expect(targets('windtunnel-harness')).toEqual([`harness:${port}`, `host.docker.internal:${port}`]);
    expect(service('prometheus').extra_hosts).toEqual(['host.docker.internal:host-gateway']);
  });
});

test('Grafana finds Prometheus and Jaeger, its dashboards, and traces by their exemplars', () => {
  interface DataSource {
    readonly uid: string;
    readonly url: string;
    readonly jsonData?: {
      readonly exemplarTraceIdDestinations?: readonly { readonly datasourceUid?: string; readonly url?: string }[];
    };
  }
  const { datasources } = read('dashboards/grafana/provisioning/datasources/windtunnel.yaml') as {
    datasources: DataSource[];
  };
  const hosts = datasources.map(({ url }) => new URL(url).hostname);
  expect(hosts).toEqual(['prometheus', 'jaeger']);
  for (const host of hosts) expect(service(host)).toBeDefined();
  const destinations = datasources[0]?.jsonData?.exemplarTraceIdDestinations ?? [];
  expect(destinations.map(({ datasourceUid }) => datasourceUid)).toContain(datasources[1]?.uid);
  const [page = ''] = destinations.flatMap(({ url }) => url ?? []);
  expect([...published('jaeger').values()]).toContain(new URL(page).port);

  const { providers } = read('dashboards/grafana/provisioning/dashboards/windtunnel.yaml') as {
    providers: { options: { path: string } }[];
  };
  expect(service('grafana').volumes).toContain(`./dashboards/grafana/dashboards:${providers[0]?.options.path}:ro`);
  expect(service('grafana').volumes).toContain('./dashboards/grafana/provisioning:/etc/grafana/provisioning:ro');
});
