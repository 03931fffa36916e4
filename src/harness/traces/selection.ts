// Which traces to keep, decided while the load runs, before anybody knows what its percentiles will be. Of every load and
// phase: the slowest requests; a few from each narrow band of response time, drawn evenly from the whole phase, so that at
// the end those nearest any percentile are there; and a few that failed.

import type { Random } from '../../runtime/random.ts';
import type { KeptTrace, Phase } from '../result/schema.ts';
import type { PhasePercentiles } from './percentiles.ts';

/** An operation that ended and was traced. Times are milliseconds. */
export interface EndedOperation {
  readonly traceId: string;
  readonly load: string;
  readonly operation: string;
  readonly phase: Phase;
  readonly outcome: KeptTrace['outcome'];
  /** When the schedule wanted it, milliseconds from the start of the scenario. */
  readonly startMs: number;
  readonly responseMs: number;
  readonly serviceMs: number;
}

export interface ChosenTrace extends EndedOperation {
  readonly keptFor: KeptTrace['keptFor'];
}

export interface SelectionLimits {
  /** Of each load and phase. */
  readonly slowest: number;
  /** Of each band of response times. */
  readonly perBand: number;
  /** Of each outcome other than ok. */
  readonly failed: number;
  /** At the end, of each percentile. */
  readonly perPercentile: number;
  /** Of all loads and phases together; when there are so many, new bands stay empty. */
  readonly candidates: number;
}

export const SELECTION_LIMITS: SelectionLimits = { slowest: 10, perBand: 1, failed: 5, perPercentile: 5, candidates: 5_000 };

/** A band reaches from a response time to one 8 % longer. Narrower ones would bring no percentile nearer that anybody could tell, and every candidate costs the system under load: it sends its spans. */
const BAND = Math.log(1.08);
/** One that is further from a percentile than this is not near it. */
const NEAR = Math.log(1.25);

/** A fixed number of items drawn evenly from all that were offered (Vitter's algorithm R). */
interface Reservoir {
  readonly items: EndedOperation[];
  seen: number;
}

/** What is held of one load in one phase. */
interface Stratum {
  /** Ascending by response time. */
  readonly slowest: EndedOperation[];
  readonly bands: Map<number, Reservoir>;
  readonly failed: Map<string, Reservoir>;
}

export class TraceSelection {
  readonly #random: Random;
  readonly #limits: SelectionLimits;
  readonly #strata = new Map<string, Map<Phase, Stratum>>();
  /** How many places a candidate holds: it may be among the slowest and in a band. */
  readonly #places = new Map<string, number>();
  /** Candidates that `take` has not told yet. */
  #fresh = new Set<string>();
  #forgotten: string[] = [];

  constructor(random: Random, limits: Partial<SelectionLimits> = {}) {
    this.#random = random;
    this.#limits = { ...SELECTION_LIMITS, ...limits };
  }

  /** Traces that may be chosen in the end. */
  get candidates(): number {
    return this.#places.size;
  }

  /** Tells of an operation that ended. Called for each one, so it does next to nothing for most. */
  offer(operation: EndedOperation): void {
    const stratum = this.#stratumOf(operation.load, operation.phase);
    if (operation.outcome !== 'ok') {
      this.#draw(stratum.failed, operation.outcome, operation, this.#limits.failed);
      return;
    }
    // Below a microsecond no clock tells times apart.
    const band = Math.floor(Math.log(Math.max(0.001, operation.responseMs)) / BAND);
    this.#draw(stratum.bands, band, operation, this.#limits.perBand);
    this.#offerSlowest(stratum.slowest, operation);
  }

  /** The ids of traces that became candidates since the last call, and still are. */
  take(): string[] {
    const taken = [...this.#fresh];
    this.#fresh = new Set();
    return taken;
  }

  /** The ids that `take` told before and that gave way to others since. */
  takeForgotten(): string[] {
    const taken = this.#forgotten;
    this.#forgotten = [];
    return taken;
  }

  /** Which candidates to keep, now that the percentiles of every load and phase are known; each once, with all its reasons. */
  choose(percentiles: readonly PhasePercentiles[]): ChosenTrace[] {
    const chosen = new Map<string, { operation: EndedOperation; keptFor: KeptTrace['keptFor'] }>();
    const keep = (operation: EndedOperation, reason: KeptTrace['keptFor'][number]) => {
      const known = chosen.get(operation.traceId);
      if (known === undefined) chosen.set(operation.traceId, { operation, keptFor: [reason] });
      else known.keptFor.push(reason);
    };
    for (const [load, phases] of this.#strata) {
      for (const [phase, stratum] of phases) {
        for (const operation of stratum.slowest.toReversed()) keep(operation, 'slowest');
        const { at = [] } = percentiles.find((each) => each.load === load && each.phase === phase) ?? {};
        for (const { bucket, ms } of at) for (const operation of this.#nearest(stratum, ms)) keep(operation, bucket);
        for (const { items } of stratum.failed.values())
          for (const operation of items) keep(operation, operation.outcome as 'fail' | 'info');
      }
    }
    return [...chosen.values()].map(({ operation, keptFor }) => ({ ...operation, keptFor }));
  }

  #nearest({ slowest, bands }: Stratum, ms: number): EndedOperation[] {
    const all = new Map([...slowest, ...[...bands.values()].flatMap(({ items }) => items)].map((each) => [each.traceId, each]));
    const distance = ({ responseMs }: EndedOperation) => Math.abs(Math.log(Math.max(0.001, responseMs) / Math.max(0.001, ms)));
    return [...all.values()]
      .filter((operation) => distance(operation) <= NEAR)
      .sort((a, b) => distance(a) - distance(b))
      .slice(0, this.#limits.perPercentile);
  }

  #stratumOf(load: string, phase: Phase): Stratum {
    let phases = this.#strata.get(load);
    if (phases === undefined) this.#strata.set(load, (phases = new Map()));
    let stratum = phases.get(phase);
    if (stratum === undefined) phases.set(phase, (stratum = { slowest: [], bands: new Map(), failed: new Map() }));
    return stratum;
  }

  #draw<Key>(reservoirs: Map<Key, Reservoir>, key: Key, operation: EndedOperation, most: number): void {
    let reservoir = reservoirs.get(key);
    if (reservoir === undefined) reservoirs.set(key, (reservoir = { items: [], seen: 0 }));
    const { items } = reservoir;
    reservoir.seen++;
    if (items.length < most && this.#places.size < this.#limits.candidates) {
      items.push(operation);
      this.#enter(operation);
      return;
    }
    const place = this.#random.integer(0, reservoir.seen - 1);
    const replaced = items[place];
    if (replaced === undefined) return;
    items[place] = operation;
    this.#enter(operation);
    this.#leave(replaced);
  }

  #offerSlowest(slowest: EndedOperation[], operation: EndedOperation): void {
    if (slowest.length >= this.#limits.slowest) {
      const [fastest] = slowest;
      if (fastest === undefined || operation.responseMs <= fastest.responseMs) return;
      slowest.shift();
      this.#leave(fastest);
    }
    const at = slowest.findIndex(({ responseMs }) => responseMs > operation.responseMs);
    slowest.splice(at < 0 ? slowest.length : at, 0, operation);
    this.#enter(operation);
  }

  #enter({ traceId }: EndedOperation): void {
    const places = this.#places.get(traceId) ?? 0;
    this.#places.set(traceId, places + 1);
    if (places === 0) this.#fresh.add(traceId);
  }

  #leave({ traceId }: EndedOperation): void {
    const places = (this.#places.get(traceId) ?? 0) - 1;
    if (places > 0) {
      this.#places.set(traceId, places);
      return;
    }
    this.#places.delete(traceId);
    // What nobody was told of need not be told to be forgotten.
    if (!this.#fresh.delete(traceId)) this.#forgotten.push(traceId);
  }
}
