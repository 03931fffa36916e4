// A heat map on uPlot's axes: each cell is coloured by how many operations of its stretch of time had a response time of its row.

import type Plot from 'uplot';
import { Distribution, edgeMs } from '../../result/distribution.ts';
import { formatCount } from '../../report/numbers.ts';
import type { HeatMap, Shown } from './chart-data.ts';
import { frameOf, timeScale, xAxis, yAxis } from './chart.ts';
import { markMoments, shadeMoments } from './moments.ts';
import { colourOf } from './theme.ts';
import { rangeText } from './values.ts';

export function createHeatMap(element: HTMLElement, shown: Shown<HeatMap>, hooks: Plot.Hooks.Arrays): Plot {
  const frame = frameOf(element, shown.data);
  const options: Plot.Options = {
    ...frame,
    cursor: { ...frame.cursor, y: true, points: { show: false } },
    scales: {
      x: timeScale(shown),
      y: { distr: 3, log: 10, range: () => [edgeMs(shown.data.lowest), edgeMs(shown.data.highest + 1)] },
    },
    axes: [xAxis({ x: 'time' }), yAxis({ unit: 'ms' })],
    // A scale exists for a series; the cells are drawn instead of it.
    series: [{}, { paths: () => null, points: { show: false } }],
    hooks: {
      ...hooks,
      drawClear: [(plot) => shown.moments && shadeMoments(plot, shown.moments)],
      draw: [
        (plot) => {
          fillCells(plot, shown.data);
          if (shown.moments) markMoments(plot, shown.moments, false);
        },
      ],
    },
  };
  return new uPlot(options, heatMapNumbers(shown.data), element);
}

/** As uPlot takes them: one row in the middle of the scale. */
export function heatMapNumbers({ at, lowest }: HeatMap): Plot.AlignedData {
  return [at, at.map(() => edgeMs(lowest))] as unknown as Plot.AlignedData;
}

/** What a column holds. */
export function columnOf({ columns }: HeatMap, at: number): Distribution {
  const encoded = columns[at] ?? [];
  return encoded.length === 0 ? new Distribution() : Distribution.decode(encoded);
}

/** The bucket in which `ms` lies, of those that are drawn. */
export function rowOf({ lowest, highest }: HeatMap, ms: number): number {
  let row = lowest;
  while (row < highest && ms >= edgeMs(row + 1)) row++;
  return row;
}

/** '2.51ms to 3.16ms: 14 operations'. */
export function cellText(data: HeatMap, at: number, row: number): string {
  const count = columnOf(data, at).counts[row] ?? 0;
  return `${rangeText(row)}: ${formatCount(count)} ${count === 1 ? 'operation' : 'operations'}`;
}

function fillCells(plot: Plot, data: HeatMap): void {
  const { ctx, bbox } = plot;
  const { columnS, columns, lowest, highest, levels } = data;
  // On whole pixels, or seams would be seen between cells.
  const x = (seconds: number) => Math.round(plot.valToPos(seconds, 'x', true));
  const edges = new Map<number, number>();
  for (let row = lowest; row <= highest + 1; row++) edges.set(row, Math.round(plot.valToPos(edgeMs(row), 'y', true)));
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  columns.forEach((_, at) => {
    const [left, right] = [x(at * columnS), x((at + 1) * columnS)];
    if (right < bbox.left || left > bbox.left + bbox.width) return;
    columnOf(data, at).counts.forEach((count, row) => {
      if (count === 0) return;
      const [bottom = 0, top = 0] = [edges.get(row), edges.get(row + 1)];
      ctx.fillStyle = colourOf(`heat-${levels.findLast(({ from }) => count >= from)?.colour ?? 1}`);
      // However many columns there are, none is too narrow to be seen.
      ctx.fillRect(left, top, Math.max(1, right - left), bottom - top);
    });
  });
  ctx.restore();
}
