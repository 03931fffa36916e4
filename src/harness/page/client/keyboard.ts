// A chart without a mouse: arrow keys step through its points and read them out, plus and minus zoom.

import type Plot from 'uplot';

export const KEYS_HELP = 'Left and right arrows step through it, with Shift by ten; plus and minus zoom, Escape shows all of it.';

type Range = { readonly min: number; readonly max: number } | undefined;

export interface KeyboardOptions {
  readonly plot: Plot;
  /** Where its points are, now. */
  readonly points: () => readonly number[];
  /** What is said of a point. */
  readonly describe: (at: number) => string;
  /** What has rows, too: goes one up or down at a point, shows where, and gives what is said of it. */
  readonly moveRow?: (at: number, by: 1 | -1) => string;
  readonly announce: (text: string) => void;
  /** Undefined: all of it. */
  readonly zoom: (range: Range) => void;
}

export function listenToKeys(element: HTMLElement, options: KeyboardOptions): void {
  const { plot, zoom, points, moveRow } = options;
  let at = -1;
  const here = () => points()[Math.max(0, at)] as number;
  const move = (to: number) => {
    at = Math.max(0, Math.min(points().length - 1, to));
    plot.setCursor({ left: plot.valToPos(here(), 'x'), top: Math.max(0, plot.cursor.top ?? 0) });
    options.announce(options.describe(at));
  };
  const turn = (by: 1 | -1) => {
    if (moveRow === undefined) return;
    at = Math.max(0, at);
    options.announce(moveRow(at, by));
  };
  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 10 : 1;
    const keys: Record<string, () => void> = {
      ArrowRight: () => move(at + step),
      ArrowLeft: () => move(at - step),
      ...(moveRow !== undefined && { ArrowUp: () => turn(1), ArrowDown: () => turn(-1) }),
      Home: () => move(0),
      End: () => move(points().length - 1),
      '+': () => zoom(zoomed(plot, here(), 0.5)),
      '-': () => zoom(zoomed(plot, here(), 2)),
      Escape: () => zoom(undefined),
    };
    const key = keys[event.key];
    if (key === undefined) return;
    event.preventDefault();
    key();
  });
}

/** Undefined when it would show more than there is. */
function zoomed(plot: Plot, around: number, factor: number): Range {
  const { min = 0, max = 0 } = plot.scales['x'] ?? {};
  const times = plot.data[0];
  const span = (max - min) * factor;
  if (span >= (times.at(-1) as number) - (times[0] as number)) return undefined;
  // Not closer than three points.
  if (span < 3 * ((times[1] as number) - (times[0] as number))) return { min, max };
  return { min: around - span / 2, max: around + span / 2 };
}
