import { expect, test } from 'vitest';
import { DistributedContext } from '../../telemetry/context.ts';
import { readEntriesTraces, writeEntriesTrace } from './peer-wire.ts';

test('the traces of entries are read as they were written, and what is none is left out', () => {
  const context = DistributedContext.root({ sampled: true });
  const written = writeEntriesTrace({ context, firstIndex: 3, lastIndex: 9 });
  const [read, ...more] = readEntriesTraces([{ traceparent: 'no trace', firstIndex: 1, lastIndex: 2 }, {}, written]);
  expect(more).toEqual([]);
  expect(read).toMatchObject({ firstIndex: 3, lastIndex: 9 });
  expect(read?.context).toMatchObject({ traceId: context.traceId, spanId: context.spanId, sampled: true });
  expect(readEntriesTraces()).toEqual([]);
});

test('of more than any correct node sends only that many are read', () => {
  const written = writeEntriesTrace({ context: DistributedContext.root(), firstIndex: 1, lastIndex: 1 });
  expect(readEntriesTraces(Array.from({ length: 5_000 }, () => written))).toHaveLength(256);
});
