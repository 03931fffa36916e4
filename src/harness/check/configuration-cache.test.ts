import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { ConfigurationCache, mix } from './configuration-cache.ts';

/** A configuration of sets of operations, as the search keeps it. */
function configuration(state: number, required: readonly number[], optional: readonly number[], hash?: number) {
  const bits = (members: readonly number[], words: number) => {
    const set = new Int32Array(words);
    for (const member of members) set[member >>> 5] = (set[member >>> 5] as number) | (1 << (member & 31));
    return set;
  };
  let low = 0;
  while (required.includes(low)) low++;
  return {
    state,
    hash: hash ?? required.reduce((sum, operation) => sum ^ mix(operation, 1), 0),
    low,
    high: Math.max(-1, ...required),
    required: bits(required, 8),
    optional: bits(optional, 2),
  };
}

test.each([
  ['', undefined],
  [', also when all have the same hash', 7],
])('remembers sets and states exactly%s', (_, hash) => {
  const random = new Random(1);
  const cache = new ConfigurationCache();
  const seen = new Set<string>();
  for (let round = 0; round < 3_000; round++) {
    const begin = random.integer(0, 70);
    const gaps = [1, 3, 35, 70].filter(() => random.chance(0.5)).map((gap) => begin + gap);
    const required = [...Array.from({ length: begin }, (_, at) => at), ...gaps];
    const state = random.integer(0, 2);
    const name = `${state}:${required.join()}`;
    expect(cache.add(configuration(state, required, [], hash)), `round ${round}: ${name}`).toBe(!seen.has(name));
    seen.add(name);
  }
  expect(cache.entries).toBe(seen.size);
});

test('what used more optional operations is subsumed, what used fewer or others is not', () => {
  const cache = new ConfigurationCache();
  expect(cache.add(configuration(0, [0], [3, 40]))).toBe(true);
  expect(cache.add(configuration(0, [0], [3, 40]))).toBe(false);
  expect(cache.add(configuration(0, [0], [3, 40, 41]))).toBe(false);
  expect(cache.add(configuration(0, [0], [3, 41]))).toBe(true);
  expect(cache.add(configuration(0, [0], [40]))).toBe(true);
  expect(cache.add(configuration(0, [0], [40, 63]))).toBe(false);
  expect(cache.add(configuration(1, [0], [40, 63]))).toBe(true);
  expect(cache.add(configuration(0, [0], []))).toBe(true);
  expect(cache.add(configuration(0, [0], [3, 41]))).toBe(false);
});

test('grows to many entries of tens of bytes, however long the history is', () => {
  const cache = new ConfigurationCache();
  const prefix = Array.from({ length: 200 }, (_, at) => at);
  const base = { ...configuration(0, prefix, []), optional: new Int32Array(0) };
  let added = 0;
  for (let state = 0; state < 50_000; state++) added += cache.add({ ...base, state }) ? 1 : 0;
  expect(added).toBe(50_000);
  expect(cache.entries).toBe(50_000);
  expect(cache.bytes / cache.entries).toBeLessThan(64);
});
