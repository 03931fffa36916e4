// Latency over time as a heat map: what lines of percentiles hide, such as two groups of answers, one fast and one slow.

import { Distribution } from '../result/distribution.ts';
import type { ScenarioResult } from '../result/schema.ts';
import type { ChartPlaces } from './chart-places.ts';
import type { HeatMap } from './client/chart-data.ts';
import { markup, type Part } from './markup.ts';
import { pointsOf } from './scenario-charts.ts';

/** More columns than these would be narrower than a pixel or two. */
const MOST_COLUMNS = 600;

/** Colours in the style sheet: --heat-1 to --heat-7. */
const COLOURS = 7;

/** @param most columns. Older results have no distributions, and say so. */
export function heatMapPart(scenario: ScenarioResult, charts: ChartPlaces, group: number, most: number): Part {
  const points = pointsOf(scenario, Math.min(MOST_COLUMNS, most));
  if (points.length < 2) return undefined;
  const columns = points.map(({ seconds }) => {
    const column = new Distribution();
    for (const { distribution } of seconds) if (distribution !== undefined) column.merge(Distribution.decode(distribution));
    return column;
  });
  const rows = rowsOf(columns);
  if (rows === undefined)
    return scenario.timeline.some(({ max }) => max !== undefined)
      ? markup`<p class="note">No heat map of the response times: this result was made by a version that did not keep how they are spread.</p>`
      : undefined;
  const columnS = points[0]?.seconds.length ?? 1;
  const map: HeatMap = {
    title: 'Response time heat map',
    height: 230,
    group,
    at: points.map(({ at }) => at),
    columnS,
    columns: columns.map((column) => column.encode() ?? []),
    ...rows,
    levels: levelsOf(Math.max(...columns.flatMap(({ counts }) => [...counts]))),
  };
  const each = columnS === 1 ? 'of what ended in each second' : `a column is ${columnS} seconds`;
  return charts.addHeatMap(map, `how many operations had which response time, ${each}`);
}

/** From the lowest to the highest bucket that any column has; undefined when all are empty. */
function rowsOf(columns: readonly Distribution[]): Pick<HeatMap, 'lowest' | 'highest'> | undefined {
  const buckets = columns.flatMap(({ counts }) => [...counts.keys()].filter((bucket) => (counts[bucket] as number) > 0));
  if (buckets.length === 0) return undefined;
  return buckets.reduce(
    ({ lowest, highest }, bucket) => ({ lowest: Math.min(lowest, bucket), highest: Math.max(highest, bucket) }),
    { lowest: Infinity, highest: 0 },
  );
}

/** Colours for counts from 1 to `most`, each a same multiple of the one before: a single outlier is seen beside thousands. */
function levelsOf(most: number): HeatMap['levels'] {
  const from = Array.from({ length: COLOURS }, (_, level) => Math.ceil(Number((most ** (level / COLOURS)).toFixed(6))));
  const different = [...new Set(from)];
  const step = different.length > 1 ? (COLOURS - 1) / (different.length - 1) : 0;
  return different.map((count, level) => ({ from: count, colour: 1 + Math.round(level * step) }));
}
