// docker-compose.yml as its users meet it: compose accepts it, its nodes are loaded and disturbed from this machine and left running, and
// its harness loads them from inside. It needs `docker compose` or Debian's docker-compose, and, beyond the file's validity, an engine.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../runtime/clock.ts';
import { dockerEngine } from '../harness/launch/docker-engine.ts';
import { imageOfCheckout } from '../harness/launch/docker-image.ts';
import { findRun } from '../harness/result/find.ts';
import { readRun } from '../harness/result/files.ts';
import { windtunnel } from './testing/windtunnel.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PROJECT = `windtunnel-test-${process.pid}`;
const NODES = ['n1', 'n2', 'n3'] as const;
const HTTP_PORTS = [7_404, 7_405, 7_406];
const PORTS = [7_401, 7_402, 7_403, ...HTTP_PORTS, 4_317, 4_318, 16_686];
const OTHERS = ['prometheus', 'grafana', 'jaeger'];
const PATIENCE = { timeout: 90_000, interval: 200 };
const RUN_TIMEOUT_MS = 240_000;
/** Of the whole image. */
const BUILD_TIMEOUT_MS = 600_000;

function programOfCompose(): readonly [string, ...string[]] | undefined {
  for (const program of [['docker', 'compose'], ['docker-compose']] as const) {
    const [name, ...words] = program;
    try {
      execFileSync(name, [...words, 'version'], { stdio: 'ignore' });
      return [name, ...words];
    } catch {
      continue;
    }
  }
  return undefined;
}

const program = programOfCompose();
const engine = await dockerEngine().catch(() => undefined);
const takenPort = (await Promise.all(PORTS.map(isTaken))).indexOf(true);
const noConfig = program === undefined ? 'there is neither docker compose nor docker-compose' : undefined;
const noCluster =
  noConfig ??
  (engine === undefined ? 'no Docker engine answers' : undefined) ??
  (takenPort >= 0 ? `port ${PORTS[takenPort]} is taken` : undefined);
if (noConfig !== undefined) process.stderr.write(`\n!!! SKIPPED: docker-compose.yml was NOT validated: ${noConfig}\n\n`);
if (noCluster !== undefined)
  process.stderr.write(`\n!!! SKIPPED: the nodes of docker-compose.yml were NOT started: ${noCluster}\n\n`);

function isTaken(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer()
      .once('error', () => settle(true))
      .listen(port, '127.0.0.1', () => server.close(() => settle(false)));
  });
}

/** Takes spans over OTLP, and says whose: its image can be had where the registry of Jaeger's cannot. */
const STANDS_IN_FOR_JAEGER = `
  require('node:http').createServer(async (request, response) => {
    const parts = await Array.fromAsync(request);
    console.log(request.url, ...new Set(Buffer.concat(parts).toString('latin1').match(/windtunnel-(node|load)/g)));
    response.end();
  }).listen(4318);`;

let environment: Readonly<Record<string, string>> = {};
let files: readonly string[] = ['docker-compose.yml'];

function compose(...words: string[]): string {
  const [name, ...first] = program as readonly [string, ...string[]];
  return execFileSync(name, [...first, '--project-name', PROJECT, ...files.flatMap((file) => ['--file', file]), ...words], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

test.skipIf(noConfig !== undefined)('compose accepts the file', () => {
  const services = compose('--profile', 'load', 'config', '--services').trim().split('\n');
  expect(services.sort()).toEqual([...NODES, ...OTHERS, 'harness'].sort());
});

describe.skipIf(noCluster !== undefined)('three nodes of compose', () => {
  const folder = mkdtempSync(join(tmpdir(), 'windtunnel-compose-'));
  const results = join(folder, 'results');
  const aim = ['--target', `compose=${PROJECT}`, '--results', results];

  beforeAll(async () => {
    if (engine === undefined) return;
    const [, tag = ''] = (await imageOfCheckout(engine, () => {})).split(':');
    environment = { WINDTUNNEL_TAG: tag, WINDTUNNEL_SCENARIO: '/scenarios/inside.ts', WINDTUNNEL_SAMPLE: '0.5' };
    // The user of the containers must see what is in it.
    chmodSync(folder, 0o755);
    const changes = join(folder, 'changes.yml');
    const jaeger = { image: `windtunnel:${tag}`, entrypoint: ['node', '-e', STANDS_IN_FOR_JAEGER] };
    writeFileSync(changes, JSON.stringify({ services: { jaeger, harness: { volumes: [`${folder}:/scenarios:ro`] } } }));
    files = ['docker-compose.yml', changes];
    compose('up', '-d', '--no-build', 'jaeger', ...NODES);
    await ready();
  }, BUILD_TIMEOUT_MS);
  afterAll(() => {
    compose('--profile', 'load', 'down', '--volumes', '--timeout', '5');
    rmSync(folder, { recursive: true, force: true });
  }, RUN_TIMEOUT_MS);

  const ready = () =>
    vi.waitFor(async () => {
      for (const port of HTTP_PORTS) expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    }, PATIENCE);

  const containers = async () => {
    const all = await engine?.container.dockerode.listContainers({
      all: true,
      filters: { label: [`com.docker.compose.project=${PROJECT}`] },
    });
    return (all ?? []).map(({ Id: id, State: state, Labels: labels }) => ({
      id,
      state,
      service: labels['com.docker.compose.service'],
    }));
  };

  function scenarioFile(name: string, seconds: number, faults: readonly object[] = []): string {
    const path = join(folder, `${name}.ts`);
    const scenario = {
      name,
      description: 'For a test.',
      cluster: { nodes: 3 },
      warmup: '500ms',
      recovery: '1s',
      operationTimeout: '10s',
      loads: {
        registers: { executor: 'constant-vus', vus: 2, duration: `${seconds}s`, workload: { kind: 'registers', keys: 3 } },
        elements: { executor: 'constant-vus', vus: 2, duration: `${seconds}s`, workload: { kind: 'set' } },
      },
      faults,
    };
    writeFileSync(path, `export default ${JSON.stringify(scenario)};`);
    return path;
  }

  test(
    'are killed, paused and stopped under load, and left as they were found',
    async () => {
      const before = await containers();
      const path = scenarioFile('disturbed', 30, [
        { kind: 'crash', target: 'leader', at: '2s', duration: '2s' },
        { kind: 'pause', target: 'follower', at: '14s', duration: '2s' },
        { kind: 'restart', target: 'follower', at: '22s', duration: '1s' },
      ]);
      const { code, out, err } = await windtunnel('run', path, ...aim, '--seed', '7');
      // The instrument may be late on a busy machine, which is exit 96 and not what this test is about.
      expect([0, 96], out + err).toContain(code);
      const run = await readRun(await findRun('latest', results, { clock: systemClock }));
      const [result] = run.scenarios;
      expect(result).toMatchObject({ target: 'compose', status: 'complete', nodes: [...NODES] });
      expect(result?.checks.map(({ checker, verdict }) => [checker, verdict])).toEqual([
        ['linearizability', 'valid'],
        ['acknowledged-writes', 'valid'],
        ['raft-invariants', 'valid'],
      ]);
      expect(result?.faults.map(({ kind, proof }) => [kind, proof.proven, proof.observations])).toEqual([
        ['crash', true, expect.arrayContaining([expect.stringMatching(/^the process of n\d, the leader, ended by SIGKILL$/)])],
        ['pause', true, expect.arrayContaining([expect.stringMatching(/was stopped at the beginning and at the end/)])],
        ['restart', true, expect.arrayContaining([expect.stringMatching(/ended in good order/)])],
      ]);
      // Who led was asked for: nobody had said it while somebody listened.
      expect(result?.roles[0]?.atMs).toBeLessThan(0);
      expect(result?.roles.filter(({ role }) => role === 'leader').length).toBeGreaterThanOrEqual(2);
      const log = join(results, run.id, 'disturbed', `${result?.faults[0]?.nodes[0]}.log`);
      expect(readFileSync(log, 'utf8')).toMatch(/"event":"recovered".*\n[^]*"event":"listening"/);

      expect(await containers()).toEqual(before);
      await ready();
    },
    RUN_TIMEOUT_MS,
  );

  test(
    'keep their data, which the next run does not meet',
    async () => {
      const endpoint = ['--endpoints', 'localhost:7402'];
      const sql = async (text: string) =>
        expect(await windtunnel('query', ...endpoint, '--timeout', '30s', text)).toMatchObject({ code: 0 });
      await sql('create table if not exists kept (k primary key)');
      const { code, out, err } = await windtunnel('run', scenarioFile('again', 3), ...aim, '--seed', '7');
      expect([0, 96], out + err).toContain(code);
      expect((await readRun(await findRun('latest', results, { clock: systemClock }))).scenarios[0]?.verdicts.correct).toBe(
        'valid',
      );
      await sql('insert into kept values (1)');
    },
    RUN_TIMEOUT_MS,
  );

  test(
    'are loaded by the harness inside, with its metrics for Prometheus, and spans of both sides for Jaeger',
    async () => {
      if (engine === undefined) return;
      scenarioFile('inside', 8);
      // All that it depends on is there.
      compose('--profile', 'load', 'up', '-d', '--no-build', '--no-deps', 'harness');
      const found = await containers();
      const container = (name: string) => engine.container.getById(found.find(({ service }) => service === name)?.id ?? '');
      const said = async (name: string) => (await container(name).logs({ stdout: true, stderr: true })).toString();
      const askHarness = ['node', '-e', "fetch('http://harness:7409/metrics').then((r) => r.text()).then(console.log)"];
      await vi.waitFor(async () => {
        const { stdout } = await engine.container.exec(container('n1'), askHarness);
        expect(stdout).toMatch(/^distributed_load_started_total [1-9]/m);
      }, PATIENCE);
      const { StatusCode: code } = (await container('harness').wait()) as { StatusCode: number };
      const printed = await said('harness');
      expect([0, 96], printed).toContain(code);
      expect(printed).toMatch(/correct\? +✓ valid/);
      expect(printed).toContain('/results/');
      await vi.waitFor(async () => expect(await said('jaeger')).toMatch(/v1\/traces .*windtunnel-node/), PATIENCE);
      expect(await said('jaeger')).toMatch(/v1\/traces .*windtunnel-load/);
    },
    RUN_TIMEOUT_MS,
  );

  test(
    'that do not run, or that are not there, are named, and what to do about it',
    async () => {
      const path = scenarioFile('hopeless', 2);
      const failure = async (...target: string[]) => {
        const { code, out, err } = await windtunnel('run', path, ...target, '--results', join(folder, 'failed'));
        expect(code).toBe(1);
        return `${out}${err}`.replaceAll(/\s+/g, ' ');
      };
      compose('pause', 'n2');
      expect(await failure(...aim.slice(0, 2))).toMatch(/n2 of .* is paused: 'docker compose unpause n2' lets it go on/);
      compose('unpause', 'n2');
      compose('stop', '--timeout', '5', 'n3');
      expect(await failure(...aim.slice(0, 2))).toMatch(/n3 of .* does not run \(exited\): start it with 'docker compose up -d'/);
      expect(await failure('--target', 'compose=nobody-has-this')).toMatch(
        /no compose project 'nobody-has-this' has nodes here: start one with 'docker compose up -d'/,
      );
      expect(existsSync(join(folder, 'failed'))).toBe(true);
    },
    RUN_TIMEOUT_MS,
  );
});
