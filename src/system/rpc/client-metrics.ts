// What the smart client tells Prometheus: of its retries, and of the breaker and the pool of every node.

import type { DistributedMetrics } from '../../telemetry/metrics.ts';
import type { BreakerListener } from '../breaker/state.ts';
import { PoolMeter } from '../pool/pool-metrics.ts';
import type { RetryBudget } from '../retry/retry-budget.ts';

export interface ClientMetricsOptions {
  readonly registry: DistributedMetrics;
  /** What a node is called in labels. Default: its address. */
  readonly nameOf?: (endpoint: string) => string;
}

export class ClientMetrics {
  readonly #registry: DistributedMetrics;
  readonly #nameOf: (endpoint: string) => string;
  readonly #stopBudget: () => void;

  constructor({ registry, nameOf = (endpoint) => endpoint }: ClientMetricsOptions, budget: RetryBudget) {
    this.#registry = registry;
    this.#nameOf = nameOf;
    for (const operation of ['read', 'write']) {
      registry.inc('distributed_retry_attempts_total', { operation }, 0);
      registry.inc('distributed_retry_budget_exhausted_total', { operation }, 0);
    }
    this.#stopBudget = registry.collect('distributed_retry_budget_tokens', {}, () => budget.tokens);
  }

  retried(operation: 'read' | 'write'): void {
    this.#registry.inc('distributed_retry_attempts_total', { operation });
  }

  budgetExhausted(operation: 'read' | 'write'): void {
    this.#registry.inc('distributed_retry_budget_exhausted_total', { operation });
  }

  /** The part that is of one node. */
  endpoint(address: string): EndpointMeter {
    return new EndpointMeter(this.#registry, this.#nameOf(address));
  }

  close(): void {
    this.#stopBudget();
  }
}

export class EndpointMeter {
  readonly pool: PoolMeter;
  readonly #registry: DistributedMetrics;
  readonly #breaker: string;

  constructor(registry: DistributedMetrics, name: string) {
    this.#registry = registry;
    this.#breaker = name;
    this.pool = new PoolMeter(registry, `sessions ${name}`);
    registry.setState('distributed_breaker_state', { breaker: name }, 'closed');
    registry.inc('distributed_breaker_rejected_total', { breaker: name }, 0);
    for (const to of ['closed', 'open', 'half-open'] as const)
      registry.inc('distributed_breaker_transitions_total', { breaker: name, to }, 0);
  }

  readonly breakerListener: BreakerListener = {
    stateChanged: ({ kind }) => {
      this.#registry.inc('distributed_breaker_transitions_total', { breaker: this.#breaker, to: kind });
      this.#registry.setState('distributed_breaker_state', { breaker: this.#breaker }, kind);
    },
    rejected: () => this.#registry.inc('distributed_breaker_rejected_total', { breaker: this.#breaker }),
  };
}
