import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sleep, systemClock } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import { LatencyHistogram } from '../result/histogram.ts';
import { latencyOf } from '../result/latency.ts';
import type { KeptTrace, Statistic } from '../result/schema.ts';
import { explainedBy, TraceCollection } from './collection.ts';
import { encodeJson } from './otlp-json.ts';
import type { ReceivedSpan } from './received-span.ts';
import type { EndedOperation } from './selection.ts';
import { addWrite, TraceBuilder } from './testing/trace-builder.ts';
import { assembleAll, readTraces, writeTraces } from './trace-file.ts';

let folder: string;
let collection: TraceCollection;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'windtunnel-traces-'));
  await mkdir(join(folder, 'steady'));
  collection = await TraceCollection.start({ random: new Random(1), clock: systemClock });
});
afterEach(async () => {
  await collection.close();
  await rm(folder, { recursive: true });
});

/** Processes that hold every span until they are asked for its trace. */
class Recorders {
  readonly builder = new TraceBuilder();
  readonly operations: EndedOperation[] = [];
  asked: string[] = [];
  readonly #sent: Promise<unknown>[] = [];
  readonly #mayBeFull: boolean;

  constructor(mayBeFull = false) {
    this.#mayBeFull = mayBeFull;
  }

  /** A write most of which is the sync of its disk when it is slow. */
  write(fsync: number): void {
    const startMs = this.operations.length * 10;
    const {
      traceId,
      startMs: from,
      endMs: to,
    } = addWrite(this.builder, { network: 1, mailbox: 1, append: 0.5, fsync, apply: 0.5 }, startMs);
    const operation: EndedOperation = {
      traceId,
      load: 'registers',
      operation: 'write',
      phase: 'baseline',
      outcome: 'ok',
      startMs,
      responseMs: to - from,
      serviceMs: to - from,
    };
    this.operations.push(operation);
    collection.offer(operation);
  }

  readonly ask = async (traceIds: readonly string[]): Promise<void> => {
    this.broadcast(traceIds);
    await this.delivered();
  };

  readonly broadcast = (traceIds: readonly string[]): void => {
    this.asked.push(...traceIds);
    const wanted = new Set(traceIds);
    for (const instance of ['1', 'n1', 'n2', 'n3']) {
      const spans = this.builder.spans.filter((span) => span.instance === instance && wanted.has(span.traceId));
      if (spans.length > 0) this.#sent.push(this.#export(spans));
    }
  };

  async delivered(): Promise<void> {
    await Promise.all(this.#sent);
  }

  async #export(spans: readonly ReceivedSpan[]): Promise<void> {
    const response = await fetch(collection.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: encodeJson(spans),
    });
    if ((await response.text()) !== '{}' && !this.#mayBeFull) throw new Error('the receiver did not take all');
  }
}

function statisticsOf(operations: readonly EndedOperation[]): Statistic[] {
  const histogram = new LatencyHistogram();
  for (const { responseMs } of operations) histogram.record(responseMs * 1_000);
  const latency = latencyOf(histogram);
  return [
    {
      load: 'registers',
      operation: 'write',
      outcome: 'ok',
      phase: 'baseline',
      count: operations.length,
      responseTime: latency,
      serviceTime: latency,
    },
  ];
}

function load(recorders: Recorders, count = 1_200): void {
  const random = new Random(3);
  for (let number = 0; number < count; number++) {
    recorders.write(number % 50 === 0 ? 80 + random.exponential(40) : 0.5 + random.exponential(0.4));
    if (number % 100 === 99) recorders.broadcast(collection.takeWanted());
  }
}

const finish = (recorders: Recorders, more: object = {}) =>
  collection.finish({
    statistics: statisticsOf(recorders.operations),
    ask: recorders.ask,
    folder,
    scenario: 'steady',
    faults: [],
    startedWallMs: 0,
    ...more,
  });

describe('a collection', () => {
  test('has whole traces of the slowest and of every percentile, with their batches, and says where the time went', async () => {
    const recorders = new Recorders();
    load(recorders);
    const traces = await finish(recorders);
    expect(traces).toMatchObject({ file: 'steady/traces.jsonl', incomplete: 0, spansDropped: 0, spansLost: 0 });
    expect(traces.kept).toBe(traces.list.length);
    // Nobody asked for most of it.
    expect(new Set(recorders.asked).size).toBe(recorders.asked.length);
    expect(traces.spansReceived).toBeLessThan(recorders.builder.spans.length / 2);
    const share = (bucket: string, part: string) =>
      traces.criticalPaths.find((each) => each.bucket === bucket)?.shares.find((each) => each.part === part)?.share ?? 0;
    expect(traces.criticalPaths.map(({ bucket }) => bucket)).toEqual(['p50', 'p90', 'p99', 'slowest']);
    expect(share('p99', 'fsync')).toBeGreaterThan(0.9);
    expect(share('slowest', 'fsync')).toBeGreaterThan(0.9);
    expect(share('p50', 'fsync')).toBeLessThan(0.35);
    for (const { shares } of traces.criticalPaths) expect(shares.reduce((sum, each) => sum + each.share, 0)).toBeCloseTo(1, 9);
    expect(explainedBy(traces)).toBe('complete');
  });

  test('its file holds the same traces, a batch only once, and other tools can read it', async () => {
    const recorders = new Recorders();
    load(recorders);
    const traces = await finish(recorders);
    const path = join(folder, 'steady', 'traces.jsonl');
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(traces.kept);
    const first = JSON.parse(lines[0] as string) as { resourceSpans: { resource: object; scopeSpans: { spans: object[] }[] }[] };
    expect(first.resourceSpans.map(({ resource }) => JSON.stringify(resource)).join()).toContain(
      '"service.instance.id","value":{"stringValue":"n2"}',
    );
    const read = await readTraces(path);
    const all = assembleAll(
      read,
      traces.list.map(({ traceId }) => traceId),
    );
    expect(all).toHaveLength(traces.kept);
    for (const { missing, linked } of all) {
      expect(missing).toEqual([]);
      expect(linked.size).toBe(1);
    }
    const ids = [...read.values()].flat().map(({ traceId, spanId }) => traceId + spanId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('has what every process sends of them, also when nothing else tells that it is missing', async () => {
    const recorders = new Recorders();
    recorders.write(1);
    // Both peers were faster than the leader's own disk, whose spans come last.
    const { builder } = recorders;
    const isLate = ({ name, instance }: ReceivedSpan) => instance === 'n1' && (name === 'raft.append' || name === 'raft.fsync');
    const late = builder.spans.filter(isLate);
    const third = builder.spans
      .filter(({ name, instance }) => name === 'raft.append' && instance === 'n2')
      .map((span) => ({ ...span, spanId: 'c'.repeat(16), instance: 'n3' }));
    builder.spans.splice(0, Infinity, ...builder.spans.filter((span) => !isLate(span)), ...third);
    const ask = async (traceIds: readonly string[]) => {
      await recorders.ask(traceIds);
      if (!late.some(({ traceId }) => traceIds.includes(traceId))) return;
      await sleep(systemClock, 100);
      builder.spans.splice(0, Infinity, ...late);
      await recorders.ask(late.map(({ traceId }) => traceId));
    };
    const traces = await finish(recorders, { ask });
    expect(traces).toMatchObject({ kept: 1, incomplete: 0 });
    const read = await readTraces(join(folder, 'steady', 'traces.jsonl'));
    const ids = [...read.values()].flat().map(({ spanId }) => spanId);
    expect(ids).toEqual(expect.arrayContaining(late.map(({ spanId }) => spanId)));
  });

  test('waits for a process that does not answer only so long', async () => {
    const recorders = new Recorders();
    recorders.write(1);
    const ask = async (traceIds: readonly string[]) => {
      await recorders.ask(traceIds);
      await new Promise<never>(() => {});
    };
    expect(await finish(recorders, { ask, timeoutMs: 300 })).toMatchObject({ kept: 1 });
  });

  test('says what is missing, and that a node was killed with it', async () => {
    const recorders = new Recorders();
    load(recorders, 100);
    await recorders.delivered();
    // Now that the links to their batches are known.
    recorders.broadcast(collection.takeWanted());
    await recorders.delivered();
    // n1 dies, and with it everything that it was not asked for.
    recorders.write(500);
    const { spans } = recorders.builder;
    const slow = recorders.operations.at(-1) as EndedOperation;
    spans.splice(0, Infinity, ...spans.filter((span) => span.instance !== 'n1'));
    collection.spansLost(7);
    const faults = [{ kind: 'crash', nodes: ['n1'], startMs: slow.startMs + 600, endMs: 9_000 }];
    const traces = await finish(recorders, { faults });
    const found = traces.list.find(({ traceId }) => traceId === slow.traceId);
    expect(found?.keptFor).toContain('slowest');
    expect(found?.missing).toEqual(["the node's side of retry.attempt of 1", 'n1 was killed at 1.6s with the spans it held']);
    expect(traces).toMatchObject({ incomplete: 1, spansLost: 7 });
    // There are others of the slowest that are whole.
    expect(explainedBy(traces)).toBe('complete');
  });

  test('of a load that was not traced is empty and writes no file', async () => {
    const traces = await finish(new Recorders());
    expect(traces).toEqual({
      kept: 0,
      incomplete: 0,
      spansReceived: 0,
      spansDropped: 0,
      spansLost: 0,
      list: [],
      criticalPaths: [],
    });
    expect(explainedBy(traces)).toBe('partial');
    await expect(readFile(join(folder, 'steady', 'traces.jsonl'))).rejects.toThrow('ENOENT');
  });

  test('that had no room for spans says how many', async () => {
    await collection.close();
    collection = await TraceCollection.start({ random: new Random(1), clock: systemClock, limits: { store: { spans: 20 } } });
    const recorders = new Recorders(true);
    load(recorders, 200);
    const traces = await finish(recorders);
    expect(traces.spansDropped).toBeGreaterThan(100);
    expect(traces.incomplete).toBeGreaterThan(5);
  });

  test('stops waiting when it is told to', async () => {
    const recorders = new Recorders();
    recorders.write(1);
    const controller = new AbortController();
    const reason = new Error('enough');
    const ask = () => Promise.resolve(controller.abort(reason));
    await expect(finish(recorders, { ask, signal: controller.signal })).rejects.toBe(reason);
  });
});

test('a run is explained when every load and phase has a whole trace of a slowest request', () => {
  const trace = (phase: KeptTrace['phase'], missing?: string[], keptFor: KeptTrace['keptFor'] = ['slowest']): KeptTrace => ({
    traceId: 'a'.repeat(32),
    keptFor,
    load: 'registers',
    operation: 'write',
    phase,
    outcome: 'ok',
    startMs: 0,
    responseMs: 1,
    serviceMs: 1,
    ...(missing && { missing }),
  });
  expect(explainedBy({ list: [trace('baseline'), trace('fault', ['the root']), trace('fault')] })).toBe('complete');
  expect(explainedBy({ list: [trace('baseline'), trace('fault', ['the root'])] })).toBe('partial');
  expect(explainedBy({ list: [trace('baseline', undefined, ['p50'])] })).toBe('partial');
  expect(explainedBy({ list: [trace('warmup', ['the root']), trace('baseline')] })).toBe('complete');
});

test('a batch that carried several requests is written once', async () => {
  const builder = new TraceBuilder();
  const [one, two] = [addWrite(builder, { append: 1 }), addWrite(builder, { append: 1 })];
  const batch = builder.spans.find(({ name }) => name === 'raft.batch') as ReceivedSpan;
  const shared = builder.spans.map((span) =>
    span.links === undefined ? span : { ...span, links: [{ traceId: batch.traceId, spanId: batch.spanId }] },
  );
  builder.spans.splice(0, Infinity, ...shared);
  const path = join(folder, 'shared.jsonl');
  await writeTraces(path, [builder.assemble(one), builder.assemble(two)]);
  const read = await readTraces(path);
  expect(read.get(batch.traceId)).toHaveLength(shared.filter(({ traceId }) => traceId === batch.traceId).length);
  for (const { missing, linked } of assembleAll(read, [one.traceId, two.traceId]))
    expect([missing.length, linked.size]).toEqual([0, 1]);
});

test('a line of a file that is no trace is named', async () => {
  const path = join(folder, 'bad.jsonl');
  await writeFile(path, '{"resourceSpans":[]}\n\n{"resourceSpans":5}\n');
  await expect(readTraces(path)).rejects.toThrow(`${path}:3: resourceSpans must be a list, not 5`);
  await expect(readTraces(join(folder, 'none.jsonl'))).rejects.toThrow('ENOENT');
});
