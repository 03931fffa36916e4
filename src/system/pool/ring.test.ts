import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { Ring } from './ring.ts';

const byThree = (item: number) => item % 3 === 0;

/** One operation on both; what each answered. */
function step(ring: Ring<number>, model: number[], dice: number, item: number): [unknown, unknown] {
  if (dice < 0.55) return [ring.push(item), void model.push(item)];
  if (dice < 0.75) return [ring.shift(), model.shift()];
  if (dice < 1.24) return [ring.pop(), model.pop()];
  const removed = model.filter(byThree);
  const kept = model.filter((each) => !byThree(each));
  model.splice(0, model.length, ...kept);
  return [ring.removeWhere(byThree), removed];
}

test('behaves like an array under 20,000 random operations', () => {
  const random = new Random(11);
  const ring = new Ring<number>();
  const model: number[] = [];
  let largest = 0;
  for (let i = 0; i < 20_000; i++) {
    // Long phases of growing and of shrinking, so that it wraps, grows while wrapped, and runs empty.
    const dice = random.float() + (Math.floor(i / 500) % 2 === 0 ? 0 : 0.25);
    const [actual, expected] = step(ring, model, dice, i);
    expect(actual).toEqual(expected);
    expect([ring.size, ring.first(), ring.last()]).toEqual([model.length, model[0], model.at(-1)]);
    largest = Math.max(largest, ring.size);
  }
  expect(largest).toBeGreaterThan(32);
});
