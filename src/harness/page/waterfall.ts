// One trace as a waterfall: a row for each span below its parent, what it links to (the batch that carried a write) below the
// span that links to it. Every row opens to the attributes of its span. Needs no script.

import { formatDuration } from '../../runtime/duration.ts';
import type { AttributeValue } from '../../telemetry/span.ts';
import type { FaultWindow } from '../result/schema.ts';
import { type AssembledTrace, rootOf, SpanChildren } from '../traces/assembly.ts';
import type { ReceivedSpan } from '../traces/received-span.ts';
import { type Markup, markup, type Part } from './markup.ts';

/** Of spans in one waterfall, and of steps that rows are indented by. */
const MOST_ROWS = 200;
const MOST_DEPTH = 9;
/** The axis has this many units, and what is shorter than two is drawn as two. */
const WIDTH = 1_000;
const LEAST_WIDTH = 2;

interface Row {
  readonly span: ReceivedSpan;
  readonly depth: number;
  /** In a trace of its own that a span of this one links to. */
  readonly isLinked: boolean;
  /** Below a replication to a peer. */
  readonly isPeer: boolean;
}

/** What the time axis of a waterfall shows: milliseconds since the epoch. */
interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** @param faults with times in milliseconds since the epoch. */
export function waterfall(trace: AssembledTrace, faults: readonly FaultWindow[]): Markup {
  const rows = rowsOf(trace);
  const stretch = stretchOf(trace);
  const overlapping = faults.filter(({ startMs, endMs }) => startMs < stretch.toMs && endMs > stretch.fromMs);
  const shades = overlapping.map(({ startMs, endMs }) => markup`<rect class="fault" ${place(startMs, endMs, stretch)}/>`);
  const left = trace.spans.length + [...trace.linked.values()].flat().length - rows.length;
  return markup`${overlapping.map(({ kind, nodes, target, startMs, endMs }) => markup`<p class="note during"><i class="swatch area during"></i>${kind} of ${nodes.join(', ') || target} from ${offset(startMs, stretch)} to ${offset(endMs, stretch)} of this axis</p>`)}
<p class="ticks" aria-hidden="true"><span>0</span><span>${formatDuration((stretch.toMs - stretch.fromMs) / 2)}</span><span>${formatDuration(stretch.toMs - stretch.fromMs)}</span></p>
<ol class="spans">${rows.slice(0, MOST_ROWS).map((row) => rowMarkup(row, stretch, shades))}</ol>${left > 0 && markup`<p class="note">${left} more spans are in the file.</p>`}`;
}

/** Depth first; spans whose parents are missing come last, without indentation. */
function rowsOf({ spans, linked }: AssembledTrace): Row[] {
  const rows: Row[] = [];
  const seen = new Set<string>();
  const children = new SpanChildren([...spans, ...[...linked.values()].flat()]);
  const visit = (span: ReceivedSpan, depth: number, isLinked: boolean, isPeer: boolean): void => {
    if (seen.has(span.spanId) || rows.length >= MOST_ROWS) return;
    seen.add(span.spanId);
    rows.push({ span, depth: Math.min(depth, MOST_DEPTH), isLinked, isPeer });
    for (const child of children.of(span)) visit(child, depth + 1, isLinked, isPeer || span.name === 'raft.replicate');
    for (const { traceId } of span.links ?? [])
      for (const top of topsOf(linked.get(traceId) ?? [])) visit(top, depth + 1, true, false);
  };
  for (const top of topsOf(spans)) visit(top, 0, false, false);
  return rows;
}

function topsOf(spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans.filter(({ parentSpanId }) => parentSpanId === undefined || !ids.has(parentSpanId));
}

/** The root's; without one all that is there. */
function stretchOf({ spans }: AssembledTrace): Stretch {
  const all = rootOf(spans) === undefined ? spans : [rootOf(spans) as ReceivedSpan];
  const fromMs = all.reduce((least, { startMs }) => Math.min(least, startMs), Infinity);
  const toMs = all.reduce((most, { endMs }) => Math.max(most, endMs), -Infinity);
  return { fromMs, toMs: Math.max(toMs, fromMs + 0.001) };
}

function rowMarkup({ span, depth, isLinked, isPeer }: Row, stretch: Stretch, shades: Part): Markup {
  const { name, instance, service, startMs, endMs, error } = span;
  const durationMs = endMs - startMs;
  const words = `${isLinked ? 'batch, ' : ''}level ${depth + 1}, begins at ${offset(startMs, stretch)}`;
  return markup`<li class="${`d${depth}${isLinked ? ' linked' : ''}`}"><details><summary><span class="name">${isLinked && markup`<span aria-hidden="true">↳ </span>`}${name} <i>${instance || service}</i>${error !== undefined && markup` <strong class="bad">✗</strong>`}<span class="unseen">, ${words}</span></span><svg viewBox="0 0 ${WIDTH} 1" preserveAspectRatio="none" aria-hidden="true">${shades}<rect class="${colourOf(span, isPeer)}" ${place(startMs, endMs, stretch)}/></svg><span class="took">${formatDuration(durationMs)}</span></summary>${attributeList(span, stretch)}</details></li>
`;
}

function attributeList({ attributes, events = [], error }: ReceivedSpan, stretch: Stretch): Markup {
  const entries = Object.entries(attributes);
  return markup`<dl>${error !== undefined && markup`<dt>error</dt><dd class="bad">${error}</dd>`}${entries.map(entry)}${events.map(({ name, timeMs, attributes: own }) => markup`<dt>${offset(timeMs, stretch)}</dt><dd>${name}${Object.entries(own).map(([key, value]) => ` ${key}=${value}`)}</dd>`)}${entries.length + events.length === 0 && error === undefined && markup`<dt>no attributes</dt>`}</dl>`;
}

function entry([key, value]: [string, AttributeValue]): Markup {
  return markup`<dt>${key}</dt><dd>${String(value)}</dd>`;
}

function place(startMs: number, endMs: number, { fromMs, toMs }: Stretch): Markup {
  const at = (ms: number) => Math.round((WIDTH * (Math.min(toMs, Math.max(fromMs, ms)) - fromMs)) / (toMs - fromMs));
  const x = Math.min(WIDTH - LEAST_WIDTH, at(startMs));
  return markup`x="${x}" width="${Math.max(LEAST_WIDTH, at(endMs) - x)}" height="1"`;
}

/** '1.2ms', or '-0.3ms' before the axis begins. */
function offset(ms: number, { fromMs }: Stretch): string {
  const distance = ms - fromMs;
  return distance < 0 ? `-${formatDuration(-distance)}` : formatDuration(distance);
}

/** By what the span itself does, as far as that is a part of a critical path. */
function colourOf({ name, kind, error }: ReceivedSpan, isPeer: boolean): string {
  if (error !== undefined) return 'part-failed-attempts';
  const colour = COLOURS[name];
  if (colour === undefined) return kind === 'server' ? 'part-server' : kind === 'client' ? 'part-network' : 'part-other';
  return isPeer && (name === 'raft.append' || name === 'raft.fsync') ? colour.replace('part-', 'part-peer-') : colour;
}

const COLOURS: Readonly<Record<string, string>> = {
  'load.operation': 'part-generator-wait',
  'client.execute': 'part-other',
  'retry.attempt': 'part-network',
  'pool.acquire': 'part-pool-wait',
  'rpc.session.frame': 'part-network',
  'rpc.server': 'part-server',
  'raft.mailbox': 'part-mailbox',
  'raft.batch': 'part-quorum',
  'raft.quorum': 'part-quorum',
  'raft.append': 'part-append',
  'raft.fsync': 'part-fsync',
  'raft.replicate': 'part-peer-network',
  'store.apply': 'part-apply',
  'raft.read-index': 'part-read-index',
  'store.read': 'part-read',
};
