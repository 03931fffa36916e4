import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { Availability } from './availability.ts';

function availability(due: readonly number[], succeeded: readonly number[]): Availability {
  const times = new Availability();
  for (const ms of due) times.due(ms);
  for (const ms of succeeded) times.succeeded(ms);
  return times;
}

describe('availability', () => {
  test('adds up the stretches in which something was due and nothing succeeded, beyond a length', () => {
    const times = availability([1_000, 1_100, 1_700, 3_000, 4_000], [1_010, 1_500, 2_400, 3_150, 4_900]);
    // From what was due first behind each success to the next success: 400, 700, 150 and 900 ms.
    expect(times.unavailable(1_000, 5_000, 200)).toBe(400 + 700 + 900);
    expect(times.unavailable(1_000, 5_000, 100)).toBe(400 + 700 + 150 + 900);
    expect(times.unavailable(1_000, 5_000, 900)).toBe(0);
  });

  test('only what lies within counts, whole or not at all', () => {
    const times = availability([1_000], [2_000]);
    expect(times.unavailable(1_600, 5_000, 200)).toBe(400);
    expect(times.unavailable(1_850, 5_000, 200)).toBe(0);
    expect(times.unavailable(0, 1_500, 200)).toBe(500);
    expect(times.unavailable(2_000, 2_000, 200)).toBe(0);
  });

  test('where nobody asks, nothing is unavailable; where nobody answers, everything is', () => {
    expect(availability([100], [110]).unavailable(200, 9_000, 200)).toBe(0);
    expect(availability([], []).unavailable(0, 9_000, 200)).toBe(0);
    expect(availability([100, 8_000], []).unavailable(0, 9_000, 200)).toBe(8_900);
  });

  test('agrees with a look at every millisecond', () => {
    const random = new Random(5);
    for (let round = 0; round < 200; round++) {
      const some = (most: number) => Array.from({ length: random.integer(0, most) }, () => random.integer(0, 4_000));
      const [due, succeeded] = [some(30), some(20)];
      const [fromMs, toMs] = [random.integer(0, 2_000), random.integer(2_000, 4_000)];
      let [sum, stretch, isWaiting] = [0, 0, false];
      for (let ms = 0; ms <= toMs; ms++) {
        if (succeeded.includes(ms)) {
          if (stretch > 100) sum += stretch;
          [stretch, isWaiting] = [0, false];
        }
        isWaiting ||= due.includes(ms);
        if (isWaiting && ms >= fromMs && ms < toMs) stretch++;
      }
      if (stretch > 100) sum += stretch;
      expect(availability(due, succeeded).unavailable(fromMs, toMs, 100)).toBe(sum);
    }
  });
});
