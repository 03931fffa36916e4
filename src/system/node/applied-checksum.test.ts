import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { AppliedChecksum } from './applied-checksum.ts';

const entry = (index: number, term = 1, data = `data ${index}`) => ({ index, term, data: Buffer.from(data) });
const entries = (count: number) => Array.from({ length: count }, (_, at) => entry(at + 1));

test('is the same however the log was cut into what was applied before and after a start', () => {
  const all = entries(2_500);
  const whole = new AppliedChecksum(all, () => {}).reading;
  expect(whole).toMatchObject({ index: 2_500, term: 1 });
  const random = new Random(3);
  for (let run = 0; run < 20; run++) {
    const cut = random.integer(0, all.length);
    const checksum = new AppliedChecksum(all.slice(0, cut), () => {});
    for (const each of all.slice(cut)) checksum.add(each);
    expect(checksum.reading).toEqual(whole);
  }
});

test('depends on data, term, index and order of every entry', () => {
  const of = (...log: ReturnType<typeof entry>[]) => new AppliedChecksum(log, () => {}).reading.checksum;
  const readings = [
    of(entry(1), entry(2)),
    of(entry(1), entry(2, 2)),
    of(entry(1, 1, 'data 2'), entry(2, 1, 'data 1')),
    of(entry(1, 1, 'data 1d'), entry(2, 1, 'ata 2')),
    of(entry(1, 1, ''), entry(2)),
    of(entry(1)),
    of(entry(1), entry(2), entry(3, 1, '')),
  ];
  expect(new Set(readings).size).toBe(readings.length);
});

test('is told of at every thousandth index, when it is of that index, and not again for what was before the start', () => {
  const told: object[] = [];
  const checksum: AppliedChecksum = new AppliedChecksum(entries(1_500), () => told.push(checksum.reading));
  for (let index = 1_501; index <= 3_000; index++) checksum.add(entry(index));
  expect(told).toEqual([
    { index: 2_000, term: 1, checksum: new AppliedChecksum(entries(2_000), () => {}).reading.checksum },
    { index: 3_000, term: 1, checksum: new AppliedChecksum(entries(3_000), () => {}).reading.checksum },
  ]);
});

test('a gap is a bug', () => {
  const checksum = new AppliedChecksum(entries(2), () => {});
  expect(() => checksum.add(entry(4))).toThrow('entry 4 was applied where 3 was due');
});
