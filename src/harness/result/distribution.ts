// How response times are spread, in a few dozen bytes: counts in buckets of equal width on a log axis, ten to a decade. Coarser
// than LatencyHistogram, and so small that there is one for every second of a run.

/** Buckets to a decade: each reaches from a response time to one 26 % longer. */
const PER_DECADE = 10;

/** Bucket 0 begins at a microsecond and holds what is shorter, too; the last one ends at 1.1 h and holds what is longer, too. */
export const BUCKETS = 96;

/** Where buckets begin, microseconds; of neighbours one begins where the other ends. */
const EDGES = Array.from({ length: BUCKETS + 1 }, (_, bucket) => 10 ** (bucket / PER_DECADE));

/** Where `bucket` (0 to 96) begins and the one below it ends, milliseconds. */
export function edgeMs(bucket: number): number {
  return (EDGES[bucket] as number) / 1_000;
}

/** Operations by their response time. */
export class Distribution {
  /** Of each bucket. Live: do not change. */
  readonly counts: Uint32Array;

  constructor() {
    this.counts = new Uint32Array(BUCKETS);
  }

  /** Adds one response time, microseconds, >= 0. */
  record(us: number): void {
    const bucket = bucketOf(us);
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
  }

  /** Adds everything that another one holds. */
  merge({ counts }: Distribution): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) (this.counts[bucket] as number) += counts[bucket] as number;
  }

  /** As run.json has it: see `Second.distribution` in schema.ts. Undefined when nothing was recorded. */
  encode(): number[] | undefined {
    const first = this.counts.findIndex((count) => count > 0);
    if (first < 0) return undefined;
    const numbers = [first];
    let empty = 0;
    for (const count of this.counts.subarray(first)) {
      if (count === 0) empty++;
      else {
        if (empty > 0) numbers.push(-empty);
        numbers.push(count);
        empty = 0;
      }
    }
    return numbers;
  }

  /** What `encode` made the numbers of. Throws an Error when they are something else. */
  static decode([first, ...rest]: readonly number[]): Distribution {
    const distribution = new Distribution();
    let bucket = first ?? -1;
    let isSound = bucket >= 0 && rest.length > 0 && (rest.at(-1) as number) > 0;
    for (const number of rest) {
      isSound &&= number !== 0 && bucket < BUCKETS;
      if (number > 0) distribution.counts[bucket++] = number;
      else bucket -= number;
    }
    if (!isSound || bucket > BUCKETS) throw new Error(`not the counts of ${BUCKETS} buckets: [${[first, ...rest].join(', ')}]`);
    return distribution;
  }
}

function bucketOf(us: number): number {
  if (us < 1) return 0;
  const near = Math.min(BUCKETS - 1, Math.floor(Math.log10(us) * PER_DECADE));
  // A logarithm is rounded; where the edges lie is not a matter of it.
  if (us < (EDGES[near] as number)) return near - 1;
  return us >= (EDGES[near + 1] as number) ? Math.min(BUCKETS - 1, near + 1) : near;
}
