import { describe, expect, test } from 'vitest';
import { AssertionError } from '../../runtime/assert.ts';
import { Random } from '../../runtime/random.ts';
import { Log } from './log.ts';
import type { Entry } from './protocol.ts';

const entry = (index: number, term: number, size = 1): Entry => ({ index, term, kind: 'command', data: new Uint8Array(size) });
const logOf = (...terms: number[]) => new Log(terms.map((term, at) => entry(at + 1, term)));

describe('log', () => {
  test('knows its end and the term at each index', () => {
    const log = logOf(1, 1, 3);
    expect([log.lastIndex, log.lastTerm]).toEqual([3, 3]);
    expect([0, 1, 3, 4].map((index) => log.termAt(index))).toEqual([0, 1, 3, undefined]);
    expect(log.matches(0, 0)).toBe(true);
    expect(log.matches(3, 1)).toBe(false);
    expect([logOf().lastIndex, logOf().lastTerm]).toEqual([0, 0]);
  });

  test('appends only what continues it', () => {
    const log = logOf(1, 3);
    expect(() => log.append([entry(4, 3)])).toThrow('appended index 4 where 3 was due');
    expect(() => log.append([entry(3, 2)])).toThrow('appended term 2 after 3');
    expect(() => log.truncateFrom(3)).toThrow(AssertionError);
  });

  test('finds the first entry that it lacks', () => {
    const log = logOf(1, 1, 2);
    expect(log.firstMissing([entry(2, 1), entry(3, 2)])).toBe(2);
    expect(log.firstMissing([entry(2, 1), entry(3, 3)])).toBe(1);
    expect(log.firstMissing([entry(3, 2), entry(4, 2)])).toBe(1);
    expect(log.firstMissing([])).toBe(0);
  });

  test('slices are repeated from memory, but never across a change', () => {
    const log = logOf(1, 1, 1);
    const slice = log.slice(2, 10, 10);
    expect(log.slice(2, 10, 10)).toBe(slice);
    expect(log.slice(2, 1, 10).length).toBe(1);
    expect(log.slice(2, 10, 10).length).toBe(2);
    log.truncateFrom(3);
    log.append([entry(3, 2)]);
    expect(log.slice(2, 10, 10).map(({ term }) => term)).toEqual([1, 2]);
    expect(slice.map(({ term }) => term)).toEqual([1, 1]);
    expect(log.slice(4, 10, 10)).toEqual([]);
  });

  test('the last index up to a term is the one that a scan finds', () => {
    const random = new Random(11);
    for (let round = 0; round < 300; round++) {
      let term = 1;
      const log = logOf(...Array.from({ length: random.integer(0, 12) }, () => (term += random.integer(0, 2))));
      for (let index = 0; index <= log.lastIndex + 2; index++) {
        for (let upTo = 0; upTo <= term + 1; upTo++) {
          let scanned = Math.min(index, log.lastIndex);
          while (scanned > 0 && (log.termAt(scanned) ?? 0) > upTo) scanned--;
          expect(log.lastIndexUpToTerm(index, upTo)).toBe(scanned);
        }
      }
    }
  });
});
