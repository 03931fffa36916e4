import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import type { HistoryEvent, NewHistoryEvent } from './event.ts';
import { HistoryFormatError } from './event.ts';
import { mergeHistories } from './merge.ts';
import { readHistory, readHistoryHeader } from './reader.ts';
import { HistoryWriter } from './writer.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-merge-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function write(name: string, events: readonly NewHistoryEvent[]): Promise<string> {
  const path = join(folder, name);
  const writer = await HistoryWriter.open(path, { model: 'register-map', seed: 4, initial: 0 });
  for (const event of events) if (!writer.append(event)) await writer.drained();
  await writer.close();
  return path;
}

async function merged(...parts: readonly (readonly NewHistoryEvent[])[]): Promise<HistoryEvent[]> {
  const paths = await Promise.all(parts.map((events, at) => write(`part${at}.jsonl`, events)));
  const into = join(folder, 'merged.jsonl');
  await mergeHistories(paths, into);
  expect(await readHistoryHeader(into)).toEqual({ model: 'register-map', seed: 4, initial: 0 });
  const all: HistoryEvent[] = [];
  for await (const event of readHistory(into)) all.push(event);
  return all;
}

const event = (process: number, type: NewHistoryEvent['type'], timeNs: number): NewHistoryEvent => ({
  process,
  type,
  f: 'write',
  key: 'k',
  value: timeNs,
  timeNs,
});

test('by time, numbered anew', async () => {
  const a = [event(0, 'invoke', 10), event(0, 'ok', 30), event(0, 'invoke', 31)];
  const b = [event(1, 'invoke', 5), event(1, 'info', 20), event(2, 'invoke', 40)];
  const all = await merged(a, b, []);
  expect(all.map(({ timeNs }) => timeNs)).toEqual([5, 10, 20, 30, 31, 40]);
  expect(all.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(all[1]).toEqual({ index: 1, ...event(0, 'invoke', 10) });
});

test('of the same instant an invocation comes first, whichever part it is in: the operations were concurrent', async () => {
  const ends = [event(0, 'invoke', 1), event(0, 'ok', 100)];
  const begins = [event(1, 'invoke', 100), event(1, 'ok', 200)];
  expect((await merged(ends, begins)).map(({ process }) => process)).toEqual([0, 1, 0, 1]);
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  expect((await merged(begins, ends)).map(({ process }) => process)).toEqual([0, 1, 0, 1]);
});

test('many events of many parts: all are there, by time, and those of a part in their order', async () => {
  const random = new Random(11);
  const parts = Array.from({ length: 5 }, (_, process) => {
    let timeNs = 0;
    return Array.from({ length: 4_000 }, (_event, at) =>
      event(process, at % 2 === 0 ? 'invoke' : 'ok', (timeNs += random.integer(0, 3))),
    );
  });
  const all = await merged(...parts);
  expect(all).toHaveLength(20_000);
  for (let at = 1; at < all.length; at++)
    expect((all[at] as HistoryEvent).timeNs).toBeGreaterThanOrEqual((all[at - 1] as HistoryEvent).timeNs);
  for (const [process, part] of parts.entries()) expect(all.filter((each) => each.process === process)).toMatchObject(part);
});

test('a part that is cut off is refused, and names itself', async () => {
  const good = await write('good.jsonl', [event(0, 'invoke', 1)]);
  const missing = join(folder, 'missing.jsonl');
  await expect(mergeHistories([good, missing], join(folder, 'merged.jsonl'))).rejects.toThrow('missing.jsonl');
  const cut = join(folder, 'cut.jsonl');
  writeFileSync(cut, readFileSync(good, 'utf8').slice(0, -9));
  await expect(mergeHistories([good, cut], join(folder, 'merged2.jsonl'))).rejects.toThrow(HistoryFormatError);
  expect(existsSync(good)).toBe(true);
});
