// Where the time of requests went, by phase and percentile.

import { stripVTControlCharacters } from 'node:util';
import {
  type CriticalPath,
  PATH_PARTS,
  type PathBucket,
  type Phase,
  type ScenarioResult,
  type ScenarioTraces,
} from '../result/schema.ts';
import { formatCount, formatLatency } from './numbers.ts';
import { type Cell, type Style, table, wrapFacts } from './text.ts';

/** The page has the other phases and p99.9 too. */
const PHASES_SHOWN: readonly Phase[] = ['baseline', 'fault'];
const BUCKETS_SHOWN: readonly PathBucket[] = ['p50', 'p90', 'p99', 'slowest'];

/** A part that took less than this of every column has no row. */
const LEAST_SHARE = 0.005;
const INDENT = 4;

/** The lines of the section; none when nothing was traced. */
export function pathTable({ traces }: ScenarioResult, style: Style, width: number): string[] {
  if (traces === undefined) return [];
  const loads = [...new Set(traces.criticalPaths.map(({ load }) => load))];
  const title = `  ${style.strong('where the time went')}`;
  const note = wrapFacts(traceFacts(traces), ',', width - INDENT).map((line) => `${' '.repeat(INDENT)}${style.faint(line)}`);
  const tables = loads.map((load) =>
    loadTable(
      traces.criticalPaths.filter((path) => path.load === load),
      style,
      width,
    ),
  );
  return [
    title,
    ...tables.flatMap((lines, at) => [...(loads.length > 1 ? [`  ${style.faint(loads[at] ?? '')}`] : []), ...lines]),
    ...note,
  ];
}

/** Phases side by side, or one below the other where they do not fit. */
function loadTable(paths: readonly CriticalPath[], style: Style, width: number): string[] {
  const shown = paths.filter(({ phase, bucket }) => PHASES_SHOWN.includes(phase) && BUCKETS_SHOWN.includes(bucket));
  // A run that has neither of them shows what it has.
  const first = paths[0]?.phase;
  const all = shown.length > 0 ? shown : paths.filter(({ phase, bucket }) => phase === first && BUCKETS_SHOWN.includes(bucket));
  const phases = [...new Set(all.map(({ phase }) => phase))].map((phase) => all.filter((path) => path.phase === phase));
  const wide = sideBySide(phases, style, width);
  if (Math.max(0, ...wide.map(shownLength)) <= width) return wide;
  return phases.flatMap((columns) => sideBySide([columns], style, width));
}

function sideBySide(phases: readonly (readonly CriticalPath[])[], style: Style, width: number): string[] {
  const parts = PATH_PARTS.filter((part) => phases.flat().some((path) => shareOf(path, part) >= LEAST_SHARE));
  const words = [[''], [''], ...['response time', ...parts].map((text) => [text]), [{ text: 'traces', paint: style.faint }]];
  const names = table(words, { align: 'l', indent: INDENT, width });
  return phases
    .map((columns) => [style.strong(columns[0]?.phase ?? ''), ...phaseBlock(columns, parts, style, width)])
    .reduce(joined, names);
}

function phaseBlock(
  columns: readonly CriticalPath[],
  parts: readonly (typeof PATH_PARTS)[number][],
  style: Style,
  width: number,
): string[] {
  const rows: (readonly (Cell | string)[])[] = [
    columns.map(({ bucket }) => ({ text: bucket, paint: style.faint })),
    columns.map(({ responseMs }) => formatLatency(responseMs)),
    ...parts.map((part) =>
      columns.map((path): Cell => {
        const share = shareOf(path, part);
        const isMost = share === Math.max(...path.shares.map((each) => each.share));
        return { text: formatPercent(share), ...(isMost ? { paint: style.strong } : {}) };
      }),
    ),
    columns.map(({ traces }) => ({ text: formatCount(traces), paint: style.faint })),
  ];
  return table(rows, { align: 'r'.repeat(columns.length), indent: 0, width });
}

function joined(left: readonly string[], right: readonly string[]): string[] {
  const leftWidth = Math.max(...left.map(shownLength));
  return left.map((line, at) => `${line}${' '.repeat(leftWidth - shownLength(line))}    ${right[at] ?? ''}`.trimEnd());
}

function shownLength(line: string): number {
  return stripVTControlCharacters(line).length;
}

export function shareOf({ shares }: CriticalPath, part: (typeof PATH_PARTS)[number]): number {
  return shares.find((each) => each.part === part)?.share ?? 0;
}

/** '62%', '0.3%' below one, '–' for nothing. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent < 0.05) return '–';
  return `${percent < 0.95 ? percent.toFixed(1) : Math.round(percent)}%`;
}

/** 'p99: 62% fsync, 20% network'. */
export function pathSentence({ bucket, shares }: CriticalPath): string {
  return `${bucket}: ${mostOf(shares)}`;
}

/** '62% fsync, 40% network': what took most, and what took at least half as much as that. */
export function mostOf(shares: CriticalPath['shares']): string {
  const [most, next] = shares.toSorted((a, b) => b.share - a.share);
  if (most === undefined) return 'nothing';
  const shown = next !== undefined && next.share >= most.share / 2 ? [most, next] : [most];
  return shown.map(({ part, share }) => `${formatPercent(share)} ${part}`).join(', ');
}

/** How many traces there are, and what is missing. */
export function traceFacts({ kept, incomplete, spansDropped, spansLost }: ScenarioTraces): string[] {
  return [
    `${formatCount(kept)} ${kept === 1 ? 'trace' : 'traces'} kept`,
    incomplete === 0 ? 'all complete' : `${formatCount(incomplete)} incomplete`,
    ...(spansDropped > 0 ? [`${formatCount(spansDropped)} spans dropped by the receiver`] : []),
    ...(spansLost > 0 ? [`${formatCount(spansLost)} spans lost by the processes`] : []),
  ];
}
