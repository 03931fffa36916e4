// What the harness tells Prometheus of a scenario under way: what was offered and achieved, the phases and the faults, the links,
// and the generators.

import { known } from '../../runtime/assert.ts';
import { SHARED_METRICS } from '../../telemetry/catalogue.ts';
import { watchEventLoop } from '../../telemetry/event-loop.ts';
import { HARNESS_METRICS } from '../../telemetry/harness-metrics.ts';
import { DistributedMetrics, type Exposition } from '../../telemetry/metrics.ts';
import { prefersOpenMetrics } from '../../telemetry/negotiation.ts';
import { directionKey, type DirectionCounters } from '../links/rule.ts';
import type { Ended, Listener } from '../load/recorder.ts';
import type { Phase } from '../result/schema.ts';
import { formatFamilies, mergeFamilies, parseExposition, withLabel } from './exposition.ts';

export interface HarnessMetricsOptions {
  /** The loads of the scenario. */
  readonly loads: readonly string[];
  /** Every fault that is planned. */
  readonly faults: readonly FaultName[];
  /** The phase of an instant, milliseconds from the start of the scenario. */
  readonly phaseAt: (ms: number) => Phase;
  /** Milliseconds since the start of the scenario. */
  readonly elapsedMs: () => number;
  /** Undefined without links; may reject. */
  readonly readLinks: (() => Promise<readonly DirectionCounters[]>) | undefined;
  /** What each generator said last of itself and its client, in the Prometheus text format. */
  readonly generators: () => readonly string[];
}

interface FaultName {
  readonly kind: string;
  readonly target: string;
}

export class HarnessMetrics implements Listener {
  readonly #options: HarnessMetricsOptions;
  readonly #registry = new DistributedMetrics({ metrics: { ...HARNESS_METRICS, ...SHARED_METRICS } });
  readonly #stops: (() => void)[] = [];
  readonly #lasting = new Map<string, number>();
  readonly #directions = new Map<string, DirectionCounters>();
  #offered = 0;
  #started = 0;
  #ended = 0;

  constructor(options: HarnessMetricsOptions) {
    this.#options = options;
    const registry = this.#registry;
    for (const load of options.loads) registry.inc('distributed_load_dropped_total', { load }, 0);
    for (const { kind, target } of options.faults) registry.set('distributed_fault_active', { kind, target }, 0);
    this.#stops.push(
      watchEventLoop(registry),
      registry.collect('distributed_load_offered_total', {}, () => this.#offered),
      registry.collect('distributed_load_started_total', {}, () => this.#started),
      registry.collect('distributed_load_in_flight', {}, () => this.#started - this.#ended),
    );
  }

  scheduled(): void {
    this.#offered++;
  }

  dropped(load: string): void {
    this.#registry.inc('distributed_load_dropped_total', { load });
  }

  started(scheduledMs: number, sentMs: number): void {
    this.#started++;
    this.#registry.observe('distributed_load_lag_seconds', {}, Math.max(0, sentMs - scheduledMs) / 1_000);
  }

  ended({ load, operation, outcome, scheduledMs, sentMs, atMs }: Ended): void {
    this.#ended++;
    const labels = { load, operation, outcome, phase: this.#options.phaseAt(scheduledMs) };
    this.#registry.observe('distributed_load_response_time_seconds', labels, (atMs - scheduledMs) / 1_000);
    this.#registry.observe('distributed_load_service_time_seconds', labels, (atMs - sentMs) / 1_000);
  }

  faultBegan(fault: FaultName): void {
    this.#countFault(fault, 1);
  }

  faultEnded(fault: FaultName): void {
    this.#countFault(fault, -1);
  }

  /** As DistributedMetrics.expose, with the metrics of the generators, which have the label `generator`. */
  async expose(accept?: string): Promise<Exposition> {
    await this.#readLinks();
    this.#registry.setState('distributed_load_phase', {}, this.#options.phaseAt(this.#options.elapsedMs()));
    const own = await this.#registry.expose(accept);
    const families = mergeFamilies([
      parseExposition(own.text),
      ...this.#options.generators().map((text, at) => withLabel(parseExposition(text), 'generator', String(at + 1))),
    ]);
    return { contentType: own.contentType, text: formatFamilies(families, prefersOpenMetrics(accept)) };
  }

  close(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** Two faults of the same name may overlap. */
  #countFault({ kind, target }: FaultName, by: 1 | -1): void {
    const key = JSON.stringify([kind, target]);
    const lasting = (this.#lasting.get(key) ?? 0) + by;
    this.#lasting.set(key, lasting);
    this.#registry.set('distributed_fault_active', { kind, target }, lasting > 0 ? 1 : 0);
  }

  async #readLinks(): Promise<void> {
    // Links that are gone say nothing any more; what they said last stands.
    const counters = (await this.#options.readLinks?.().catch(() => undefined)) ?? [];
    for (const direction of counters) {
      const key = directionKey(direction);
      if (!this.#directions.has(key)) this.#watchDirection(direction, key);
      this.#directions.set(key, direction);
    }
  }

  #watchDirection({ from, to }: DirectionCounters, key: string): void {
    const labels = { from, to };
    const now = () => known(this.#directions.get(key), 'a direction that is watched was read');
    const registry = this.#registry;
    this.#stops.push(
      registry.collect('distributed_link_bytes_total', labels, () => now().bytesForwarded),
      registry.collect('distributed_link_held_bytes', labels, () => now().bytesHeld),
      registry.collect('distributed_link_connections', labels, () => now().connectionsOpen),
      registry.collect('distributed_link_resets_total', labels, () => now().resets),
      registry.collect('distributed_link_refused_total', labels, () => now().connectionsRefused),
    );
  }
}
