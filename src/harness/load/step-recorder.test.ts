import { expect, test } from 'vitest';
import type { Ended } from './recorder.ts';
import { StepRecorder } from './step-recorder.ts';

const STEPS = [
  { rate: 10, startMs: 1_000, endMs: 2_000 },
  { rate: 20, startMs: 2_000, endMs: 3_000 },
];

function ended(scheduledMs: number, atMs: number, more: Partial<Ended> = {}): Ended {
  return {
    load: 'a',
    operation: 'read',
    isRead: true,
    outcome: 'ok',
    code: undefined,
    expected: false,
    scheduledMs,
    sentMs: scheduledMs,
    atMs,
    ...more,
  };
}

test('what was due in a step counts there, what was answered in it too, and each only once', () => {
  const steps = new StepRecorder(STEPS, 'a', undefined);
  steps.ended(ended(999, 1_001)); // due before, answered in the first
  steps.ended(ended(1_000, 1_999));
  steps.ended(ended(1_999, 2_000)); // due in the first, answered in the second
  steps.ended(ended(2_000, 3_000)); // due in the second, answered behind it
  steps.ended(ended(500, 900));
  expect(steps.measured(3_000).map(({ due, answered }) => ({ due, answered }))).toEqual([
    { due: 2, answered: 2 },
    { due: 1, answered: 1 },
  ]);
});

test('errors are no answers, but a refusal that is no error is one; drops were due', () => {
  const steps = new StepRecorder(STEPS, 'a', undefined);
  steps.ended(ended(1_100, 1_200, { outcome: 'fail', code: 'cas-mismatch', expected: true }));
  steps.ended(ended(1_100, 1_200, { outcome: 'fail', code: 'no-leader' }));
  steps.ended(ended(1_100, 1_200, { outcome: 'info', code: 'deadline-exceeded' }));
  steps.dropped('a', 1_300);
  steps.dropped('other', 1_300);
  steps.dropped('a', 3_000);
  expect(steps.measured(3_000)[0]).toMatchObject({ due: 4, answered: 1, errors: 2, dropped: 1 });
});

test('only of its load, and response times only of its operation', () => {
  const steps = new StepRecorder(STEPS, 'a', 'write');
  steps.ended(ended(1_100, 1_150, { operation: 'write', sentMs: 1_120 }));
  steps.ended(ended(1_100, 1_900));
  steps.ended(ended(1_100, 1_900, { load: 'b', operation: 'write' }));
  const [step] = steps.measured(3_000);
  expect(step).toMatchObject({ due: 2, answered: 2 });
  expect(step?.responseTime.count).toBe(1);
  expect((step?.responseTime.max ?? 0) / 1_000).toBeCloseTo(50, 0);
  expect((step?.lag.max ?? 0) / 1_000).toBeCloseTo(20, 0);
});

test('a step that was not run to its end is none', () => {
  const steps = new StepRecorder(STEPS, 'a', undefined);
  expect(steps.measured(2_999).map(({ rate }) => rate)).toEqual([10]);
  expect(steps.measured(999)).toEqual([]);
});
