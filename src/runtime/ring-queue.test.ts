import { expect, test } from 'vitest';
import { Random } from './random.ts';
import { RingQueue } from './ring-queue.ts';

const byThree = (item: number) => item % 3 === 0;

/** One operation on both; what each answered. */
function step(ring: RingQueue<number>, model: number[], dice: number, item: number): [unknown, unknown] {
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
  const ring = new RingQueue<number>();
  const model: number[] = [];
  let largest = 0;
  for (let i = 0; i < 20_000; i++) {
    // Long phases of growing and of shrinking, so that it wraps, grows while wrapped, and runs empty.
    const dice = random.float() + (Math.floor(i / 500) % 2 === 0 ? 0 : 0.25);
    const [actual, expected] = step(ring, model, dice, i);
    expect(actual).toEqual(expected);
    expect([ring.length, ring.first, ring.last]).toEqual([model.length, model[0], model.at(-1)]);
    if (i % 500 === 0) expect([...ring]).toEqual(model);
    largest = Math.max(largest, ring.length);
  }
  expect(largest).toBeGreaterThan(32);
});

test('undefined can be an item, and clear forgets everything', () => {
  const queue = new RingQueue<undefined>();
  queue.push(undefined);
  expect(queue.length).toBe(1);
  queue.clear();
  expect([queue.length, queue.shift(), queue.pop(), queue.first, queue.last]).toEqual([
    0,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('keeps the order across wrapping, growing and giving memory back', () => {
  const queue = new RingQueue<number>();
  const expected: number[] = [];
  let next = 0;
  const push = (count: number) => {
    for (let i = 0; i < count; i++) {
      queue.push(next);
      expected.push(next++);
    }
  };
  const shift = (count: number) => {
    for (let i = 0; i < count; i++) expect(queue.shift()).toBe(expected.shift());
  };
  push(10);
  shift(7);
  push(20);
  shift(3);
  push(5_000);
  shift(5_000);
  shift(20);
  expect(queue.length).toBe(0);
  push(40);
  shift(40);
  expect(queue.length).toBe(0);
});
