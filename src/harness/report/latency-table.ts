// The latencies of a scenario: by phase, by operation, and of what did not succeed.

import { stripVTControlCharacters } from 'node:util';
import { LatencyHistogram } from '../result/histogram.ts';
import { PHASES, type ScenarioResult, type Statistic } from '../result/schema.ts';
import { formatCount, formatLatency } from './numbers.ts';
import { type Cell, type Style, table, wrap } from './text.ts';

/** The percentiles that are shown. */
export const COLUMNS = [
  ['p50', 50],
  ['p90', 90],
  ['p99', 99],
  ['p99.9', 99.9],
] as const;

/** From here on response and service time stand side by side. */
const WIDE = 118;

const INDENT = 2;

export const NOTE = 'phases and operations: what ended ok; the warmup counts in its own row only';

export type Time = 'responseTime' | 'serviceTime';

/** Operations that have something in common: a phase, a kind, an outcome. */
export interface Group {
  readonly group: string;
  readonly label: string;
  readonly statistics: readonly Statistic[];
}

/** The lines of the table; none when nothing was measured. */
export function latencyTable({ statistics }: ScenarioResult, style: Style, width: number): string[] {
  const groups = groupsOf(statistics);
  if (groups.length === 0) return [];
  const note = wrap(groups.some(({ group }) => group === 'load') ? `loads, ${NOTE}` : NOTE, width - INDENT).map(
    (line) => `${' '.repeat(INDENT)}${style.faint(line)}`,
  );
  if (width >= WIDE) return [...sideBySide(groups, style, width), ...note];
  return [
    ...titled('response time', labelled('responseTime', groups, style, width), style),
    '',
    ...titled('service time', labelled('serviceTime', groups, style, width), style),
    ...note,
  ];
}

/** In the order of the table: phases, operations, outcomes. */
export function groupsOf(all: readonly Statistic[]): Group[] {
  const ok = all.filter(({ outcome }) => outcome === 'ok');
  const measured = all.filter(({ phase }) => phase !== 'warmup');
  const loads = [...new Set(measured.map(({ load }) => load))];
  const operations = [...new Set(measured.map(({ operation }) => operation))];
  const groups: Group[] = [
    ...PHASES.map((phase) => ({ group: 'phase', label: phase, statistics: ok.filter((each) => each.phase === phase) })),
    // Of a single load there is nothing to tell apart.
    ...(loads.length > 1 ? loads : []).flatMap((load) => [
      { group: 'load', label: load, statistics: measured.filter((each) => each.load === load && each.outcome === 'ok') },
      {
        group: 'load',
        label: `${load} (fault)`,
        statistics: ok.filter((each) => each.load === load && each.phase === 'fault'),
      },
    ]),
    ...operations.map((operation) => ({
      group: 'operation',
      label: operation,
      statistics: measured.filter((each) => each.operation === operation && each.outcome === 'ok'),
    })),
    ...(['fail', 'info'] as const).map((outcome) => ({
      group: 'outcome',
      label: outcome,
      statistics: measured.filter((each) => each.outcome === outcome),
    })),
  ];
  return groups.filter(({ statistics }) => countOf(statistics) > 0);
}

/** Both times in one table, each under its name. */
function sideBySide(groups: readonly Group[], style: Style, width: number): string[] {
  const left = labelled('responseTime', groups, style, width);
  const right = table([heads(style), ...groups.map((group) => numbers(group, 'serviceTime'))], {
    align: 'rrrrr',
    indent: 0,
    width,
  });
  const leftWidth = Math.max(...left.map(shownLength));
  const rightWidth = Math.max(...right.map(shownLength));
  const names = `${'response time'.padStart(leftWidth - INDENT - 'latency'.length)}    ${'service time'.padStart(rightWidth)}`;
  const lines = left.map((line, at) => `${line}${' '.repeat(leftWidth - shownLength(line))}    ${right[at] ?? ''}`);
  return [`${' '.repeat(INDENT)}${style.strong('latency')}${style.faint(names)}`, ...lines];
}

/** One time of every group, with the names of the groups and how many operations each has. */
function labelled(time: Time, groups: readonly Group[], style: Style, width: number): string[] {
  const rows = groups.map((group, at): (Cell | string)[] => [
    // The kind of a group stands before the first of its kind.
    { text: group.group === groups[at - 1]?.group ? '' : group.group, paint: style.faint },
    group.label,
    formatCount(countOf(group.statistics)),
    ...numbers(group, time),
  ]);
  const head = ['', '', { text: 'count', paint: style.faint }, ...heads(style)];
  return table([head, ...rows], { align: 'llrrrrrr', indent: INDENT, width, elastic: 1 });
}

/** Puts a title into the empty beginning of the first line. */
function titled(title: string, [head = '', ...lines]: readonly string[], style: Style): string[] {
  return [`${' '.repeat(INDENT)}${style.strong(title)}${head.slice(INDENT + title.length)}`, ...lines];
}

function heads(style: Style): Cell[] {
  return [...COLUMNS.map(([name]) => name), 'max'].map((text) => ({ text, paint: style.faint }));
}

/** The percentiles of a group and its maximum, as text. */
export function numbers({ statistics }: Group, time: Time): string[] {
  const merged = new LatencyHistogram();
  for (const statistic of statistics) merged.merge(LatencyHistogram.decode(statistic[time].histogram));
  const percentiles = COLUMNS.map(([, p]) => {
    const us = merged.percentile(p);
    return formatLatency(us === undefined ? undefined : us / 1_000);
  });
  // The histogram knows its maximum to three digits only.
  return [...percentiles, formatLatency(Math.max(...statistics.map((statistic) => statistic[time].max)))];
}

export function countOf(statistics: readonly Statistic[]): number {
  return statistics.reduce((sum, { count }) => sum + count, 0);
}

function shownLength(line: string): number {
  return stripVTControlCharacters(line).length;
}
