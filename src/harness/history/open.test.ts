import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HistoryEvent } from './event.ts';
import { HistoryFormatError } from './event.ts';
import { openHistory } from './open.ts';

let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-open-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function open(text: string) {
  const path = join(folder, `history-${count++}`);
  writeFileSync(path, text);
  const { batches, ...meaning } = await openHistory(path);
  const all: HistoryEvent[] = [];
  for await (const batch of batches) all.push(...batch);
  return { ...meaning, events: all };
}

describe('Windtunnel', () => {
  test('is known by its header', async () => {
    const history = await open(
      '\n{ "windtunnel": "history", "version": 1, "model": "register-map", "seed": 7, "initial": 3 }\n'.trimStart() +
        '{"index":0,"process":1,"type":"invoke","f":"read","key":"k","value":null,"timeNs":1}\n',
    );
    expect(history).toMatchObject({ format: 'windtunnel', model: 'register-map', seed: 7, initial: 3, nilReadIsUnknown: false });
    expect(history.events).toHaveLength(1);
  });
});

describe('the etcd logs of Jepsen', () => {
  test('with tabs, spaces, and what the failures mean', async () => {
    const history = await open(
      [
        'INFO  jepsen.core - Running test',
        'INFO  jepsen.util - 0\t:invoke\t:write\t4',
        'INFO  jepsen.util - 12   :invoke   :cas   [4 0]  ',
        'INFO  jepsen.util - 1\t:invoke\t:read\tnil\r',
        'INFO  jepsen.util - 1\t:ok\t:read\tnil',
        'INFO  jepsen.util - :nemesis\t:info\t:start\tnil',
        'INFO  jepsen.util - 0\t:info\t:write\t:timed-out',
        'INFO  jepsen.util - 12\t:fail\t:cas\t[4 0]',
        'INFO  jepsen.util - 1\t:invoke\t:read\tnil',
        'INFO  jepsen.util - 1\t:fail\t:read\t:timed-out',
        'INFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]',
        'INFO  jepsen.util - 1\t:fail\t:cas\t:timed-out',
      ].join('\n'),
    );
    expect(history).toMatchObject({ format: 'etcd-log', model: 'register', initial: null, nilReadIsUnknown: false });
    expect(history.events.map(({ process, type, f, value, error }) => [process, type, f, value, error])).toEqual([
      [0, 'invoke', 'write', 4, undefined],
      [12, 'invoke', 'cas', [4, 0], undefined],
      [1, 'invoke', 'read', null, undefined],
      [1, 'ok', 'read', null, undefined],
      ['nemesis', 'info', 'start', null, undefined],
      [0, 'info', 'write', null, 'timed-out'],
      [12, 'fail', 'cas', [4, 0], 'mismatch'],
      [1, 'invoke', 'read', null, undefined],
      [1, 'fail', 'read', null, 'timed-out'],
      [1, 'invoke', 'cas', [1, 2], undefined],
      [1, 'info', 'cas', null, 'timed-out'],
    ]);
    expect(history.events.map(({ index }) => index)).toEqual([...history.events.keys()]);
  });

  test('also without the name of the logger', async () => {
    expect((await open('0 :invoke :read nil\n0 :ok :read nil\n')).events).toHaveLength(2);
  });

  test.each([
    ['INFO  jepsen.util - 0 :invoke :read nil\nINFO  jepsen.util - 0 :o', 2, 'not an operation'],
    ['INFO  jepsen.util - 0 :invoke :cas [1 2', 1, "']' is missing"],
    ['INFO  jepsen.util - 0 :invoke :write {:a 1}', 1, 'the value of a register'],
  ])('%j is refused', async (text, line, reason) => {
    await expect(open(text)).rejects.toMatchObject({ code: 'history_format', line });
    await expect(open(text)).rejects.toThrow(reason);
  });
});

describe('EDN', () => {
  test('a vector of a register; Knossos begins with 0 and does not trust nil', async () => {
    const history = await open(`; a comment
      [{:process 0, :type :invoke, :f :cas, :value [1 2], :time 12, :index 40}
       {:process :nemesis :type :info :f :start :value "cut [:n1 #{:n2}]"}
       {:process 0, :type :info, :f :cas, :value [1 2], :time 99 :error [:timeout 5N]}]`);
    expect(history).toMatchObject({ format: 'edn', model: 'register', initial: 0, nilReadIsUnknown: true });
    expect(history.events).toEqual([
      { index: 0, process: 0, type: 'invoke', f: 'cas', value: [1, 2], timeNs: 12 },
      { index: 1, process: 'nemesis', type: 'info', f: 'start', value: 'cut [:n1 #{:n2}]', timeNs: Number.NaN },
      { index: 2, process: 0, type: 'info', f: 'cas', value: [1, 2], timeNs: 99, error: '[":timeout",5]' },
    ]);
  });

  test('one map a line, as Jepsen and Porcupine write them, and records', async () => {
    const kv =
      '{:process 1, :type :invoke, :f :append, :key "0", :value "x 1 0 y"}\n{:process 1, :type :ok, :f :append, :key "0", :value "x 1 0 y"}\n';
    expect(await open(kv)).toMatchObject({ model: 'kv', events: [{ key: '0', f: 'append', value: 'x 1 0 y' }, { type: 'ok' }] });
    const records = '#jepsen.history.Op{:index 0, :time 5, :type :invoke, :process 0, :f :write, :value :a}\n';
    expect(await open(records)).toMatchObject({ model: 'register', events: [{ timeNs: 5, value: ':a' }] });
    expect(await open(`\uFEFF(${records})`)).toMatchObject({ model: 'register', events: [{ timeNs: 5 }] });
  });

  test('the tuples of jepsen.independent are keys', async () => {
    const history = await open(`
      {:process 0 :type :invoke :f :read :value [7 nil]}
      {:process 1 :type :invoke :f :cas :value [:b [1 2]]}
      {:process 2 :type :invoke :f :write :value ["c" 3]}
      {:process 0 :type :ok :f :read :value [7 5]}
      {:process 1 :type :info :f :cas :value nil}
      {:process :nemesis :type :info :f :start :value nil}`);
    expect(history).toMatchObject({ model: 'register-map', initial: null });
    expect(history.events.map(({ key, value }) => [key, value])).toEqual([
      ['7', null],
      [':b', [1, 2]],
      ['c', 3],
      ['7', 5],
      [undefined, null],
      [undefined, null],
    ]);
  });

  test('a set, whose read is the final one', async () => {
    const history = await open(`
      [{:process 0 :type :invoke :f :add :value 1} {:process 0 :type :ok :f :add :value 1}
       {:process 0 :type :invoke :f :read :value nil} {:process 0 :type :ok :f :read :value #{1}}]`);
    expect(history).toMatchObject({ model: 'set', events: [{}, {}, { f: 'read-all' }, { f: 'read-all', value: [1] }] });
  });

  test.each([
    ['append', ':f :append :key :x :value 1', ':f :read :key :x :value [1]', { key: ':x' }],
    ['append', ':f :append :value [5 1]', ':f :read :value [5 [1]]', { key: '5' }],
    ['list-append', ':f :txn :value [[:append 8 1]]', ':f :txn :value [[:r 8 [1]]]', { value: [[':r', 8, [1]]] }],
    ['kv', ':f :append :key "x" :value "a"', ':f :get :key "x" :value "a"', { key: 'x' }],
    ['list-append', ':f :append :key 1 :value 1', ':f :txn :value [[:r 1 [1]]]', {}],
  ])('of lists: %s, %s', async (model, asked, answered, event) => {
    const invoked = answered.replace('[1]', 'nil');
    const text = `{:process 0 :type :invoke ${asked}}{:process 1 :type :invoke ${invoked}}{:process 1 :type :ok ${answered}}`;
    const history = await open(text);
    expect(history).toMatchObject({ format: 'edn', model });
    expect(history.events.at(-1)).toMatchObject(event);
  });

  test.each([
    ['[{:process 0 :type :invoke :f :read}\n {:process 0 :type :ok', 2, "'}' is missing"],
    ['[{:process 0 :type :invoke :f :read}\n 5]', 2, 'an operation is a map'],
    ['[{:process 0 :type :started :f :read}]', 1, ':type must be :invoke, :ok, :fail or :info, not :started'],
    ['\n[{:process 0 :f :read}]', 2, 'an operation needs :type'],
    ['[{:type :ok :f :read}]', 1, 'an operation needs :process'],
    ['[{:process 0 :type :ok}]', 1, 'an operation needs :f'],
    ['[] []', 1, 'something follows the history'],
    ['[{:process 0 :type :invoke :f :enqueue :value 1}]', 1, 'no checker for a history with these functions'],
    [
      '[{:process 0 :type :invoke :f :read :value [1 nil]} {:process 0 :type :ok :f :read :value 3}]',
      1,
      'is a tuple [key value]',
    ],
    [`[{:process 0 :type :invoke :f ${'['.repeat(1e5)}`, 1, 'nested deeper than 256'],
  ])('%j is refused', async (text, line, reason) => {
    const error = await open(text).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(HistoryFormatError);
    expect(error).toMatchObject({ line });
    expect((error as Error).message).toContain(reason);
  });
});

describe('neither', () => {
  test.each(['', '\n \n', '[]', '; nothing'])('%j has no operations', async (text) => {
    expect((await open(text)).events).toEqual([]);
  });

  test('other text is refused with its first line', async () => {
    await expect(open('\nhello')).rejects.toThrow(':2: not a history; known are Windtunnel (JSON lines)');
    await expect(openHistory(join(folder, 'missing'))).rejects.toThrow('ENOENT');
    await expect(open('{"type":"invoke"}')).rejects.toThrow('a history begins with { "windtunnel": "history"');
  });
});
