import { expect, test } from 'vitest';
import type { CriticalPath } from '../result/schema.ts';
import type { AssembledTrace } from './assembly.ts';
import { type PathOfTrace, pathShares } from './path-shares.ts';
import { addWrite, TraceBuilder, type WriteTimes } from './testing/trace-builder.ts';

function traced(times: WriteTimes, more: Partial<PathOfTrace> = {}): PathOfTrace {
  const builder = new TraceBuilder();
  return {
    load: 'registers',
    phase: 'baseline',
    keptFor: ['p99'],
    responseMs: 10,
    trace: builder.assemble(addWrite(builder, times)),
    ...more,
  };
}
const shareOf = (path: CriticalPath | undefined, part: string) => path?.shares.find((each) => each.part === part)?.share;

test('shares are the mean of those of each trace, a short one counting as much as a long one', () => {
  const [path, ...others] = pathShares([
    traced({ mailbox: 3, apply: 1 }, { responseMs: 4 }),
    traced({ mailbox: 100, apply: 300 }, { responseMs: 400 }),
  ]);
  expect(others).toEqual([]);
  expect(path).toMatchObject({ load: 'registers', phase: 'baseline', bucket: 'p99', traces: 2, responseMs: 202 });
  expect(shareOf(path, 'mailbox')).toBeCloseTo(0.5, 9);
  expect(shareOf(path, 'apply')).toBeCloseTo(0.5, 9);
  expect(path?.shares).toHaveLength(2);
});

test('a trace counts for each of its reasons that is a percentile, and loads and phases stay apart', () => {
  const paths = pathShares([
    traced({ apply: 1 }, { keptFor: ['slowest', 'p99.9'] }),
    traced({ apply: 1 }, { phase: 'fault' }),
    traced({ apply: 1 }, { load: 'bank' }),
    traced({ apply: 1 }, { keptFor: ['fail'] }),
  ]);
  expect(paths.map(({ load, phase, bucket }) => `${load} ${phase} ${bucket}`)).toEqual([
    'bank baseline p99',
    'registers baseline p99.9',
    'registers baseline slowest',
    'registers fault p99',
  ]);
});

test('what is incomplete, or took no time, says nothing of where time went', () => {
  const whole = traced({ apply: 1 });
  const trace: AssembledTrace = { ...traced({ mailbox: 1 }).trace, missing: ['the root'] };
  expect(pathShares([whole, { ...whole, trace }, traced({})])).toMatchObject([
    { traces: 1, shares: [{ part: 'apply', share: 1 }] },
  ]);
  expect(pathShares([{ ...whole, trace }])).toEqual([]);
});
