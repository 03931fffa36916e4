// Opens a history of any known format, told apart by its content, and says how it is meant.

import { readFile } from 'node:fs/promises';
import { isEtcdLogLine, readEtcdLog } from './etcd-log.ts';
import type { HistoryEvent, HistoryModel } from './event.ts';
import { HistoryFormatError } from './event.ts';
import { readJepsenHistory } from './jepsen.ts';
import { readLineBatches } from './lines.ts';
import { readHistoryBatches, readHistoryHeader } from './reader.ts';

export type HistoryFormat = 'windtunnel' | 'etcd-log' | 'edn' | 'empty';

export interface OpenedHistory {
  readonly format: HistoryFormat;
  readonly model: HistoryModel;
  readonly seed?: number;
  /** What a register holds before the first write. */
  readonly initial: unknown;
  /** Whether a read that answered nil says nothing (Knossos), or that there was no value. */
  readonly nilReadIsUnknown: boolean;
  /** In order; a batch is as much as one takes at a time. */
  readonly batches: AsyncIterable<readonly HistoryEvent[]> | Iterable<readonly HistoryEvent[]>;
}

/**
 * Opens the history at `path`. Windtunnel's own format is streamed; the foreign ones are read whole. A file without
 * content is an empty history. Throws HistoryFormatError for a format that is not known and (also while iterating) for
 * damage, Node's error when the file cannot be read, and the signal's reason when aborted.
 */
export async function openHistory(path: string, signal?: AbortSignal): Promise<OpenedHistory> {
  const first = await firstLine(path);
  if (first === undefined) return { format: 'empty', model: 'register', initial: null, nilReadIsUnknown: false, batches: [] };
  if (/^\{\s*"/.test(first.text)) return openOwn(path);
  if (isEtcdLogLine(first.text)) {
    const events = readEtcdLog(path, await readFile(path, 'utf8'));
    return { format: 'etcd-log', model: 'register', initial: null, nilReadIsUnknown: false, batches: [events] };
  }
  if (/^[[({#;]/.test(first.text)) return openEdn(path, signal);
  const reason = 'not a history; known are Windtunnel (JSON lines), Jepsen (EDN) and the etcd logs of Jepsen';
  throw new HistoryFormatError(path, first.number, first.text, reason);
}

async function openOwn(path: string): Promise<OpenedHistory> {
  const header = await readHistoryHeader(path);
  return {
    format: 'windtunnel',
    model: header.model,
    ...(header.seed === undefined ? {} : { seed: header.seed }),
    initial: header.initial ?? null,
    nilReadIsUnknown: false,
    batches: readHistoryBatches(path),
  };
}

async function openEdn(path: string, signal: AbortSignal | undefined): Promise<OpenedHistory> {
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  const { model, events } = await readJepsenHistory(path, text, signal);
  // Knossos' register begins with 0 in its recorded histories; jepsen.independent's, of which there are many, with nil.
  const initial = model === 'register' ? 0 : null;
  return { format: 'edn', model, initial, nilReadIsUnknown: true, batches: [events] };
}

async function firstLine(path: string): Promise<{ text: string; number: number } | undefined> {
  for await (const batch of readLineBatches(path)) {
    const line = batch.find(({ text }) => text.replace(/^\uFEFF/, '').trim() !== '');
    if (line !== undefined) return { text: line.text.replace(/^\uFEFF/, '').trimStart(), number: line.number };
  }
  return undefined;
}
