import { expect, test } from 'vitest';
import { partialResultOf, quorumOf } from './partial-result.ts';

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
  [7, 4],
])('the majority of %d is %d', (count, majority) => expect(quorumOf(count)).toBe(majority));

test('there is no majority of nothing', () => {
  expect(() => quorumOf(0)).toThrow('0');
  expect(() => quorumOf(2.5)).toThrow('2.5');
});

test('every node must have ended', () => {
  expect(() => partialResultOf(['a', 'b'], new Map([['a', { answered: true, value: 1 }]]), 1)).toThrow(
    'nobody knows how b ended',
  );
});
