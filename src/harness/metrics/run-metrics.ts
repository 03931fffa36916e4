// The metrics of one scenario while it runs: those of the harness, and the record of everybody's.

import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import type { Exposition } from '../../telemetry/metrics.ts';
import { HarnessMetrics, type HarnessMetricsOptions } from './harness-metrics.ts';
import { METRICS_FILE, MetricsRecorder } from './record.ts';
import { readMetrics, Scraper, type ScrapeTarget } from './scraper.ts';

/** The jobs under which the Prometheus of dashboards/ scrapes, too. */
export const NODE_JOB = 'windtunnel-node';
export const HARNESS_JOB = 'windtunnel-harness';

export interface MetricsEndpoint {
  readonly instance: string;
  /** host:port of an HTTP server that has /metrics. */
  readonly endpoint: string;
}

export interface RunMetricsOptions extends HarnessMetricsOptions {
  /** Where the record is written. */
  readonly folder: string;
  readonly endpoints: readonly MetricsEndpoint[];
  readonly clock: Clock;
}

export class RunMetrics {
  /** To be told of the load. */
  readonly harness: HarnessMetrics;
  /** The path of the record. */
  readonly path: string;
  readonly #record: MetricsRecorder;
  readonly #scraper: Scraper;
  readonly #self: ScrapeTarget;

  constructor(options: RunMetricsOptions) {
    const { folder, endpoints, clock } = options;
    this.harness = new HarnessMetrics(options);
    this.path = join(folder, METRICS_FILE);
    this.#record = new MetricsRecorder(this.path);
    this.#self = { job: HARNESS_JOB, instance: 'harness', read: async () => (await this.harness.expose()).text };
    const nodes = endpoints.map(({ instance, endpoint }): ScrapeTarget => ({
      job: NODE_JOB,
      instance,
      read: (signal) => readMetrics(endpoint, signal),
    }));
    this.#scraper = new Scraper({ targets: [...nodes, this.#self], record: this.#record, clock });
  }

  start(): void {
    this.#scraper.start();
  }

  expose(accept: string | undefined): Promise<Exposition> {
    return this.harness.expose(accept);
  }

  /** Its first and its last moment are recorded, however short it is. */
  faultBegan(fault: { readonly kind: string; readonly target: string }): void {
    this.harness.faultBegan(fault);
    void this.#scraper.scrapeNow(this.#self);
  }

  faultEnded(fault: { readonly kind: string; readonly target: string }): void {
    this.harness.faultEnded(fault);
    void this.#scraper.scrapeNow(this.#self);
  }

  /** Resolves when the record is complete on disk. @throws what writing it threw */
  async stop(): Promise<void> {
    await this.#scraper.stop();
    this.harness.close();
    await this.#record.close();
  }
}
