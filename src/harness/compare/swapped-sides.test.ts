// That swapping sides finds the rate that a machine's noise has, and that of a rule that is broken.

import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { CHANGE_LEVEL } from './gate-rule.ts';
import { alarmsWithSwappedSides } from './swapped-sides.ts';
import { normal } from './testing/recordings.ts';

const random = new Random(4);
const noisy = (rounds: number, scatter: number) => Array.from({ length: rounds }, () => scatter * normal(random));

test('a quiet machine alarms nobody: what differs is below the least change', () => {
  const gates = Array.from({ length: 5 }, () => [noisy(10, 0.005), noisy(10, 0.005)]);
  expect(alarmsWithSwappedSides(gates, 50, random)).toEqual({ draws: 50, benchmarks: 0, gates: 0 });
});

test('a noisy one does, as often as the level allows and no more, although one recorded gate had called a change', () => {
  // Ten rounds that were slower by chance: as they were recorded an alarm, and no reason for one when they are swapped.
  const unlucky = Array.from({ length: 10 }, (_, at) => 0.1 + at / 100);
  const { benchmarks, gates } = alarmsWithSwappedSides([[unlucky], [noisy(30, 0.1)], [noisy(20, 0.2)]], 400, random);
  expect(gates).toBe(benchmarks);
  // Faster needs no rerun: some of 1,200 draws, at most half of the level and what chance makes of it.
  expect(benchmarks).toBeGreaterThan(0);
  expect(benchmarks).toBeLessThan(3 * CHANGE_LEVEL);
});

test('of several benchmarks in a gate the alarms are counted each, and together', () => {
  const gate = Array.from({ length: 12 }, () => noisy(30, 0.2));
  const { benchmarks, gates } = alarmsWithSwappedSides([gate], 150, random);
  expect(gates).toBeLessThan(4 * CHANGE_LEVEL);
  expect(benchmarks).toBeLessThanOrEqual(gates);
  expect(12 * benchmarks).toBeGreaterThanOrEqual(gates);
});

test('without any there is no rate', () => {
  expect(alarmsWithSwappedSides([], 10, random)).toEqual({ draws: 10, benchmarks: NaN, gates: NaN });
});
