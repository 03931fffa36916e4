// What happened during a scenario, drawn on its charts: the warm-up and the faults as shades, new leaders as lines.

import type Plot from 'uplot';
import type { Moments } from './chart-data.ts';
import { colourOf } from './theme.ts';

/** More leaders than these are short marks at the foot of a chart, this many pixels long, and have no names. */
const MOST_LINES = 30;
const TICK = 7;

/** Below the series. */
export function shadeMoments(plot: Plot, { warmupEndS, faults }: Moments): void {
  shade(plot, 0, warmupEndS, colourOf('warmup'));
  for (const { fromS, toS } of faults) shade(plot, fromS, toS, colourOf('fault'));
}

/** Above the series. Names stand at the top, each only where the one before it has ended. */
export function markMoments(plot: Plot, { faults, leaders, warmupEndS }: Moments, named: boolean): void {
  const { min = 0, max = 0 } = plot.scales['x'] ?? {};
  const elections = leaders.filter(({ atS }) => min <= atS && atS <= max);
  // Very many lines would hide what they cross.
  const length = elections.length > MOST_LINES ? TICK * devicePixelRatio : plot.bbox.height;
  for (const { atS } of elections) line(plot, atS, length, colourOf('leader'));
  if (!named) return;
  const names = faults.map(({ fromS, label }) => ({ atS: fromS, label, colour: colourOf('fault-text') }));
  if (warmupEndS > 0) names.unshift({ atS: 0, label: 'warm-up', colour: colourOf('faint') });
  name(plot, names, 0);
  if (elections.length > MOST_LINES) return;
  name(
    plot,
    elections.map(({ atS, label }) => ({ atS, label, colour: colourOf('leader') })),
    1,
  );
}

/** Which faults are in force, for who cannot see the shade. */
export function momentText({ faults, warmupEndS }: Moments, atS: number): string {
  const active = faults.filter(({ fromS, toS }) => fromS <= atS && atS <= toS).map(({ label }) => `during ${label}`);
  return [...(atS < warmupEndS ? ['in the warm-up'] : []), ...active].join(', ');
}

function shade(plot: Plot, fromS: number, toS: number, colour: string): void {
  const { ctx, bbox } = plot;
  const left = Math.max(bbox.left, plot.valToPos(fromS, 'x', true));
  const right = Math.min(bbox.left + bbox.width, plot.valToPos(toS, 'x', true));
  if (right <= left) return;
  ctx.fillStyle = colour;
  // A fault that lasts no time is still seen.
  ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
}

function line(plot: Plot, atS: number, length: number, colour: string): void {
  const { ctx, bbox } = plot;
  const width = Math.max(1, Math.round(devicePixelRatio));
  // On whole pixels, or it would be a blurred line.
  const x = Math.round(plot.valToPos(atS, 'x', true)) + (width % 2) / 2;
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top + bbox.height - length);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

interface Name {
  readonly atS: number;
  readonly label: string;
  readonly colour: string;
}

function name(plot: Plot, names: readonly Name[], row: number): void {
  const { ctx, bbox } = plot;
  const size = 11 * devicePixelRatio;
  const end = bbox.left + bbox.width;
  ctx.save();
  ctx.font = `${size}px system-ui, sans-serif`;
  ctx.textBaseline = 'top';
  ctx.textAlign = 'left';
  // A line that crosses a name must not cross it out.
  ctx.strokeStyle = colourOf('surface');
  ctx.lineWidth = 3 * devicePixelRatio;
  ctx.lineJoin = 'round';
  let free = bbox.left;
  for (const { atS, label, colour } of names) {
    const x = Math.max(bbox.left, plot.valToPos(atS, 'x', true)) + 4 * devicePixelRatio;
    const y = bbox.top + 4 * devicePixelRatio + row * size * 1.3;
    const width = ctx.measureText(label).width;
    if (x < free || x + width > end) continue;
    ctx.strokeText(label, x, y);
    ctx.fillStyle = colour;
    ctx.fillText(label, x, y);
    free = x + width + size;
  }
  ctx.restore();
}
