// How a signal is described in the catalogue. Names follow Prometheus and OpenTelemetry conventions.

/** Which values a label may take. Whatever lies outside is counted under 'other', so that no label can grow without bound. */
export type LabelBound = OneOf<string> | AtMost;

export interface OneOf<Value extends string> {
  readonly kind: 'one-of';
  readonly values: readonly Value[];
}

/** Open, but only the first `count` distinct values that are seen are told apart. */
export interface AtMost {
  readonly kind: 'at-most';
  readonly count: number;
}

export type Labels = Readonly<Record<string, LabelBound>>;

interface Described {
  /** One sentence for whoever reads a dashboard. */
  readonly help: string;
  /** The base unit; 'count' for plain numbers, 'state' for 0 or 1. */
  readonly unit: 'seconds' | 'bytes' | 'ratio' | 'count' | 'state';
  readonly labels: Labels;
}

export interface CounterDefinition extends Described {
  readonly type: 'counter';
}

export interface GaugeDefinition extends Described {
  readonly type: 'gauge';
  /** The label whose values are states: of its series exactly one is 1 and the others are 0. */
  readonly stateLabel?: string;
}

export interface HistogramDefinition extends Described {
  readonly type: 'histogram';
  /** Upper bounds, ascending, in `unit`. */
  readonly buckets: readonly number[];
  /** Whether a bucket shows the trace of its last sample, in OpenMetrics. */
  readonly exemplars?: true;
}

export type MetricDefinition = CounterDefinition | GaugeDefinition | HistogramDefinition;

export interface SpanDefinition {
  readonly help: string;
  readonly kind: 'internal' | 'client' | 'server';
  /** Attribute names and what their values are. */
  readonly attributes: Readonly<Record<string, 'string' | 'number' | 'boolean'>>;
}

export function oneOf<const Values extends readonly string[]>(...values: Values): OneOf<Values[number]> {
  return { kind: 'one-of', values };
}

export function atMost(count: number): AtMost {
  return { kind: 'at-most', count };
}
