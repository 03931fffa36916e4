// From rounds to a verdict: the rule of the gate, fixed before anything is measured, and nothing but arithmetic, so that recorded
// rounds can be judged again.
//
// A round is one number, ln(median of HEAD / median of BASE), from a fresh process of each. After 10, 20 and 30 rounds a benchmark is looked
// at, until something can be said of it:
//
//   slower        The signed-rank test, one-sided at 0.5 % for all benchmarks and looks together, and the estimate is above 3 %.
//   faster        The same on the other side.
//   same          The interval lies within 5 % on both sides, where all looks together hold what really differs by 5 % to be the same in
//                 at most 5 % of cases.
//   inconclusive  None of them, yet.
//
// Looking three times must not triple the errors: each look spends a share of the level that is declared here, so that the sum of the
// three is the level (Bonferroni's inequality with weights). Of one benchmark, p is the least of p(look) / share(look) so far; over the
// benchmarks these are adjusted by Holm's method. The first share is as little as ten rounds can use: if all of them are slower,
// p = 2^-10 = 0.098 %, and 0.5 % * 0.2 = 0.1 %.

import { known } from '../../runtime/assert.ts';
import { holm } from './holm.ts';
import { estimateDifference, type PairedEstimate, signedRankTest } from './signed-rank.ts';

export interface Look {
  readonly rounds: number;
  /** Of each error's level, above 0; all together make 1. */
  readonly share: number;
}

export const LOOKS: readonly Look[] = [
  { rounds: 10, share: 0.2 },
  { rounds: 20, share: 0.3 },
  { rounds: 30, share: 0.5 },
];

/** That anything is called slower that did not change; as much again for faster. */
export const CHANGE_LEVEL = 0.005;

/** That something is called the same that differs by `CLOSELY`. */
export const SAME_LEVEL = 0.05;

/** Slower by less than this is not worth a word. */
export const LEAST_CHANGE = Math.log(1.03);

/** The same is what differs by less. */
export const CLOSELY = Math.log(1.05);

export type GateWord = 'slower' | 'faster' | 'same' | 'inconclusive';

export interface Judgement {
  readonly verdict: GateWord;
  /** How many rounds had been looked at when it fell, 0 when there were too few for the first look. */
  readonly rounds: number;
  /** How many there are, those that are not looked at included. */
  readonly measured: number;
  /** Of ln(HEAD / BASE) in those rounds, or in all when there are too few. Undefined without any. */
  readonly estimate: PairedEstimate | undefined;
  /** Over all looks so far and all benchmarks. 1 before the first look. */
  readonly pSlower: number;
  readonly pFaster: number;
}

interface State {
  /** Over the looks so far, not yet over the benchmarks. */
  pSlower: number;
  pFaster: number;
  judgement: Judgement;
}

/**
 * @param benchmarks the rounds of each, in the order in which they were measured. Rounds behind the look at which a verdict fell,
 * and those of a look that is not complete, are not looked at; so this may be asked after every look, and again of the whole.
 */
export function judgeRounds(benchmarks: ReadonlyMap<string, readonly number[]>): Map<string, Judgement> {
  const states = new Map([...benchmarks].map(([id, rounds]) => [id, unjudged(rounds)]));
  for (const look of LOOKS) {
    const due = [...states].filter(
      ([id, { judgement }]) => judgement.verdict === 'inconclusive' && roundsOf(benchmarks, id).length >= look.rounds,
    );
    for (const [id, state] of due) {
      const { above, below } = signedRankTest(roundsOf(benchmarks, id).slice(0, look.rounds));
      state.pSlower = Math.min(state.pSlower, above / look.share);
      state.pFaster = Math.min(state.pFaster, below / look.share);
    }
    const slower = adjusted(states, 'pSlower');
    const faster = adjusted(states, 'pFaster');
    for (const [id, state] of due) {
      const [pSlower, pFaster] = [known(slower.get(id), 'each has one'), known(faster.get(id), 'each has one')];
      state.judgement = judgeAt(look, roundsOf(benchmarks, id), pSlower, pFaster);
    }
  }
  return new Map([...states].map(([id, { judgement }]) => [id, judgement]));
}

/** What ended the measuring before the rounds were enough. */
export type CutShort = 'the budget' | 'the interruption';

/**
 * What counts in the end: a slowdown only when fresh rounds confirm it, judged by themselves as a benchmark alone. Otherwise it is
 * inconclusive: what one measurement saw and the next did not is no news, and nothing that is the same either. What could not be
 * measured to the end says so.
 *
 * @param by what ended it, where something did
 */
export function conclude(
  first: Judgement,
  rerun: Judgement | undefined,
  by: CutShort = 'the budget',
): { readonly verdict: GateWord; readonly reason?: string } {
  if (first.verdict === 'inconclusive') {
    const cut = cutShort(first, by);
    return { verdict: 'inconclusive', ...(cut !== undefined && { reason: cut }) };
  }
  if (first.verdict !== 'slower' || rerun?.verdict === 'slower') return { verdict: first.verdict };
  const seen = `${percent(first.estimate?.estimate ?? 0)} was not confirmed by the rerun`;
  if (rerun?.estimate === undefined) return { verdict: 'inconclusive', reason: `${seen}: ${by} left no time for it` };
  const cut = rerun.verdict === 'inconclusive' ? cutShort(rerun, by) : undefined;
  const said = `which said ${percent(rerun.estimate.estimate)}`;
  return { verdict: 'inconclusive', reason: cut === undefined ? `${seen}, ${said}` : `${seen}, ${said}: ${cut}` };
}

/** Of what is inconclusive: why it was not measured on. Undefined when it had all rounds there can be. */
function cutShort({ measured }: Judgement, by: CutShort): string | undefined {
  const [least, most] = [known(LOOKS[0], 'there is a first look').rounds, known(LOOKS.at(-1), 'and a last').rounds];
  if (measured >= most) return undefined;
  const of = measured < least ? `of the ${least} that it takes at least` : `of ${most}`;
  return `cut short by ${by} after ${measured} rounds ${of}`;
}

/** ln(ratio) as '+5.2 %'. */
function percent(logarithm: number): string {
  const change = 100 * Math.expm1(logarithm);
  return `${change < 0 ? '-' : '+'}${Math.abs(change).toFixed(1)} %`;
}

/** The confidence with which the interval at a look is stated: that of the change's two sides together. */
export function confidenceAt({ share }: Look): number {
  return 1 - 2 * CHANGE_LEVEL * share;
}

function roundsOf(benchmarks: ReadonlyMap<string, readonly number[]>, id: string): readonly number[] {
  return known(benchmarks.get(id), 'every state is of a benchmark');
}

function unjudged(rounds: readonly number[]): State {
  const first = known(LOOKS[0], 'there is a first look');
  const estimate = rounds.length === 0 ? undefined : estimateDifference(rounds, confidenceAt(first));
  return {
    pSlower: 1,
    pFaster: 1,
    judgement: { verdict: 'inconclusive', rounds: 0, measured: rounds.length, estimate, pSlower: 1, pFaster: 1 },
  };
}

function adjusted(states: ReadonlyMap<string, State>, side: 'pSlower' | 'pFaster'): Map<string, number> {
  const ids = [...states.keys()];
  const all = holm([...states.values()].map((state) => Math.min(1, state[side])));
  return new Map(ids.map((id, at) => [id, known(all[at], 'as many as benchmarks')]));
}

function judgeAt(look: Look, all: readonly number[], pSlower: number, pFaster: number): Judgement {
  const rounds = all.slice(0, look.rounds);
  const estimate = estimateDifference(rounds, confidenceAt(look));
  const same = estimateDifference(rounds, 1 - 2 * SAME_LEVEL * look.share);
  const verdict =
    pSlower <= CHANGE_LEVEL && estimate.estimate > LEAST_CHANGE
      ? 'slower'
      : pFaster <= CHANGE_LEVEL && estimate.estimate < -LEAST_CHANGE
        ? 'faster'
        : same.low > -CLOSELY && same.high < CLOSELY
          ? 'same'
          : 'inconclusive';
  return { verdict, rounds: look.rounds, measured: all.length, estimate, pSlower, pFaster };
}
