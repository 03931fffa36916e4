import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AssertionError } from '../../runtime/assert.ts';
import { sleep, systemClock } from '../../runtime/clock.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { encodeCommand } from './command.ts';
import { StoreFailedError } from './connection.ts';
import { ReadTimeoutError } from './reader.ts';
import type { ProcessReader, Reader } from './reader.ts';
import { openStore } from './store.ts';
import type { Store } from './store.ts';
import { StoreClosedError } from './writer.ts';

const ENDLESS = 'with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c';
const PATIENT = { timeoutMs: 60_000 };

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-store-'));
  store = await openStore({ path: join(folder, 'state.db') });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

let nextIndex = 0;
const entry = (sql: string) => ({
  index: ++nextIndex,
  data: encodeCommand({ clientId: '', sequence: 0, oldestPending: 0, sql, params: [] }),
});
beforeEach(() => {
  nextIndex = 0;
});

const isAlive = (reader: Reader) => {
  try {
    return process.kill((reader as ProcessReader).processId ?? -1, 0);
  } catch {
    return false;
  }
};

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(systemClock, 2);
}

describe('writer', () => {
  test('applies batches in the order of the calls, several at a time, and a reader sees what was answered', async () => {
    const reader = await store.readers.create();
    const outcomes = await Promise.all([
      store.apply([entry('create table t (a)'), { index: ++nextIndex, data: new Uint8Array() }]),
      store.apply([entry('insert into t values (1), (2)')]),
      store.apply([entry('insert into nowhere values (1)'), entry('update t set a = a + 1 returning a')]),
    ]);
    expect(store.appliedIndex).toBe(5);
    expect(outcomes.flat().map(({ ok }) => ok)).toEqual([true, true, true, false, true]);
    expect(outcomes[2]?.[1]).toMatchObject({ results: [{ rows: [[2], [3]], rowsAffected: 2 }] });
    expect(await reader.query('select a, ? from t order by a', ['x'], PATIENT)).toEqual({
      ok: true,
      results: [
        {
          columns: ['a', '?'],
          rows: [
            [2, 'x'],
            [3, 'x'],
          ],
          rowsAffected: 0,
        },
      ],
    });
  });

  test('finds its applied index again', async () => {
    await store.apply([entry('create table t (a)'), entry('insert into t values (7)')]);
    const digest = await store.digest();
    await store.close();
    store = await openStore({ path: join(folder, 'state.db') });
    expect(store.appliedIndex).toBe(2);
    expect(await store.digest()).toBe(digest);
  });

  test('closing waits for the batches under way; afterwards everything is refused', async () => {
    const applied = store.apply([entry('create table t (a)')]);
    await store.close();
    expect(await applied).toMatchObject([{ ok: true }]);
    await expect(store.apply([entry('select 1')])).rejects.toThrow(StoreClosedError);
    await expect(store.readers.create()).rejects.toThrow(StoreClosedError);
    await store.close();
  });

  test('a failure of the writer rejects what waits and everything after it', async () => {
    const waiting = [
      store.apply([entry('create table t (a)')]),
      store.apply([{ index: ++nextIndex, data: Uint8Array.from([9, 9]) }]),
      store.apply([entry('select 1')]),
    ];
    const settled = await Promise.allSettled(waiting);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(settled[2]).toMatchObject({ reason: expect.any(StoreFailedError) as unknown });
    await expect(store.apply([entry('select 1')])).rejects.toThrow('version 9');
  });

  test('a folder that does not exist is named, and nothing is left running', async () => {
    await expect(openStore({ path: join(folder, 'missing', 'state.db') })).rejects.toThrow(StoreFailedError);
  });
});

describe('readers', () => {
  beforeEach(async () => {
    await store.apply([entry('create table t (a)'), entry('insert into t values (1)')]);
  });

  test('a read past its deadline is stopped; other readers and the writer go on meanwhile', async () => {
    const clock = new VirtualClock();
    const other = await openStore({ path: join(folder, 'state.db'), clock });
    const [slow, quick] = await Promise.all([other.readers.create(), other.readers.create()]);
    const stopped = slow.query(ENDLESS, [], { timeoutMs: 1_000 }).catch((error: unknown) => error);
    for (let round = 0; round < 20; round++) {
      await store.apply([entry('insert into t values (2)')]);
      expect(await quick.query('select count(*) from t', [], { timeoutMs: 1_000 })).toMatchObject({
        results: [{ rows: [[round + 2]] }],
      });
    }
    expect(isAlive(slow)).toBe(true);
    await other.readers.recycle(quick);
    clock.advance(1_000);
    const error = await stopped;
    expect(error).toBeInstanceOf(ReadTimeoutError);
    expect((error as Error).message).toContain('1000 ms');
    await expect(other.readers.recycle(slow)).rejects.toThrow(StoreFailedError);
    await expect(slow.query('select 1', [], PATIENT)).rejects.toThrow(ReadTimeoutError);
    await other.readers.destroy(slow);
    expect(isAlive(slow)).toBe(false);
    expect(isAlive(quick)).toBe(true);
    expect(clock.pendingTimers).toBe(0);
    await other.close();
    expect(isAlive(quick)).toBe(false);
  });

  test('an abort stops the read, with the reason of the signal; an aborted signal lets none begin', async () => {
    const reader = await store.readers.create();
    const controller = new AbortController();
    const stopped = reader.query(ENDLESS, [], { ...PATIENT, signal: controller.signal });
    controller.abort(new Error('the client went away'));
    await expect(stopped).rejects.toThrow('the client went away');
    await expect(store.readers.recycle(reader)).rejects.toThrow(StoreFailedError);
    const another = await store.readers.create();
    await expect(another.query('select 1', [], { ...PATIENT, signal: controller.signal })).rejects.toThrow('went away');
    await store.readers.recycle(another);
  });

  test('closing the store ends a read without end', async () => {
    const reader = await store.readers.create();
    const stopped = reader.query(ENDLESS, [], PATIENT).catch((error: unknown) => error);
    await store.close();
    expect(await stopped).toBeInstanceOf(StoreFailedError);
    expect(isAlive(reader)).toBe(false);
  });

  test('a reader that dies by itself rejects its read, and is replaced', async () => {
    const reader = await store.readers.create();
    const broken = reader.query(ENDLESS, [], PATIENT).catch((error: unknown) => error);
    process.kill((reader as ProcessReader).processId ?? -1, 'SIGKILL');
    expect(await broken).toMatchObject({ code: 'store-failed', message: expect.stringContaining('SIGKILL') as string });
    await expect(store.readers.recycle(reader)).rejects.toThrow(StoreFailedError);
  });

  test('wrong SQL and writes are outcomes, and the reader stays', async () => {
    const reader = await store.readers.create();
    expect(await reader.query('select nonsense', [], PATIENT)).toMatchObject({ ok: false, code: 'sql-error' });
    expect(await reader.query('delete from t', [], PATIENT)).toMatchObject({ ok: false, code: 'forbidden-sql' });
    expect(await reader.query('begin', [], PATIENT)).toMatchObject({ ok: false, code: 'forbidden-sql' });
    expect(await reader.query("vacuum into 'never.db'", [], PATIENT)).toMatchObject({ ok: false, code: 'forbidden-sql' });
    expect(await reader.query('select 1; select nonsense', [], PATIENT)).toMatchObject({ ok: false, code: 'sql-error' });
    expect(await reader.query('select random() is not null', [], PATIENT)).toMatchObject({ results: [{ rows: [[1]] }] });
    await expect(reader.query('select ?', [Number.NaN], PATIENT)).rejects.toThrow('NaN');
    await store.readers.recycle(reader);
    expect(existsSync('never.db')).toBe(false);
  });

  test('answers up to the limit arrive whole; beyond it they are refused', async () => {
    const reader = await store.readers.create();
    const series = 'with recursive c(x) as (select 1 union all select x + 1 from c limit ?) select x, hex(zeroblob(500)) from c';
    const outcome = await reader.query(series, [4_000], PATIENT);
    expect(outcome.ok && outcome.results[0]?.rows.length).toBe(4_000);
    expect(outcome.ok && outcome.results[0]?.rows.at(-1)).toEqual([4_000, '0'.repeat(1_000)]);
    expect(await reader.query(series, [5_000], PATIENT)).toMatchObject({ ok: false, code: 'result-too-large' });
    expect(await reader.query('select 1', [], PATIENT)).toMatchObject({ ok: true });
  });

  test('several statements of one read see one state of the database', async () => {
    const reader = await store.readers.create();
    // The first statement takes long enough for the writer to commit many times before the second.
    const work =
      'with recursive c(x) as (select 1 union all select x + 1 from c limit 300000) select count(*), (select count(*) from t) from c';
    const reading = reader.query(`${work}; select count(*) from t`, [], PATIENT);
    const progress = { finished: false, written: 0 };
    void reading.then(() => (progress.finished = true));
    while (!progress.finished) {
      await store.apply([entry('insert into t values (3)')]);
      progress.written++;
    }
    const outcome = await reading;
    if (!outcome.ok) throw new Error(outcome.message);
    expect(progress.written).toBeGreaterThan(1);
    expect(outcome.results[0]?.rows[0]?.[1]).toBe(outcome.results[1]?.rows[0]?.[0]);
  });

  test('a change of the schema reaches readers that have the statement compiled', async () => {
    const reader = await store.readers.create();
    expect(await reader.query('select * from t', [], PATIENT)).toMatchObject({ results: [{ columns: ['a'] }] });
    await store.apply([entry('alter table t add column b default 5')]);
    expect(await reader.query('select * from t', [], PATIENT)).toMatchObject({
      results: [{ columns: ['a', 'b'], rows: [[1, 5]] }],
    });
    await store.apply([entry('drop table t; create view t as select 9 as z')]);
    expect(await reader.query('select * from t', [], PATIENT)).toMatchObject({ results: [{ columns: ['z'], rows: [[9]] }] });
  });

  test('misuse is refused: two reads at once, no time, a reader of somebody else', async () => {
    const reader = await store.readers.create();
    const first = reader.query('select 1', [], PATIENT);
    await expect(reader.query('select 2', [], PATIENT)).rejects.toThrow(AssertionError);
    expect(await first).toMatchObject({ results: [{ rows: [[1]] }] });
    await expect(reader.query('select 1', [], { timeoutMs: 0 })).rejects.toThrow('not 0');
    await expect(store.readers.recycle({ query: () => Promise.reject(new Error()) })).rejects.toThrow('not made by this store');
  });
});

test('when a node is killed its readers end too, also one that is busy', async () => {
  const program = `
    import { openStore } from ${JSON.stringify(new URL('./store.ts', import.meta.url).href)};
    const store = await openStore({ path: ${JSON.stringify(join(folder, 'other.db'))} });
    const readers = await Promise.all([store.readers.create(), store.readers.create()]);
    void readers[0].query(${JSON.stringify(ENDLESS)}, [], { timeoutMs: 60000 }).catch(() => {});
    process.stdout.write(readers.map((reader) => reader.processId).join(' ') + '\\n');`;
  const node = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(node.stdout, 'data')) as [Buffer];
  const readers = line.toString().trim().split(' ').map(Number);
  expect(readers.length).toBe(2);
  node.kill('SIGKILL');
  await once(node, 'exit');
  const running = (id: number) => {
    try {
      // A zombie has ended; who inherits it may be slow to collect it.
      return !/^\s*Z/.test(execFileSync('ps', ['-o', 'stat=', '-p', String(id)]).toString());
    } catch {
      return false;
    }
  };
  await until(() => !readers.some(running));
});
