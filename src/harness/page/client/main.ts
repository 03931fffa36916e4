// The page's browser code: draws the charts into the places that the page has for them. Everything else is there without it.

import type Plot from 'uplot';
import type { ChartData, HeatMap, PageData } from './chart-data.ts';
import { chartFigure, type Figure, heatMapFigure } from './figure.ts';
import { followRun } from './live.ts';
import { onThemeChange } from './theme.ts';

const page = JSON.parse(document.getElementById('data')?.textContent ?? '') as PageData;
const figures = new Map<HTMLElement, Figure>();

drawAll(page);
if (page.isLive === true) followRun(drawAll);
onThemeChange(() => figures.forEach(({ plot }) => plot.redraw()));

/** Draws what is not drawn yet, and what is drawn with what there is now. */
function drawAll({ groups, charts, heatMaps }: PageData): void {
  for (const [place, { plot }] of figures) {
    if (place.isConnected) continue;
    plot.destroy();
    figures.delete(place);
  }
  for (const place of document.querySelectorAll<HTMLElement>('[data-chart], [data-heat]')) {
    const { chart, heat } = place.dataset;
    const data = chart !== undefined ? charts[Number(chart)] : heatMaps[Number(heat)];
    if (data === undefined) continue;
    const moments = data.group === undefined ? undefined : groups[data.group];
    const figure = figures.get(place);
    if (figure === undefined) draw(place, data, moments);
    else if (figure.update(data, moments)) fillNumbers(place, figure);
    else draw(anew(place, figure), data, moments);
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
  place.querySelector('details.numbers')?.addEventListener('toggle', () => fillNumbers(place, figure));
  fillNumbers(place, figure);
}

/** The table behind a chart, while it is open: a long run has many numbers. */
function fillNumbers(place: HTMLElement, figure: Figure): void {
  if (place.querySelector('details.numbers[open]')) place.querySelector('.scroll')?.replaceChildren(figure.table());
}

/** The place of a chart that has other series now, as it was before it was drawn. */
function anew(place: HTMLElement, { plot }: Figure): HTMLElement {
  const hadFocus = place.querySelector('.plot') === document.activeElement;
  plot.destroy();
  figures.delete(place);
  const fresh = place.cloneNode(true) as HTMLElement;
  for (const drawn of fresh.querySelectorAll('.legend, .plot, .scroll')) drawn.replaceChildren();
  place.replaceWith(fresh);
  if (hadFocus) queueMicrotask(() => fresh.querySelector<HTMLElement>('.plot')?.focus({ preventScroll: true }));
  return fresh;
}

/** The role timeline shows the same stretch of time as the charts above it. */
function moveRoles(group: number | undefined, { scales }: Plot): void {
  const { min = 0, max = 0 } = scales['x'] ?? {};
  const drawing = document.querySelector(`[data-roles="${group}"]`);
  const height = drawing?.getAttribute('viewBox')?.split(' ')[3];
  if (max > min && height !== undefined) drawing?.setAttribute('viewBox', `${min} 0 ${max - min} ${height}`);
}
