// Holds what was measured against a scenario's thresholds: at the end, and while the run is under way.

import { LatencyHistogram } from '../result/histogram.ts';
import type { Phase, ThresholdResult } from '../result/schema.ts';
import {
  type Aggregation,
  type FaultMetric,
  isFaultMetric,
  type Threshold,
  type ThresholdExpression,
  type ThresholdTags,
} from '../scenario/thresholds.ts';
import type { FaultFigures } from './fault-figures.ts';
import type { Dropped, ErrorCount, Measured } from './recorder.ts';

/** What thresholds read; a Recorder. */
export interface Measurements {
  measured(): readonly Measured[];
  droppedByPhase(): readonly Dropped[];
  errorCounts(): readonly ErrorCount[];
}

/** What the recorder alone does not know. */
export interface Findings {
  readonly faults: readonly FaultFigures[];
  /** As the checkers found; undefined before they have run, and when they could not tell. */
  readonly operationsLost?: number | undefined;
  /** Of a load that rose to saturation; absent before its end, and when no step was run. */
  readonly knee?: Knee | undefined;
}

export interface Knee {
  /** Per second; 0 when no step held. */
  readonly rate: number;
  /** False: it is at least that. */
  readonly exact: boolean;
}

/** How long each phase lasted, milliseconds; absent when it did not occur. What rates per second are taken over. */
export type DurationByPhase = Readonly<Partial<Record<Phase, number>>>;

/**
 * The results, in the order of the thresholds. A threshold without a phase leaves the warm-up out. One for which nothing
 * was measured has failed, with `observed` absent: silence is not a pass.
 * @param aborted those that ended the run, from LiveThresholds.
 */
export function evaluateThresholds(
  thresholds: readonly Threshold[],
  measurements: Measurements,
  durationByPhase: DurationByPhase,
  findings: Findings = { faults: [] },
  aborted: ReadonlySet<Threshold> = new Set(),
): ThresholdResult[] {
  return thresholds.map((threshold) => {
    const observed = observe(threshold, measurements, durationByPhase, findings);
    const passed = observed !== undefined && holds(observed, threshold.expression);
    const result = { metric: threshold.metric, threshold: threshold.threshold, passed, aborted: aborted.has(threshold) };
    return observed === undefined ? result : { ...result, observed };
  });
}

/** Decides while a run is under way whether a threshold with `abortOnFail` ends it. */
export class LiveThresholds {
  readonly #thresholds: readonly Threshold[];
  readonly #measurements: Measurements;
  readonly #aborted = new Set<Threshold>();

  constructor(thresholds: readonly Threshold[], measurements: Measurements) {
    this.#thresholds = thresholds.filter((threshold) => threshold.abortOnFail);
    this.#measurements = measurements;
  }

  /**
   * Those that end the run now: crossed, past their delay, and with something measured (a phase that has not come yet has
   * not failed). Merges histograms: for once a second, not for every operation.
   * @param atMs milliseconds from the start of the scenario.
   * @param faults what they have cost so far.
   */
  crossed(
    atMs: number,
    durationByPhase: DurationByPhase,
    faults: () => readonly FaultFigures[] = () => [],
  ): readonly Threshold[] {
    const crossed = this.#thresholds.filter((threshold) => {
      if (atMs < threshold.delayAbortEvalMs) return false;
      const { selector } = threshold;
      const observed = isFaultMetric(selector.name)
        ? largestSoFar(selector.name, selector.tags, faults())
        : observe(threshold, this.#measurements, durationByPhase, { faults: [] });
      return observed !== undefined && !holds(observed, threshold.expression);
    });
    for (const threshold of crossed) this.#aborted.add(threshold);
    return crossed;
  }

  /** Everything that `crossed` ever gave. */
  get aborted(): ReadonlySet<Threshold> {
    return this.#aborted;
  }
}

/** What the threshold is compared with, in its unit, or undefined when nothing was measured. */
function observe(
  threshold: Threshold,
  measurements: Measurements,
  durationByPhase: DurationByPhase,
  findings: Findings,
): number | undefined {
  const { selector, expression } = threshold;
  const { tags } = selector;
  if (isFaultMetric(selector.name)) return ofFaults(selector.name, tags, findings.faults, expression.aggregation);
  const ended = measurements.measured().filter((cell) => matches(cell, tags));
  switch (selector.name) {
    case 'response_time':
      return trend(
        ended.map((cell) => cell.responseTime),
        expression,
      );
    case 'service_time':
      return trend(
        ended.map((cell) => cell.serviceTime),
        expression,
      );
    case 'operations':
      return counted(sumOf(ended), expression.aggregation, tags, durationByPhase);
    case 'operations_failed': {
      const all = sumOf(ended);
      const failed = sumOf(ended.filter((cell) => cell.outcome !== 'ok')) - ended.reduce((sum, cell) => sum + cell.expected, 0);
      if (all === 0) return undefined;
      return expression.aggregation.kind === 'count' ? failed : failed / all;
    }
    case 'dropped_iterations': {
      const dropped = measurements.droppedByPhase().filter((cell) => matches(cell, tags));
      return counted(sumOf(dropped), expression.aggregation, tags, durationByPhase);
    }
    case 'errors': {
      const { outcome: _, ...ofAnyOutcome } = tags;
      const all = sumOf(measurements.measured().filter((cell) => matches(cell, ofAnyOutcome)));
      const errors = sumOf(
        measurements
          .errorCounts()
          .filter((error) => matches(error, tags) && (tags.code === undefined || error.code === tags.code)),
      );
      if (all === 0) return undefined;
      return expression.aggregation.kind === 'count' ? errors : errors / all;
    }
    case 'operations_lost':
      return findings.operationsLost;
    case 'knee':
      return kneeFor(findings.knee, expression);
  }
}

/** What is only known to be at least so high cannot be held against an upper limit. */
function kneeFor(knee: Knee | undefined, { operator }: ThresholdExpression): number | undefined {
  if (knee === undefined) return undefined;
  return knee.exact || operator === '>' || operator === '>=' ? knee.rate : undefined;
}

/** Undefined when any of the faults has no such figure, or none that is final: what never came is no pass. */
function ofFaults(
  metric: FaultMetric,
  tags: ThresholdTags,
  faults: readonly FaultFigures[],
  aggregation: Aggregation,
): number | undefined {
  const figures = faults.filter((fault) => concerns(fault, tags)).map((fault) => fault.figures[metric]);
  // Most faults cost nobody the lead, and that is no gap in what was measured.
  const wanted = metric === 'election' ? figures.filter((figure) => figure !== undefined) : figures;
  const values = wanted.flatMap((figure) => (figure?.isFinal === true ? [figure.ms] : [])).sort((a, b) => a - b);
  if (values.length === 0 || values.length < wanted.length) return undefined;
  switch (aggregation.kind) {
    case 'min':
      return values[0];
    case 'avg':
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    case 'med':
      return values[(values.length - 1) >> 1];
    default:
      return values.at(-1);
  }
}

/** What is still waited for counts with what it has taken so far: it will not be less. */
function largestSoFar(metric: FaultMetric, tags: ThresholdTags, faults: readonly FaultFigures[]): number | undefined {
  const figures = faults.filter((fault) => concerns(fault, tags)).flatMap((fault) => fault.figures[metric] ?? []);
  return figures.length === 0 ? undefined : Math.max(...figures.map(({ ms }) => ms));
}

function concerns({ span }: FaultFigures, { fault }: ThresholdTags): boolean {
  return fault === undefined || span.kind === fault;
}

function matches(cell: Dropped & Partial<Pick<Measured, 'operation' | 'outcome'>>, tags: ThresholdTags): boolean {
  return (
    (tags.phase === undefined ? cell.phase !== 'warmup' : cell.phase === tags.phase) &&
    (tags.load === undefined || cell.load === tags.load) &&
    (tags.operation === undefined || cell.operation === tags.operation) &&
    (tags.outcome === undefined || cell.outcome === tags.outcome)
  );
}

function sumOf(cells: readonly { readonly count: number }[]): number {
  return cells.reduce((sum, cell) => sum + cell.count, 0);
}

/** A number, or a number per second. Undefined when the phase did not occur: zero of nothing is no measurement. */
function counted(
  count: number,
  aggregation: Aggregation,
  tags: ThresholdTags,
  durationByPhase: DurationByPhase,
): number | undefined {
  let durationMs = 0;
  for (const [phase, ms] of Object.entries(durationByPhase))
    if (tags.phase === undefined ? phase !== 'warmup' : phase === tags.phase) durationMs += ms;
  if (durationMs <= 0) return undefined;
  return aggregation.kind === 'count' ? count : (count * 1_000) / durationMs;
}

/** Milliseconds. */
function trend(histograms: readonly LatencyHistogram[], { aggregation, operator }: ThresholdExpression): number | undefined {
  const merged = new LatencyHistogram();
  for (const histogram of histograms) merged.merge(histogram);
  if (merged.count === 0) return undefined;
  const us = () => {
    switch (aggregation.kind) {
      case 'avg':
        return merged.mean;
      case 'min':
        return merged.min;
      case 'max':
        return merged.max;
      case 'med':
        return percentileOrBound(merged, 50, operator);
      case 'percentile':
        return percentileOrBound(merged, aggregation.percentile, operator);
      case 'count':
      case 'rate':
      case 'value':
        return undefined;
    }
  };
  const observed = us();
  return observed === undefined ? undefined : observed / 1_000;
}

/**
 * A percentile with fewer than 10 samples above it is an accident of single samples. What bounds it then stands in for it:
 * the maximum for "less than", the minimum for "greater than". So a threshold with too few samples passes only if
 * every sample keeps it, and neither passes nor fails by one sample more or less in the run.
 */
function percentileOrBound(
  histogram: LatencyHistogram,
  percentile: number,
  operator: ThresholdExpression['operator'],
): number | undefined {
  const value = histogram.percentile(percentile);
  if (value !== undefined) return value;
  if (operator === '<' || operator === '<=') return histogram.max;
  return operator === '>' || operator === '>=' ? histogram.min : undefined;
}

function holds(observed: number, { operator, limit }: ThresholdExpression): boolean {
  switch (operator) {
    case '<':
      return observed < limit;
    case '<=':
      return observed <= limit;
    case '>':
      return observed > limit;
    case '>=':
      return observed >= limit;
    case '==':
      return observed === limit;
    case '!=':
      return observed !== limit;
  }
}
