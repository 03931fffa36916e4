// That spans of the user's own code become parts of our traces. OpenTelemetry's SDK is one for a whole thread, so is this test.

import { SpanStatusCode, trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { DistributedContext } from './context.ts';
import { currentContext, withContext } from './current-context.ts';
import type { Span } from './span.ts';
import { spanIdOf, traceIdOf } from './testing/spans.ts';
import { asParentOfUserSpans, belowUserSpan, takeUserSpans } from './user-spans.ts';

test('they are children of the operation, parents of what they call, and kept whether sampled or not', async () => {
  const spans: { readonly span: Span; readonly sampled: boolean }[] = [];
  const stop = await takeUserSpans((span, sampled) => spans.push({ span, sampled }));
  const contextOf = (number: number, sampled: boolean) =>
    new DistributedContext({ traceId: traceIdOf(number), spanId: spanIdOf(number), sampled });
  const seen: (DistributedContext | undefined)[] = [];
  const work = (label: string) =>
    trace.getTracer('mine').startActiveSpan('parse', { attributes: { label, parts: ['a', 'b'] } }, async (span) => {
      await Promise.resolve();
      belowUserSpan(() => seen.push(currentContext()));
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'too long' });
      span.end();
    });
  await Promise.all([
    withContext(contextOf(1, false), () => asParentOfUserSpans(() => work('one'))),
    withContext(contextOf(2, true), () => asParentOfUserSpans(() => work('two'))),
  ]);
  expect(spans.map(({ sampled }) => sampled)).toEqual([false, true]);
  expect(spans[0]?.span).toMatchObject({
    name: 'parse',
    kind: 'internal',
    traceId: traceIdOf(1),
    parentSpanId: spanIdOf(1),
    attributes: { label: 'one', parts: '["a","b"]' },
    error: 'too long',
  });
  expect(spans[1]?.span).toMatchObject({ traceId: traceIdOf(2), parentSpanId: spanIdOf(2) });
  expect(seen.map((each) => each && [each.traceId, each.spanId, each.sampled])).toEqual(
    spans.map(({ span, sampled }) => [span.traceId, span.spanId, sampled]),
  );
  // Where there is no trace, nothing is changed.
  expect(asParentOfUserSpans(() => currentContext())).toBeUndefined();
  expect(belowUserSpan(() => currentContext())).toBeUndefined();
  await stop();
});
