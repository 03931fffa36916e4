// Thresholds in k6's grammar: a metric with an optional tag filter, `response_time{phase:recovery,operation:write}`, and
// an expression over it, `p(99)<500`.

import { didYouMean } from './did-you-mean.ts';
import { PHASE_NAMES } from './phases.ts';
import type { PhaseName } from './phases.ts';

/** Text that is not a threshold, or one that its metric cannot have. The message names the text. */
export class ThresholdError extends Error {
  override readonly name = 'ThresholdError';
  readonly code = 'invalid-threshold';
}

/** What an aggregation takes of a metric. Trends are milliseconds. */
export type Aggregation =
  | { readonly kind: 'percentile'; /** 0 to 100. */ readonly percentile: number }
  | { readonly kind: 'avg' | 'min' | 'max' | 'med' | 'count' | 'rate' | 'value' };

const OPERATORS = ['<', '<=', '>', '>=', '==', '!='] as const;
export type ThresholdOperator = (typeof OPERATORS)[number];

export interface ThresholdExpression {
  readonly aggregation: Aggregation;
  readonly operator: ThresholdOperator;
  readonly limit: number;
}

const TAG_VALUES = {
  phase: PHASE_NAMES,
  outcome: ['ok', 'fail', 'info'],
  /** Whether the scenario has what these name is checked with the scenario. */
  operation: undefined,
  load: undefined,
  fault: undefined,
  code: undefined,
} as const;
type Tag = keyof typeof TAG_VALUES;

/** Every tag that is present must match. Without `phase`, every phase but the warm-up is meant. */
export interface ThresholdTags {
  readonly phase?: PhaseName;
  readonly operation?: string;
  readonly outcome?: (typeof TAG_VALUES.outcome)[number];
  readonly load?: string;
  /** The kind of a fault. */
  readonly fault?: string;
  /** Of an error. */
  readonly code?: string;
}

/** Of the figures of a fault, one for each; several make up a trend. */
const OF_FAULTS = { aggregations: ['max', 'min', 'avg', 'med'], tags: ['fault'] } as const;

/** Each metric, what may be asked of it and by what it may be filtered. */
const METRICS = {
  /** Trend, milliseconds, from the scheduled instant to the answer. */
  response_time: { aggregations: ['p', 'avg', 'min', 'max', 'med'], tags: ['phase', 'operation', 'load', 'outcome'] },
  /** Trend, milliseconds, from the actual send to the answer. */
  service_time: { aggregations: ['p', 'avg', 'min', 'max', 'med'], tags: ['phase', 'operation', 'load', 'outcome'] },
  /** Operations that ended: their number, and their number per second. */
  operations: { aggregations: ['count', 'rate'], tags: ['phase', 'operation', 'load', 'outcome'] },
  /** Of the operations that ended, those that failed: their number, and their share (0 to 1). */
  operations_failed: { aggregations: ['count', 'rate'], tags: ['phase', 'operation', 'load'] },
  /** Arrivals for which no virtual user was free: their number, and their number per second. */
  dropped_iterations: { aggregations: ['count', 'rate'], tags: ['phase', 'load'] },
  /** Of a scenario with `saturation`: the highest rate that held, per second. A number, so `>=500` is said of it as it is. */
  knee: { aggregations: ['value'], tags: [] },
  /** Operations that ended in an error: their number, and their share of all that ended (0 to 1). */
  errors: { aggregations: ['count', 'rate'], tags: ['phase', 'operation', 'load', 'outcome', 'code'] },
  /** Milliseconds from the start of a fault to the first new leader. Faults that cost nobody the lead are left out. */
  election: OF_FAULTS,
  /** Milliseconds from the start of a fault to the first write that was sent and succeeded behind it. */
  first_write: OF_FAULTS,
  /** The longest time without a successful write from the start of a fault to the end of recovery, milliseconds. */
  write_gap: OF_FAULTS,
  /** Milliseconds, from the start of a fault to the end of recovery, in which operations were due and none succeeded for long. */
  unavailable: OF_FAULTS,
  /** Milliseconds from the end of a fault until p99 of the response time was within 20 % of the baseline again. */
  recovered: OF_FAULTS,
  /** Operations that were acknowledged and did not survive, as the checkers found. */
  operations_lost: { aggregations: ['count'], tags: [] },
} as const satisfies Record<string, { aggregations: readonly string[]; tags: readonly Tag[] }>;
export type MetricName = keyof typeof METRICS;

/** Those that are measured of each fault. */
export type FaultMetric = { [K in MetricName]: (typeof METRICS)[K] extends typeof OF_FAULTS ? K : never }[MetricName];

export function isFaultMetric(metric: MetricName): metric is FaultMetric {
  return METRICS[metric] === OF_FAULTS;
}

const METRIC_NAMES = Object.keys(METRICS) as MetricName[];
const AGGREGATIONS = ['p', 'avg', 'min', 'max', 'med', 'count', 'rate', 'value'] as const;

export interface MetricSelector {
  readonly name: MetricName;
  readonly tags: ThresholdTags;
}

/** A threshold that has been checked. */
export interface Threshold {
  /** As written: `response_time{phase:recovery}`. */
  readonly metric: string;
  /** As written: `p(99)<500`. */
  readonly threshold: string;
  readonly selector: MetricSelector;
  readonly expression: ThresholdExpression;
  /** Whether the run ends as soon as the threshold is crossed ... */
  readonly abortOnFail: boolean;
  /** ... but not before this much of the run has passed. */
  readonly delayAbortEvalMs: number;
}

/** Reads `response_time{phase:recovery,operation:write}`. Throws ThresholdError. */
export function parseMetric(text: string): MetricSelector {
  const match = /^\s*([^\s{}]+)\s*(?:\{([^{}]*)\})?\s*$/.exec(text);
  if (match === null)
    throw new ThresholdError(`cannot read the metric '${text}'; write for example 'response_time{phase:recovery}'`);
  const name = match[1] as string;
  if (!isOneOf(name, METRIC_NAMES))
    throw new ThresholdError(
      `no metric is called '${name}'${didYouMean(name, METRIC_NAMES) || `; there are ${list(METRIC_NAMES)}`}`,
    );
  return { name, tags: match[2] === undefined ? {} : parseTags(match[2], text, METRICS[name].tags) };
}

function parseTags(body: string, metric: string, allowed: readonly Tag[]): ThresholdTags {
  const tags: Partial<Record<Tag, string>> = {};
  for (const part of body.split(',')) {
    const colon = part.indexOf(':');
    const [tag, value] = [part.slice(0, colon).trim(), part.slice(colon + 1).trim()];
    if (colon < 0 || tag === '' || value === '')
      throw new ThresholdError(`cannot read '${part}' in '${metric}' as a tag; write for example 'phase:recovery'`);
    if (!isOneOf(tag, allowed))
      throw new ThresholdError(
        `'${metric}' cannot be filtered by '${tag}'${didYouMean(tag, allowed) || `; it has ${list(allowed) || 'no tags'}`}`,
      );
    if (tags[tag] !== undefined) throw new ThresholdError(`'${metric}' names the tag '${tag}' twice`);
    const values: readonly string[] | undefined = TAG_VALUES[tag];
    if (values !== undefined && !values.includes(value))
      throw new ThresholdError(
        `'${metric}': no ${tag} is called '${value}'${didYouMean(value, values) || `; there are ${list(values)}`}`,
      );
    tags[tag] = value;
  }
  // Each value was compared with its tag's list above.
  return tags as ThresholdTags;
}

/** Reads `p(99.9) <= 1` for a metric, and sees that the metric has that aggregation. Throws ThresholdError. */
export function parseExpression(text: string, metric: MetricName): ThresholdExpression {
  const match = /^\s*(?:([a-z]+)\s*(?:\(\s*([^()]*?)\s*\))?)?\s*(<=|>=|===?|!=|<|>)\s*(\S+)\s*$/.exec(text);
  const isGauge = (METRICS[metric].aggregations as readonly string[]).includes('value');
  if (match === null || (match[1] === undefined && !isGauge))
    throw new ThresholdError(`cannot read '${text}' as a threshold; write for example 'p(99)<500', 'rate<0.01' or 'count>100'`);
  const [, name = 'value', argument, operator, limit] = match as unknown as [string, string?, string?, ...[string, string]];
  return {
    aggregation: parseAggregation(name, argument, text, metric),
    // k6 has `===` for `==`.
    operator: operator === '===' ? '==' : (operator as ThresholdOperator),
    limit: parseNumber(limit, text),
  };
}

/** Why a threshold could not end a run although it is crossed; undefined when it could. */
export function liveProblem({ name }: MetricSelector, { aggregation, operator }: ThresholdExpression): string | undefined {
  if (name === 'operations_lost') return 'what was lost is known only when the run is over';
  if (!isFaultMetric(name) || (aggregation.kind === 'max' && (operator === '<' || operator === '<='))) return undefined;
  return `of the figures of faults only the upper limit of the largest, such as 'max<3000', can be crossed before the run is over`;
}

function parseAggregation(name: string, argument: string | undefined, text: string, metric: MetricName): Aggregation {
  if (!isOneOf(name, AGGREGATIONS))
    throw new ThresholdError(
      `'${text}': no aggregation is called '${name}'${didYouMean(name, AGGREGATIONS) || `; there are ${list(AGGREGATIONS)}`}`,
    );
  const allowed: readonly string[] = METRICS[metric].aggregations;
  if (!allowed.includes(name))
    throw new ThresholdError(`'${text}': ${metric} has no ${written(name)}; it has ${list(allowed.map(written))}`);
  if (name === 'p') {
    const percentile = argument === undefined || argument === '' ? Number.NaN : Number(argument);
    if (!(percentile >= 0 && percentile <= 100))
      throw new ThresholdError(`'${text}': a percentile is a number from 0 to 100, as in p(99.9), not '${argument ?? ''}'`);
    return { kind: 'percentile', percentile };
  }
  if (argument !== undefined) throw new ThresholdError(`'${text}': ${name} takes no argument`);
  return { kind: name };
}

function parseNumber(limit: string, text: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(limit))
    throw new ThresholdError(`'${text}': '${limit}' is not a number (times are milliseconds, shares are from 0 to 1)`);
  return Number(limit);
}

function written(aggregation: string): string {
  return aggregation === 'p' ? 'p()' : aggregation;
}

function list(names: readonly string[]): string {
  return names.join(', ');
}

function isOneOf<T extends string>(word: string, words: readonly T[]): word is T {
  return (words as readonly string[]).includes(word);
}
