import { expect, test } from 'vitest';
import { EXIT } from '../report/exit.ts';
import type { GateSubject } from '../result/gate.ts';
import type { Contest } from './contest.ts';
import { budgetFor, gateExit, subjectsOf } from './gate.ts';
import type { Series } from './play-rounds.ts';

/** Ten rounds, all close to a ratio of HEAD to BASE. */
const rounds = (ratio: number) => Array.from({ length: 10 }, (_, at) => Math.log(ratio) + (at - 4.5) / 1_000);

function seriesOf(better: GateSubject['better'], ratio: number, over: Partial<Series> = {}): Series {
  const metric = { id: 'closed-loop throughput', unit: 'per second', better } as const;
  const contest: Contest = { kind: 'scenario', id: 'closed-loop', metrics: [metric], play: () => Promise.resolve([]) };
  return {
    contest,
    metric,
    first: rounds(ratio),
    rerun: rounds(ratio),
    base: [100],
    head: [100 * ratio],
    seconds: 1,
    error: undefined,
    violated: false,
    disturbed: undefined,
    ...over,
  };
}

const subjectOf = (series: Series) => subjectsOf([series], [], 'the budget')[0] as GateSubject;

const exitOf = (subject: GateSubject, strict = false) =>
  gateExit({ status: 'complete', subjects: [subject], counts: [] } as unknown as Parameters<typeof gateExit>[0], strict);

test.each([
  ['less time', 'lower', 0.8, 'faster'],
  ['more time', 'lower', 1.25, 'slower'],
  ['less throughput', 'higher', 0.8, 'slower'],
  ['more throughput', 'higher', 1.25, 'faster'],
] as const)('%s', (_, better, ratio, verdict) => {
  const subject = subjectOf(seriesOf(better, ratio));
  expect(subject.verdict).toBe(verdict);
  // As it was measured, HEAD / BASE, whichever is better.
  expect(subject.first.ratio).toBeCloseTo(ratio, 2);
  const [low, high] = subject.first.interval ?? [0, 0];
  expect([low < ratio, ratio < high]).toEqual([true, true]);
  expect(subject.first.rounds).toEqual(rounds(ratio));
  expect(exitOf(subject).code).toBe(verdict === 'slower' ? EXIT.regression : EXIT.passed);
});

test('what was given up says why, unless a verdict had fallen', () => {
  const disturbed = 'HEAD: the generator was late';
  const open = subjectOf(seriesOf('lower', 1, { first: [], rerun: [], disturbed }));
  expect(open).toMatchObject({ verdict: 'inconclusive', reason: disturbed });
  expect(exitOf(open).code).toBe(EXIT.passed);
  expect(exitOf(open, true)).toMatchObject({ code: EXIT.invalid });
  expect(subjectOf(seriesOf('lower', 1, { rerun: [], disturbed }))).toMatchObject({ verdict: 'same' });
});

test('there is time for thirty rounds of everything, besides what is kept for reruns, but never less than ten minutes', () => {
  const scenario = { totalDurationMs: 12_000 };
  expect(budgetFor(1, [])).toBe(600_000);
  expect(0.85 * budgetFor(64, [])).toBeGreaterThan(30 * 64 * 1_350);
  expect(0.85 * (budgetFor(64, [scenario]) - budgetFor(64, []))).toBeGreaterThan(30 * 2 * 19_000);
});

test('wrong answers are more than a failure', () => {
  const error = 'HEAD answered what is wrong: linearizability is violated';
  expect(exitOf(subjectOf(seriesOf('lower', 1, { error }))).code).toBe(EXIT.error);
  const violated = subjectOf(seriesOf('lower', 1, { error, violated: true }));
  expect(violated).toMatchObject({ verdict: 'failed', reason: error, violated: true });
  expect(exitOf(violated).code).toBe(EXIT.violated);
});
