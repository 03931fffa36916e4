// Traces end to end: one of a write is whole across processes, what is kept explains the slowest requests, what is sent live
// arrives, and what does not arrive makes the run invalid.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../harness/result/files.ts';
import type { Fault } from '../harness/scenario/faults.ts';
import { type AssembledTrace, SpanChildren, spanTitle } from '../harness/traces/assembly.ts';
import type { ReceivedSpan } from '../harness/traces/received-span.ts';
import { assembleAll, readTraces } from '../harness/traces/trace-file.ts';
import { SPANS } from '../telemetry/catalogue.ts';
import { openCollector } from '../telemetry/testing/collector.ts';
import { ThriftReader, type ThriftStruct } from '../telemetry/testing/thrift.ts';
import { scenarioFolder } from './testing/scenario-folder.ts';

const TIMEOUT_MS = 120_000;
/** By how much the clocks of processes of one machine may differ: each reads the wall clock once, at its start. */
const CLOCKS_MS = 25;

const folder = scenarioFolder('traces');

async function run(options: {
  seconds?: number;
  faults?: readonly Fault[];
  flags?: readonly string[];
  env?: Record<string, string>;
}) {
  const { seconds = 4, faults = [], flags = [], env = {} } = options;
  const duration = `${seconds}s`;
  const path = folder.writeOwn(
    `cluster: { nodes: 3 }, warmup: '1s', recovery: '1s',
      loads: {
        registers: { executor: 'constant-vus', vus: 2, duration: '${duration}', workload: { kind: 'registers', keys: 5 } },
        elements: { executor: 'constant-vus', vus: 2, duration: '${duration}', workload: { kind: 'set' } },
      },
      faults: ${JSON.stringify(faults)}`,
  );
  const results = join(folder.path, 'results');
  const running = folder.start(['run', path, '--results', results, ...flags], { env });
  const { code } = await running.ended;
  const [only = 'no result'] = readdirSync(results);
  const [result] = (await readRun(join(results, only))).scenarios;
  const { traces } = result ?? {};
  const printed = running.out() + running.err();
  const kept = async () => {
    const spans = await readTraces(join(results, only, traces?.file ?? 'no file of traces'));
    return assembleAll(
      spans,
      (traces?.list ?? []).map(({ traceId }) => traceId),
    );
  };
  return { code, result, traces, printed, kept };
}

/** Every span under its parent, within what clocks can tell. */
function expectSane(trace: AssembledTrace): void {
  for (const spans of [trace.spans, ...trace.linked.values()]) {
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    expect(spans.filter(({ parentSpanId }) => parentSpanId === undefined)).toHaveLength(1);
    for (const span of spans) {
      expect(span.endMs).toBeGreaterThanOrEqual(span.startMs);
      if (span.parentSpanId === undefined) continue;
      const parent = byId.get(span.parentSpanId);
      expect(parent, `the parent of ${spanTitle(span)}`).toBeDefined();
      expect(span.startMs, `${spanTitle(span)} in ${parent && spanTitle(parent)}`).toBeGreaterThanOrEqual(
        (parent?.startMs ?? 0) - CLOCKS_MS,
      );
    }
  }
}

function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan[] {
  return spans.filter((span) => span.name === name);
}

test(
  'a trace of a write is whole, from the schedule to the disks of the peers; the slowest requests are explained',
  async () => {
    const { code, result, traces, printed, kept } = await run({});
    expect([0, 96], printed).toContain(code);
    expect(traces).toMatchObject({ incomplete: 0, spansDropped: 0, spansLost: 0 });
    expect(result?.verdicts.explained).toBe('complete');
    const all = await kept();
    expect(all.length).toBeGreaterThan(10);
    for (const trace of all) {
      expect(trace.missing).toEqual([]);
      expectSane(trace);
    }
    // Every span of the catalogue is measured, with every attribute that is not about what went wrong or had to wait.
    const seen = new Map<string, Set<string>>();
    for (const { spans, linked } of all)
      for (const { name, attributes } of [...spans, ...[...linked.values()].flat()])
        for (const attribute of ['', ...Object.keys(attributes)])
          seen.set(name, (seen.get(name) ?? new Set<string>()).add(attribute));
    const UNLUCKY = new Set(['error.type', 'windtunnel.retry.pause_ms', 'windtunnel.pool.waiting']);
    for (const [name, { attributes }] of Object.entries(SPANS)) {
      // That of the scenario goes only where sampled traces go.
      if (name === 'load.scenario') continue;
      const expected = ['', ...Object.keys(attributes).filter((attribute) => !UNLUCKY.has(attribute))];
      expect([...(seen.get(name) ?? [])], name).toEqual(expect.arrayContaining(expected));
    }
    const writes = all.filter(({ spans }) => named(spans, 'raft.quorum').length === 1);
    expect(writes.length).toBeGreaterThan(0);
    for (const { root, spans, linked } of writes) {
      expect(root).toMatchObject({ name: 'load.operation', service: 'windtunnel-load', instance: 'g1' });
      const children = new SpanChildren(spans);
      const below = (span: ReceivedSpan | undefined, name: string) =>
        span && children.of(span).find((child) => child.name === name);
      const attempt = children.of(below(root, 'client.execute') as ReceivedSpan).at(-1);
      const server = below(attempt, 'rpc.server');
      expect(server?.service).toBe('windtunnel-node');
      for (const name of ['raft.mailbox', 'raft.quorum', 'store.apply'])
        expect(below(server, name)?.instance, name).toBe(server?.instance);
      const frame = linked.get(attempt?.links?.[0]?.traceId ?? '') ?? [];
      expect(named(frame, 'rpc.session.frame')).toHaveLength(1);
      const batch = linked.get(below(server, 'raft.quorum')?.links?.[0]?.traceId ?? '') ?? [];
      const [batchRoot] = named(batch, 'raft.batch');
      expect(batchRoot?.instance).toBe(server?.instance);
      const inBatch = new SpanChildren(batch);
      // On a majority of three disks. Those of both peers may be faster than the leader's own.
      const own = inBatch.of(batchRoot as ReceivedSpan);
      const appends = [
        ...own.filter(({ name, instance }) => name === 'raft.append' && instance === server?.instance),
        ...own
          .filter(({ name }) => name === 'raft.replicate')
          .flatMap((span) =>
            inBatch
              .of(span)
              .filter(({ name, instance }) => name === 'raft.append' && instance === span.attributes['windtunnel.peer.id']),
          ),
      ];
      expect(new Set(appends.map(({ instance }) => instance)).size).toBeGreaterThanOrEqual(2);
    }
    expect(printed).toContain('where the time went');
  },
  TIMEOUT_MS,
);

test(
  'a fault is an event of the requests that it met',
  async () => {
    const faults: Fault[] = [{ kind: 'pause', target: 'leader', at: '3s', duration: '1s' }];
    const { code, printed, kept } = await run({ seconds: 7, faults });
    expect([0, 96], printed).toContain(code);
    const events = (await kept()).flatMap(({ root }) => root?.events ?? []);
    expect(events.map(({ name }) => name)).toContain('fault begins');
    expect(events[0]?.attributes).toMatchObject({ 'windtunnel.fault': 'pause' });
  },
  TIMEOUT_MS,
);

test(
  'with OTEL_TRACES_EXPORTER=jaeger all sampled traces arrive at a Jaeger collector, as Thrift',
  async () => {
    const { bodies, origin } = await openCollector(202);
    const env = { OTEL_TRACES_EXPORTER: 'jaeger', OTEL_EXPORTER_JAEGER_ENDPOINT: `${origin}/api/traces` };
    const { code, result, traces, printed } = await run({ seconds: 3, env });
    expect([0, 96], printed).toContain(code);
    expect(traces?.spansLost).toBe(0);
    const batches = bodies.map((body) => new ThriftReader(body).struct());
    const spans = batches.flatMap((batch) =>
      (batch.get(2) as readonly ThriftStruct[]).map((span) => ({
        service: (batch.get(1) as ThriftStruct).get(1),
        trace: `${span.get(2) as bigint} ${span.get(1) as bigint}`,
        id: span.get(3) as bigint,
        parent: span.get(4) as bigint,
        name: span.get(5) as string,
        logs: (span.get(11) ?? []) as readonly ThriftStruct[],
      })),
    );
    // One request in a hundred, as nothing else was said.
    const roots = spans.filter(({ name }) => name === 'load.operation');
    expect(roots.length).toBeGreaterThan(0);
    expect(roots.length).toBeLessThan((result?.totals.started ?? 0) / 10);
    const ids = new Set(spans.map(({ trace, id }) => `${trace} ${id}`));
    for (const { trace, parent, name } of spans)
      if (parent !== 0n) expect(ids.has(`${trace} ${parent}`), `the parent of ${name}`).toBe(true);
    expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(['windtunnel', 'windtunnel-load', 'windtunnel-node']));
    expect(spans.filter(({ name }) => name === 'load.scenario')).toHaveLength(1);
  },
  TIMEOUT_MS,
);

test(
  'a collector that takes nothing makes the run invalid, and says so',
  async () => {
    const { origin } = await openCollector(500);
    const { code, result, traces, printed } = await run({
      seconds: 3,
      flags: ['--traces', `jaeger=${origin}`, '--sample', '0.5'],
    });
    expect(code, printed).toBe(96);
    expect(traces?.spansLost).toBeGreaterThan(0);
    expect(result?.invalid.join()).toMatch(/\d+ spans were dropped, so its traces are not whole: .*jaeger=/);
  },
  TIMEOUT_MS,
);

test(
  'with --traces off nothing is traced',
  async () => {
    const { code, result, traces, printed } = await run({ seconds: 2, flags: ['--traces', 'off'] });
    expect([0, 96], printed).toContain(code);
    expect(traces).toBeUndefined();
    expect(result?.verdicts.explained).toBe('partial');
  },
  TIMEOUT_MS,
);
