// Which colour of a heat map stands for how many operations, and what the cell at the cursor holds.

import { formatCount } from '../../report/numbers.ts';
import type { HeatMap, Shown } from './chart-data.ts';

export interface HeatLegend {
  /** What is said of the cell at the cursor; '' when there is none. */
  show(text: string): void;
  /** Its colours stand for other counts now. */
  update(): void;
}

export function createHeatLegend(element: HTMLElement, shown: Shown<HeatMap>): HeatLegend {
  const scale = document.createElement('span');
  scale.className = 'heat-scale';
  const position = document.createElement('span');
  position.className = 'position';
  element.append(scale, position);
  const update = () => {
    scale.replaceChildren('operations ', ...shown.data.levels.map((_, level) => levelEntry(shown.data, level)));
  };
  update();
  return { update, show: (text) => (position.textContent = text) };
}

function levelEntry({ levels }: HeatMap, level: number): HTMLElement {
  const { from, colour } = levels[level] as HeatMap['levels'][number];
  const entry = document.createElement('span');
  const swatch = document.createElement('i');
  swatch.className = `swatch heat heat-${colour}`;
  entry.append(swatch, countsText(from, levels[level + 1]?.from));
  return entry;
}

/** '5–13'. @param next where the next colour begins, if there is one. */
function countsText(from: number, next: number | undefined): string {
  if (next === undefined) return `${formatCount(from)} and more`;
  return next === from + 1 ? formatCount(from) : `${formatCount(from)}–${formatCount(next - 1)}`;
}
