import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { checkMonotonicAppend, checkMonotonicReads, checkMonotonicSet } from './monotonic-reads.ts';
import { pairOperations } from './operation.ts';
import { simulateLists } from './testing/simulated-lists.ts';
import { transcript } from './testing/transcript.ts';

const operations = (text: string) => pairOperations(transcript(text));

test('a process that sees fewer elements of a list than before', async () => {
  const text = '0 invoke read @a \n 0 ok [1, 2] \n 0 invoke read @b \n 0 ok [] \n 0 invoke read @a \n 0 ok [1]';
  expect(checkMonotonicReads(await operations(text))).toMatchObject({
    checker: 'monotonic-reads',
    verdict: 'violated',
    counts: { compared: 1 },
    reason: 'process 0 saw 2 elements on key "a" and then 1',
    explanation: ['event 0, 0 .. 1us, process 0: read -> [1,2]', 'event 4, 4us .. 5us, process 0: read -> [1]'],
  });
});

test('another process may see less, as far as monotonic reads go, but not later', async () => {
  const text = '0 invoke read \n 0 ok [1] \n 1 invoke read \n 1 ok [] \n 1 invoke read \n 1 ok [1]';
  expect(checkMonotonicReads(await operations(text))).toMatchObject({ verdict: 'valid' });
  expect(checkMonotonicAppend(await operations(text))).toMatchObject({ checker: 'monotonic-append', verdict: 'violated' });
});

test('reads that overlap may see anything; those that do not, beginnings of one another', async () => {
  const overlapping = '0 invoke read \n 1 invoke read \n 0 ok [1, 2] \n 1 ok [1] \n 1 invoke read \n 1 ok [1, 2, 3]';
  expect(checkMonotonicAppend(await operations(overlapping))).toMatchObject({ verdict: 'valid', counts: { compared: 1 } });
  const other = '0 invoke read \n 0 ok [1, 2] \n 1 invoke read \n 1 ok [1, 3, 2]';
  expect(checkMonotonicAppend(await operations(other))).toMatchObject({ verdict: 'violated' });
});

test('does not apply where nothing can be compared', async () => {
  const once = '0 invoke read \n 1 invoke read \n 0 ok [1] \n 1 ok [] \n 2 invoke read \n 2 fail busy';
  expect(checkMonotonicReads(await operations(once))).toBeUndefined();
  expect(checkMonotonicAppend(await operations(once))).toBeUndefined();
  expect(checkMonotonicSet(await operations('0 invoke read-all \n 0 ok [1]'))).toBeUndefined();
});

test('a set that forgets what a process saw', async () => {
  const text = (last: string) =>
    `0 invoke read-all \n 0 ok [2, 1] \n 1 invoke read-all \n 1 ok [] \n 0 invoke read-all \n 0 ok ${last}`;
  expect(checkMonotonicSet(await operations(text('[1, 2, 3]')))).toMatchObject({ verdict: 'valid' });
  expect(checkMonotonicSet(await operations(text('[1, 3]')))).toMatchObject({
    verdict: 'violated',
    reason: 'process 0 does not see 1 elements that it saw before, such as 2',
  });
});

test('linearizable lists are monotonic', async () => {
  for (let seed = 0; seed < 100; seed++) {
    const events = simulateLists({ random: new Random(seed), operations: 200, clients: 5, keys: 2, unknownRate: 0.02 });
    const all = await pairOperations(events);
    expect(checkMonotonicReads(all)).toMatchObject({ verdict: 'valid' });
    expect(checkMonotonicAppend(all)).toMatchObject({ verdict: 'valid' });
  }
});
