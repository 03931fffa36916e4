import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRecoveryRecord } from './recovery-record.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-recovery-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (lost: boolean, isNew: boolean, incarnation = 5) => openRecoveryRecord({ folder, lost, isNew, incarnation });

test('a node that lost nothing has no record', async () => {
  expect((await open(false, true)).recovery).toBeUndefined();
  expect((await open(false, false)).recovery).toBeUndefined();
});

test('a loss is remembered until it is over, and then as one that is', async () => {
  expect((await open(true, true)).recovery).toEqual({ incarnation: 5, over: false });
  // A crash during the recovery: nobody tells it again, and its log is not empty any more.
  const again = await open(false, false, 6);
  expect(again.recovery).toEqual({ incarnation: 5, over: false });
  await again.finish();
  expect(again.recovery).toEqual({ incarnation: 5, over: true });
  expect((await open(false, false, 7)).recovery).toEqual({ incarnation: 5, over: true });
});

test('a node that is told again while it recovers goes on with it', async () => {
  await open(true, true);
  expect((await open(true, false, 6)).recovery).toEqual({ incarnation: 5, over: false });
});

test('a node that has its log is not to be told that it lost it', async () => {
  await expect(open(true, false)).rejects.toMatchObject({ name: 'DataFolderError', code: 'not-lost' });
  expect((await open(false, false)).recovery).toBeUndefined();
});

test.each(['', 'null', '{"incarnation":5}', '{"incarnation":"5","over":true}'])(
  'a record %j is damage, not a guess',
  async (text) => {
    writeFileSync(join(folder, 'recovery.json'), text);
    await expect(open(false, false)).rejects.toMatchObject({ code: 'damaged-identity' });
  },
);
