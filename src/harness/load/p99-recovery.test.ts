import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { mostSlowByChance, P99Recovery } from './p99-recovery.ts';

test('a window with one slow operation in a hundred looks worse than that in fewer than one of 1,000 cases', () => {
  expect([20, 100, 300, 1_000].map(mostSlowByChance)).toEqual([3, 5, 10, 21]);
  // The two ways to compute it meet.
  expect(Math.abs(mostSlowByChance(20_001) - mostSlowByChance(20_000))).toBeLessThanOrEqual(2);
  const random = new Random(1);
  const slowOf = (operations: number) => Array.from({ length: operations }, () => random.float()).filter((x) => x < 0.01).length;
  const alarms = Array.from({ length: 3_000 }, () => slowOf(300)).filter((slow) => slow > mostSlowByChance(300)).length;
  expect(alarms).toBeLessThan(12);
});

test('what was slow, dropped or never answered counts against a window, whatever was fast', () => {
  const phaseAt = (ms: number) => (ms < 1_000 ? 'warmup' : ms < 3_000 ? 'baseline' : ms < 4_000 ? 'fault' : 'after');
  const recovery = new P99Recovery(phaseAt);
  for (let ms = 0; ms < 9_000; ms += 5) {
    recovery.due(ms);
    // From 5,000 to 6,000 ms one in ten has no answer. The warm-up is slow, which is not the baseline's fault.
    if (ms >= 5_000 && ms < 6_000 && ms % 50 === 0) continue;
    recovery.answered(ms, ms + (ms < 1_000 ? 500 : 20));
  }
  expect(recovery.limitMs).toBeCloseTo(24, 0);
  expect(recovery.after(4_000, 9_000)).toEqual({ kind: 'recovered', afterMs: 1_600 });
  expect(recovery.after(4_000, 7_000)).toEqual({ kind: 'not-recovered' });
});

test('what was due before the first fault and answered in it is not the baseline', () => {
  const recovery = new P99Recovery((ms) => (ms < 3_000 ? 'baseline' : 'fault'));
  for (let ms = 0; ms < 2_980; ms += 10) recovery.answered(ms, ms + 20);
  for (let ms = 2_980; ms < 3_000; ms++) recovery.answered(ms, ms + 5_000);
  expect(recovery.limitMs).toBeCloseTo(24, 0);
});
