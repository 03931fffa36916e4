// Where the time went, as bars: one for each percentile, divided into parts, with the same as a table.

import { formatDuration } from '../../runtime/duration.ts';
import { formatPercent, pathSentence, shareOf } from '../report/path-table.ts';
import { type CriticalPath, PATH_PARTS, type PathPart, PHASES } from '../result/schema.ts';
import { type Markup, markup, type Part } from './markup.ts';
import { dataTable } from './tables.ts';

/** A figure for each load and phase behind the warm-up. */
export function pathBars(paths: readonly CriticalPath[]): Part {
  const loads = [...new Set(paths.map(({ load }) => load))];
  const figures = loads.flatMap((load) =>
    PHASES.filter((phase) => phase !== 'warmup').flatMap((phase) => {
      const own = paths.filter((path) => path.load === load && path.phase === phase);
      return own.length === 0 ? [] : [pathFigure(loads.length > 1 ? `${load}, ${phase}` : phase, own)];
    }),
  );
  if (figures.length === 0) return undefined;
  return markup`<div class="legend parts">${partsOf(paths).map((part) => markup`<span><i class="swatch ${partClass(part)}"></i>${part}</span>`)}</div>
<div class="columns">${figures}</div>`;
}

/** The class that gives a part its colour. */
export function partClass(part: PathPart): string {
  return `part-${part.replaceAll(' ', '-')}`;
}

function partsOf(paths: readonly CriticalPath[]): PathPart[] {
  return PATH_PARTS.filter((part) => paths.some((path) => shareOf(path, part) > 0));
}

function pathFigure(title: string, paths: readonly CriticalPath[]): Markup {
  return markup`<figure class="paths"><figcaption><h4>${title}</h4></figcaption>
${paths.map(pathRow)}
<details class="numbers"><summary>Numbers<span class="unseen"> of where the time went, ${title}</span></summary>${pathTable(title, paths)}</details></figure>`;
}

function pathRow(path: CriticalPath): Markup {
  const parts = PATH_PARTS.filter((part) => shareOf(path, part) > 0);
  let at = 0;
  const rects = parts.map((part) => {
    const width = 1_000 * shareOf(path, part);
    const rect = markup`<rect class="${partClass(part)}" x="${round(at)}" width="${round(width)}" height="1"><title>${`${part}: ${formatPercent(shareOf(path, part))}, ${formatDuration(shareOf(path, part) * path.responseMs)}`}</title></rect>`;
    at += width;
    return rect;
  });
  return markup`<div class="path"><span class="bucket">${path.bucket} <span class="note">${formatDuration(path.responseMs)}</span></span>
<svg viewBox="0 0 1000 1" preserveAspectRatio="none" role="img" aria-label="${pathSentence(path)}">${rects}</svg>
<span class="note sentence">${pathSentence(path)}</span></div>`;
}

function pathTable(title: string, paths: readonly CriticalPath[]): Markup {
  const columns = [{ head: 'part' }, ...paths.map(({ bucket }) => ({ head: bucket, isNumber: true }))];
  const rows = [
    { cells: ['response time, mean', ...paths.map(({ responseMs }) => formatDuration(responseMs))] },
    ...partsOf(paths).map((part) => ({ cells: [part, ...paths.map((path) => formatPercent(shareOf(path, part)))] })),
    { cells: ['traces', ...paths.map(({ traces }) => traces)] },
  ];
  return dataTable(`Where the time went, ${title}`, columns, rows);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
