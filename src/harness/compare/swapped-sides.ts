// How often the gate would call the same code changed, from far more gates than can be measured. Which of two fresh processes of the
// same code is called BASE is chance, so swapping them in any round makes a round that might as well have been measured: the sizes of the
// differences are the machine's, their signs are coins. This is what the signed-rank test itself is built on (R. A. Fisher, "The design of
// experiments", 1935), here for the whole rule with its looks, its least change and its rerun.

import { known } from '../../runtime/assert.ts';
import type { Random } from '../../runtime/random.ts';
import type { SwappedSides } from '../result/gate-validation.ts';
import { conclude, judgeRounds, LOOKS } from './gate-rule.ts';

const MOST_ROUNDS = known(LOOKS.at(-1), 'there is a last look').rounds;

/**
 * @param gates of each the rounds, ln(HEAD / BASE), of its benchmarks that are the same on both sides; each has some. Where a benchmark had
 * been decided before the last look, the rounds that it would have needed then are drawn from its own.
 */
export function alarmsWithSwappedSides(
  gates: readonly (readonly (readonly number[])[])[],
  draws: number,
  random: Random,
): SwappedSides {
  let [alarms, alarmedGates] = [0, 0];
  for (const gate of gates) {
    for (let draw = 0; draw < draws; draw++) {
      const called = gate.map((rounds, at) => [String(at), drawn(rounds, random)] as const);
      const judged = judgeRounds(new Map(called));
      const changed = gate.filter((rounds, at) => {
        const first = known(judged.get(String(at)), 'each is judged');
        if (first.verdict === 'faster') return true;
        if (first.verdict !== 'slower') return false;
        const rerun = judgeRounds(new Map([['rerun', resampled(rounds, MOST_ROUNDS, random)]])).get('rerun');
        return conclude(first, rerun).verdict === 'slower';
      });
      alarms += changed.length;
      if (changed.length > 0) alarmedGates++;
    }
  }
  const benchmarks = gates.reduce((sum, gate) => sum + gate.length, 0);
  return { draws, benchmarks: alarms / (benchmarks * draws), gates: alarmedGates / (gates.length * draws) };
}

function drawn(rounds: readonly number[], random: Random): number[] {
  const own = rounds.slice(0, MOST_ROUNDS).map((round) => swap(round, random));
  return [...own, ...resampled(rounds, MOST_ROUNDS - own.length, random)];
}

function resampled(rounds: readonly number[], count: number, random: Random): number[] {
  return Array.from({ length: count }, () => swap(known(rounds[random.integer(0, rounds.length - 1)], 'within them'), random));
}

function swap(round: number, random: Random): number {
  return random.chance(0.5) ? round : -round;
}
