// Against series whose levels are known, and against what repetition shows.

import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { changePoints, FALSE_RATE } from './change-points.ts';
import { normal } from './testing/recordings.ts';

/** Levels, each as often as it says, with normal noise of deviation 1. */
function series(random: Random, ...levels: readonly (readonly [level: number, points: number])[]): number[] {
  return levels.flatMap(([level, points]) => Array.from({ length: points }, () => level + normal(random)));
}

test('a step is found where it is, and nothing else', () => {
  expect(changePoints(series(new Random(1), [0, 12], [5, 12]), new Random(2))).toEqual([{ at: 12, p: 0.001 }]);
  expect(changePoints([1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2], new Random(2)).map(({ at }) => at)).toEqual([6]);
});

test('several steps are found in their order', () => {
  const found = changePoints(series(new Random(3), [0, 15], [6, 15], [-6, 15]), new Random(4));
  expect(found.map(({ at }) => at)).toEqual([15, 30]);
  for (const { p } of found) expect(p).toBeLessThanOrEqual(FALSE_RATE);
});

test('one outlier is no level, and a series that stands still has none to change', () => {
  const outlier = series(new Random(5), [0, 20]);
  outlier[10] = 40;
  expect(changePoints(outlier, new Random(6))).toEqual([]);
  expect(
    changePoints(
      Array.from({ length: 30 }, () => 7),
      new Random(6),
    ),
  ).toEqual([]);
});

test('too few points to tell are not told', () => {
  expect(changePoints([0, 0, 0, 0, 9, 9, 9, 9, 9], new Random(1))).toEqual([]);
  expect(changePoints([], new Random(1))).toEqual([]);
});

test('of series that only scatter, no more show a change than is said', () => {
  const random = new Random(2_026);
  const trials = 600;
  const kinds = [
    () => normal(random),
    // With the tail of times.
    () => random.exponential(1) ** 2,
  ];
  for (const draw of kinds) {
    let alarms = 0;
    for (let trial = 0; trial < trials; trial++) {
      const values = Array.from({ length: 20 }, draw);
      if (changePoints(values, random.fork(String(trial))).length > 0) alarms++;
    }
    // Three standard deviations of the rate above the 1 % that is promised.
    expect(alarms / trials).toBeLessThan(0.01 + 3 * Math.sqrt((0.01 * 0.99) / trials));
  }
});

test('steps of three deviations are nearly always found', () => {
  const random = new Random(7);
  let found = 0;
  for (let trial = 0; trial < 60; trial++)
    if (changePoints(series(random, [0, 10], [3, 10]), random.fork(String(trial))).length > 0) found++;
  expect(found).toBeGreaterThan(56);
});

test('the same seed finds the same', () => {
  const values = series(new Random(8), [0, 10], [1.4, 10]);
  expect(changePoints(values, new Random(9))).toEqual(changePoints(values, new Random(9)));
});
