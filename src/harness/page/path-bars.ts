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
<div class="columns">${figures}</div>
<details class="numbers"><summary>What the parts are</summary><dl class="meanings">${partsOf(paths).map((part) => markup`<dt>${part}</dt><dd>${MEANINGS[part]}</dd>`)}</dl></details>`;
}

const MEANINGS: Record<PathPart, string> = {
  'generator wait': 'from the instant the schedule wanted the request until it was sent: nobody was free to send it',
  'retry pause': 'between a failed attempt and the next one',
  'failed attempts': 'attempts that failed, whole',
  'pool wait': 'for a connection',
  network: 'between client and node, both ways, with what each side takes to turn to a message',
  server: 'at the node that was asked, outside the steps named here',
  mailbox: 'for the Raft actor to take the request',
  append: "writing the leader's log, without making it durable",
  fsync: "making the leader's log durable",
  'peer network': 'between the leader and the follower that completed the majority, both ways',
  'peer append': 'writing the log of that follower',
  'peer fsync': 'making it durable there',
  quorum: 'what is left of the wait for a majority',
  apply: 'from the commit until the transaction that applies it is over',
  'read-index': 'for a majority to confirm the leader of a read, and for the store to be that far',
  'reader wait': 'for a reader of the store',
  read: 'running the statement',
  other: 'the rest, such as the client behind the answer',
};

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
