// The series of a chart by name, as buttons that show and hide them, with their values at the cursor.

import type Plot from 'uplot';
import type { ChartData, Shown } from './chart-data.ts';
import { positionText, valueText } from './values.ts';

export interface Legend {
  /** Shows the values at a point; none where `at` is null or undefined. */
  show(at: number | null | undefined): void;
}

export function createLegend(element: HTMLElement, shown: Shown<ChartData>, plot: () => Plot): Legend {
  const position = document.createElement('span');
  position.className = 'position';
  const entries = shown.data.series.map(({ label, colour, style }, number) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.ariaPressed = 'true';
    const swatch = document.createElement('i');
    swatch.className = `swatch ${style} ${colour}`;
    const value = document.createElement('b');
    button.append(swatch, label, ' ', value);
    button.addEventListener('click', () => {
      const show = button.ariaPressed !== 'true';
      button.ariaPressed = String(show);
      plot().setSeries(number + 1, { show });
    });
    return { button, value };
  });
  element.append(...entries.map(({ button }) => button), position);
  return {
    show(at) {
      const chart = shown.data;
      const x = typeof at === 'number' ? chart.at[at] : undefined;
      position.textContent = x === undefined ? '' : positionText(chart, x);
      entries.forEach(({ value }, number) => {
        value.textContent = x === undefined ? '' : valueText(chart, chart.series[number]?.values[at as number]);
      });
    },
  };
}
