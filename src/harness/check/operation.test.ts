import { describe, expect, test } from 'vitest';
import type { HistoryEvent } from '../history/event.ts';
import { HistoryStructureError, pairOperations } from './operation.ts';
import { transcript } from './testing/transcript.ts';

describe('pairing', () => {
  test('joins invocation and completion, in the order of invocation', async () => {
    const operations = await pairOperations(transcript('0 invoke write 1 @a \n 1 invoke read @b \n 1 ok 7 \n 0 fail busy'));
    expect(operations).toMatchObject([
      { index: 0, process: 0, f: 'write', key: 'a', input: 1, outcome: 'fail', error: 'busy', calledAt: 0, returnedAt: 3 },
      {
        index: 1,
        process: 1,
        f: 'read',
        key: 'b',
        output: 7,
        outcome: 'ok',
        calledAt: 1,
        returnedAt: 2,
        calledNs: 1_000,
        returnedNs: 2_000,
      },
    ]);
  });

  test('what is unknown or never completes stays open to the end', async () => {
    const operations = await pairOperations(transcript('0 invoke write 1 \n 0 info timeout \n 1 invoke read'));
    expect(operations).toMatchObject([
      { outcome: 'unknown', error: 'timeout', returnedAt: Number.POSITIVE_INFINITY, returnedNs: 1_000 },
      { outcome: 'unknown', returnedAt: Number.POSITIVE_INFINITY, returnedNs: Number.NaN },
    ]);
  });

  test('a process may go on after an unknown outcome', async () => {
    const operations = await pairOperations(transcript('0 invoke write 1 \n 0 info \n 0 invoke read \n 0 ok 1'));
    expect(operations.map(({ outcome }) => outcome)).toEqual(['unknown', 'ok']);
  });

  test('passes over what is not a client', async () => {
    const nemesis = { process: 'nemesis', type: 'info', f: 'start', value: null, timeNs: 0 } as const;
    const events: HistoryEvent[] = [
      { ...nemesis, index: 0 },
      ...transcript('0 invoke read \n 0 ok null').map((event) => ({ ...event, index: event.index + 1 })),
    ];
    expect(await pairOperations(events)).toMatchObject([{ index: 1, calledAt: 1, returnedAt: 2 }]);
  });

  const event = (index: number, type: HistoryEvent['type'], f = 'read', key?: string): HistoryEvent => {
    return { index, process: 3, type, f, value: null, timeNs: 0, ...(key === undefined ? {} : { key }) };
  };
  test.each([
    [[event(0, 'invoke'), event(1, 'invoke')], 'event 1: process 3 invokes read while its read (event 0) is under way'],
    [[event(5, 'ok')], 'event 5: process 3 completes read, which it did not invoke'],
    [[event(0, 'invoke'), event(1, 'ok'), event(2, 'info')], 'event 2: process 3 completes read, which it did not invoke'],
    [[event(0, 'invoke'), event(1, 'ok', 'write')], 'event 1: process 3 completes write, but read (event 0) is under way'],
    [
      [event(0, 'invoke', 'read', 'a'), event(1, 'ok', 'read', 'b')],
      'event 1: process 3 completes on key b what it invoked on key a',
    ],
  ])('refuses events that do not fit together %#', async (events, message) => {
    await expect(pairOperations(events)).rejects.toThrow(message);
    await expect(pairOperations(events)).rejects.toBeInstanceOf(HistoryStructureError);
  });
});
