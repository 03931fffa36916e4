import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Run, ScenarioTraces } from '../result/schema.ts';
import { assemble } from '../traces/assembly.ts';
import type { ReceivedSpan } from '../traces/received-span.ts';
import { addWrite, TraceBuilder } from '../traces/testing/trace-builder.ts';
import { tracedRun } from '../traces/testing/traced-run.ts';
import { writeTraces } from '../traces/trace-file.ts';
import { renderPage } from './page.ts';
import { readSpans } from './read-spans.ts';
import { HARM, longRun } from './testing/runs.ts';
import { waterfall } from './waterfall.ts';
import { writePage } from './write-page.ts';

const { run, scenario, spans } = tracedRun();
const traces = scenario.traces as ScenarioTraces;

function bodyOf(of: Run, all: ReadonlyMap<string, readonly ReceivedSpan[]> | undefined): string {
  return renderPage(of, { isBesideResult: true, spans: [undefined, all] }).replaceAll(/<(script|style)\b[^]*?<\/\1>/g, '');
}
const wordsOf = (body: string) =>
  body
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll(/\s+/g, ' ');
const body = bodyOf(run, spans);
const words = wordsOf(body);

describe('the traces of a page', () => {
  test('every kept trace has a waterfall, and its own reasons', () => {
    expect(body.match(/<details class="trace">/g)).toHaveLength(traces.kept);
    expect(words).toContain('All of them are in leader-crash/traces.jsonl');
    expect(words).toMatch(/write slowest p99\.9 baseline, at [\d.]+s \d\d% fsync , sent after/);
    const missing = "Missing: the node's side of retry.attempt of 1; n1 was killed at 10.0s with the spans it held";
    expect(words.includes(missing)).toBe(true);
  });

  test('where the time went is said in words and in a table', () => {
    expect(words).toMatch(/p99: \d\d% fsync/);
    expect(body).toContain('aria-label="Where the time went, baseline"');
    expect(words).toMatch(/part p50 p90 p99 p99\.9 slowest response time, mean 2\.12ms/);
    expect(words).not.toMatch(/undefined|NaN|Infinity|\[object/);
  });

  test('a trace of which nothing is there is named all the same', () => {
    const [first] = traces.list;
    const some = wordsOf(bodyOf(run, new Map([...spans].filter(([id]) => id !== first?.traceId))));
    expect(some).toContain(`trace ${first?.traceId}`);
    expect(some.match(/None of its spans are in the file/g)).toHaveLength(1);
    expect(some).not.toMatch(/NaN|Infinity/);
  });

  test('a page without the file says so, and one without traces has no such part', () => {
    const without = wordsOf(bodyOf(run, undefined));
    expect(without).toContain('The spans are in leader-crash/traces.jsonl');
    expect(without).toContain('this page was made without that file');
    expect(without).toMatch(/p99: \d\d% fsync/);
    const untraced = structuredClone(run);
    for (const each of untraced.scenarios) delete each.traces;
    expect(wordsOf(bodyOf(untraced, undefined))).not.toMatch(/Where the time went|Traces/);
  });

  test('whatever the number of traces and scenarios, the page stays below two megabytes, and each reason is shown first', () => {
    const many: ScenarioTraces = { ...traces, list: [], kept: 0 };
    const all = new Map<string, readonly ReceivedSpan[]>(spans);
    const builder = new TraceBuilder(9, {}, Date.parse(scenario.startedAt));
    for (let each = 0; each < 600; each++) {
      const { traceId } = addWrite(builder, { mailbox: 1, fsync: 5, network: 1, failedAttempt: 3 }, 5_000);
      const keptFor = (['slowest', 'p50', 'p99'] as const)[Math.floor(each / 200)] as 'p50';
      many.list.push({
        traceId,
        keptFor: [keptFor],
        load: 'registers',
        operation: 'write',
        phase: 'baseline',
        outcome: 'ok',
        startMs: 5_000,
        responseMs: 9,
        serviceMs: 9,
      });
    }
    for (const [id, own] of Map.groupBy(builder.spans, ({ traceId }) => traceId)) all.set(id, own);
    const large = structuredClone(run);
    // Without traces these take one and a half megabytes.
    const [, long] = longRun().scenarios;
    large.scenarios = Array.from({ length: 6 }, () => ({ ...(long as typeof scenario), traces: many }));
    const page = renderPage(large, { isBesideResult: true, spans: large.scenarios.map(() => all) });
    expect(page.length).toBeLessThan(2_000_000);
    const shown = page.split('<section id="scenario-').slice(1);
    for (const each of shown.slice(0, 6)) {
      const reasons = [...each.matchAll(/class="reasons"><span>([\w.]+)</g)].map((match) => match[1]);
      expect(new Set(reasons)).toEqual(new Set(['slowest', 'p50', 'p99']));
      expect(wordsOf(each)).toMatch(/\d+ more are in/);
    }
  });

  test('no text of a span becomes markup', () => {
    const hostile = new Map(
      [...spans].map(([id, own]) => [
        id,
        own.map((span) => ({
          ...span,
          name: span.name + HARM,
          instance: span.instance + HARM,
          service: span.service + HARM,
          attributes: { [`key${HARM}`]: `safe\u202etxt${HARM}`, 'windtunnel.peer.id': HARM },
          events: [{ name: HARM, timeMs: span.startMs, attributes: { a: HARM } }],
          error: HARM,
        })),
      ]),
    );
    const text = renderPage(run, { isBesideResult: true, spans: [undefined, hostile] });
    expect(text.match(/<script\b/g)).toHaveLength(2);
    expect(text).not.toMatch(/<img|<b>&amp;|\u202e/);
    expect(text).toContain('safetxt');
  });
});

describe('a waterfall', () => {
  test('has a node whose clock is off where it belongs, and says so', () => {
    const rectsOf = (skewMs: number) => {
      const builder = new TraceBuilder(1, { n1: skewMs, n2: skewMs });
      const root = addWrite(builder, { network: 4, mailbox: 1, append: 1, fsync: 5, peerNetwork: 3, peerFsync: 1 });
      return waterfall(builder.assemble(root), []).text;
    };
    const bars = (text: string) => [...text.matchAll(/<rect class="part-[^>]*>/g)].map(([rect]) => rect);
    // Pushed to the end of what waited for it.
    expect(bars(rectsOf(2))).toEqual(bars(rectsOf(900)));
    expect(rectsOf(900)).toContain('<dt>clock</dt><dd>moved by -898ms, so that it lies within what waited for it</dd>');
    expect(rectsOf(0.5)).not.toContain('<dt>clock</dt>');
  });

  test('shows a batch once, though two spans link to it', () => {
    const builder = new TraceBuilder();
    const root = addWrite(builder, { mailbox: 1, append: 1, fsync: 5 });
    const quorum = builder.spans.find(({ name }) => name === 'raft.quorum') as ReceivedSpan;
    builder.spans.push({ ...quorum, spanId: 'f'.repeat(16) });
    expect(waterfall(builder.assemble(root), []).text.match(/↳/g)).toHaveLength(1);
  });

  test('of spans in a circle, without a root, or in great number ends', () => {
    const builder = new TraceBuilder();
    const root = builder.add('load.operation', '1', 0, 10);
    const one = builder.add('client.execute', '1', 1, 9, root);
    const two = builder.add('retry.attempt', '1', 2, 8, one);
    const circle = [
      { ...one, parentSpanId: two.spanId },
      { ...two, parentSpanId: one.spanId },
    ];
    const linkedBack = { ...root, links: [{ traceId: root.traceId, spanId: one.spanId }] };
    const of = (own: readonly ReceivedSpan[]) =>
      waterfall(
        assemble(root.traceId, (id) => own.filter(({ traceId }) => traceId === id)),
        [],
      ).text;
    expect(of([linkedBack, ...circle]).match(/<li/g)).toHaveLength(1);
    expect(of([one, two]).match(/<li/g)).toHaveLength(2);
    let parent = root;
    const chain = [root, ...Array.from({ length: 1_500 }, () => (parent = builder.add('rpc.server', 'n1', 0, 10, parent)))];
    const text = of(chain);
    expect(text.match(/<li/g)).toHaveLength(200);
    expect(text).toContain('1301 more spans are in the file.');
  });
});

describe('the spans beside a result', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'windtunnel-spans-'));
    await mkdir(join(folder, 'leader-crash'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('are read for its page', async () => {
    const all = traces.list.map(({ traceId }) => assemble(traceId, (id) => spans.get(id) ?? []));
    await writeTraces(join(folder, 'leader-crash', 'traces.jsonl'), all);
    const page = await readFile(await writePage(run, folder), 'utf8');
    expect(page.match(/<details class="trace">/g)).toHaveLength(traces.kept);
  });

  test('that are not there, damaged, or elsewhere than beside it, are left out', async () => {
    expect(await readSpans(run, folder)).toEqual([undefined, undefined]);
    await writeFile(join(folder, 'leader-crash', 'traces.jsonl'), '{"resourceSpans":[');
    expect(await readSpans(run, folder)).toEqual([undefined, undefined]);
    const tampered = structuredClone(run);
    Object.assign(tampered.scenarios[1]?.traces as object, { file: '../outside.jsonl' });
    await writeFile(join(folder, '..', 'outside.jsonl'), '');
    expect(await readSpans(tampered, folder)).toEqual([undefined, undefined]);
    await rm(join(folder, '..', 'outside.jsonl'));
  });
});
