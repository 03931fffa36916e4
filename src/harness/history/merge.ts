// One history of several that were written at the same time, by clocks that agree.

import type { HistoryEvent } from './event.ts';
import { readHistory, readHistoryHeader } from './reader.ts';
import { HistoryWriter } from './writer.ts';

/**
 * Writes the events of all parts by time, into a file that must not exist, in constant memory. Of events of the same instant
 * invocations come first, so that the operations count as concurrent. The events of one part keep their order.
 *
 * That is sound although clocks agree to a microsecond only. An invocation is timed before anything is sent, and an end after
 * the answer was received, so each operation takes effect well inside of its two times: far enough for two operations that
 * the merged history puts one after the other to have taken effect in this order.
 *
 * Throws HistoryFormatError when a part is malformed, HistoryWriteError when the file cannot be written.
 * @param parts of one model and seed; at least one. The header is that of the first.
 */
export async function mergeHistories(parts: readonly string[], into: string): Promise<void> {
  const header = await readHistoryHeader(parts[0] as string);
  const writer = await HistoryWriter.open(into, header);
  const readers = await Promise.all(
    parts.map(async (path) => {
      const events = readHistory(path);
      return { events, next: await events.next() };
    }),
  );
  try {
    for (;;) {
      let first: (typeof readers)[number] | undefined;
      for (const reader of readers)
        if (
          reader.next.done !== true &&
          (first === undefined || comesBefore(reader.next.value, first.next.value as HistoryEvent))
        )
          first = reader;
      if (first === undefined) break;
      const { index: _, ...event } = first.next.value as HistoryEvent;
      if (!writer.append(event)) await writer.drained();
      first.next = await first.events.next();
    }
  } finally {
    await Promise.all(readers.map(({ events }) => events.return(undefined)));
    await writer.close();
  }
}

function comesBefore(a: HistoryEvent, b: HistoryEvent): boolean {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs;
  return a.type === 'invoke' && b.type !== 'invoke';
}
