// Scrapes targets once a second, as a Prometheus would, into the record of the run.

import type { Cancel, Clock } from '../../runtime/clock.ts';
import { ExpositionError, parseExposition } from './exposition.ts';
import { type MetricsRecorder, type TargetName } from './record.ts';

export interface ScrapeTarget extends TargetName {
  /** The text of its metrics. Rejects when it does not answer; with ExpositionError when it never will. */
  readonly read: (signal: AbortSignal) => Promise<string>;
}

export interface ScraperOptions {
  readonly targets: readonly ScrapeTarget[];
  readonly record: MetricsRecorder;
  readonly clock: Clock;
}

const INTERVAL_MS = 1_000;
/** A target that is paused must not hold up the others' next scrape. */
const TIMEOUT_MS = 900;
/** So many scrapes at one a second; then the interval grows with the time that has passed, so that a run of a day has some nine thousand. */
const SCRAPES_AT_FULL_RATE = 1_800;
const LARGEST_ANSWER_BYTES = 8 << 20;

export class Scraper {
  readonly #options: ScraperOptions;
  readonly #places: ReadonlyMap<ScrapeTarget, number>;
  /** Those that have metrics, as far as is known, and the scrape of each that is under way. */
  readonly #pending = new Map<ScrapeTarget, Promise<void>>();
  #startedMs = 0;
  #cancel: Cancel = () => {};
  #stopped = false;

  constructor(options: ScraperOptions) {
    this.#options = options;
    this.#places = new Map(options.targets.map((target) => [target, options.record.addTarget(target)]));
    for (const target of options.targets) this.#pending.set(target, Promise.resolve());
  }

  start(): void {
    this.#startedMs = this.#options.clock.now();
    void this.#round();
  }

  /** One more scrape of a target, now: something happened to it that is over before the next one. */
  scrapeNow(target: ScrapeTarget): Promise<void> {
    const before = this.#pending.get(target);
    if (before === undefined) return Promise.resolve();
    // One after another: the record wants a target's scrapes in their order.
    const scrape = before.then(() => this.#scrape(target));
    this.#pending.set(target, scrape);
    return scrape;
  }

  /** A last scrape of every target, and then no more. Never rejects. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancel();
    await this.#scrapeAll();
  }

  async #round(): Promise<void> {
    const { clock } = this.#options;
    const beganMs = clock.now();
    await this.#scrapeAll();
    if (this.#stopped) return;
    const intervalMs = Math.max(INTERVAL_MS, (beganMs - this.#startedMs) / SCRAPES_AT_FULL_RATE);
    this.#cancel = clock.schedule(Math.max(0, beganMs + intervalMs - clock.now()), () => void this.#round());
  }

  async #scrapeAll(): Promise<void> {
    await Promise.all([...this.#pending.keys()].map((target) => this.scrapeNow(target)));
  }

  async #scrape(target: ScrapeTarget): Promise<void> {
    if (!this.#pending.has(target)) return;
    const { clock, record } = this.#options;
    const place = this.#places.get(target) as number;
    const [atMs, beganMs] = [clock.wallTime(), clock.now()];
    const timeout = new AbortController();
    const cancel = clock.schedule(TIMEOUT_MS, () => timeout.abort(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    try {
      const families = parseExposition(await target.read(timeout.signal));
      record.scraped(place, atMs, { families, tookMs: clock.now() - beganMs });
    } catch (error) {
      // What answers with something else has no metrics: it is not asked again.
      if (error instanceof ExpositionError) this.#pending.delete(target);
      else record.scraped(place, atMs, undefined);
    } finally {
      cancel();
    }
  }
}

/** Reads http://`endpoint`/metrics. */
export async function readMetrics(endpoint: string, signal: AbortSignal): Promise<string> {
  const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5';
  const response = await fetch(`http://${endpoint}/metrics`, { headers: { accept }, signal });
  if (response.status >= 400 && response.status < 500)
    throw new ExpositionError(`${endpoint} has no /metrics: HTTP ${response.status}`);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > LARGEST_ANSWER_BYTES)
      throw new ExpositionError(`${endpoint}/metrics is larger than ${LARGEST_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
