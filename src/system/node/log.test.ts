import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { LogWriteError, openLog, openLogIn } from './log.ts';
import { FRAME_HEADER_BYTES, HEADER_BYTES } from './log-format.ts';
import { LogDamagedError, segmentName } from './log-replay.ts';
import { contentOf, describeLogContract, LogModel, randomBatch } from './testing/log-contract.ts';
import { SimulatedLogFolder } from './testing/simulated-log-folder.ts';
import type { DiskOperation } from './testing/simulated-log-folder.ts';

const base = mkdtempSync(join(tmpdir(), 'windtunnel-log-'));
afterAll(() => rmSync(base, { recursive: true }));

let folder = '';
let disk = new SimulatedLogFolder();
describeLogContract('the file system', {
  open: () => openLog({ folder, segmentBytes: 2_048 }),
  reset: async () => {
    folder = join(mkdtempSync(join(base, 'contract-')), 'a', 'b');
  },
});
describeLogContract('a simulated disk', {
  open: () => openLogIn(disk, { segmentBytes: 2_048 }),
  reset: async () => {
    disk = new SimulatedLogFolder();
  },
});

/** Appends random batches; returns what the log held after each frame, the empty log first. */
async function fill(target: SimulatedLogFolder, seed: number, batches: number, segmentBytes = 2_048): Promise<LogModel[]> {
  const random = new Random(seed);
  const models = [new LogModel()];
  const log = await openLogIn(target, { segmentBytes });
  for (let at = 0; at < batches; at++) {
    const model = (models.at(-1) as LogModel).copy();
    const batch = randomBatch(random, model).filter(({ hardState, entries }) => hardState !== undefined || entries.length > 0);
    if (batch.length === 0) continue;
    model.apply(batch);
    await log.append(batch);
    models.push(model);
  }
  await log.close();
  return models;
}

const names = async (target: SimulatedLogFolder) => (await target.list()).map(({ name }) => name).sort();

/** What a damaged log opens as, or the LogDamagedError that refuses it. */
async function openDamaged(target: SimulatedLogFolder) {
  try {
    const log = await openLogIn(target, { segmentBytes: 2_048 });
    await log.close();
    return { refused: undefined, content: contentOf(log), cut: log.cut };
  } catch (error) {
    if (error instanceof LogDamagedError) return { refused: error, content: undefined, cut: undefined };
    throw error;
  }
}

describe('segments', () => {
  test('a new one is begun when the last is full, and a batch larger than a segment has one for itself', async () => {
    const target = new SimulatedLogFolder();
    const log = await openLogIn(target, { segmentBytes: 1_024 });
    const data = (bytes: number) => new Uint8Array(bytes);
    for (const [at, bytes] of [400, 400, 400, 5_000, 10].entries())
      await log.append([{ hardState: undefined, entries: [{ index: at + 1, term: 1, kind: 'command', data: data(bytes) }] }]);
    await log.close();
    expect(await names(target)).toEqual([1, 2, 3, 4].map(segmentName));
    const again = await openLogIn(target, { segmentBytes: 1_024 });
    expect(again.entries.map((entry) => entry.data.byteLength)).toEqual([400, 400, 400, 5_000, 10]);
    await again.close();
  });

  test('other files in the folder are left alone', async () => {
    const target = new SimulatedLogFolder();
    target.setContent('README', Buffer.from('hello'));
    const [model] = (await fill(target, 1, 5)).slice(-1);
    expect((await openDamaged(target)).content).toEqual(contentOf(model as LogModel));
    expect(await names(target)).toContain('README');
  });

  test('sizes below 1 KiB are refused', async () => {
    await expect(openLogIn(new SimulatedLogFolder(), { segmentBytes: 100 })).rejects.toThrow('100');
  });
});

describe('group commit', () => {
  test('appends that wait share one fsync, and each fsync is reported', async () => {
    const target = new SimulatedLogFolder();
    const reported: number[] = [];
    const log = await openLogIn(target, { onFsync: (seconds, bytes) => reported.push(seconds >= 0 ? bytes : Number.NaN) });
    const before = target.syncs;
    const append = (index: number) =>
      log.append([{ hardState: undefined, entries: [{ index, term: 1, kind: 'command', data: new Uint8Array(10) }] }]);
    const appends = Array.from({ length: 100 }, (_, at) => append(at + 1));
    await Promise.all(appends);
    expect(target.syncs - before).toBe(1);
    expect(reported.length).toBe(1);
    expect(reported[0]).toBe(target.contentOf(segmentName(1)).byteLength - HEADER_BYTES);
    await append(101);
    expect(reported.length).toBe(2);
    // Nothing to write: no fsync.
    await log.append([{ hardState: undefined, entries: [] }]);
    expect(reported.length).toBe(2);
    await log.close();
  });

  test('an append resolves only when it is durable', async () => {
    const target = new SimulatedLogFolder();
    const log = await openLogIn(target);
    let resolved = false;
    let resolvedBeforeSync = false;
    target.beforeEach = (operation) => {
      if (operation === 'sync') resolvedBeforeSync = resolved;
    };
    await log.append([{ hardState: { term: 1, votedFor: undefined }, entries: [] }]).then(() => (resolved = true));
    expect([resolved, resolvedBeforeSync]).toEqual([true, false]);
    const survivor = await openLogIn(target.crash(new Random(1)));
    expect(survivor.hardState.term).toBe(1);
    await log.close();
  });
});

describe('a torn tail', () => {
  test('cut anywhere, the last segment opens with the whole frames before the cut', async () => {
    const target = new SimulatedLogFolder();
    const models = await fill(target, 7, 14);
    const files = await names(target);
    const last = files.at(-1) as string;
    expect(files.length).toBeGreaterThan(1);
    const whole = Buffer.from(target.contentOf(last));
    const starts = frameStarts(whole);
    const earlier = models.length - 1 - starts.length;
    for (let size = 0; size <= whole.byteLength; size++) {
      const torn = target.clone();
      torn.setContent(last, whole.subarray(0, size));
      const { refused, content, cut } = await openDamaged(torn);
      expect(refused).toBeUndefined();
      const kept = starts.filter((_, at) => (starts[at + 1] ?? whole.byteLength) <= size).length;
      expect(content, `cut at ${size}`).toEqual(contentOf(models[earlier + kept] as LogModel));
      const boundary = size >= HEADER_BYTES ? (starts[kept] ?? whole.byteLength) : 0;
      expect(cut).toEqual(
        size === boundary && size >= HEADER_BYTES ? undefined : { file: last, offset: boundary, bytes: size - boundary },
      );
      // The cut is durable: opened again, the log is clean and goes on.
      const again = await openLogIn(torn.crash(new Random(size)), { segmentBytes: 2_048 });
      expect(again.cut).toBeUndefined();
      expect(contentOf(again)).toEqual(content);
      await again.append([{ hardState: { term: 999, votedFor: 'x' }, entries: [] }]);
      await again.close();
    }
  });

  test('zeros behind the last frame, as a crash may leave them, are cut off', async () => {
    const target = new SimulatedLogFolder();
    const models = await fill(target, 8, 5, 1 << 20);
    const content = target.contentOf(segmentName(1));
    target.setContent(segmentName(1), Buffer.concat([content, Buffer.alloc(500)]));
    const opened = await openDamaged(target);
    expect(opened.content).toEqual(contentOf(models.at(-1) as LogModel));
    expect(opened.cut?.bytes).toBe(500);
  });

  test('the bytes of a frame inside an entry are not taken for a frame behind the torn one', async () => {
    const source = new SimulatedLogFolder();
    await fill(source, 9, 6, 1 << 20);
    const stolen = new Uint8Array(source.contentOf(segmentName(1)));
    const target = new SimulatedLogFolder();
    const log = await openLogIn(target);
    await log.append([{ hardState: undefined, entries: [{ index: 1, term: 1, kind: 'command', data: stolen }] }]);
    await log.close();
    target.setContent(segmentName(1), target.contentOf(segmentName(1)).subarray(0, -1));
    expect((await openDamaged(target)).content?.entries).toEqual([]);
  });
});

test('any single byte flipped in a log of two segments: refused, or the last frame is cut off', async () => {
  const target = new SimulatedLogFolder();
  const models = await fill(target, 21, 8);
  const files = await names(target);
  expect(files.length).toBe(2);
  const beforeLastFrame = contentOf(models.at(-2) as LogModel);
  const outcomes = { refused: 0, cut: 0 };
  for (const file of files) {
    const whole = Buffer.from(target.contentOf(file));
    const lastFrame = file === files[1] ? (frameStarts(whole).at(-1) as number) : Infinity;
    for (let offset = 0; offset < whole.byteLength; offset++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const damaged = target.clone();
        const bytes = Buffer.from(whole);
        bytes[offset] = (bytes[offset] as number) ^ mask;
        damaged.setContent(file, bytes);
        const { refused, content, cut } = await openDamaged(damaged);
        const where = `${file} at ${offset}`;
        // Damage to the last frame cannot be told from a write that a crash left unfinished.
        expect(refused === undefined, where).toBe(offset >= lastFrame);
        expect([undefined, lastFrame], where).toContain(cut?.offset);
        expect(content, where).toEqual(refused === undefined ? beforeLastFrame : undefined);
        expect(damaged.contentOf(file).equals(bytes), where).toBe(refused !== undefined);
        // A header says where the segment before it ended, so damage to that end may show there.
        expect([undefined, ...files], where).toContain(refused?.file);
        expect(refused?.offset ?? 0, where).toBeLessThanOrEqual(offset);
        outcomes[refused === undefined ? 'cut' : 'refused']++;
      }
    }
  }
  expect(outcomes.refused).toBeGreaterThan(1_000);
  expect(outcomes.cut).toBeGreaterThan(50);
}, 60_000);

describe('damage', () => {
  test('a segment that is missing, cut short, or from another log is named', async () => {
    const target = new SimulatedLogFolder();
    await fill(target, 5, 40);
    const files = await names(target);
    expect(files.length).toBeGreaterThan(3);
    const expectRefusal = async (change: (copy: SimulatedLogFolder) => unknown, file: string, message: string) => {
      const copy = target.clone();
      await change(copy);
      const { refused } = await openDamaged(copy);
      expect(refused?.message).toContain(message);
      expect(refused?.file).toBe(file);
    };
    const [first, second, third] = files as [string, string, string];
    await expectRefusal((copy) => copy.remove(second), second, 'missing');
    await expectRefusal((copy) => copy.remove(first), first, 'missing');
    const whole = target.contentOf(second);
    // At the end of a frame: every frame that is left is whole.
    await expectRefusal(
      (copy) => copy.setContent(second, whole.subarray(0, frameStarts(whole).at(-1))),
      third,
      'does not follow',
    );
    await expectRefusal((copy) => copy.setContent(second, whole.subarray(0, -1)), second, 'cut short');
    await expectRefusal((copy) => copy.setContent(second, Buffer.alloc(0)), second, 'cut short');
    await expectRefusal((copy) => copy.setContent(second, target.contentOf(first)), second, 'number 1');
    const other = new SimulatedLogFolder();
    await fill(other, 6, 40);
    await expectRefusal((copy) => copy.setContent(second, other.contentOf(second)), second, 'does not follow');
  });

  test('a segment of another log that fits by its numbers is noticed', async () => {
    const write = async (letter: number) => {
      const target = new SimulatedLogFolder();
      const log = await openLogIn(target, { segmentBytes: 1_024 });
      for (let index = 1; index <= 3; index++)
        await log.append([
          { hardState: undefined, entries: [{ index, term: 1, kind: 'command', data: new Uint8Array(800).fill(letter) }] },
        ]);
      await log.close();
      return target;
    };
    const [target, other] = await Promise.all([write(1), write(2)]);
    target.setContent(segmentName(3), other.contentOf(segmentName(3)));
    expect((await openDamaged(target)).refused?.message).toContain('does not follow');
  });

  test('a frame twice, or two frames exchanged, are noticed although each is whole', async () => {
    const target = new SimulatedLogFolder();
    await fill(target, 31, 6, 1 << 20);
    const name = segmentName(1);
    const whole = target.contentOf(name);
    const starts = frameStarts(whole);
    const frame = (at: number) => whole.subarray(starts[at], starts[at + 1] ?? whole.byteLength);
    const count = starts.length;
    const build = (...order: number[]) => Buffer.concat([whole.subarray(0, HEADER_BYTES), ...order.map(frame)]);
    const all = Array.from({ length: count }, (_, at) => at);
    for (const order of [[1, 0, ...all.slice(2)], [0, 0, ...all.slice(1)], all.slice(1), [0, ...all.slice(2)]]) {
      const copy = target.clone();
      copy.setContent(name, build(...order));
      expect((await openDamaged(copy)).refused?.message).toMatch(/belongs/);
    }
  });
});

test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))(
  'power failures at any moment lose nothing acknowledged (seed %d)',
  async (seed) => {
    const random = new Random(seed);
    let target = new SimulatedLogFolder();
    /** Durable for certain. */
    let acknowledged = new LogModel();
    for (let life = 0; life < 8; life++) {
      const log = await openLogIn(target, { segmentBytes: 1_024 });
      let model = acknowledged.copy();
      const survivors: SimulatedLogFolder[] = [];
      let operationsLeft = random.integer(0, 40);
      target.beforeEach = () => {
        if (operationsLeft-- > 0) return;
        survivors.push(target.crash(random));
        throw new Error('the power failed');
      };
      let pending = model;
      for (let working = true; working;) {
        const batch = randomBatch(random, model);
        pending = model.copy();
        pending.apply(batch);
        working = await log.append(batch).then(
          () => true,
          () => false,
        );
        if (working) model = pending;
      }
      const [survivor] = survivors;
      if (survivor === undefined) throw new Error('an append failed while there was power');
      target = survivor;
      acknowledged = model;
      const reopened = await openLogIn(target.clone(), { segmentBytes: 1_024 });
      const found = contentOf(reopened);
      // What was under way may have become durable as a whole; then it counts from now on.
      if (JSON.stringify(found) === JSON.stringify(contentOf(pending))) acknowledged = pending;
      expect(found).toEqual(contentOf(acknowledged));
      await reopened.close();
    }
  },
);

describe('a failing disk', () => {
  const failing = (operation: DiskOperation, code: string) => (actual: DiskOperation) => {
    if (actual === operation) throw Object.assign(new Error(`${code}: no luck`), { code });
  };

  test.each<[DiskOperation, string, string]>([
    ['sync', 'EIO', 'log-write-failed'],
    ['append', 'ENOSPC', 'disk-full'],
    ['append', 'EDQUOT', 'disk-full'],
    ['create', 'EMFILE', 'log-write-failed'],
    ['sync-folder', 'EIO', 'log-write-failed'],
  ])(
    'when %s fails with %s, that append and all later ones reject, also when the disk is well again',
    async (operation, code, expected) => {
      const target = new SimulatedLogFolder();
      const log = await openLogIn(target, { segmentBytes: 1_024 });
      const append = (index: number) =>
        log.append([{ hardState: undefined, entries: [{ index, term: 1, kind: 'command', data: new Uint8Array(800) }] }]);
      await append(1);
      target.beforeEach = failing(operation, code);
      const failed = await Promise.all([append(2), append(3)].map((appended) => appended.catch((error: unknown) => error)));
      for (const error of failed)
        expect(error).toMatchObject({ code: expected, message: expect.stringContaining(code) as string });
      target.beforeEach = () => {};
      const { syncs } = target;
      await expect(append(4)).rejects.toThrow(LogWriteError);
      expect(target.syncs).toBe(syncs);
      await log.close();
      const again = await openLogIn(target, { segmentBytes: 1_024 });
      expect(again.entries[0]?.data.byteLength).toBe(800);
      await again.close();
    },
  );
});

test('on the file system the segments are files of the folder, and a torn one is cut there too', async () => {
  const path = mkdtempSync(join(base, 'files-'));
  const log = await openLog({ folder: path });
  await log.append([{ hardState: { term: 3, votedFor: 'me' }, entries: [] }]);
  await log.close();
  expect(readdirSync(path)).toEqual([segmentName(1)]);
  const { appendFileSync, statSync } = await import('node:fs');
  const file = join(path, segmentName(1));
  const { size } = statSync(file);
  appendFileSync(file, Buffer.alloc(FRAME_HEADER_BYTES + 3, 7));
  const again = await openLog({ folder: path });
  expect(again.cut).toEqual({ file: segmentName(1), offset: size, bytes: FRAME_HEADER_BYTES + 3 });
  expect(again.hardState).toEqual({ term: 3, votedFor: 'me' });
  expect(statSync(file).size).toBe(size);
  await again.close();
});

/** Offsets of the frames in a segment. */
function frameStarts(segment: Buffer): number[] {
  const starts: number[] = [];
  for (let offset = HEADER_BYTES; offset < segment.byteLength; offset += FRAME_HEADER_BYTES + segment.readUInt32LE(offset + 4))
    starts.push(offset);
  return starts;
}
