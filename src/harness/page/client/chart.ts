// One chart: uPlot with our axes, colours and marks. The library stands before this code in the same script, as `uPlot`.

import type Plot from 'uplot';
import type { ChartData, ChartSeries, Shown } from './chart-data.ts';
import { markMoments, shadeMoments } from './moments.ts';
import { colourOf } from './theme.ts';
import { percentileText, positionText, tickText } from './values.ts';

/** The role timeline below a chart keeps the same distances, so that one instant is one column. */
const LEFT = 56;
const RIGHT = 20;

/** Steps of the time axis, seconds: those of clocks. */
const TIME_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400];

/** Steps between named results. */
const RESULT_STEPS = [1, 2, 5, 10, 20, 50, 100];

const FONT = '11px system-ui, sans-serif';
const DASHES: Partial<Record<ChartSeries['style'], number[]>> = { dashed: [6, 4] };

export function createChart(element: HTMLElement, shown: Shown<ChartData>, hooks: Plot.Hooks.Arrays): Plot {
  const chart = shown.data;
  const options: Plot.Options = {
    ...frameOf(element, chart),
    scales: { x: chart.x === 'time' ? timeScale(shown) : xScale(chart), y: yScale(chart) },
    axes: [xAxis(chart), yAxis(chart)],
    series: [{}, ...chart.series.map((each) => seriesOf(chart, each))],
    hooks: {
      ...hooks,
      drawClear: [(plot) => shown.moments && shadeMoments(plot, shown.moments)],
      draw: [(plot) => shown.moments && markMoments(plot, shown.moments, chart.named === true)],
    },
  };
  return new uPlot(options, chartNumbers(chart), element);
}

/** As uPlot takes them. */
export function chartNumbers({ at, series }: ChartData): Plot.AlignedData {
  return [at, ...series.map(({ values }) => values)] as unknown as Plot.AlignedData;
}

/** What all that is drawn has in common. Of one group all share their cursor and, with the mouse, their zoom. */
export function frameOf(element: HTMLElement, { height, group }: { height: number; group?: number }) {
  const cursor: Plot.Cursor = {
    y: false,
    drag: { x: true, y: false },
    points: { size: 7 },
    ...(group !== undefined && { sync: { key: `group-${group}` } }),
  };
  const padding: Plot.Padding = [8, RIGHT, 0, 0];
  return { width: Math.max(200, element.clientWidth), height, padding, legend: { show: false }, cursor };
}

export function timeScale(shown: Shown<{ readonly at: readonly number[] }>): Plot.Scale {
  // The first and the last point stand in the middle of their seconds; unless zoomed in, the whole scenario is shown.
  return {
    time: false,
    range: (_, min, max) => {
      const { data, moments } = shown;
      const [first = 0, last = 0] = [data.at[0], data.at.at(-1)];
      return min <= first && max >= last ? [0, moments?.endS ?? last] : [min, max];
    },
  };
}

function xScale({ x }: ChartData): Plot.Scale {
  if (x === 'rarity') return { time: false, distr: 3, log: 10, range: (_, min, max) => [min, max] };
  // The first and the last result have room for their names.
  if (x === 'result') return { time: false, range: (_, min, max) => [min - 0.5, max + 0.5] };
  return { time: false };
}

function yScale({ scale }: ChartData): Plot.Scale {
  if (scale === 'log') return { distr: 3, log: 10 };
  return { range: (_, __, max) => [0, Math.max(max, Number.MIN_VALUE) * 1.08] };
}

function axis(): Plot.Axis {
  const grid = { stroke: () => colourOf('grid'), width: 1 };
  return { stroke: () => colourOf('faint'), font: FONT, grid, ticks: { ...grid, size: 4 }, gap: 4 };
}

export function xAxis(chart: Pick<ChartData, 'x' | 'names'>): Plot.Axis {
  const { x } = chart;
  if (x !== 'rarity') {
    const values = (_: Plot, splits: number[]) => splits.map((at) => positionText(chart, at));
    const steps = { time: { incrs: TIME_STEPS }, result: { incrs: RESULT_STEPS, space: 120 }, rate: {} };
    return { ...axis(), size: 26, space: 56, values, ...steps[x] };
  }
  return {
    ...axis(),
    size: 26,
    splits: (_, __, min, max) => [1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6].filter((at) => at >= min && at <= max),
    filter: (_, splits) => splits,
    values: (_, splits) => splits.map((at) => (at === 1 ? 'min' : `p${percentileText(at)}`)),
  };
}

export function yAxis(chart: Pick<ChartData, 'unit'>): Plot.Axis {
  // uPlot leaves null where a label of a log axis has no room.
  const values = (_: Plot, splits: (number | null)[]) => splits.map((y) => (y === null ? '' : tickText(chart, y)));
  return { ...axis(), size: LEFT, values };
}

function seriesOf(chart: ChartData, { label, colour, style }: ChartSeries): Plot.Series {
  const dash = DASHES[style];
  return {
    label,
    stroke: () => colourOf(colour),
    width: style === 'thin' ? 1 : 1.5,
    // Steps of a rate and results are few, and what lies between them was not measured.
    points: { show: chart.x === 'rate' || (chart.x === 'result' && style === 'line') },
    ...(style === 'area' && { fill: () => `${colourOf(colour)}22` }),
    ...(dash !== undefined && { dash }),
  };
}
