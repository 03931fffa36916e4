// All results together, for the terminal: a line for each series, and what its levels are suspected of.

import type { Trend, Trends } from '../result/trends.ts';
import { bar } from './bars.ts';
import { ratioText } from './comparison-words.ts';
import { rule } from './scenario-sections.ts';
import { NARROWEST, WIDEST } from './summary.ts';
import { type Cell, hang, plainDeep, type Style, styleOf, table } from './text.ts';
import { trendName, trendValueText } from './trend-words.ts';

/** Points of a sparkline; of more, the last ones. */
const MOST_BARS = 24;
const CHANGE = '┊';
const ROUNDING = 1e-9;

export interface TrendsTextOptions {
  readonly colour: boolean;
  /** Columns of the terminal; 72 to 140 of them are used. */
  readonly width: number;
}

/** Ends in a newline. No text of a result can carry terminal escapes into it. */
export function renderTrends(original: Trends, options: TrendsTextOptions): string {
  const trends = plainDeep(original);
  const style = styleOf(options.colour);
  const width = Math.min(WIDEST, Math.max(NARROWEST, Math.floor(options.width)));
  const sections = [
    ...trends.machines.map((_, machine) => ofMachine(trends, machine, style, width)),
    refusals(trends, style, width),
    howToRead(trends, style, width),
  ];
  return `\n${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function ofMachine({ machines, results, series: all }: Trends, machine: number, style: Style, width: number): string[] {
  const series = all.filter((each) => each.machine === machine);
  const own = results.filter((each) => each.machine === machine);
  if (series.length === 0) return [];
  const facts = Object.entries(machines[machine] ?? {}).map(([what, value]) => `${what} ${value}`);
  const range = own.length === 1 ? own[0]?.id : `${own[0]?.id} to ${own.at(-1)?.id}`;
  const heads = ['', '', 'latest', 'band', ''].map((text) => ({ text, paint: style.faint }));
  const rows = series.map((each): (Cell | string)[] => [
    trendName(each),
    barsOf(each),
    trendValueText(each.unit, each.points.at(-1)?.value ?? 0),
    each.band === undefined ? '–' : `${trendValueText(each.unit, each.band.low)} to ${trendValueText(each.unit, each.band.high)}`,
    standing(each, style),
  ]);
  return [
    rule(`${own.length} ${own.length === 1 ? 'result' : 'results'} of one machine`, style, width),
    ...hang('  ', facts, width).map(style.faint),
    ...hang('  ', range ?? '', width).map(style.faint),
    ...table([heads, ...rows], { align: 'llrrl', indent: 2, width }),
    ...series.flatMap((each) => changesOf(each, style, width)),
  ];
}

/** From the least value to the largest, or to one half above the least: noise is not drawn as a mountain. Marked where the level changes. */
function barsOf({ points, changes = [] }: Trend): string {
  const from = Math.max(0, points.length - MOST_BARS);
  const values = points.slice(from).map(({ value }) => value);
  const least = Math.min(...values);
  const range = Math.max(Math.max(...values) - least, least / 2) || 1;
  const isChange = (at: number) => at > 0 && changes.some((change) => change.at === from + at);
  return values.map((value, at) => `${isChange(at) ? CHANGE : ''}${bar((value - least) / range)}`).join('');
}

function standing({ points, band, changes }: Trend, style: Style): Cell {
  const latest = points.at(-1)?.value ?? 0;
  if (changes !== undefined && changes.length > 0) return { text: 'changed?', paint: style.doubtful };
  if (band === undefined) return { text: 'too few', paint: style.faint };
  // Through a logarithm and back, what always was the same comes out a little different.
  const isOutside = latest < band.low * (1 - ROUNDING) || latest > band.high * (1 + ROUNDING);
  return isOutside ? { text: 'outside', paint: style.doubtful } : { text: 'within', paint: style.faint };
}

function changesOf(trend: Trend, style: Style, width: number): string[] {
  return (trend.changes ?? []).flatMap(({ at, ratio, p }) => {
    const { id = '', commit } = trend.points[at] ?? {};
    const where = commit === undefined ? id : `${id} (commit ${commit.slice(0, 7)})`;
    return hang('    ', `${trendName(trend)}: ${ratioText(ratio)} from ${where} on, p = ${p}`, width).map(style.doubtful);
  });
}

function refusals({ refused }: Trends, style: Style, width: number): string[] {
  if (refused.length === 0) return [];
  return [rule('not read', style, width), ...refused.flatMap(({ reason }) => hang('  - ', reason, width).map(style.doubtful))];
}

/** What a reader must know before a mark becomes a verdict. */
function howToRead({ series, falseRate, leastPoints }: Trends, style: Style, width: number): string[] {
  const looked = series.filter(({ changes }) => changes !== undefined).length;
  const changed = series.filter(({ changes = [] }) => changes.length > 0).length;
  const least = `${leastPoints} points or more`;
  const found =
    looked === 0
      ? `No series has the ${least} that it takes to look for changes.`
      : `Changes are suspected in ${changed} of the ${looked} series with ${least}. Of series that only scatter, at most ${falseRate * 100}% show one (here ${Number((looked * falseRate).toFixed(2))} by chance); a machine that was busy for a while makes more.`;
  return [
    ...hang('  ', found, width),
    ...hang(
      '  ',
      'The band is the median of the points since the last change, three robust standard deviations up and down. Information, not a gate.',
      width,
    ),
  ].map(style.faint);
}
