// Latencies in fixed memory: HdrHistogram (Gil Tene), mergeable, stored in results as base64 of the V2 encoding that every
// HDR tool reads.

import * as hdr from 'hdr-histogram-js';
import { assert } from '../../runtime/assert.ts';
import { quantileRanks95 } from './quantile-ranks.ts';

/** The longest latency kept apart, microseconds; a longer one is recorded as this long and counted in `clipped`. */
const HIGHEST_US = 3_600_000_000;

/** A percentile needs this many samples above it before it is more than one sample's accident. */
const SAMPLES_ABOVE = 10;

/** Microseconds, 1 us to 1 h, 3 significant digits. */
export class LatencyHistogram {
  readonly #histogram: hdr.Histogram;
  #clipped = 0;

  constructor(histogram?: hdr.Histogram) {
    this.#histogram =
      histogram ??
      hdr.build({
        bitBucketSize: 32,
        autoResize: true,
        lowestDiscernibleValue: 1,
        highestTrackableValue: 2_000_000,
        numberOfSignificantValueDigits: 3,
      });
  }

  /** Adds one latency, microseconds, >= 0. */
  record(us: number): void {
    assert(us >= 0, `a latency is not negative: ${us} us`);
    if (us > HIGHEST_US) this.#clipped++;
    this.#histogram.recordValue(Math.min(HIGHEST_US, Math.round(us)));
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** How many latencies were longer than an hour and are recorded as an hour. */
  get clipped(): number {
    return this.#clipped;
  }

  /** Microseconds; 0 when empty. */
  get min(): number {
    return this.count === 0 ? 0 : this.#histogram.getValueAtPercentile(0);
  }

  /** Microseconds; 0 when empty. */
  get max(): number {
    return this.#histogram.maxValue;
  }

  /** Microseconds; 0 when empty. */
  get mean(): number {
    return this.count === 0 ? 0 : this.#histogram.mean;
  }

  /** Microseconds at percentile `p` (0 to 100), or undefined when fewer than 10 samples lie above it. */
  percentile(p: number): number | undefined {
    // Rounded, because 10 of 10,000 samples are above p99.9 although 10,000 x (1 - 0.999) is 9.99... in binary.
    const above = Math.round(this.count * (100 - p) * 1e6) / 1e8;
    return above >= SAMPLES_ABOVE ? this.#histogram.getValueAtPercentile(p) : undefined;
  }

  /** The 95 % interval of percentile `p` (above 0, below 100), microseconds; undefined where the percentile itself is. */
  interval95(p: number): [number, number] | undefined {
    if (this.percentile(p) === undefined) return undefined;
    const [low, high] = quantileRanks95(this.count, p / 100);
    return [this.#ofRank(low), this.#ofRank(high)];
  }

  /** The sample of this rank, from 1, as exactly as the histogram has it. */
  #ofRank(rank: number): number {
    return this.#histogram.getValueAtPercentile((100 * rank) / this.count);
  }

  /** Adds every sample of another histogram. */
  merge(other: LatencyHistogram): void {
    this.#histogram.add(other.#histogram);
    this.#clipped += other.#clipped;
  }

  /** Base64 of HdrHistogram's compressed V2 encoding. */
  encode(): string {
    return hdr.encodeIntoCompressedBase64(this.#histogram);
  }

  /** The histogram that `encode` made the text of; its maximum is exact to three digits only. Throws an Error when the text is not one. */
  static decode(text: string): LatencyHistogram {
    try {
      const histogram = hdr.decodeFromCompressedBase64(text);
      // Decoded ones are as small as their largest value, and would refuse to merge anything larger.
      histogram.autoResize = true;
      return new LatencyHistogram(histogram);
    } catch (error) {
      throw new Error(`not a histogram in HdrHistogram's compressed V2 encoding: '${text.slice(0, 40)}'`, { cause: error });
    }
  }
}
