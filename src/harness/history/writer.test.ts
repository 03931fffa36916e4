import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settle, VirtualClock } from '../../runtime/virtual-clock.ts';
import type { HistoryEvent, NewHistoryEvent } from './event.ts';
import { HistoryFormatError } from './event.ts';
import { readHistory, readHistoryHeader } from './reader.ts';
import { HistoryWriteError, HistoryWriter } from './writer.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-history-'));
  path = join(folder, 'history.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function events(from = path): Promise<HistoryEvent[]> {
  const all: HistoryEvent[] = [];
  for await (const event of readHistory(from)) all.push(event);
  return all;
}

const INVOKE: NewHistoryEvent = {
  process: 3,
  type: 'invoke',
  f: 'write',
  key: 'k\n"ü',
  value: [1, null, { a: 'b' }],
  timeNs: 12.5,
};
const INFO: NewHistoryEvent = { process: 3, type: 'info', f: 'write', value: null, timeNs: 20, node: 'n1', error: 'timeout' };

describe('writer and reader', () => {
  test('what was appended is read back, with its index', async () => {
    const writer = await HistoryWriter.open(path, { model: 'register-map', seed: 2 ** 52, initial: 0 });
    expect(writer.append(INVOKE)).toBe(true);
    writer.append(INFO);
    expect(writer.count).toBe(2);
    await writer.close();
    expect(await readHistoryHeader(path)).toEqual({ model: 'register-map', seed: 2 ** 52, initial: 0 });
    expect(await events()).toEqual([
      { index: 0, ...INVOKE },
      { index: 1, ...INFO },
    ]);
    expect(readFileSync(path, 'utf8').endsWith('}\n')).toBe(true);
  });

  test('a history without events is a header', async () => {
    await (await HistoryWriter.open(path, { model: 'set' })).close();
    expect(readFileSync(path, 'utf8')).toBe('{"windtunnel":"history","version":1,"model":"set"}\n');
    expect(await events()).toEqual([]);
  });

  test('many events, longer than the chunks that are written and read, keep their order', async () => {
    const writer = await HistoryWriter.open(path, { model: 'register' }, { chunkSize: 1_000 });
    for (let value = 0; value < 40_000; value++) {
      if (!writer.append({ ...INVOKE, value, key: 'ü'.repeat(value % 50) })) await writer.drained();
    }
    await writer.close();
    const read = await events();
    expect(read.length).toBe(40_000);
    expect(read.findIndex(({ index, value, key }, at) => index !== at || value !== at || key?.length !== at % 50)).toBe(-1);
  });

  test('waits are written after a while, without being asked', async () => {
    const clock = new VirtualClock();
    const writer = await HistoryWriter.open(path, { model: 'register' }, { clock, flushEveryMs: 50 });
    writer.append(INVOKE);
    clock.advance(49);
    expect(readFileSync(path, 'utf8')).toBe('');
    clock.advance(1);
    // The write itself takes as long as the disk does.
    while (readFileSync(path, 'utf8') === '') await settle();
    expect(await events()).toHaveLength(1);
    writer.append(INFO);
    await writer.close();
    expect(await events()).toHaveLength(2);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a slow disk is felt: append says so, then refuses, and what it took is written', async () => {
    const writer = await HistoryWriter.open(path, { model: 'register' }, { chunkSize: 10, maxBuffered: 1_000 });
    let taken = 0;
    let room = true;
    // Nothing can be written while this loop does not give way.
    while (room) {
      room = writer.append(INVOKE);
      taken++;
    }
    expect(taken).toBeGreaterThan(1);
    await writer.drained();
    expect(writer.append(INVOKE)).toBe(true);
    taken++;
    expect(() => {
      for (;;) {
        writer.append(INVOKE);
        taken++;
      }
    }).toThrow(HistoryWriteError);
    await writer.close();
    expect(await events()).toHaveLength(taken);
  });

  test('refuses to overwrite, to write after close, and bad options', async () => {
    const writer = await HistoryWriter.open(path, { model: 'register' });
    await expect(HistoryWriter.open(path, { model: 'register' })).rejects.toThrow(`cannot create ${path}: EEXIST`);
    await Promise.all([writer.close(), writer.close()]);
    expect(() => writer.append(INVOKE)).toThrow(`${path} is closed`);
    await expect(HistoryWriter.open(`${path}2`, { model: 'queue' as 'set' })).rejects.toThrow('unknown history model: queue');
    await expect(HistoryWriter.open(`${path}2`, { model: 'set' }, { chunkSize: 0 })).rejects.toThrow(
      'chunkSize must be >= 1, not 0',
    );
  });

  test('a value that JSON cannot hold is refused and leaves no gap', async () => {
    const writer = await HistoryWriter.open(path, { model: 'register' });
    expect(() => writer.append({ ...INVOKE, value: 1n })).toThrow(TypeError);
    writer.append({ ...INVOKE, value: undefined });
    await writer.close();
    expect(await events()).toMatchObject([{ index: 0, value: null }]);
  });

  test('what was appended during a write follows it, without another call', async () => {
    const written: string[] = [];
    let finish = () => {};
    const file = {
      append: (text: string) => {
        written.push(text);
        return new Promise<void>((resolve) => {
          finish = resolve;
        });
      },
      sync: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const clock = new VirtualClock();
    const options = { clock, chunkSize: 300, flushEveryMs: 50, create: () => Promise.resolve(file) };
    const writer = await HistoryWriter.open(path, { model: 'set' }, options);
    clock.advance(50);
    expect(written).toHaveLength(1);
    // A whole chunk, and later less than one.
    for (const events of [4, 1]) {
      for (let event = 0; event < events; event++) writer.append(INVOKE);
      finish();
      await settle();
      clock.advance(50);
    }
    expect(written.map((text) => text.split('\n').length - 1)).toEqual([1, 4, 1]);
    const closed = writer.close();
    finish();
    await closed;
  });

  test('a disk that fails is told to every later caller', async () => {
    let closed = 0;
    const full = {
      append: () => Promise.reject(new Error('ENOSPC: no space left on device')),
      sync: () => Promise.reject(new Error('not reached')),
      close: () => Promise.resolve(void closed++),
    };
    const writer = await HistoryWriter.open(path, { model: 'set' }, { chunkSize: 1, create: () => Promise.resolve(full) });
    await settle();
    const failure = { code: 'history_write', message: `cannot write ${path}: ENOSPC: no space left on device` };
    expect(() => writer.append(INVOKE)).toThrow(expect.objectContaining(failure));
    await expect(writer.drained()).rejects.toMatchObject(failure);
    await expect(writer.close()).rejects.toMatchObject(failure);
    await expect(writer.close()).rejects.toBeInstanceOf(HistoryWriteError);
    expect(closed).toBe(1);
  });

  test('a sync that fails is a failure: the history may not be on disk', async () => {
    const file = {
      append: () => Promise.resolve(),
      sync: () => Promise.reject(new Error('EIO')),
      close: () => Promise.resolve(),
    };
    const writer = await HistoryWriter.open(path, { model: 'set' }, { create: () => Promise.resolve(file) });
    await expect(writer.close()).rejects.toThrow(`cannot write ${path}: EIO`);
  });
});

describe('a damaged history', () => {
  const HEADER = '{"windtunnel":"history","version":1,"model":"register"}';
  const EVENT = '{"index":0,"process":1,"type":"invoke","f":"read","value":null,"timeNs":1}';

  test.each([
    ['', 1, 'the file is empty'],
    ['[1]', 1, 'a history begins with { "windtunnel": "history"'],
    ['{"windtunnel":"history","version":2,"model":"register"}\n', 1, 'version 1'],
    ['{"windtunnel":"history","version":1,"model":"queue"}\n', 1, 'model must be one of register, register-map, kv, set'],
    ['{"windtunnel":"history","ver', 1, 'the last line is cut off'],
    [`${HEADER}\n${EVENT}\n{"index":1,"proc`, 3, 'the last line is cut off'],
    [`${HEADER}\n{"index":0,\n${EVENT}\n`, 2, 'not JSON'],
    [`${HEADER}\n${EVENT}\n\u0000\u0000\n`, 3, 'not JSON'],
    [`${HEADER}\n${EVENT.replace('"index":0', '"index":1')}\n`, 2, 'index 0 expected'],
    [`${HEADER}\n${EVENT}\n${EVENT}\n`, 3, 'index 1 expected'],
    [`${HEADER}\n[]\n`, 2, 'an event is a JSON object'],
    [`${HEADER}\n${EVENT.replace('invoke', 'done')}\n`, 2, 'type must be'],
    [`${HEADER}\n${EVENT.replace('"process":1', '"process":1.5')}\n`, 2, 'process must be'],
    [`${HEADER}\n${EVENT.replace('"read"', '""')}\n`, 2, 'f must be'],
    [`${HEADER}\n${EVENT.replace(',"value":null', '')}\n`, 2, 'value is missing'],
    [`${HEADER}\n${EVENT.replace('"timeNs":1', '"timeNs":"1"')}\n`, 2, 'timeNs must be'],
    [`${HEADER}\n${EVENT.replace('"f"', '"key":7,"f"')}\n`, 2, 'key must be text'],
    [`${HEADER}\n${EVENT.replace('"f"', '"node":7,"f"')}\n`, 2, 'node must be text'],
    [`${HEADER}\n${EVENT.replace('"f"', '"error":7,"f"')}\n`, 2, 'error must be text'],
    [`${HEADER}\n${EVENT.replace('0', '-1')}\n`, 2, 'index must be an integer >= 0'],
  ])('%j is refused with line %d and the reason', async (text, line, reason) => {
    writeFileSync(path, text);
    const error = await events().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(HistoryFormatError);
    expect(error).toMatchObject({ code: 'history_format', path, line });
    expect((error as Error).message).toContain(`${path}:${line}: `);
    expect((error as Error).message).toContain(reason);
  });

  test('names the offending text, shortened, and delivers what came before', async () => {
    writeFileSync(path, `${HEADER}\r\n${EVENT}\r\n${'x'.repeat(5_000)}\n`);
    const seen: HistoryEvent[] = [];
    const reading = (async () => {
      for await (const event of readHistory(path)) seen.push(event);
    })();
    await expect(reading).rejects.toMatchObject({ text: `${'x'.repeat(200)}...` });
    expect(seen).toHaveLength(1);
  });

  test('a last line that is whole but for its newline is read', async () => {
    writeFileSync(path, `${HEADER}\n${EVENT}`);
    expect(await events()).toHaveLength(1);
  });
});
