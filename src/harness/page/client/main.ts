// The page's browser code: draws the charts into the places that the page has for them. Everything else is there without it.

import type Plot from 'uplot';
import type { ChartData, HeatMap, PageData } from './chart-data.ts';
import { chartFigure, type Figure, heatMapFigure } from './figure.ts';
import { onThemeChange } from './theme.ts';

const page = JSON.parse(document.getElementById('data')?.textContent ?? '') as PageData;
const figures = new Map<HTMLElement, Figure>();

drawAll(page);
onThemeChange(() => figures.forEach(({ plot }) => plot.redraw()));

/** Draws what is not drawn yet, and what is drawn with what there is now. */
function drawAll({ groups, charts, heatMaps }: PageData): void {
  for (const place of document.querySelectorAll<HTMLElement>('[data-chart], [data-heat]')) {
    const { chart, heat } = place.dataset;
    const data = chart !== undefined ? charts[Number(chart)] : heatMaps[Number(heat)];
    if (data === undefined) continue;
    const moments = data.group === undefined ? undefined : groups[data.group];
    if (figures.get(place)?.update(data, moments) !== true) draw(place, data, moments);
  }
  document.documentElement.dataset['charts'] = String(figures.size);
}

function draw(place: HTMLElement, data: ChartData | HeatMap, moments: PageData['groups'][number] | undefined): void {
  const options = {
    place,
    moments,
    onZoom: (range: Parameters<Figure['zoom']>[0]) => {
      for (const [each, figure] of figures)
        if (each === place || (data.group !== undefined && figure.group === data.group)) figure.zoom(range);
    },
    onTime: (plot: Plot) => moveRoles(data.group, plot),
  };
  const figure = 'series' in data ? chartFigure(data, options) : heatMapFigure(data, options);
  figures.set(place, figure);
  const numbers = place.querySelector('details.numbers') as HTMLDetailsElement;
  numbers.addEventListener('toggle', () => {
    if (numbers.open) numbers.querySelector('.scroll')?.replaceChildren(figure.table());
  });
}

/** The role timeline shows the same stretch of time as the charts above it. */
function moveRoles(group: number | undefined, { scales }: Plot): void {
  const { min = 0, max = 0 } = scales['x'] ?? {};
  const drawing = document.querySelector(`[data-roles="${group}"]`);
  const height = drawing?.getAttribute('viewBox')?.split(' ')[3];
  if (max > min && height !== undefined) drawing?.setAttribute('viewBox', `${min} 0 ${max - min} ${height}`);
}
