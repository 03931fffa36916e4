// The metrics of one node (or client): the catalogue's metrics on a prom-client registry of their own.

import { collectDefaultMetrics, Counter, Gauge, Histogram, type Metric, Registry, type RegistryContentType } from 'prom-client';
import { known } from '../runtime/assert.ts';
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type MetricName,
  METRICS,
  type OtherLabelsOf,
  type StateName,
  type StateOf,
} from './catalogue.ts';
import { currentContext } from './current-context.ts';
import { LabelGuard } from './label-guard.ts';
import { prefersOpenMetrics } from './negotiation.ts';
import type { GaugeDefinition, HistogramDefinition, MetricDefinition, OneOf } from './signal.ts';

export interface MetricsOptions {
  /** Added to every series, for example { node: 'n1' }. A metric's own label of that name wins. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Also prom-client's metrics of the process and of Node (process_*, nodejs_*). They watch garbage collection until the process ends. Default false. */
  readonly processMetrics?: boolean;
  /** The part of the catalogue that this process has, for example NODE_METRICS: it shows no others. Default: all of it. */
  readonly metrics?: Readonly<Partial<Record<MetricName, MetricDefinition>>>;
}

export interface Exposition {
  readonly contentType: RegistryContentType;
  readonly text: string;
}

interface Guarded<M> {
  readonly metric: M;
  readonly guard: LabelGuard;
}

type Reader = () => void;

/** The trace of a sample, as OpenMetrics names it. */
interface Exemplar {
  readonly trace_id: string;
}

/**
 * Metric names and labels that are not in the catalogue do not compile. Label values beyond their bound are counted under
 * 'other'. A sample or an increment that is not finite, and a negative increment of a counter, throw.
 */
export class DistributedMetrics {
  // prom-client renames counters when it writes OpenMetrics, for good. So the metrics live in the OpenMetrics registry, and
  // the text registry has views that keep the names.
  readonly #openMetrics = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
  readonly #text = new Registry();
  readonly #counters = new Map<MetricName, Guarded<Counter>>();
  readonly #gauges = new Map<MetricName, Guarded<Gauge>>();
  readonly #histograms = new Map<MetricName, Guarded<Histogram>>();
  readonly #readers = new Map<Reader, MetricName>();

  constructor({ labels = {}, processMetrics = false, metrics = METRICS }: MetricsOptions = {}) {
    this.#openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    for (const [name, definition] of Object.entries(metrics) as [MetricName, MetricDefinition][]) this.#add(name, definition);
    if (processMetrics) collectDefaultMetrics({ register: this.#openMetrics as unknown as Registry });
    for (const metric of this.#openMetrics.getMetricsAsArray()) this.#text.registerMetric(viewOf(metric as unknown as Metric));
    for (const registry of [this.#openMetrics, this.#text]) registry.setDefaultLabels(labels);
  }

  /** Adds `by` (>= 0, default 1) to a counter. */
  inc<Name extends CounterName>(name: Name, labels: LabelsOf<Name>, by = 1): void {
    const { metric, guard } = this.#counter(name);
    metric.inc(guard.fold(labels), by);
  }

  set<Name extends GaugeName>(name: Name, labels: LabelsOf<Name>, value: number): void {
    const { metric, guard } = this.#gauge(name);
    metric.set(guard.fold(labels), value);
  }

  /** Adds `delta`, which may be negative, to a gauge. */
  add<Name extends GaugeName>(name: Name, labels: LabelsOf<Name>, delta: number): void {
    const { metric, guard } = this.#gauge(name);
    metric.inc(guard.fold(labels), delta);
  }

  /** Records one sample, in the unit of the metric. A histogram with exemplars keeps the trace that is current, if it is recorded. */
  observe<Name extends HistogramName>(name: Name, labels: LabelsOf<Name>, value: number): void {
    const { metric, guard } = this.#histogram(name);
    const folded = guard.fold(labels);
    const definition: HistogramDefinition = METRICS[name];
    if (definition.exemplars !== true) metric.observe(folded, value);
    else metric.observe({ labels: folded, value, exemplarLabels: { ...exemplarOfContext() } });
  }

  /** Sets the series of the current state to 1 and those of the other states to 0. */
  setState<Name extends StateName>(name: Name, others: OtherLabelsOf<Name>, state: StateOf<Name>): void {
    const { metric, guard } = this.#gauge(name);
    const definition: GaugeDefinition = METRICS[name];
    const label = definition.stateLabel as string;
    for (const value of (definition.labels[label] as OneOf<string>).values)
      metric.set(guard.fold({ ...others, [label]: value }), value === state ? 1 : 0);
  }

  /**
   * Has a gauge, or a counter whose total somebody else keeps, read at every exposition instead of written all the time. A
   * counter's total that falls (its owner began anew) adds what it shows. When `read` throws or gives no finite number the
   * series keeps its value, and distributed_collect_errors_total counts. Returns a function that ends the reading and removes a gauge's series.
   */
  collect<Name extends CounterName | GaugeName>(name: Name, labels: LabelsOf<Name>, read: () => number): () => void {
    const { metric, guard } = known<Guarded<Counter | Gauge>>(
      this.#counters.get(name) ?? this.#gauges.get(name),
      `no such metric: ${name}`,
    );
    const folded = guard.fold(labels);
    // Also a total that is 0 is shown: an alert on its rise needs a value from before it.
    this.inc('distributed_collect_errors_total', { metric: name }, 0);
    let last = 0;
    const reader: Reader = () => {
      const value = read();
      if (!Number.isFinite(value)) throw new TypeError(`${name} is a finite number, not ${value}`);
      if (metric instanceof Gauge) metric.set(folded, value);
      else metric.inc(folded, value >= last ? value - last : value);
      last = value;
    };
    this.#readers.set(reader, name);
    return () => {
      if (this.#readers.delete(reader) && metric instanceof Gauge) metric.remove(folded);
    };
  }

  /** One answered request; `seconds` from receiving to answering. Called in the context of the request, whose trace becomes the exemplar. */
  recordRequest(method: string, outcome: LabelsOf<'distributed_requests_total'>['outcome'], seconds: number): void {
    const labels = { method, outcome };
    this.inc('distributed_requests_total', labels);
    this.observe('distributed_request_duration_seconds', labels, seconds);
  }

  /** One error answered, by its code in the error registry. */
  recordError(code: string): void {
    this.inc('distributed_errors_total', { code });
  }

  connectionOpened(transport: LabelsOf<'distributed_active_connections'>['transport']): void {
    this.add('distributed_active_connections', { transport }, 1);
  }

  connectionClosed(transport: LabelsOf<'distributed_active_connections'>['transport']): void {
    this.add('distributed_active_connections', { transport }, -1);
  }

  /** All metrics as text, in the format that the HTTP header `Accept` prefers: OpenMetrics 1.0.0, or Prometheus text 0.0.4 (the default). */
  async expose(accept?: string): Promise<Exposition> {
    for (const [reader, name] of this.#readers) {
      try {
        reader();
      } catch {
        this.inc('distributed_collect_errors_total', { metric: name });
      }
    }
    const registry = prefersOpenMetrics(accept) ? this.#openMetrics : this.#text;
    return { contentType: registry.contentType, text: await registry.metrics() };
  }

  #add(name: MetricName, definition: MetricDefinition): void {
    const guard = new LabelGuard(definition.labels);
    const configuration = { name, help: definition.help, labelNames: guard.names, registers: [this.#openMetrics] };
    if (definition.type === 'counter') this.#counters.set(name, { metric: new Counter(configuration), guard });
    else if (definition.type === 'gauge') this.#gauges.set(name, { metric: new Gauge(configuration), guard });
    else {
      const { buckets, exemplars = false } = definition;
      this.#histograms.set(name, {
        metric: new Histogram({ ...configuration, buckets: [...buckets], enableExemplars: exemplars }),
        guard,
      });
    }
  }

  #counter(name: CounterName): Guarded<Counter> {
    return known(this.#counters.get(name), `no such counter: ${name}`);
  }

  #gauge(name: GaugeName): Guarded<Gauge> {
    return known(this.#gauges.get(name), `no such gauge: ${name}`);
  }

  #histogram(name: HistogramName): Guarded<Histogram> {
    return known(this.#histograms.get(name), `no such histogram: ${name}`);
  }
}

/** A trace that nobody records could not be found by its id. */
function exemplarOfContext(): Exemplar | undefined {
  const context = currentContext();
  return context?.sampled === true ? { trace_id: context.traceId } : undefined;
}

/** The metric under the name it has now, whatever it is called later. */
function viewOf(metric: Metric): Metric {
  const source = metric as unknown as {
    readonly name: string;
    readonly type: string;
    readonly help: string;
    get(): Promise<object>;
    getForPromString?(): Promise<object>;
  };
  const { name, type, help } = source;
  const get = async () => ({ ...(await (source.getForPromString?.() ?? source.get())), name });
  return { name, type, help, get, getForPromString: get } as unknown as Metric;
}
