// Spans that the user's own code makes with @opentelemetry/api, as parts of our traces: OpenTelemetry's SDK for Node carries their
// context through asynchronous code, and hands over what they measured.

import { context as apiContext, isSpanContextValid, ROOT_CONTEXT, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { DistributedContext } from './context.ts';
import { currentContext, withContext } from './current-context.ts';
import type { ReadableSpan } from './readable-span.ts';
import type { AttributeValue, Span } from './span.ts';

const KINDS: readonly Span['kind'][] = ['internal', 'server', 'client', 'producer', 'consumer'];
/** Kept here, although head sampling did not choose it. */
const RECORD = 1;
const RECORD_AND_SAMPLED = 2;

/**
 * From now on `onSpan` is told the spans of code in this thread, sampled or not. Loads the SDK, which takes 0.4 s. Resolves with
 * how to stop it. Once in a thread.
 */
export async function takeUserSpans(onSpan: (span: Span, sampled: boolean) => void): Promise<() => Promise<void>> {
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const sdk = new NodeSDK({
    autoDetectResources: false,
    instrumentations: [],
    logRecordProcessors: [],
    metricReaders: [],
    sampler: {
      shouldSample: (parent) => {
        const flags = trace.getSpanContext(parent)?.traceFlags ?? TraceFlags.NONE;
        return { decision: (flags & TraceFlags.SAMPLED) === 0 ? RECORD : RECORD_AND_SAMPLED };
      },
    },
    spanProcessors: [
      {
        onStart() {},
        onEnd: (span) => onSpan(spanOf(span), (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  });
  sdk.start();
  return () => sdk.shutdown();
}

/** Runs `run` so that the spans that it makes are children of the current context. Returns what `run` returns. */
export function asParentOfUserSpans<R>(run: () => R): R {
  const current = currentContext();
  if (current === undefined) return run();
  const { traceId, spanId, sampled } = current;
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return apiContext.with(trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true }), run);
}

/** Runs `run` in the context of the span that the user's code is in, if it is in one. Returns what `run` returns. */
export function belowUserSpan<R>(run: () => R): R {
  const active = trace.getSpanContext(apiContext.active());
  if (active === undefined || !isSpanContextValid(active)) return run();
  const { traceId, spanId, traceFlags } = active;
  return withContext(new DistributedContext({ traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }), run);
}

function spanOf(span: ReadableSpan): Span {
  const { traceId, spanId } = span.spanContext();
  const { name, kind, startTime, endTime, status, links, events } = span;
  return {
    name,
    kind: KINDS[kind] ?? 'internal',
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    startMs: msOf(startTime),
    endMs: msOf(endTime),
    attributes: attributesOf(span.attributes),
    links: links.map(({ context }) => ({ traceId: context.traceId, spanId: context.spanId })),
    events: events.map((event) => ({
      name: event.name,
      timeMs: msOf(event.time),
      attributes: attributesOf(event.attributes ?? {}),
    })),
    ...(status.code === SpanStatusCode.ERROR && { error: status.message ?? 'error' }),
  };
}

function attributesOf(attributes: ReadableSpan['attributes']): Record<string, AttributeValue> {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([key, value]): [string, AttributeValue][] => {
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [[key, value]];
      return value === undefined ? [] : [[key, JSON.stringify(value)]];
    }),
  );
}

function msOf([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1_000 + nanoseconds / 1e6;
}
