// A chart without a mouse: arrow keys step through its points and read them out, plus and minus zoom.

import type Plot from 'uplot';
import type { ChartData, Moments } from './chart-data.ts';
import { momentText } from './moments.ts';
import { positionText, valueText } from './values.ts';

export const KEYS_HELP = 'Left and right arrows step through it, with Shift by ten; plus and minus zoom, Escape shows all of it.';

export interface KeyboardOptions {
  readonly chart: ChartData;
  readonly moments: Moments | undefined;
  readonly plot: Plot;
  readonly announce: (text: string) => void;
  /** Undefined: all of it. */
  readonly zoom: (range: { readonly min: number; readonly max: number } | undefined) => void;
}

export function listenToKeys(element: HTMLElement, options: KeyboardOptions): void {
  const { chart, plot, zoom } = options;
  const last = chart.at.length - 1;
  let at = -1;
  const move = (to: number) => {
    at = Math.max(0, Math.min(last, to));
    const x = chart.at[at] as number;
    plot.setCursor({ left: plot.valToPos(x, 'x'), top: 0 });
    options.announce(spoken(options, at));
  };
  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 10 : 1;
    const keys: Record<string, () => void> = {
      ArrowRight: () => move(at + step),
      ArrowLeft: () => move(at - step),
      Home: () => move(0),
      End: () => move(last),
      '+': () => zoom(zoomed(plot, chart.at[Math.max(0, at)] as number, 0.5)),
      '-': () => zoom(zoomed(plot, chart.at[Math.max(0, at)] as number, 2)),
      Escape: () => zoom(undefined),
    };
    const key = keys[event.key];
    if (key === undefined) return;
    event.preventDefault();
    key();
  });
}

function spoken({ chart, moments }: KeyboardOptions, at: number): string {
  const x = chart.at[at] as number;
  const values = chart.series.map(({ label, values }) => `${label} ${valueText(chart, values[at])}`).join(', ');
  const happening = moments === undefined ? '' : momentText(moments, x);
  return `${positionText(chart, x)}: ${values}${happening === '' ? '' : `; ${happening}`}`;
}

/** Undefined when it would show more than there is. */
function zoomed(plot: Plot, around: number, factor: number): { min: number; max: number } | undefined {
  const { min = 0, max = 0 } = plot.scales['x'] ?? {};
  const times = plot.data[0];
  const span = (max - min) * factor;
  if (span >= (times.at(-1) as number) - (times[0] as number)) return undefined;
  // Not closer than three points.
  if (span < 3 * ((times[1] as number) - (times[0] as number))) return { min, max };
  return { min: around - span / 2, max: around + span / 2 };
}
