// What a pool tells Prometheus. The pool itself does not know of it: whoever has both joins them.

import { SHARED_METRICS } from '../../telemetry/catalogue.ts';
import type { DistributedMetrics } from '../../telemetry/metrics.ts';
import type { PoolEvent, PoolStatistics } from './pool-statistics.ts';

export class PoolMeter {
  readonly #registry: DistributedMetrics;
  readonly #labels: { readonly pool: string };

  /** @param pool the value of the label `pool`. */
  constructor(registry: DistributedMetrics, pool: string) {
    this.#registry = registry;
    this.#labels = { pool };
    for (const counter of COUNTERS) registry.inc(counter, this.#labels, 0);
    for (const reason of SHARED_METRICS.distributed_pool_destroyed_total.labels.reason.values)
      registry.inc('distributed_pool_destroyed_total', { ...this.#labels, reason }, 0);
  }

  /** For PoolOptions. */
  readonly onEvent = (event: PoolEvent): void => {
    const registry = this.#registry;
    const { type } = event;
    if (type === 'acquired') registry.observe('distributed_pool_wait_seconds', this.#labels, event.waitedMs / 1_000);
    if (type === 'created') registry.inc('distributed_pool_created_total', this.#labels);
    if (type === 'create-failed') registry.inc('distributed_pool_create_failures_total', this.#labels);
    if (type === 'destroyed') registry.inc('distributed_pool_destroyed_total', { ...this.#labels, reason: event.reason });
    if (type === 'timed-out') registry.inc('distributed_pool_timeouts_total', this.#labels);
  };

  /** Reads the pool's levels at every exposition. Returns what ends that. */
  watch(pool: { readonly statistics: PoolStatistics }): () => void {
    const stops = [
      this.#registry.collect('distributed_pool_size', this.#labels, () => pool.statistics.size),
      this.#registry.collect('distributed_pool_idle', this.#labels, () => pool.statistics.idle),
      this.#registry.collect('distributed_pool_waiting', this.#labels, () => pool.statistics.waiting),
    ];
    return () => stops.forEach((stop) => stop());
  }
}

/** Shown from the beginning. */
const COUNTERS = [
  'distributed_pool_created_total',
  'distributed_pool_create_failures_total',
  'distributed_pool_timeouts_total',
] as const;
