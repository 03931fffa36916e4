// A chart or a heat map in its place on the page: drawn, used with mouse and keys, and drawn again when there is more to show.

import type Plot from 'uplot';
import { edgeMs } from '../../result/distribution.ts';
import { formatCount } from '../../report/numbers.ts';
import { chartNumbers, createChart } from './chart.ts';
import type { ChartData, HeatMap, Moments, Shown } from './chart-data.ts';
import { createHeatLegend } from './heat-legend.ts';
import { cellText, createHeatMap, heatMapNumbers, rowOf } from './heat-map.ts';
import { KEYS_HELP, type KeyboardOptions, listenToKeys } from './keyboard.ts';
import { createLegend } from './legend.ts';
import { momentText } from './moments.ts';
import { chartTable, heatMapTable, spreadOf } from './numbers-table.ts';
import { positionText, rangeText, valueText } from './values.ts';

export type Range = { readonly min: number; readonly max: number };

export interface Figure {
  readonly plot: Plot;
  readonly group: number | undefined;
  /** Shows a range of its x axis; undefined: all of it. */
  zoom(range: Range | undefined): void;
  table(): HTMLElement;
  /** Draws other data with the same axes, and keeps cursor, zoom and hidden series. False when they are not the same. */
  update(data: ChartData | HeatMap, moments: Moments | undefined): boolean;
}

export interface FigureOptions {
  readonly place: HTMLElement;
  readonly moments: Moments | undefined;
  /** The keys zoom all figures of a group, as the mouse does. */
  readonly onZoom: (range: Range | undefined) => void;
  /** Called when the chart that names the moments shows another stretch of time. */
  readonly onTime: (plot: Plot) => void;
}

const ROWS_HELP = 'Up and down arrows go from row to row.';

export function chartFigure(chart: ChartData, options: FigureOptions): Figure {
  const { place, moments, onTime } = options;
  const shown: Shown<ChartData> = { data: chart, moments };
  const legend = createLegend(within(place, '.legend'), shown, () => plot);
  const plot = createChart(within(place, '.plot'), shown, {
    setCursor: [({ cursor: { idx } }) => legend.show(idx)],
    setScale: [(changed, scale) => scale === 'x' && chart.named === true && onTime(changed)],
  });
  makeUsable(options, shown, `${chart.title}. ${KEYS_HELP}`, {
    plot,
    describe: (at) => {
      const { series } = shown.data;
      return series.map(({ label, values }) => `${label} ${valueText(shown.data, values[at])}`).join(', ');
    },
  });
  return {
    ...figureOf(plot, shown),
    table: () => chartTable(shown.data),
    update(data, nowMoments) {
      if (!('series' in data) || namesOf(data) !== namesOf(chart)) return false;
      replace(plot, shown, { data, moments: nowMoments }, chartNumbers(data));
      if (chart.named === true) onTime(plot);
      return true;
    },
  };
}

export function heatMapFigure(map: HeatMap, options: FigureOptions): Figure {
  const { place, moments } = options;
  const shown: Shown<HeatMap> = { data: map, moments };
  const legend = createHeatLegend(within(place, '.legend'), shown);
  const plot = createHeatMap(within(place, '.plot'), shown, {
    setCursor: [(changed) => legend.show(underCursor(changed, shown.data))],
  });
  let row = -1;
  makeUsable(options, shown, `${map.title}. ${KEYS_HELP} ${ROWS_HELP}`, {
    plot,
    describe: (at) => columnText(shown.data, at),
    moveRow(at, by) {
      const { lowest, highest, at: middles } = shown.data;
      const from = row < 0 ? (spreadOf(shown.data, at).mostOften ?? lowest) - by : row;
      row = Math.min(highest, Math.max(lowest, from + by));
      const middle = Math.sqrt(edgeMs(row) * edgeMs(row + 1));
      plot.setCursor({ left: plot.valToPos(middles[at] as number, 'x'), top: plot.valToPos(middle, 'y') });
      return cellText(shown.data, at, row);
    },
  });
  return {
    ...figureOf(plot, shown),
    table: () => heatMapTable(shown.data),
    update(data, nowMoments) {
      if ('series' in data) return false;
      replace(plot, shown, { data, moments: nowMoments }, heatMapNumbers(data));
      legend.update();
      return true;
    },
  };
}

function figureOf(plot: Plot, shown: Shown<{ at: readonly number[]; group?: number }>): Pick<Figure, 'plot' | 'group' | 'zoom'> {
  return {
    plot,
    group: shown.data.group,
    zoom(range) {
      const { at } = shown.data;
      plot.setScale('x', range ?? { min: at[0] as number, max: at.at(-1) as number });
    },
  };
}

/** By keys, by ear, and in a window of another width. */
function makeUsable(
  { place, onZoom }: FigureOptions,
  shown: Shown<{ readonly at: readonly number[]; readonly height: number } & Partial<Pick<ChartData, 'x' | 'names'>>>,
  name: string,
  keys: Pick<KeyboardOptions, 'plot' | 'describe' | 'moveRow'>,
): void {
  const canvasPlace = within(place, '.plot');
  const spoken = within(place, '[aria-live]');
  canvasPlace.tabIndex = 0;
  canvasPlace.role = 'application';
  canvasPlace.ariaRoleDescription = 'chart';
  canvasPlace.ariaLabel = name;
  listenToKeys(canvasPlace, {
    ...keys,
    points: () => shown.data.at,
    describe(at) {
      const x = shown.data.at[at] as number;
      const happening = shown.moments === undefined ? '' : momentText(shown.moments, x);
      const position = positionText({ ...shown.data, x: shown.data.x ?? 'time' }, x);
      return `${position}: ${keys.describe(at)}${happening === '' ? '' : `; ${happening}`}`;
    },
    announce: (text) => (spoken.textContent = text),
    zoom: onZoom,
  });
  new ResizeObserver(() => {
    if (canvasPlace.clientWidth > 0) keys.plot.setSize({ width: canvasPlace.clientWidth, height: shown.data.height });
  }).observe(canvasPlace);
}

/** Draws other data. Whoever has zoomed in goes on to see the same stretch of time. */
function replace<T extends { readonly at: readonly number[] }>(
  plot: Plot,
  shown: Shown<T>,
  next: Shown<T>,
  numbers: Plot.AlignedData,
): void {
  const { min = 0, max = 0 } = plot.scales['x'] ?? {};
  const { at } = shown.data;
  const isZoomed = min > (at[0] as number) || max < (at.at(-1) as number);
  Object.assign(shown, next);
  plot.batch(() => {
    plot.setData(numbers);
    if (isZoomed) plot.setScale('x', { min, max });
  });
}

function namesOf({ title, series }: ChartData): string {
  return JSON.stringify([title, ...series.map(({ label }) => label)]);
}

/** '480 operations, 1.26ms to 702ms, most often 3.16ms to 3.98ms'. */
function columnText(map: HeatMap, at: number): string {
  const { count, shortest, mostOften, longest } = spreadOf(map, at);
  if (shortest === undefined || longest === undefined || mostOften === undefined) return 'nothing ended';
  const [from = '', to = ''] = [rangeText(shortest).split(' to ')[0], rangeText(longest).split(' to ')[1]];
  return `${formatCount(count)} ${count === 1 ? 'operation' : 'operations'}, ${from} to ${to}, most often ${rangeText(mostOften)}`;
}

function underCursor(plot: Plot, map: HeatMap): string {
  const { idx, left = -1, top = -1 } = plot.cursor;
  if (typeof idx !== 'number' || left < 0) return '';
  const position = positionText({ x: 'time' }, map.at[idx] as number);
  // The cursor of another chart of the group says when, and not how long.
  const isHere = top > 0 && plot.root.closest('.plot:hover, .plot:focus') !== null;
  return `${position} · ${isHere ? cellText(map, idx, rowOf(map, plot.posToVal(top, 'y'))) : columnText(map, idx)}`;
}

function within(element: HTMLElement, selector: string): HTMLElement {
  return element.querySelector(selector) as HTMLElement;
}
