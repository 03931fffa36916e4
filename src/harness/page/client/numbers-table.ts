// The numbers behind a chart as a table, made when it is asked for: a long run has many.

import { formatCount } from '../../report/numbers.ts';
import type { ChartData, HeatMap } from './chart-data.ts';
import { columnOf } from './heat-map.ts';
import { positionText, rangeText, valueText } from './values.ts';

const HEADS: Record<ChartData['x'], string> = { time: 'at', rarity: 'percentile', rate: 'rate', result: 'result' };

export function chartTable(chart: ChartData): HTMLElement {
  return tableOf(
    chart.title,
    [HEADS[chart.x], ...chart.series.map(({ label }) => label)],
    chart.at.map((x, at) => [positionText(chart, x), ...chart.series.map(({ values }) => valueText(chart, values[at]))]),
  );
}

export function heatMapTable(map: HeatMap): HTMLElement {
  return tableOf(
    map.title,
    ['at', 'operations', 'shortest', 'most often', 'longest'],
    map.at.map((x, at) => {
      const { count, shortest, mostOften, longest } = spreadOf(map, at);
      return [
        positionText({ x: 'time' }, x),
        formatCount(count),
        ...[shortest, mostOften, longest].map((row) => (row === undefined ? '–' : rangeText(row))),
      ];
    }),
  );
}

/** How many operations a column holds, and the rows of the shortest, the longest and most of them; undefined when it holds none. */
export function spreadOf(map: HeatMap, at: number) {
  const counts = [...columnOf(map, at).counts];
  const rows = [...counts.keys()].filter((row) => counts[row] !== 0);
  const most = Math.max(...counts);
  return {
    count: counts.reduce((sum, count) => sum + count, 0),
    shortest: rows[0],
    longest: rows.at(-1),
    mostOften: rows.find((row) => counts[row] === most),
  };
}

function tableOf(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): HTMLElement {
  const table = document.createElement('table');
  const caption = document.createElement('caption');
  caption.textContent = title;
  table.append(caption);
  const head = table.createTHead().insertRow();
  for (const label of heads) {
    const cell = document.createElement('th');
    cell.scope = 'col';
    cell.textContent = label;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const [first = '', ...values] of rows) {
    const row = body.insertRow();
    const cell = document.createElement('th');
    cell.scope = 'row';
    cell.textContent = first;
    row.append(cell);
    for (const value of values) row.insertCell().textContent = value;
  }
  return table;
}
