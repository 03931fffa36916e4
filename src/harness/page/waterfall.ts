// One trace as a waterfall: a row for each span below its parent, what it links to (the batch that carried a write) below the
// span that links to it. Every row opens to the attributes of its span. Needs no script.

import { formatDuration } from '../../runtime/duration.ts';
import type { AttributeValue } from '../../telemetry/span.ts';
import type { FaultWindow, PathPart } from '../result/schema.ts';
import { type AssembledTrace, rootOf, SpanChildren } from '../traces/assembly.ts';
import { partByName } from '../traces/critical-path.ts';
import { type Placed, placeChild, placeRoot } from '../traces/placement.ts';
import type { ReceivedSpan } from '../traces/received-span.ts';
import { type Markup, markup, type Part } from './markup.ts';
import { partClass } from './path-bars.ts';

/** Of spans in one waterfall, and of steps that rows are indented by. */
const MOST_ROWS = 200;
const MOST_DEPTH = 9;
/** The axis has this many units, and what is shorter than two is drawn as two. */
const WIDTH = 1_000;
const LEAST_WIDTH = 2;
/** A clock that was off by more than this is mentioned. */
const MOVED_MS = 1;

interface Row {
  readonly placed: Placed;
  readonly depth: number;
  /** In a trace of its own that a span of this one links to; 'root' is what stands directly below that span. */
  readonly linked: 'no' | 'root' | 'below';
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
  const stretch = stretchOf(trace);
  const rows = rowsOf(trace, stretch);
  const overlapping = faults.filter(({ startMs, endMs }) => startMs < stretch.toMs && endMs > stretch.fromMs);
  const shades = overlapping.map(
    ({ startMs, endMs }) => markup`<rect class="fault" ${place(startMs - stretch.fromMs, endMs - stretch.fromMs, stretch)}/>`,
  );
  const left = trace.spans.length + [...trace.linked.values()].flat().length - rows.length;
  return markup`${overlapping.map((fault) => markup`<p class="note during"><i class="swatch during"></i>${during(fault, stretch)}</p>`)}
<p class="ticks" aria-hidden="true"><span>0</span><span>${formatDuration((stretch.toMs - stretch.fromMs) / 2)}</span><span>${formatDuration(stretch.toMs - stretch.fromMs)}</span></p>
<ol class="spans">${rows.map((row) => rowMarkup(row, stretch, shades))}</ol>${left > 0 && markup`<p class="note">${left} more spans are in the file.</p>`}`;
}

function during({ kind, nodes, target, startMs, endMs }: FaultWindow, { fromMs, toMs }: Stretch): string {
  const from = startMs <= fromMs ? 'from before it began' : `from ${formatDuration(startMs - fromMs)}`;
  const to = endMs >= toMs ? 'until after its end' : `to ${formatDuration(endMs - fromMs)}`;
  return `${kind} of ${nodes.join(', ') || target}, ${from} ${to}`;
}

/** Depth first; spans whose parents are missing come last, without indentation. */
function rowsOf({ spans, linked }: AssembledTrace, { fromMs }: Stretch): Row[] {
  const rows: Row[] = [];
  const seen = new Set<string>();
  const children = new SpanChildren([...spans, ...[...linked.values()].flat()]);
  const visit = (placed: Placed, depth: number, place: Row['linked'], isPeer: boolean): void => {
    const { span } = placed;
    if (seen.has(span.spanId) || rows.length >= MOST_ROWS) return;
    seen.add(span.spanId);
    rows.push({ placed, depth: Math.min(depth, MOST_DEPTH), linked: place, isPeer });
    const below = place === 'no' ? 'no' : 'below';
    const own = children.of(span);
    for (const child of own) visit(placeChild(child, placed, own), depth + 1, below, isPeer || span.name === 'raft.replicate');
    for (const { traceId } of span.links ?? [])
      for (const top of topsOf(linked.get(traceId) ?? [])) visit(placeChild(top, placed), depth + 1, 'root', false);
  };
  for (const top of topsOf(spans)) visit(placeRoot(top, fromMs), 0, 'no', false);
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

function rowMarkup({ placed, depth, linked, isPeer }: Row, stretch: Stretch, shades: Part): Markup {
  const { span, fromUs, toUs } = placed;
  const { name, instance, service, error, attributes } = span;
  const [fromMs, toMs] = [fromUs / 1_000, toUs / 1_000];
  const peer = attributes['windtunnel.peer.id'];
  const who = [instance || service, ...(peer === undefined ? [] : [`→ ${peer}`])].join(' ');
  const words = `${linked === 'root' ? 'linked, ' : ''}level ${depth + 1}, begins at ${signed(fromMs)}`;
  return markup`<li class="${`d${depth}${linked === 'no' ? '' : ' linked'}`}"><details><summary><span class="name">${linked === 'root' && markup`<span aria-hidden="true">↳ </span>`}${name} <i>${who}</i>${error !== undefined && markup` <strong class="bad">✗</strong>`}<span class="unseen">, ${words}</span></span><svg viewBox="0 0 ${WIDTH} 1" preserveAspectRatio="none" aria-hidden="true">${shades}<rect class="${colourOf(span, isPeer)}" ${place(fromMs, toMs, stretch)}/></svg><span class="took">${formatDuration(toMs - fromMs)}</span></summary>${attributeList(placed, stretch)}</details></li>
`;
}

function attributeList({ span, shiftMs }: Placed, { fromMs }: Stretch): Markup {
  const { attributes, events = [], error } = span;
  const movedMs = shiftMs + fromMs;
  const entries: [string, AttributeValue][] = [
    ...(error === undefined ? [] : [['error', error] as [string, string]]),
    ...Object.entries(attributes),
    ...(Math.abs(movedMs) < MOVED_MS
      ? []
      : [['clock', `moved by ${signed(movedMs)}, so that it lies within what waited for it`] as [string, string]]),
  ];
  return markup`<dl>${entries.map(([key, value]) => markup`<dt>${key}</dt><dd>${String(value)}</dd>`)}${events.map(({ name, timeMs, attributes: own }) => markup`<dt>${signed(timeMs + shiftMs)}</dt><dd>${name}${Object.entries(own).map(([key, value]) => ` ${key}=${value}`)}</dd>`)}${entries.length + events.length === 0 && markup`<dt>no attributes</dt>`}</dl>`;
}

/** Milliseconds from the beginning of the axis. */
function place(fromMs: number, toMs: number, stretch: Stretch): Markup {
  const lengthMs = stretch.toMs - stretch.fromMs;
  const at = (ms: number) => Math.round((WIDTH * Math.min(lengthMs, Math.max(0, ms))) / lengthMs);
  const x = Math.min(WIDTH - LEAST_WIDTH, at(fromMs));
  return markup`x="${x}" width="${Math.max(LEAST_WIDTH, at(toMs) - x)}" height="1"`;
}

function signed(ms: number): string {
  return ms < 0 ? `-${formatDuration(-ms)}` : formatDuration(ms);
}

/** As the part of a critical path that the span is, or mostly is. */
function colourOf(span: ReceivedSpan, isPeer: boolean): string {
  const { name, kind, error } = span;
  if (error !== undefined) return partClass('failed attempts');
  const byKind = kind === 'server' ? 'server' : kind === 'client' ? 'network' : 'other';
  return partClass(partByName(span, isPeer) ?? WRAPPERS[name] ?? byKind);
}

/** Spans that are more than one part. */
const WRAPPERS: Readonly<Record<string, PathPart>> = {
  'load.operation': 'generator wait',
  'client.execute': 'other',
  'retry.attempt': 'network',
  'raft.batch': 'quorum',
  'raft.quorum': 'quorum',
};
