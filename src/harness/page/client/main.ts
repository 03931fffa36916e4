// The page's browser code: draws the charts into the places that the page has for them. Everything else is there without it.

import type Plot from 'uplot';
import { createChart } from './chart.ts';
import type { ChartData, PageData } from './chart-data.ts';
import { KEYS_HELP, listenToKeys } from './keyboard.ts';
import { createLegend } from './legend.ts';
import { fillNumbers } from './numbers-table.ts';
import { onThemeChange } from './theme.ts';

type Range = { readonly min: number; readonly max: number } | undefined;

const { groups, charts } = JSON.parse(document.getElementById('data')?.textContent ?? '') as PageData;
const plots: { readonly plot: Plot; readonly chart: ChartData }[] = [];

for (const place of document.querySelectorAll<HTMLElement>('[data-chart]')) draw(place, chartOf(place.dataset['chart']));
for (const details of document.querySelectorAll<HTMLElement>('[data-numbers]')) {
  details.addEventListener('toggle', () => fillNumbers(within(details, '.scroll'), chartOf(details.dataset['numbers'])), {
    once: true,
  });
}
onThemeChange(() => plots.forEach(({ plot }) => plot.redraw()));
document.documentElement.dataset['charts'] = String(plots.length);

function draw(place: HTMLElement, chart: ChartData): void {
  const moments = chart.group === undefined ? undefined : groups[chart.group];
  const canvasPlace = within(place, '.plot');
  const spoken = within(place, '[aria-live]');
  const legend = createLegend(within(place, '.legend'), chart, () => plot);
  const plot = createChart(canvasPlace, chart, moments, {
    setCursor: [({ cursor: { idx } }) => legend.show(idx)],
    setScale: [(changed, scale) => scale === 'x' && chart.named === true && moveRoles(chart, changed)],
  });
  plots.push({ plot, chart });
  canvasPlace.tabIndex = 0;
  canvasPlace.role = 'application';
  canvasPlace.ariaRoleDescription = 'chart';
  canvasPlace.ariaLabel = `${chart.title}. ${KEYS_HELP}`;
  listenToKeys(canvasPlace, {
    chart,
    moments,
    plot,
    announce: (text) => (spoken.textContent = text),
    zoom: (range) => zoomAll(chart, plot, range),
  });
  new ResizeObserver(() => {
    if (canvasPlace.clientWidth > 0) plot.setSize({ width: canvasPlace.clientWidth, height: chart.height });
  }).observe(canvasPlace);
}

/** With the mouse uPlot does this itself. */
function zoomAll(chart: ChartData, zoomed: Plot, range: Range): void {
  for (const { plot, chart: each } of plots) {
    if (plot !== zoomed && (chart.group === undefined || each.group !== chart.group)) continue;
    const [min, max] = [each.at[0] as number, each.at.at(-1) as number];
    plot.setScale('x', range ?? { min, max });
  }
}

/** The role timeline shows the same stretch of time as the charts above it. */
function moveRoles({ group }: ChartData, { scales }: Plot): void {
  const { min = 0, max = 0 } = scales['x'] ?? {};
  const drawing = document.querySelector(`[data-roles="${group}"]`);
  const height = drawing?.getAttribute('viewBox')?.split(' ')[3];
  if (max > min && height !== undefined) drawing?.setAttribute('viewBox', `${min} 0 ${max - min} ${height}`);
}

function chartOf(index: string | undefined): ChartData {
  return charts[Number(index)] as ChartData;
}

function within(element: HTMLElement, selector: string): HTMLElement {
  return element.querySelector(selector) as HTMLElement;
}
