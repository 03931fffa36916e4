// Reads a text file line by line without holding it in memory.

import { createReadStream } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { HistoryFormatError } from './event.ts';

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** False for a last line without its newline: the writer did not finish it. */
  readonly terminated: boolean;
}

/** The final read of a large set is one line, so the bound is generous; it is there for files that are not text at all. */
const MAX_LINE_CHARACTERS = 128 * 1024 * 1024;

/** The lines of a file, in batches of one read. Throws HistoryFormatError for a line longer than 128 Mi characters. */
export async function* readLineBatches(path: string): AsyncGenerator<Line[]> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let number = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    const parts = decoder.write(chunk as Buffer).split('\n');
    parts[0] = rest + parts[0];
    rest = parts.pop() as string;
    if (rest.length > MAX_LINE_CHARACTERS) throw new HistoryFormatError(path, number + 1, rest.slice(0, 300), 'line too long');
    const batch = parts.map((text) => ({
      text: text.endsWith('\r') ? text.slice(0, -1) : text,
      number: ++number,
      terminated: true,
    }));
    if (batch.length > 0) yield batch;
  }
  rest += decoder.end();
  if (rest !== '') yield [{ text: rest, number: number + 1, terminated: false }];
}
