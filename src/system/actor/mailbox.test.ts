import { describe, expect, test } from 'vitest';
import { checkMailboxOptions, Mailbox, STORED } from './mailbox.ts';

const all = <T>(mailbox: Mailbox<T>): T[] => {
  const taken: T[] = [];
  while (mailbox.depth > 0) taken.push(mailbox.take());
  return taken;
};

describe('a full mailbox', () => {
  test('reject: keeps what it has', () => {
    const mailbox = new Mailbox<string>({ capacity: 2, whenFull: 'reject' });
    expect(mailbox.add('a')).toBe(STORED);
    mailbox.add('b');
    expect(mailbox.add('c')).toEqual({ kind: 'rejected' });
    expect(all(mailbox)).toEqual(['a', 'b']);
  });

  test('drop-newest drops the new one, drop-oldest the oldest', () => {
    const newest = new Mailbox<string>({ capacity: 2, whenFull: 'drop-newest' });
    const oldest = new Mailbox<string>({ capacity: 2, whenFull: 'drop-oldest' });
    for (const mailbox of [newest, oldest]) {
      mailbox.add('a');
      mailbox.add('b');
    }
    expect(newest.add('c')).toEqual({ kind: 'dropped', entry: 'c' });
    expect(oldest.add('c')).toEqual({ kind: 'dropped', entry: 'a' });
    expect(all(newest)).toEqual(['a', 'b']);
    expect(all(oldest)).toEqual(['b', 'c']);
  });

  test('wait: those in line get places in the order they came', async () => {
    const mailbox = new Mailbox<string>({ capacity: 1, whenFull: 'wait' });
    const accepted: string[] = [];
    for (const entry of ['a', 'b', 'c']) {
      const admission = mailbox.add(entry);
      if (admission.kind === 'waiting') void admission.accepted.then(() => accepted.push(entry));
    }
    expect([mailbox.depth, mailbox.waiting]).toEqual([1, 2]);
    expect(mailbox.take()).toBe('a');
    expect([mailbox.depth, mailbox.waiting]).toEqual([1, 1]);
    await Promise.resolve();
    expect(accepted).toEqual(['b']);
    expect(all(mailbox)).toEqual(['b', 'c']);
    await Promise.resolve();
    expect(accepted).toEqual(['b', 'c']);
  });

  test('emptied: everything comes out in order, and those in line are refused', async () => {
    const mailbox = new Mailbox<string>({ capacity: 1, whenFull: 'wait' });
    mailbox.add('a');
    const admission = mailbox.add('b');
    expect(mailbox.empty(() => new Error('gone'))).toEqual(['a', 'b']);
    expect([mailbox.depth, mailbox.waiting]).toEqual([0, 0]);
    await expect(admission.kind === 'waiting' && admission.accepted).rejects.toThrow('gone');
  });
});

test('the meter gets the time each entry stayed, also when others were dropped', () => {
  let nowMs = 0;
  const waits: number[] = [];
  const meter = { now: () => nowMs, waited: (durationMs: number) => waits.push(durationMs) };
  const mailbox = new Mailbox<string>({ capacity: 2, whenFull: 'drop-oldest' }, meter);
  mailbox.add('a');
  nowMs = 10;
  mailbox.add('b');
  nowMs = 15;
  mailbox.add('c');
  nowMs = 40;
  expect(all(mailbox)).toEqual(['b', 'c']);
  expect(waits).toEqual([30, 25]);
  mailbox.add('d');
  mailbox.empty(() => new Error('not in line'));
  nowMs = 50;
  mailbox.add('e');
  nowMs = 51;
  mailbox.take();
  expect(waits).toEqual([30, 25, 1]);
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 24 + 1])('capacity %d is refused by name', (capacity) => {
  const check = () => checkMailboxOptions({ capacity, whenFull: 'reject' });
  expect(check).toThrow(RangeError);
  expect(check).toThrow(String(capacity));
});

test('an unknown policy is refused by name', () => {
  expect(() => checkMailboxOptions({ capacity: 1, whenFull: 'explode' as 'wait' })).toThrow('explode');
});
