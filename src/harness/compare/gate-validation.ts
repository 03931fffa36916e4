// How often the gate was right, from recorded gates whose truth is known; and how often others would have been, on the same data.

import { known } from '../../runtime/assert.ts';
import { Random } from '../../runtime/random.ts';
import type {
  Control,
  Rate,
  Validation,
  ValidationBenchmark,
  ValidationGate,
  ValidationRound,
  ValidationRow,
  ValidationSummary,
} from '../result/gate-validation.ts';
import { CHANGE_LEVEL, CLOSELY, conclude, type GateWord, judgeRounds, LEAST_CHANGE, LOOKS, SAME_LEVEL } from './gate-rule.ts';
import { mannWhitney } from './mann-whitney.ts';
import { medianOfSorted } from './signed-rank.ts';
import { alarmsWithSwappedSides } from './swapped-sides.ts';

export const RULE: Validation['rule'] = {
  looks: LOOKS.map((look) => ({ ...look })),
  changeLevel: CHANGE_LEVEL,
  sameLevel: SAME_LEVEL,
  leastChange: LEAST_CHANGE,
  closely: CLOSELY,
};

/** Raw samples are many, so this is all but generous; benchstat's own level is 5 %. */
const RAW_LEVEL = 0.01;
const BENCHSTAT_LEVEL = 0.05;

/** Of each gate of the same code, with its sides swapped. */
const DRAWS = 200;

interface Judged {
  readonly name: string;
  readonly benchmark: ValidationBenchmark;
  readonly word: GateWord;
}

export function summariseValidation({ gates }: Pick<Validation, 'gates'>): ValidationSummary {
  const judged = gates.map(({ condition, benchmarks }) => {
    const words = judgeGate(benchmarks);
    return benchmarks.map((benchmark, at): Judged => ({
      name: nameOf(condition, benchmark),
      benchmark,
      word: known(words[at], 'each is judged'),
    }));
  });
  const rows = Map.groupBy(judged.flat(), ({ name }) => name);
  const isAlarm = ({ benchmark, word }: Judged) => benchmark.injected === undefined && (word === 'slower' || word === 'faster');
  return {
    rows: [...rows]
      .map(([name, all]) => rowOf(name, all))
      .sort((a, b) => Number(b.isSame) - Number(a.isSame) || compareNames(a.name, b.name)),
    alarms: rateOf(
      judged.flat().filter(isAlarm).length,
      judged.flat().filter(({ benchmark }) => benchmark.injected === undefined).length,
    ),
    alarmedGates: rateOf(judged.filter((gate) => gate.some(isAlarm)).length, gates.length),
    swapped: alarmsWithSwappedSides(
      gates.map(roundsOfTheSame).filter(({ length }) => length > 0),
      DRAWS,
      new Random(1),
    ),
  };
}

/** In which chance may decide what is BASE: what was made slower is left out. */
function roundsOfTheSame({ benchmarks }: ValidationGate): number[][] {
  const same = benchmarks.filter(({ injected, first }) => injected === undefined && first.length > 0);
  return same.map(({ first }) => first.map(logRatio));
}

function rateOf(count: number, of: number): Rate {
  return { count, of, below: upperBound(count, of) };
}

/** The upper end of the 95 % interval of a rate: 3 / n when it never happened, else Wilson's (1927). */
export function upperBound(count: number, of: number): number {
  if (of === 0) return 1;
  if (count === 0) return Math.min(1, 3 / of);
  const [z, p] = [1.96, count / of];
  const centre = p + (z * z) / (2 * of);
  const spread = z * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of));
  return (centre + spread) / (1 + (z * z) / of);
}

function compareNames(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** As the gate does it, but from the file. */
function judgeGate(benchmarks: readonly ValidationBenchmark[]): GateWord[] {
  const judgements = judgeRounds(new Map(benchmarks.map(({ id, first }) => [id, first.map(logRatio)])));
  return benchmarks.map(({ id, rerun }) => {
    const again = rerun.length === 0 ? undefined : judgeRounds(new Map([[id, rerun.map(logRatio)]])).get(id);
    return conclude(known(judgements.get(id), 'each is judged'), again).verdict;
  });
}

function nameOf(condition: string, { injected }: ValidationBenchmark): string {
  if (injected === undefined) return `the same code, ${condition === 'busy' ? 'with a busy neighbour' : 'quiet'}`;
  const share = `${Math.round(100 * injected.share)} %`;
  return injected.kind === 'tail' ? `${share} of operations ten times slower` : `${injected.kind} ${share}`;
}

function rowOf(name: string, all: readonly Judged[]): ValidationRow {
  const isSame = all.every(({ benchmark }) => benchmark.injected === undefined);
  const words: Record<GateWord, number> = { slower: 0, faster: 0, same: 0, inconclusive: 0 };
  for (const { word } of all) words[word]++;
  const alarms = (control: Control) => all.filter(({ benchmark: { first } }) => isCalled(control, first, isSame)).length;
  return {
    name,
    isSame,
    benchmarks: all.length,
    words,
    seconds: all.reduce((sum, { benchmark }) => sum + benchmark.seconds, 0) / all.length,
    controls: {
      'single ratio over 5 %': alarms('single ratio over 5 %'),
      'Mann-Whitney on raw samples': alarms('Mann-Whitney on raw samples'),
      'like benchstat': alarms('like benchstat'),
    },
  };
}

function isCalled(control: Control, rounds: readonly ValidationRound[], eitherWay: boolean): boolean {
  const first = rounds.slice(0, LOOKS[0]?.rounds ?? 0);
  const [one] = first;
  if (one === undefined) return false;
  const isChange = (base: readonly number[], head: readonly number[]) => eitherWay || median(head) > median(base);
  if (control === 'single ratio over 5 %') {
    const ratio = logRatio(one);
    return ratio > Math.log(1.05) || (eitherWay && ratio < -Math.log(1.05));
  }
  if (control === 'Mann-Whitney on raw samples') {
    const [base, head] = [first.flatMap((round) => round.base), first.flatMap((round) => round.head)];
    return mannWhitney(base, head) <= RAW_LEVEL && isChange(base, head);
  }
  // BASE is measured, and then HEAD, each in processes of its own: the first half of the rounds against the second.
  const half = first.length >>> 1;
  if (half === 0) return false;
  const base = first.slice(0, half).map((round) => median(round.base));
  const head = first.slice(half).map((round) => median(round.head));
  return mannWhitney(base, head) <= BENCHSTAT_LEVEL && isChange(base, head);
}

function logRatio({ base, head }: ValidationRound): number {
  return Math.log(median(head) / median(base));
}

function median(numbers: readonly number[]): number {
  return medianOfSorted(numbers.toSorted((a, b) => a - b));
}
