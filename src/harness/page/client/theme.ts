// The colours of the style sheet, for what is drawn on a canvas.

import type { ColourName } from './chart-data.ts';

type Name = ColourName | 'text' | 'faint' | 'grid' | 'fault' | 'fault-text' | 'warmup' | 'leader' | 'surface' | `heat-${number}`;

const cache = new Map<Name, string>();

/** As it is now: light or dark. */
export function colourOf(name: Name): string {
  let colour = cache.get(name);
  if (colour === undefined) {
    colour = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    cache.set(name, colour);
  }
  return colour;
}

/** Calls back when the reader's system changes between light and dark. */
export function onThemeChange(callback: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    cache.clear();
    callback();
  });
}
