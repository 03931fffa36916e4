// Spans for tests of what becomes of spans.

import type { Span } from '../span.ts';

export function spanOf(fields: Partial<Span> = {}): Span {
  return {
    name: 'raft.append',
    kind: 'internal',
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    parentSpanId: 'c'.repeat(16),
    startMs: 1_700_000_000_000.25,
    endMs: 1_700_000_000_003.5,
    attributes: { 'windtunnel.node.id': 'n1', 'windtunnel.raft.term': 3 },
    ...fields,
  };
}

export function traceIdOf(number: number): string {
  return number.toString(16).padStart(32, '0');
}

export function spanIdOf(number: number): string {
  return number.toString(16).padStart(16, '0');
}
