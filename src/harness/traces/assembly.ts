// A trace from its spans: its root, who is whose child, the batches it links to, and what is missing of it.

import { SPANS, type SpanName } from '../../telemetry/catalogue.ts';
import type { ReceivedSpan } from './received-span.ts';

export interface AssembledTrace {
  readonly traceId: string;
  /** The span without a parent; absent when it did not arrive. */
  readonly root: ReceivedSpan | undefined;
  readonly spans: readonly ReceivedSpan[];
  /** The traces that its spans link to, by their ids; those of which nothing arrived are absent. */
  readonly linked: ReadonlyMap<string, readonly ReceivedSpan[]>;
  /** What did not arrive, in words. Empty when the trace is complete. */
  readonly missing: readonly string[];
}

/** @param spansOf what arrived of a trace, in any order. */
export function assemble(traceId: string, spansOf: (traceId: string) => readonly ReceivedSpan[]): AssembledTrace {
  const spans = byStart(spansOf(traceId));
  const linked = new Map<string, readonly ReceivedSpan[]>();
  for (const { links = [] } of spans) {
    for (const { traceId: other } of links) {
      const found = other === traceId || linked.has(other) ? [] : byStart(spansOf(other));
      if (found.length > 0) linked.set(other, found);
    }
  }
  return { traceId, root: rootOf(spans), spans, linked, missing: missingOf(spans, linked) };
}

/** The span of a trace that has no parent; of several the one that began first. */
export function rootOf(spans: readonly ReceivedSpan[]): ReceivedSpan | undefined {
  return spans.find(({ parentSpanId }) => parentSpanId === undefined);
}

/** The children of spans, in the order in which they began. */
export class SpanChildren {
  readonly #children = new Map<string, ReceivedSpan[]>();

  constructor(spans: readonly ReceivedSpan[]) {
    for (const span of byStart(spans)) {
      if (span.parentSpanId === undefined) continue;
      const siblings = this.#children.get(span.parentSpanId);
      if (siblings === undefined) this.#children.set(span.parentSpanId, [span]);
      else siblings.push(span);
    }
  }

  of(span: ReceivedSpan): readonly ReceivedSpan[] {
    return this.#children.get(span.spanId) ?? [];
  }
}

/** The spans of the trace that `span` links to and whose root has this name. */
export function linkedSpans({ linked }: AssembledTrace, { links = [] }: ReceivedSpan, name: SpanName): readonly ReceivedSpan[] {
  for (const { traceId } of links) {
    const spans = linked.get(traceId) ?? [];
    if (rootOf(spans)?.name === name) return spans;
  }
  return [];
}

/** 'rpc.server of n2'. */
export function spanTitle({ name, instance, service }: ReceivedSpan): string {
  return instance === '' ? `${name} of ${service}` : `${name} of ${instance}`;
}

function byStart(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  return [...spans].sort((a, b) => a.startMs - b.startMs || b.endMs - a.endMs);
}

function missingOf(spans: readonly ReceivedSpan[], linked: ReadonlyMap<string, readonly ReceivedSpan[]>): string[] {
  if (spans.length === 0) return ['every span'];
  const missing: string[] = rootOf(spans) === undefined ? ['the root'] : [];
  for (const trace of [spans, ...linked.values()]) missing.push(...missingParents(trace), ...missingAppends(trace));
  for (const span of spans) {
    for (const { traceId } of span.links ?? []) {
      const found = linked.get(traceId);
      if (found === undefined && traceId !== span.traceId) missing.push(`what ${spanTitle(span)} links to`);
      else if (found !== undefined && rootOf(found) === undefined) missing.push(`the root of what ${spanTitle(span)} links to`);
    }
  }
  return [...new Set([...missing, ...missingNodes(spans)])];
}

function missingParents(spans: readonly ReceivedSpan[]): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans
    .filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId))
    .map((span) => `the parent of ${spanTitle(span)}`);
}

/** An attempt that was answered has been at a node; a write's quorum has a batch. */
function missingNodes(spans: readonly ReceivedSpan[]): string[] {
  const children = new SpanChildren(spans);
  return spans.flatMap((span) => {
    if (span.error !== undefined) return [];
    const name = isOurs(span.name) ? span.name : undefined;
    if (name === 'retry.attempt' && !children.of(span).some((child) => child.kind === 'server'))
      return [`the node's side of ${spanTitle(span)}`];
    if (name === 'raft.quorum' && (span.links ?? []).length === 0) return [`the batch of ${spanTitle(span)}`];
    return [];
  });
}

/** What was committed is durable on a majority of the disks that it was sent to; it may be more. */
function missingAppends(spans: readonly ReceivedSpan[]): string[] {
  const root = rootOf(spans);
  // One that was given up has an event that says why.
  if (root?.name !== 'raft.batch' || (root.events ?? []).length > 0) return [];
  const disks = 1 + spans.filter(({ name }) => name === 'raft.replicate').length;
  const durable = new Set(spans.filter(({ name }) => name === 'raft.append').map(({ instance }) => instance)).size;
  return durable > disks / 2 ? [] : [`appends of ${spanTitle(root)}: ${durable} of ${disks} disks are there`];
}

function isOurs(name: string): name is SpanName {
  return Object.hasOwn(SPANS, name);
}
