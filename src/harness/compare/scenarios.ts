// A scenario of two results, side by side: its response times by load, operation and phase, and what it has one number of.

import type { Measurement, Quantity } from '../result/comparison.ts';
import { LatencyHistogram } from '../result/histogram.ts';
import type { ScenarioResult, Statistic } from '../result/schema.ts';
import { configurationDifferences, loadOf } from './configurations.ts';
import { type Compared, relate } from './judge.ts';
import { sides } from './microbenchmarks.ts';

/** Named in a reason before it becomes a list that nobody reads. */
const MOST_DIFFERENCES = 3;

const PERCENTILES = [
  ['p50', 50],
  ['p99', 99],
] as const;

export interface ScenarioComparison {
  readonly measurements: readonly Measurement[];
  /** Statistics that only one has, such as 'steady registers read after'. */
  readonly onlyInBase: readonly string[];
  readonly onlyInHead: readonly string[];
}

/** @param reason why no time is comparable, when that is so. */
export function compareScenario(base: ScenarioResult, head: ScenarioResult, reason: string | undefined): ScenarioComparison {
  const why = reason ?? obstacleOf(base, head);
  const [before, after] = [byName(base), byName(head)];
  const measurements = [...before].flatMap(([name, statistic]) => {
    const other = after.get(name);
    return other === undefined ? [] : responseTimes(base.name, name, statistic, other);
  });
  const named = ([name]: readonly [string, unknown]) => `${base.name} ${name}`;
  return {
    measurements: [...measurements, ...singles(base, head)].map((each) => relate(each, why)),
    onlyInBase: [...before].filter(([name]) => !after.has(name)).map(named),
    onlyInHead: [...after].filter(([name]) => !before.has(name)).map(named),
  };
}

/** Why the two must not be compared, whatever machine they ran on. */
function obstacleOf(base: ScenarioResult, head: ScenarioResult): string | undefined {
  for (const [side, { status, invalid }] of [
    ['BASE', base],
    ['HEAD', head],
  ] as const) {
    if (status !== 'complete') return `${status} in ${side}`;
    if (invalid.length > 0) return `INVALID in ${side}: ${invalid[0]}`;
  }
  const differences = configurationDifferences(loadOf(base), loadOf(head));
  if (differences.length === 0) return undefined;
  const more = differences.length - MOST_DIFFERENCES;
  return `another configuration: ${differences.slice(0, MOST_DIFFERENCES).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

/** What was done, without the warm-up and what failed. */
function byName({ statistics }: ScenarioResult): Map<string, Statistic> {
  const kept = statistics.filter(({ outcome, phase }) => outcome === 'ok' && phase !== 'warmup');
  return new Map(kept.map((each) => [`${each.load} ${each.operation} ${each.phase}`, each]));
}

function responseTimes(scenario: string, name: string, base: Statistic, head: Statistic): Compared[] {
  const [before, after] = [base, head].map(({ responseTime }) => LatencyHistogram.decode(responseTime.histogram));
  return PERCENTILES.flatMap(([word, percentile]) => {
    const both = sides(quantile(before, percentile), quantile(after, percentile));
    if (both.base === undefined && both.head === undefined) return [];
    return [{ kind: 'scenario', name: scenario, metric: `${name} ${word}`, unit: 'ms', better: 'lower', ...both } as const];
  });
}

function quantile(histogram: LatencyHistogram | undefined, percentile: number): Quantity | undefined {
  const us = histogram?.percentile(percentile);
  const interval = histogram?.interval95(percentile);
  if (us === undefined || interval === undefined) return undefined;
  return { value: us / 1_000, interval95: [interval[0] / 1_000, interval[1] / 1_000] };
}

/** What a run has one number of: without an interval no word follows from it. */
function singles(base: ScenarioResult, head: ScenarioResult): Compared[] {
  const rate = { unit: 'per second', better: 'higher' } as const;
  const time = { unit: 'ms', better: 'lower' } as const;
  const all: readonly (Pick<Compared, 'metric' | 'unit' | 'better'> & {
    of: (scenario: ScenarioResult) => number | undefined;
  })[] = [
    { metric: 'successes', ...rate, of: ({ totals }) => totals.okPerSecond },
    { metric: 'knee', ...rate, of: ({ saturation }) => saturation?.knee },
    ...base.faults.flatMap(({ kind }, at) => [
      { metric: `${kind} ${at + 1}: election`, ...time, of: ({ faults }: ScenarioResult) => faults[at]?.electionMs },
      { metric: `${kind} ${at + 1}: first write`, ...time, of: ({ faults }: ScenarioResult) => faults[at]?.firstWriteMs },
      { metric: `${kind} ${at + 1}: recovered`, ...time, of: ({ faults }: ScenarioResult) => faults[at]?.recoveredMs },
    ]),
  ];
  return all.flatMap(({ of, ...what }) => {
    const [before, after] = [of(base), of(head)];
    if (before === undefined || after === undefined) return [];
    return [{ kind: 'scenario', name: base.name, ...what, base: { value: before }, head: { value: after } } as const];
  });
}
