// The numbers behind a chart as a table, made when it is asked for: a long run has many.

import type { ChartData } from './chart-data.ts';
import { positionText, valueText } from './values.ts';

const HEADS: Record<ChartData['x'], string> = { time: 'at', rarity: 'percentile', rate: 'rate' };

export function fillNumbers(element: HTMLElement, chart: ChartData): void {
  const table = document.createElement('table');
  table.append(caption(chart.title));
  const head = table.createTHead().insertRow();
  for (const label of [HEADS[chart.x], ...chart.series.map(({ label }) => label)]) {
    const cell = document.createElement('th');
    cell.scope = 'col';
    cell.textContent = label;
    head.append(cell);
  }
  const body = table.createTBody();
  chart.at.forEach((x, at) => {
    const row = body.insertRow();
    const cell = document.createElement('th');
    cell.scope = 'row';
    cell.textContent = positionText(chart, x);
    row.append(cell);
    for (const { values } of chart.series) row.insertCell().textContent = valueText(chart, values[at]);
  });
  element.append(table);
}

function caption(text: string): HTMLElement {
  const element = document.createElement('caption');
  element.textContent = text;
  return element;
}
