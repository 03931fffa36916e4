import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import type { HistoryEvent, HistoryModel } from '../history/event.ts';
import { HistoryFormatError } from '../history/event.ts';
import { HistoryWriter } from '../history/writer.ts';
import { checkFile } from './check-file.ts';
import { simulateRegisters } from './testing/simulated-register.ts';
import { simulateBank } from './testing/simulated-bank.ts';
import { simulateLists } from './testing/simulated-lists.ts';
import { simulateTransactions } from './testing/simulated-transactions.ts';
import { transcript } from './testing/transcript.ts';

let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-check-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, `history-${count++}`);
  writeFileSync(path, text);
  return path;
}

async function recorded(model: HistoryModel, events: readonly HistoryEvent[], initial?: unknown): Promise<string> {
  const path = join(folder, `history-${count++}`);
  const writer = await HistoryWriter.open(path, { model, ...(initial !== undefined && { initial }) });
  for (const { index: _, ...event } of events) if (!writer.append(event)) await writer.drained();
  await writer.close();
  return path;
}

describe('checking a file', () => {
  test('that was recorded by the writer, by the model in its header', async () => {
    const events = simulateRegisters({ random: new Random(5), operations: 2_000, clients: 8, keys: 5, unknownRate: 0.01 });
    const path = await recorded('register-map', events);
    const checked = await checkFile(path, { timeLimitMs: 60_000 });
    expect(checked).toMatchObject({ path, format: 'windtunnel', model: 'register-map', operations: 2_000, verdict: 'valid' });
    expect(checked.summary).toBe('valid: 2,000 operations on 5 keys, model register: all can be put in one order');
    // As one register the keys contradict one another.
    expect(await checkFile(path, { model: 'register' })).toMatchObject({ verdict: 'violated', model: 'register' });
  });

  test('with an initial value, given or customary', async () => {
    const read = '[{:process 0 :type :invoke :f :read :value nil} {:process 0 :type :ok :f :read :value 0}]';
    expect(await checkFile(file(read))).toMatchObject({ format: 'edn', verdict: 'valid' });
    expect(await checkFile(file(read), { initial: 4 })).toMatchObject({ verdict: 'violated' });
    const log = '0 :invoke :read nil\n0 :ok :read 0\n';
    expect(await checkFile(file(log))).toMatchObject({ format: 'etcd-log', verdict: 'violated' });
    expect(await checkFile(file(log), { initial: 0 })).toMatchObject({ verdict: 'valid' });
  });

  test('of a set', async () => {
    const events = transcript('0 invoke add 1 \n 0 ok \n 0 invoke add 2 \n 0 ok \n 1 invoke read-all \n 1 ok [2]');
    const checked = await checkFile(await recorded('set', events));
    expect(checked).toMatchObject({
      model: 'set',
      operations: 3,
      verdict: 'violated',
      results: [{ checker: 'acknowledged-writes' }],
    });
    expect(checked.summary).toBe(
      'violated: 1 lost (1)\n  2 attempted, 2 acknowledged, 1 lost, 0 unknown of which 0 survived\n' +
        '  event 0, 0 .. 1us, process 0: add 1, acknowledged, but not in the final read\n' +
        '  event 4, 4us .. 5us, process 1: the final read-all, of 1 elements',
    );
  });

  test('of texts', async () => {
    const events = transcript('0 invoke append "a" @k \n 0 ok \n 1 invoke get @k \n 1 ok ""');
    expect(await checkFile(await recorded('kv', events))).toMatchObject({ model: 'kv', verdict: 'violated' });
  });

  test('of append-only lists, by several checkers', async () => {
    const events = simulateLists({ random: new Random(5), operations: 2_000, clients: 8, keys: 5, unknownRate: 0.01 });
    const checked = await checkFile(await recorded('append', events), { timeLimitMs: 60_000 });
    expect(checked).toMatchObject({ model: 'append', operations: 2_000, verdict: 'valid' });
    expect(checked.results.map(({ checker }) => checker)).toEqual(['linearizability', 'monotonic-append', 'monotonic-reads']);
    const stale = transcript('0 invoke append 1 \n 1 invoke read \n 1 ok [1] \n 1 invoke read \n 1 ok null \n 0 ok');
    const { summary, verdict } = await checkFile(await recorded('append', stale));
    expect(verdict).toBe('violated');
    expect(summary).toMatch(
      /^violated: not linearizable[^]*^violated: a read does not begin[^]*^violated: process 1 saw 1 elements/m,
    );
  });

  test('of a bank, which needs to know how it began', async () => {
    const options = { random: new Random(5), operations: 500, clients: 5, accounts: 4, balance: 20 };
    const start = { accounts: 4, balance: 20 };
    expect(await checkFile(await recorded('bank', simulateBank(options), start))).toMatchObject({
      model: 'bank',
      verdict: 'valid',
    });
    const torn = simulateBank({ ...options, bug: 'torn' });
    expect(await checkFile(await recorded('bank', torn, start))).toMatchObject({
      verdict: 'violated',
      results: [{ checker: 'bank' }],
    });
    await expect(checkFile(await recorded('bank', torn))).rejects.toThrow('the header of a bank needs initial');
  });

  test('of transactions, also as Jepsen prints them', async () => {
    const options = { random: new Random(5), transactions: 300, clients: 5, keys: 4 };
    const events = simulateTransactions({ ...options, isolation: 'strict' });
    expect(await checkFile(await recorded('list-append', events))).toMatchObject({ model: 'list-append', verdict: 'valid' });
    const skewed = simulateTransactions({ ...options, isolation: 'snapshot' });
    for (const [history, verdict] of [
      [events, 'valid'],
      [skewed, 'violated'],
    ] as const) {
      const edn = history.map(({ process, type, value, timeNs }) => {
        const steps = JSON.stringify(value)
          .replaceAll(/"(append|r)"/g, ':$1')
          .replaceAll('null', 'nil')
          .replaceAll(/"(k\d)"/g, ':$1');
        return `{:type :${type}, :f :txn, :value ${steps}, :process ${process}, :time ${timeNs}}`;
      });
      expect(await checkFile(file(edn.join('\n')))).toMatchObject({ format: 'edn', model: 'list-append', verdict });
    }
  });

  test('stops while reading, and says how far it is', async () => {
    const events = simulateRegisters({ random: new Random(5), operations: 20_000, clients: 8, keys: 5 });
    const path = await recorded('register-map', events);
    const stop = new AbortController();
    const read: number[] = [];
    const onRead = (operations: number) => {
      read.push(operations);
      stop.abort(new Error('stopped'));
    };
    await expect(checkFile(path, { onRead, signal: stop.signal })).rejects.toThrow('stopped');
    expect(read).toHaveLength(1);
    expect(read[0]).toBeLessThan(20_000);
  });

  test.each(['', '{"windtunnel":"history","version":1,"model":"register-map"}\n', '[]'])(
    '%j is unknown, never valid',
    async (text) => {
      expect(await checkFile(file(text))).toMatchObject({ verdict: 'unknown', operations: 0 });
    },
  );

  test('what cannot be read or makes no sense is an error, not a verdict', async () => {
    await expect(checkFile(file('what is this'))).rejects.toBeInstanceOf(HistoryFormatError);
    await expect(checkFile(join(folder, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(checkFile(file('[{:process 0 :type :ok :f :read :value 1}]'))).rejects.toMatchObject({
      code: 'history_structure',
    });
    await expect(checkFile(file(''), { model: 'list' as 'set' })).rejects.toThrow('unknown model: list; known are register, ');
    await expect(checkFile(file(''), { timeLimitMs: -1 })).rejects.toThrow('timeLimitMs must be > 0, not -1');
    await expect(checkFile(file(''), { signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow('stopped');
  });
});
