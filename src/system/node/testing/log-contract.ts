// What every log must do, whatever disk it is on.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Random } from '../../../runtime/random.ts';
import type { Entry, HardState } from '../../raft/protocol.ts';
import type { RaftLog } from '../log.ts';
import type { LogRecord } from '../log-format.ts';

/** What a log holds after records, computed in the simplest way. */
export class LogModel {
  hardState: HardState = { term: 0, votedFor: undefined };
  entries: Entry[] = [];

  apply(records: readonly LogRecord[]): void {
    for (const { hardState, entries } of records) {
      this.hardState = hardState ?? this.hardState;
      const [first] = entries;
      if (first !== undefined) this.entries = [...this.entries.slice(0, first.index - 1), ...entries];
    }
  }

  copy(): LogModel {
    const copy = new LogModel();
    copy.hardState = this.hardState;
    copy.entries = [...this.entries];
    return copy;
  }
}

export const contentOf = ({ hardState, entries }: { hardState: HardState; entries: readonly Entry[] }) => ({
  hardState: { ...hardState },
  entries: entries.map((entry) => ({ ...entry, data: Buffer.from(entry.data).toString('hex') })),
});

/** Records as a core would persist them after the model: terms that grow, entries that sometimes replace a tail. */
export function randomBatch(random: Random, model: LogModel): LogRecord[] {
  const after = model.copy();
  return Array.from({ length: random.pick([1, 1, 2, 5]) }, () => {
    const newTerm = random.chance(0.3);
    const term = after.hardState.term + (newTerm || after.hardState.term === 0 ? random.integer(1, 3) : 0);
    const hardState = term !== after.hardState.term ? { term, votedFor: random.pick([undefined, 'n1', 'node-2']) } : undefined;
    const from = random.chance(0.2) ? random.integer(1, after.entries.length + 1) : after.entries.length + 1;
    const entries: Entry[] = Array.from({ length: random.pick([0, 1, 1, 3, 10]) }, (_, at) => ({
      index: from + at,
      term,
      kind: random.chance(0.1) ? 'noop' : 'command',
      data: Uint8Array.from({ length: random.pick([0, 1, 20, 200]) }, () => random.integer(0, 255)),
    }));
    const record = { hardState, entries };
    after.apply([record]);
    return record;
  });
}

/** @param open opens the log that the previous call left behind; `reset` starts with an empty disk. */
export function describeLogContract(
  name: string,
  { open, reset }: { open: () => Promise<RaftLog>; reset: () => Promise<void> },
): void {
  describe(`log on ${name}`, () => {
    let log: RaftLog;
    beforeEach(async () => {
      await reset();
      log = await open();
    });
    afterEach(() => log.close());

    const reopen = async () => {
      await log.close();
      log = await open();
    };
    const entry = (index: number, term: number): Entry => ({
      index,
      term,
      kind: 'command',
      data: Uint8Array.from([index, term]),
    });

    test('a new log is empty', () => {
      expect(contentOf(log)).toEqual({ hardState: { term: 0, votedFor: undefined }, entries: [] });
      expect(log.cut).toBeUndefined();
    });

    test('what was appended is there again, and entries replace from their first index on', async () => {
      await log.append([
        { hardState: { term: 1, votedFor: 'a' }, entries: [entry(1, 1), entry(2, 1)] },
        { hardState: undefined, entries: [entry(3, 1)] },
      ]);
      await log.append([{ hardState: { term: 2, votedFor: undefined }, entries: [] }]);
      await log.append([{ hardState: undefined, entries: [entry(2, 2)] }]);
      await reopen();
      expect(contentOf(log)).toEqual(
        contentOf({ hardState: { term: 2, votedFor: undefined }, entries: [entry(1, 1), entry(2, 2)] }),
      );
    });

    test.each([1, 2, 3])('random batches, reopened now and then (seed %d)', async (seed) => {
      const random = new Random(seed);
      const model = new LogModel();
      for (let round = 0; round < 60; round++) {
        const appends = Array.from({ length: random.pick([1, 1, 4]) }, () => {
          const batch = randomBatch(random, model);
          model.apply(batch);
          return log.append(batch);
        });
        await Promise.all(appends);
        if (!random.chance(0.15)) continue;
        await reopen();
        expect(contentOf(log)).toEqual(contentOf(model));
        expect(log.cut).toBeUndefined();
      }
      await reopen();
      expect(contentOf(log)).toEqual(contentOf(model));
    });

    test('what does not follow on the log is a bug of the caller, and nothing of it is written', async () => {
      await log.append([{ hardState: { term: 2, votedFor: undefined }, entries: [entry(1, 2)] }]);
      const append = async (record: LogRecord) => log.append([record]);
      await expect(append({ hardState: undefined, entries: [entry(3, 2)] })).rejects.toThrow('entry 3');
      await expect(append({ hardState: undefined, entries: [entry(0, 2)] })).rejects.toThrow('entry 0');
      await expect(append({ hardState: undefined, entries: [entry(2, 1)] })).rejects.toThrow('term 1');
      await expect(append({ hardState: undefined, entries: [entry(2, 2), entry(4, 2)] })).rejects.toThrow('entry 4');
      await expect(append({ hardState: { term: 1, votedFor: undefined }, entries: [] })).rejects.toThrow('term 1');
      await log.append([{ hardState: undefined, entries: [entry(2, 2)] }]);
      await reopen();
      expect(log.entries.map(({ index }) => index)).toEqual([1, 2]);
    });

    test('closing waits for what was appended, and what comes later is refused', async () => {
      const appended = log.append([{ hardState: { term: 1, votedFor: undefined }, entries: [entry(1, 1)] }]);
      await log.close();
      await appended;
      await expect(log.append([])).rejects.toMatchObject({ code: 'log-closed' });
      await reopen();
      expect(log.entries.length).toBe(1);
    });
  });
}
