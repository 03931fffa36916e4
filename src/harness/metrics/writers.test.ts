// No metric of the catalogue is a promise only: a node, a client and a harness, each with what it takes to make them happen,
// write every one of them.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import { CLIENT_METRICS, type MetricName, METRICS, NODE_METRICS, SHARED_METRICS } from '../../telemetry/catalogue.ts';
import { GENERATOR_METRICS, HARNESS_METRICS } from '../../telemetry/harness-metrics.ts';
import { DistributedMetrics } from '../../telemetry/metrics.ts';
import { ActorSystem } from '../../system/actor/system.ts';
import { NodeMetrics } from '../../system/node/node-metrics.ts';
import { type RunningNode, startNode } from '../../system/node/node.ts';
import { createClient } from '../../system/rpc/client.ts';
import { RpcError } from '../../system/rpc/errors.ts';
import { startFakeNode } from '../../system/rpc/testing/fake-node.ts';
import { type Family, parseExposition } from './exposition.ts';
import { HarnessMetrics } from './harness-metrics.ts';

let folder: string;
const cleanup = new AsyncDisposableStack();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-writers-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Which metrics are written, and not only shown at 0, while it runs. */
function watchWriters(): () => ReadonlySet<string> {
  const written: (() => string[])[] = [];
  for (const method of ['inc', 'add', 'set', 'setState', 'observe', 'collect'] as const) {
    const spy = vi.spyOn(DistributedMetrics.prototype, method);
    written.push(() => spy.mock.calls.flatMap(([name, , value]: readonly unknown[]) => (value === 0 ? [] : [name as string])));
  }
  return () => new Set(written.flatMap((names) => names()));
}

const shownBy = (families: readonly Family[]) =>
  new Set(families.map(({ name, type }) => (type === 'counter' ? `${name}_total` : name)));

const until = <T>(check: () => T) => vi.waitFor(check, { timeout: 20_000, interval: 20 });

const open = () => Promise.resolve(undefined);

test('every metric is written by somebody, and shown by whom it is of', async () => {
  await using stack = cleanup.move();
  const writtenNames = watchWriters();
  stack.defer(() => void vi.restoreAllMocks());

  const node = await nodeThatServes(stack);
  const client = await clientInTrouble(node.grpcPort, stack);
  const harness = await harnessOfAScenario();

  const expected = {
    node: { ...NODE_METRICS, ...SHARED_METRICS },
    client: { ...CLIENT_METRICS, ...SHARED_METRICS },
    harness: { ...HARNESS_METRICS },
  };
  const shown = {
    node: shownBy(parseExposition(await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text())),
    client: shownBy(parseExposition((await client.expose()).text)),
    harness: shownBy(parseExposition((await harness.expose()).text)),
  };
  const missing = Object.entries(expected).flatMap(([who, metrics]) =>
    Object.keys(metrics)
      .filter((name) => !shown[who as keyof typeof shown].has(name))
      .map((name) => `${who}: ${name}`),
  );
  // The event loop and the spans of a client are those of its process.
  expect(missing.filter((each) => !/^client: distributed_(event_loop|trace_spans)/.test(each))).toEqual([]);
  const names = Object.keys(METRICS) as MetricName[];
  const written = writtenNames();
  // The thread of a generator cannot be spied on from here; src/cli/metrics.long.test.ts sees its metrics.
  expect(names.filter((name) => !written.has(name) && !(name in GENERATOR_METRICS))).toEqual([]);
}, 60_000);

/** One node alone is a majority. Also told of what befalls actors, which its own actor is spared. */
async function nodeThatServes(stack: AsyncDisposableStack): Promise<RunningNode> {
  const node = await startNode({
    id: 'n1',
    clusterId: 'writers',
    listen: '127.0.0.1:0',
    http: '127.0.0.1:0',
    dataFolder: join(folder, 'n1'),
    peers: new Map(),
    clock: systemClock,
    random: new Random(1),
    traceCounts: () => ({ exported: 3, dropped: 1 }),
    onEvent: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
  stack.defer(() => node.stop());
  const post = async (query: string, headers: Record<string, string> = {}) => {
    const body = JSON.stringify({ query });
    const response = await fetch(`http://127.0.0.1:${node.httpPort}/query`, { method: 'POST', body, headers });
    await response.text();
    return response.status;
  };
  await until(async () => expect(await post('create table if not exists t (k)')).toBe(200));
  expect(await post('select * from t', { traceparent: 'nonsense' })).toBe(200);
  expect(await post('select * from nowhere')).toBe(400);

  const metrics = new NodeMetrics();
  stack.defer(() => metrics.close());
  const actors = new ActorSystem({ onEvent: metrics.onActorEvent, onMailboxWait: metrics.onMailboxWait });
  stack.defer(async () => void (await actors.shutdown({ timeoutMs: 1_000 })));
  const fragile = actors.spawn<string>(
    () => ({
      receive() {
        throw new Error('it breaks');
      },
    }),
    { id: 'fragile', supervision: { onFailure: 'restart' } },
  );
  fragile.tell('break');
  await until(async () =>
    expect((await metrics.registry.expose()).text).toContain('distributed_actor_restarts_total{actor="fragile"} 1'),
  );
  await fragile.stop();
  fragile.tell('too late');
  await until(async () =>
    expect((await metrics.registry.expose()).text).toContain('distributed_actor_dead_letters_total{actor="fragile"} 1'),
  );
  return node;
}

/** A client whose nodes are of every kind: one that serves, one that is not there, one that hears and never answers, one without a leader. */
async function clientInTrouble(port: number, stack: AsyncDisposableStack): Promise<DistributedMetrics> {
  const registry = new DistributedMetrics({ metrics: { ...CLIENT_METRICS, ...SHARED_METRICS } });
  const metrics = { registry, nameOf: (endpoint: string) => (endpoint.endsWith(`:${port}`) ? 'n1' : endpoint) };
  const good = await createClient({ endpoints: [`127.0.0.1:${port}`], metrics }).connect();
  await good.execute('select 1');
  expect((await registry.expose()).text).toContain('distributed_pool_size{pool="sessions n1"} 1');
  await good.disconnect();

  const silent = await listening(stack);
  const lost = await startFakeNode(async () => {
    throw new RpcError('no-leader', 'nobody leads');
  });
  stack.defer(() => lost.close());
  const nobody = await createClient({ endpoints: [lost.endpoint], metrics, timeoutMs: 10_000 }).connect();
  // More than the budget allows.
  const codes = await Promise.all(
    Array.from({ length: 1_500 }, () =>
      nobody.execute('select 1').then(
        () => 'answered',
        (error: RpcError) => error.message,
      ),
    ),
  );
  expect(codes.filter((message) => message.includes('the retry budget is used up')).length).toBeGreaterThan(0);
  await nobody.disconnect();

  // What does not answer exhausts the time of its callers, and then the breaker's patience.
  const endpoints = [`127.0.0.1:${port}`, `127.0.0.1:${silent}`];
  const unlucky = await createClient({ endpoints, reads: 'any', metrics, attemptTimeoutMs: 50, connectTimeoutMs: 300 }).connect();
  await until(async () => {
    await Promise.all(Array.from({ length: 20 }, () => unlucky.execute('select 1').catch(open)));
    expect((await registry.expose()).text).toMatch(/distributed_pool_timeouts_total\{pool="sessions 127[^"]+"\} [1-9]/);
  });
  await unlucky.disconnect();

  const mute = await startFakeNode(() => new Promise(() => {}));
  stack.defer(() => mute.close());
  const unheard = await createClient({ endpoints: [mute.endpoint], metrics, attemptTimeoutMs: 20, timeoutMs: 400 }).connect();
  await until(async () => {
    await Promise.all(Array.from({ length: 20 }, () => unheard.execute('select 1').catch(open)));
    expect((await registry.expose()).text).toMatch(/distributed_breaker_rejected_total\{breaker="127[^"]+"\} [1-9]/);
  });
  // Levels are shown as long as somebody has them.
  stack.defer(async () => void (await unheard.disconnect()));
  const never = new DistributedMetrics();
  never.collect('distributed_raft_term', {}, () => {
    throw new Error('closed');
  });
  await never.expose();
  return registry;
}

/** A server that accepts connections and says nothing. */
async function listening(stack: AsyncDisposableStack): Promise<number> {
  const server: Server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stack.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function harnessOfAScenario(): Promise<HarnessMetrics> {
  const counters = { atMs: 0, bytesIn: 9, bytesForwarded: 9, bytesHeld: 1, bytesDiscarded: 0 };
  const harness = new HarnessMetrics({
    loads: ['registers'],
    faults: [{ kind: 'crash', target: 'leader' }],
    phaseAt: (ms) => (ms < 100 ? 'baseline' : 'fault'),
    elapsedMs: () => 150,
    readLinks: async () => [
      {
        ...counters,
        from: 'n1',
        to: 'n2',
        connectionsOpen: 1,
        connectionsTotal: 2,
        connectionsRefused: 1,
        resets: 1,
        chunksDelayed: 0,
        chunksLost: 0,
        chunksThrottled: 0,
        closesDelayed: 0,
      },
    ],
    generators: () => ['# TYPE distributed_retry_attempts_total counter\ndistributed_retry_attempts_total{operation="read"} 3\n'],
  });
  harness.scheduled();
  harness.scheduled();
  harness.dropped('registers');
  harness.started(50, 51);
  harness.ended({
    load: 'registers',
    operation: 'read',
    isRead: true,
    outcome: 'ok',
    code: undefined,
    expected: false,
    scheduledMs: 50,
    sentMs: 51,
    atMs: 55,
  });
  harness.faultBegan({ kind: 'crash', target: 'leader' });
  return harness;
}

test('the harness shows what happened, and the generators under a label of their own', async () => {
  const harness = await harnessOfAScenario();
  const { text, contentType } = await harness.expose('application/openmetrics-text');
  expect(contentType).toContain('application/openmetrics-text');
  for (const line of [
    'distributed_fault_active{kind="crash",target="leader"} 1',
    'distributed_load_phase{phase="baseline"} 0',
    'distributed_load_phase{phase="fault"} 1',
    'distributed_load_offered_total 2',
    'distributed_load_started_total 1',
    'distributed_load_in_flight 0',
    'distributed_load_dropped_total{load="registers"} 1',
    'distributed_load_response_time_seconds_bucket{le="0.005",load="registers",operation="read",outcome="ok",phase="baseline"} 1',
    'distributed_load_service_time_seconds_sum{load="registers",operation="read",outcome="ok",phase="baseline"} 0.004',
    'distributed_load_lag_seconds_sum 0.001',
    'distributed_link_bytes_total{from="n1",to="n2"} 9',
    'distributed_link_held_bytes{from="n1",to="n2"} 1',
    'distributed_link_resets_total{from="n1",to="n2"} 1',
    'distributed_link_refused_total{from="n1",to="n2"} 1',
    'distributed_link_connections{from="n1",to="n2"} 1',
    'distributed_retry_attempts_total{generator="1",operation="read"} 3',
  ])
    expect(text).toContain(`${line}\n`);
  harness.faultBegan({ kind: 'crash', target: 'leader' });
  harness.faultEnded({ kind: 'crash', target: 'leader' });
  expect((await harness.expose()).text).toContain('distributed_fault_active{kind="crash",target="leader"} 1\n');
  harness.faultEnded({ kind: 'crash', target: 'leader' });
  expect((await harness.expose()).text).toContain('distributed_fault_active{kind="crash",target="leader"} 0\n');
  harness.close();
});
