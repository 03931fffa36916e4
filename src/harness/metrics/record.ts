// The metrics of a run as a file, one JSON value a line. A scrape names only the series whose value has changed since the scrape
// before it: most of a thousand series stand still, and an hour stays small enough to keep.

import { createWriteStream, type WriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { known } from '../../runtime/assert.ts';
import type { Family } from './exposition.ts';

export const METRICS_FILE = 'metrics.jsonl';

const FORMAT = 'windtunnel-metrics';
const VERSION = 1;

/** Who was scraped, as Prometheus labels it. */
export interface TargetName {
  readonly job: string;
  readonly instance: string;
}

/** The lines of the file; targets, families and series are named by their position. */
export type RecordLine =
  | { readonly format: typeof FORMAT; readonly version: number }
  | { readonly target: TargetName }
  | { readonly family: Omit<Family, 'samples'> }
  /** The family, the name of the sample, its labels. */
  | { readonly series: readonly [family: number, name: string, labels: string] }
  | ScrapeLine;

export interface ScrapeLine {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly of: number;
  /** Milliseconds until the answer; absent when there was none: the target was down, and nothing is known of its series. */
  readonly took?: number;
  /** What changed: the series, its value, and its exemplar if it has a new one. */
  readonly changed?: readonly (readonly [series: number, value: number | string, exemplar?: string])[];
  /** Series that were there and are not any more. */
  readonly gone?: readonly number[];
}

/** A file that is no record of metrics, or a damaged one. */
export class MetricsRecordError extends Error {
  override readonly name = 'MetricsRecordError';
}

export class MetricsRecorder {
  readonly #stream: WriteStream;
  readonly #families = new Map<string, number>();
  readonly #series = new Map<string, number>();
  /** The last time of each target, and the last values of its series. */
  readonly #targets: { atMs: number; readonly values: Map<number, string> }[] = [];
  #problem: Error | undefined;

  constructor(path: string) {
    this.#stream = createWriteStream(path);
    this.#stream.on('error', (error) => (this.#problem = error));
    this.#write({ format: FORMAT, version: VERSION });
  }

  /** Returns the position by which its scrapes are recorded. */
  addTarget(target: TargetName): number {
    this.#write({ target });
    return this.#targets.push({ atMs: 0, values: new Map() }) - 1;
  }

  /** @param answer undefined when the target did not answer. */
  scraped(
    target: number,
    atMs: number,
    answer: { readonly families: readonly Family[]; readonly tookMs: number } | undefined,
  ): void {
    const state = known(this.#targets[target], 'a target that was added');
    // A series has one value an instant; the wall clock may have been set back.
    const at = (state.atMs = Math.max(Math.round(atMs), state.atMs + 1));
    const last = state.values;
    if (answer === undefined) {
      last.clear();
      this.#write({ at, of: target });
      return;
    }
    const missing = new Set(last.keys());
    const changed: [number, number | string, string?][] = [];
    for (const family of answer.families) {
      for (const { name, labels, value, exemplar } of family.samples) {
        const series = this.#seriesOf(family, name, labels);
        missing.delete(series);
        if (last.get(series) === value) continue;
        last.set(series, value);
        changed.push(exemplar === undefined ? [series, compact(value)] : [series, compact(value), exemplar]);
      }
    }
    for (const series of missing) last.delete(series);
    const took = Math.round(answer.tookMs * 1_000) / 1_000;
    this.#write({ at, of: target, took, changed, ...(missing.size > 0 && { gone: [...missing] }) });
  }

  /** Resolves when everything is on disk. @throws what writing it threw */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.end(resolve));
    if (this.#problem) throw this.#problem;
  }

  #seriesOf(family: Family, name: string, labels: string): number {
    const key = `${name}{${labels}}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      this.#write({ series: [this.#familyOf(family), name, labels] });
      this.#series.set(key, (series = this.#series.size));
    }
    return series;
  }

  #familyOf({ name, type, help }: Family): number {
    let at = this.#families.get(name);
    if (at === undefined) {
      this.#write({ family: { name, type, help } });
      this.#families.set(name, (at = this.#families.size));
    }
    return at;
  }

  #write(line: RecordLine): void {
    this.#stream.write(`${JSON.stringify(line)}\n`);
  }
}

/** A number where JSON writes it just as it is in the text. */
function compact(value: string): number | string {
  return String(Number(value)) === value && Number.isFinite(Number(value)) ? Number(value) : value;
}

/** A record, read. */
export interface MetricsRecord {
  readonly targets: readonly TargetName[];
  readonly families: readonly Omit<Family, 'samples'>[];
  readonly series: readonly (readonly [family: number, name: string, labels: string])[];
  /** In the order of their times for each target. */
  readonly scrapes: readonly ScrapeLine[];
}

/**
 * Reads a record. A last line that is cut off, as that of a run that was killed, is left out.
 * @throws MetricsRecordError
 */
export async function readMetricsRecord(path: string): Promise<MetricsRecord> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  lines.pop();
  const [head, ...rest] = lines.map((line, at) => parseLine(line, path, at));
  if (head === undefined || !('format' in head) || head.format !== FORMAT)
    throw new MetricsRecordError(`${path} is no record of metrics: its first line lacks "format": "${FORMAT}"`);
  if (head.version !== VERSION)
    throw new MetricsRecordError(`${path} has version ${head.version}, and this Windtunnel reads version ${VERSION}`);
  return {
    targets: rest.flatMap((line) => ('target' in line ? [line.target] : [])),
    families: rest.flatMap((line) => ('family' in line ? [line.family] : [])),
    series: rest.flatMap((line) => ('series' in line ? [line.series] : [])),
    scrapes: rest.flatMap((line) => ('of' in line ? [line] : [])),
  };
}

function parseLine(line: string, path: string, at: number): RecordLine {
  try {
    return JSON.parse(line) as RecordLine;
  } catch (error) {
    throw new MetricsRecordError(`${path}:${at + 1} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
