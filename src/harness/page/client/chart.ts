// One chart: uPlot with our axes, colours and marks. The library stands before this code in the same script, as `uPlot`.

import type Plot from 'uplot';
import type { ChartData, ChartSeries, Moments } from './chart-data.ts';
import { markMoments, shadeMoments } from './moments.ts';
import { colourOf } from './theme.ts';
import { percentileText, positionText, tickText } from './values.ts';

/** The role timeline below a chart keeps the same distances, so that one instant is one column. */
const LEFT = 56;
const RIGHT = 20;

/** Steps of the time axis, seconds: those of clocks. */
const TIME_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400];

const FONT = '11px system-ui, sans-serif';
const DASHES: Partial<Record<ChartSeries['style'], number[]>> = { dashed: [6, 4] };

export function createChart(
  element: HTMLElement,
  chart: ChartData,
  moments: Moments | undefined,
  hooks: Plot.Hooks.Arrays,
): Plot {
  const options: Plot.Options = {
    width: Math.max(200, element.clientWidth),
    height: chart.height,
    padding: [8, RIGHT, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: true, y: false },
      points: { size: 7 },
      ...(chart.group !== undefined && { sync: { key: `group-${chart.group}` } }),
    },
    scales: { x: xScale(chart, moments), y: yScale(chart) },
    axes: [xAxis(chart), yAxis(chart)],
    series: [{}, ...chart.series.map((each) => seriesOf(chart, each))],
    hooks: {
      ...hooks,
      drawClear: [(plot) => moments && shadeMoments(plot, moments)],
      draw: [(plot) => moments && markMoments(plot, moments, chart.named === true)],
    },
  };
  const data = [chart.at, ...chart.series.map(({ values }) => values)] as unknown as Plot.AlignedData;
  return new uPlot(options, data, element);
}

function xScale({ x, at }: ChartData, moments: Moments | undefined): Plot.Scale {
  if (x === 'rarity') return { time: false, distr: 3, log: 10, range: (_, min, max) => [min, max] };
  if (x === 'rate') return { time: false };
  const [first = 0] = at;
  const last = at.at(-1) ?? 0;
  const whole: [number, number] = [0, moments?.endS ?? last];
  // The first and the last point stand in the middle of their seconds; unless zoomed in, the whole scenario is shown.
  return { time: false, range: (_, min, max) => (min <= first && max >= last ? whole : [min, max]) };
}

function yScale({ scale }: ChartData): Plot.Scale {
  if (scale === 'log') return { distr: 3, log: 10 };
  return { range: (_, __, max) => [0, Math.max(max, Number.MIN_VALUE) * 1.08] };
}

function axis(): Plot.Axis {
  const grid = { stroke: () => colourOf('grid'), width: 1 };
  return { stroke: () => colourOf('faint'), font: FONT, grid, ticks: { ...grid, size: 4 }, gap: 4 };
}

function xAxis(chart: ChartData): Plot.Axis {
  if (chart.x !== 'rarity') {
    const values = (_: Plot, splits: number[]) => splits.map((x) => positionText(chart, x));
    return { ...axis(), size: 26, space: 56, values, ...(chart.x === 'time' && { incrs: TIME_STEPS }) };
  }
  return {
    ...axis(),
    size: 26,
    splits: (_, __, min, max) => [1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6].filter((x) => x >= min && x <= max),
    filter: (_, splits) => splits,
    values: (_, splits) => splits.map((x) => (x === 1 ? 'min' : `p${percentileText(x)}`)),
  };
}

function yAxis(chart: ChartData): Plot.Axis {
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
    // Steps of a rate are few, and what lies between them was not measured.
    points: { show: chart.x === 'rate' },
    ...(style === 'area' && { fill: () => `${colourOf(colour)}22` }),
    ...(dash !== undefined && { dash }),
  };
}
