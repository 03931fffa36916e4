// history.html: every series as a plot over the results, with its levels and its band.

import { medianOfSorted } from '../compare/signed-rank.ts';
import { ratioText } from '../report/comparison-words.ts';
import { plainDeep } from '../report/text.ts';
import { trendName, trendValueText } from '../report/trend-words.ts';
import type { Trend, TrendPoint, Trends } from '../result/trends.ts';
import { ChartPlaces } from './chart-places.ts';
import type { ChartData } from './client/chart-data.ts';
import { renderDocument } from './document.ts';
import { type Markup, markup, type Part } from './markup.ts';
import { dataTable, figures } from './tables.ts';

/** Plots on the page: each takes the browser some milliseconds. What is not plotted is in the table. */
const MOST_CHARTS = 60;
const HEIGHT = 180;

/** The page as text. No text of a result can become markup or script. */
export function renderTrendsPage(original: Trends): string {
  const trends = plainDeep(original);
  const charts = new ChartPlaces();
  const plotted = new Set(byInterest(trends.series).slice(0, MOST_CHARTS));
  const body = markup`<header class="page"><p class="brand">Windtunnel</p><h1>History</h1>
<ul class="facts"><li>${trends.results.length} results</li><li>${trends.series.length} series</li></ul></header>
<main id="history">
<noscript><p class="alarm">The charts need scripts, which this browser does not run. The tables are here.</p></noscript>
<section><h2>How to read it</h2><p class="note">The points are the results in their order. The dashed line is the median of each level, the thin lines are the noise band of the last one: three robust standard deviations. A level is suspected to have changed where a permutation test says so; of series that only scatter, at most ${trends.falseRate * 100} % show one, and a machine that was busy for a while makes more. Series of fewer than ${trends.leastPoints} points are not looked at. Information, not a gate.</p></section>
${trends.machines.map((_, machine) => machinePart(trends, machine, plotted, charts))}
${refusedPart(trends)}
</main>`.text;
  return renderDocument(
    { title: 'History · Windtunnel', body, data: charts.data },
    { skipTo: { id: 'history', name: 'the history' } },
  );
}

/** What may have changed first, then what is plotted with the most points. A single point is no plot. */
function byInterest(series: readonly Trend[]): Trend[] {
  const changes = (each: Trend) => each.changes?.length ?? 0;
  return series
    .filter(({ points }) => points.length > 1)
    .sort((a, b) => changes(b) - changes(a) || b.points.length - a.points.length);
}

function machinePart(trends: Trends, machine: number, plotted: ReadonlySet<Trend>, charts: ChartPlaces): Part {
  const series = trends.series.filter((each) => each.machine === machine);
  if (series.length === 0) return undefined;
  const shown = series.filter((each) => plotted.has(each));
  return markup`<section><h2>Machine ${machine + 1}</h2>
${figures(Object.entries(trends.machines[machine] ?? {}))}
${shown.map((each) => charts.add(chartOf(each), changesText(each)))}
${shown.length < series.length && markup`<p class="note">${series.length - shown.length} of its series are not plotted, because they are single points or the page has ${MOST_CHARTS} plots already: --metric chooses.</p>`}
${tableOf(series)}</section>`;
}

function changesText({ points, changes = [] }: Trend): string | undefined {
  if (changes.length === 0) return undefined;
  return changes
    .map(({ at, ratio, p }) => `${ratioText(ratio)} from ${nameOf(points[at] as TrendPoint)} on, p = ${p}`)
    .join('; ');
}

function chartOf(trend: Trend): ChartData {
  const { unit, points, changes = [], band } = trend;
  const ends = [0, ...changes.map(({ at }) => at), points.length];
  const levels = ends.slice(1).map((end, stretch) => {
    const values = points.slice(ends[stretch], end).map(({ value }) => value);
    return medianOfSorted(values.sort((a, b) => a - b));
  });
  const levelAt = (at: number) => levels[ends.findLastIndex((begin) => begin <= at)] ?? null;
  const lastLevel = (value: number) => points.map((_, at) => (at >= (ends.at(-2) ?? 0) ? value : null));
  const edge = { colour: 'offered', style: 'thin' } as const;
  return {
    title: trendName(trend),
    x: 'result',
    names: points.map(nameOf),
    unit,
    scale: 'linear',
    height: HEIGHT,
    at: points.map((_, at) => at + 1),
    series: [
      { label: 'measured', colour: 'p50', style: 'line', values: points.map(({ value }) => value) },
      { label: 'level', colour: 'p99', style: 'dashed', values: points.map((_, at) => levelAt(at)) },
      ...(band === undefined
        ? []
        : [
            { label: 'band from', ...edge, values: lastLevel(band.low) },
            { label: 'to', ...edge, values: lastLevel(band.high) },
          ]),
    ],
  };
}

function tableOf(series: readonly Trend[]): Markup {
  const columns = [
    { head: 'series' },
    { head: 'points', isNumber: true },
    { head: 'latest', isNumber: true },
    { head: 'band from', isNumber: true },
    { head: 'to', isNumber: true },
    { head: 'suspected changes' },
  ];
  const rows = series.map((each) => {
    const { points, unit, band } = each;
    const shown = (value: number | undefined) => (value === undefined ? '–' : trendValueText(unit, value));
    return {
      cells: [
        trendName(each),
        points.length,
        shown(points.at(-1)?.value),
        shown(band?.low),
        shown(band?.high),
        changesText(each) ?? '–',
      ],
    };
  });
  return dataTable('Series', columns, rows);
}

function refusedPart({ refused }: Trends): Part {
  if (refused.length === 0) return undefined;
  return markup`<section><h2>Not read</h2><ul>${refused.map(({ reason }) => markup`<li>${reason}</li>`)}</ul></section>`;
}

/** '2026-01-07 abcdef0'. */
function nameOf({ id, startedAt, commit }: TrendPoint): string {
  return `${startedAt.slice(0, 10)} ${commit?.slice(0, 7) ?? id}`;
}
