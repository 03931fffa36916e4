import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { SuccessTimes } from './success-times.ts';

describe('success times', () => {
  test('the longest gap is between two successes, before the first or behind the last', () => {
    const times = new SuccessTimes();
    for (const ms of [100, 101, 150, 900, 950]) times.record(ms - 1, ms);
    expect(times.longestGap(100, 950)).toBe(750);
    expect(times.longestGap(0, 150)).toBe(100);
    expect(times.longestGap(901, 2_000)).toBe(1_050);
    expect(times.longestGap(200, 800)).toBe(600);
    expect(times.longestGap(150, 150)).toBe(0);
    expect(new SuccessTimes().longestGap(10, 30)).toBe(20);
  });

  test('the first success behind an instant is one that was sent behind it', () => {
    const times = new SuccessTimes();
    times.record(995, 1_001); // on its way when the fault came
    times.record(999.9, 1_003);
    times.record(1_000.5, 1_850);
    times.record(1_200, 1_851);
    expect(times.firstSentAfter(1_000)).toBe(1_850);
    expect(times.firstSentAfter(1_100)).toBe(1_851);
    expect(times.firstSentAfter(1_201)).toBeUndefined();
    expect(times.firstSentAfter(0)).toBe(1_001);
  });

  test('tells the same when successes come a bit out of order, as those of several generators do', () => {
    const random = new Random(8);
    const successes = Array.from({ length: 5_000 }, () => {
      const sentMs = random.float() * 20_000;
      return { sentMs, endedMs: sentMs + random.exponential(80) };
    }).sort((a, b) => a.endedMs - b.endedMs);
    const inOrder = new SuccessTimes();
    for (const { sentMs, endedMs } of successes) inOrder.record(sentMs, endedMs);
    const shuffled = new SuccessTimes();
    const arrival = ({ endedMs }: { endedMs: number }) => endedMs + random.float() * 200;
    const late = successes.map((each) => ({ ...each, at: arrival(each) })).sort((a, b) => a.at - b.at);
    for (const { sentMs, endedMs } of late) shuffled.record(sentMs, endedMs);
    for (let ms = 0; ms < 20_000; ms += 13) expect(shuffled.firstSentAfter(ms)).toBe(inOrder.firstSentAfter(ms));
    expect(shuffled.longestGap(0, 20_000)).toBe(inOrder.longestGap(0, 20_000));
  });

  test('agrees with a list of everything, gaps to the millisecond', () => {
    const random = new Random(3);
    for (let round = 0; round < 50; round++) {
      const all = Array.from({ length: random.integer(0, 300) }, () => {
        const sentMs = random.float() * 70_000;
        return { sentMs, endedMs: sentMs + random.float() * 500 };
      }).sort((a, b) => a.endedMs - b.endedMs);
      const times = new SuccessTimes();
      for (const { sentMs, endedMs } of all) times.record(sentMs, endedMs);
      const from = random.float() * 60_000;
      const to = from + random.float() * 10_000;
      const inside = [from, ...all.map(({ endedMs }) => endedMs).filter((ms) => ms >= from && ms <= to), to];
      const gaps = inside.slice(1).map((ms, at) => ms - (inside[at] as number));
      expect(Math.abs(times.longestGap(from, to) - Math.max(...gaps))).toBeLessThanOrEqual(2);
      expect(times.firstSentAfter(from)).toBe(all.find(({ sentMs }) => sentMs >= from)?.endedMs);
    }
  });

  test('stays small in a long run, and near the truth', () => {
    const times = new SuccessTimes();
    for (let ms = 0; ms < 600_000; ms++) times.record(ms, ms + 2);
    for (const ms of [0, 12_345, 300_000, 599_000]) {
      const found = times.firstSentAfter(ms) as number;
      expect(found).toBeGreaterThanOrEqual(ms + 2);
      expect(found).toBeLessThanOrEqual(ms + 2 + 8);
    }
    expect(times.longestGap(1_000, 599_000)).toBe(1);
    times.record(86_399_000, 86_399_999);
    expect(times.longestGap(0, 86_400_000)).toBe(86_399_999 - 600_001);
  });
});
