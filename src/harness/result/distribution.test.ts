import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { BUCKETS, Distribution, edgeMs } from './distribution.ts';

function of(...us: number[]): Distribution {
  const distribution = new Distribution();
  for (const each of us) distribution.record(each);
  return distribution;
}

describe('known samples are in known buckets', () => {
  test.each([
    [0, 0],
    [0.4, 0],
    [1, 0],
    [1.26, 1],
    [1.25, 0],
    [9.999, 9],
    [10, 10],
    // 1 ms, 10 ms, 100 ms and 1 s begin a bucket each.
    [999.999, 29],
    [1_000, 30],
    [10_000, 40],
    [100_000, 50],
    [999_999.9, 59],
    [1_000_000, 60],
    [3_600_000_000, 95],
    [1e15, 95],
  ])('%d us in bucket %d', (us, bucket) => {
    expect(of(us).encode()).toEqual([bucket, 1]);
  });

  test('every response time lies between the edges of its bucket', () => {
    const random = new Random(5);
    const edgeUs = (bucket: number) => 10 ** (bucket / 10);
    const times = Array.from({ length: 5_000 }, () => 10 ** (random.float() * 9.5));
    for (const us of [...times, ...Array.from({ length: BUCKETS }, (_, bucket) => edgeUs(bucket))]) {
      const [bucket = -1] = of(us).encode() ?? [];
      expect(edgeUs(bucket)).toBeLessThanOrEqual(us);
      expect(edgeUs(bucket + 1)).toBeGreaterThan(us);
      expect(edgeMs(bucket)).toBe(edgeUs(bucket) / 1_000);
    }
  });
});

describe('what is written', () => {
  test('is the first bucket, then counts, with a negative number for buckets that are empty', () => {
    expect(of(1_000, 1_000, 1_300, 1_000_000).encode()).toEqual([30, 2, 1, -28, 1]);
    expect(new Distribution().encode()).toBeUndefined();
  });

  test('is read back as it was', () => {
    const random = new Random(6);
    for (let round = 0; round < 200; round++) {
      const written = of(
        ...Array.from({ length: random.integer(1, 300) }, () => 10 ** (random.float() * 10)),
      ).encode() as number[];
      expect(Distribution.decode(written).encode()).toEqual(written);
    }
  });

  test.each([
    ['nothing', []],
    ['no count', [30]],
    ['a bucket that does not exist', [96, 1]],
    ['a bucket below the first', [-1, 1]],
    ['more buckets than there are', [94, 1, 1, 1]],
    ['a gap beyond the last bucket', [30, 1, -90, 1]],
    ['a gap at the end', [30, 1, -2]],
    ['an empty bucket as a count', [30, 1, 0, 1]],
  ])('is refused with %s', (_, numbers) => {
    expect(() => Distribution.decode(numbers)).toThrow(/not the counts of 96 buckets/);
  });
});

test('merged ones hold what both hold, and the one that was added stays as it was', () => {
  const [one, other] = [of(1_000, 2_000), of(1_000, 50)];
  one.merge(other);
  expect(one.encode()).toEqual(of(1_000, 2_000, 1_000, 50).encode());
  expect(other.encode()).toEqual(of(1_000, 50).encode());
});
