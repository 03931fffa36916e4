// A recorded run as one OpenMetrics text with timestamps, which `promtool tsdb create-blocks-from openmetrics` loads.

import { type Family, familyHead, joinLabels, labelText } from './exposition.ts';
import type { MetricsRecord, ScrapeLine } from './record.ts';

export interface LabelledRecord {
  readonly record: MetricsRecord;
  /** Added to every series, beside job and instance: scenario, run, commit. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What Prometheus itself adds to every scrape. */
const UP = { name: 'up', type: 'gauge', help: 'Whether the target answered.' };
const DURATION = { name: 'scrape_duration_seconds', type: 'gauge', help: 'How long the target took to answer.' };

/**
 * The lines, one family after another and within it one series after another, each in the order of time. A series has a sample for
 * every scrape of its target that found it: none while the target was down.
 */
export function* openMetricsOf(records: readonly LabelledRecord[]): Generator<string> {
  const sources = records.flatMap(sourcesOf);
  for (const family of [UP, DURATION]) {
    yield familyHead(family, true);
    for (const source of sources) yield* own(family.name, source);
  }
  for (const family of familiesOf(records)) {
    yield familyHead(family, true);
    for (const source of sources) yield* source.linesOf(family.name);
  }
  yield '# EOF\n';
}

interface Source {
  readonly labels: string;
  readonly scrapes: readonly ScrapeLine[];
  linesOf(family: string): Generator<string>;
}

function* own(name: string, { labels, scrapes }: Source): Generator<string> {
  for (const { at, took } of scrapes) {
    if (name === UP.name) yield sampleLine(name, labels, took === undefined ? 0 : 1, at);
    else if (took !== undefined) yield sampleLine(name, labels, took / 1_000, at);
  }
}

/** A family that several records have is declared once. */
function familiesOf(records: readonly LabelledRecord[]): Omit<Family, 'samples'>[] {
  const byName = new Map<string, Omit<Family, 'samples'>>();
  for (const family of records.flatMap(({ record }) => record.families))
    if (!byName.has(family.name)) byName.set(family.name, family);
  return [...byName.values()];
}

function sourcesOf({ record, labels: added }: LabelledRecord): Source[] {
  return record.targets.map(({ job, instance }, of) => {
    const labels = Object.entries({ ...added, job, instance })
      .map(([name, value]) => labelText(name, value))
      .join(',');
    const scrapes = record.scrapes.filter((scrape) => scrape.of === of);
    const changes = changesOf(scrapes);
    return {
      labels,
      scrapes,
      *linesOf(family) {
        for (const [series, ofSeries] of changes) {
          const [ofFamily, name, own] = record.series[series] as (typeof record.series)[number];
          if (record.families[ofFamily]?.name === family)
            yield* seriesLines(name, joinLabels(withoutClash(own, added), labels), ofSeries, scrapes);
        }
      },
    };
  });
}

/** A label of the target's own that is called as one of ours is renamed, as Prometheus does. */
function withoutClash(own: string, added: LabelledRecord['labels']): string {
  const isOurs = (name: string) => name === 'job' || name === 'instance' || name in added;
  return own.replace(/(\w+)=("(?:[^"\\]|\\.)*")/g, (pair, name: string) => (isOurs(name) ? `exported_${pair}` : pair));
}

interface Change {
  /** The position of the scrape. */
  readonly scrape: number;
  /** Undefined when the series was not there any more. */
  readonly value: number | string | undefined;
  readonly exemplar: string | undefined;
}

function changesOf(scrapes: readonly ScrapeLine[]): Map<number, Change[]> {
  const bySeries = new Map<number, Change[]>();
  const note = (series: number, change: Change) => {
    const changes = bySeries.get(series);
    if (changes === undefined) bySeries.set(series, [change]);
    else changes.push(change);
  };
  const present = new Set<number>();
  scrapes.forEach(({ took, changed = [], gone = [] }, scrape) => {
    for (const series of took === undefined ? [...present] : gone) {
      present.delete(series);
      note(series, { scrape, value: undefined, exemplar: undefined });
    }
    for (const [series, value, exemplar] of changed) {
      present.add(series);
      note(series, { scrape, value, exemplar });
    }
  });
  return bySeries;
}

function* seriesLines(
  name: string,
  labels: string,
  changes: readonly Change[],
  scrapes: readonly ScrapeLine[],
): Generator<string> {
  for (const [at, { scrape, value, exemplar }] of changes.entries()) {
    if (value === undefined) continue;
    const until = changes[at + 1]?.scrape ?? scrapes.length;
    for (let each = scrape; each < until; each++)
      yield sampleLine(name, labels, value, (scrapes[each] as ScrapeLine).at, each === scrape ? exemplar : undefined);
  }
}

function sampleLine(name: string, labels: string, value: number | string, atMs: number, exemplar?: string): string {
  return `${name}{${labels}} ${value} ${(atMs / 1_000).toFixed(3)}${exemplar === undefined ? '' : ` # ${exemplar}`}\n`;
}
