// Everything about one scenario, in the order in which an engineer asks: may I trust it, what happened, why.

import { formatDuration } from '../../runtime/duration.ts';
import { formatCount, formatRate } from '../report/numbers.ts';
import type { ScenarioResult } from '../result/schema.ts';
import type { ChartPlaces } from './chart-places.ts';
import type { ChartData } from './client/chart-data.ts';
import { checkPart, explanationPart } from './check-part.ts';
import { faultPart } from './fault-part.ts';
import type { FileLink } from './file-link.ts';
import { heatMapPart } from './heat-map.ts';
import { type Markup, markup, type Part } from './markup.ts';
import { errorPart, instrumentTable, latencyPart, saturationPart, thresholdPart } from './measurement-parts.ts';
import { scenarioId } from './overview.ts';
import { roleTimeline } from './role-timeline.ts';
import { instrumentCharts, momentsOf, percentileCharts, pointsOf, saturationCharts, timeCharts } from './scenario-charts.ts';
import { figures } from './tables.ts';
import { tracePart, type TraceContext } from './trace-part.ts';

export interface ScenarioContext {
  /** Which of the run's scenarios it is, from 0. */
  readonly number: number;
  readonly charts: ChartPlaces;
  /** Of its charts over time: a run's length must not make the page heavy. */
  readonly mostPoints: number;
  readonly link: FileLink;
  readonly traces: TraceContext;
  /** The command that repeats it. */
  readonly again: string;
  /** Whether it has not ended: nothing of it is judged yet. */
  readonly isUnderWay: boolean;
}

export function scenarioPart(scenario: ScenarioResult, context: ScenarioContext): Markup {
  const { name, description } = scenario;
  const id = scenarioId(context.number);
  const charts = chartParts(scenario, context);
  return markup`<section id="${id}" class="scenario" aria-labelledby="${`${id}-title`}"><h2 id="${`${id}-title`}">${name}</h2>
<p class="description">${description}</p>
${!context.isUnderWay && alarms(scenario)}
${headline(scenario)}
<div class="columns">${thresholdPart(scenario)}${checkPart(scenario, context.link)}</div>
${explanationPart(scenario, context.link)}
${charts.overTime}
${!context.isUnderWay && faultPart(scenario)}
${charts.saturation}
${charts.percentiles}
${tracePart(scenario, context.link, context.traces)}
${latencyPart(scenario)}
${errorPart(scenario)}
${charts.instrument}
${repeatPart(scenario, context.again)}</section>`;
}

function alarms({ status, statusReason, invalid }: ScenarioResult): Part {
  return [
    status !== 'complete' &&
      markup`<div class="alarm" role="note"><p><strong>${status}</strong> not all of this scenario was run</p>${statusReason !== undefined && markup`<p>${statusReason}</p>`}</div>`,
    invalid.length > 0 &&
      markup`<div class="alarm" role="note"><p><strong>invalid</strong> do not use the numbers of this scenario:</p><ul>${invalid.map((reason) => markup`<li>${reason}</li>`)}</ul></div>`,
  ];
}

function headline(scenario: ScenarioResult): Markup {
  const { totals, target, nodes, seed, durationMs, operationsLost: lost } = scenario;
  const doubtful = (count: number) => (count > 0 ? 'doubtful' : '');
  return figures([
    ['ok per second', formatRate(totals.okPerSecond)],
    ['scheduled', formatCount(totals.scheduled)],
    ['started', formatCount(totals.started)],
    ['ok', formatCount(totals.ok)],
    ['fail', formatCount(totals.fail)],
    ['info, maybe applied', formatCount(totals.info), doubtful(totals.info)],
    ['dropped', formatCount(totals.dropped), doubtful(totals.dropped)],
    ['operations lost', lost === undefined ? undefined : formatCount(lost), lost === 0 ? '' : 'bad'],
    ['duration', formatDuration(durationMs)],
    ['nodes', nodes.length === 0 ? undefined : String(nodes.length)],
    ['target', target],
    ['seed', String(seed)],
  ]);
}

function chartParts(
  scenario: ScenarioResult,
  { charts, mostPoints, isUnderWay }: ScenarioContext,
): Record<'overTime' | 'saturation' | 'percentiles' | 'instrument', Part> {
  const points = pointsOf(scenario, mostPoints);
  const moments = momentsOf(scenario);
  const group = charts.addGroup(moments);
  const each = points[0]?.seconds.length ?? 1;
  const drawings = timeCharts(points, group);
  const notes = [latencyNote(each, drawings), 'operations a second'];
  const [latency, ...rates] = drawings.map((chart, at) => charts.add(chart, notes[at]));
  const timed = [latency, heatMapPart(scenario, charts, group, mostPoints), ...rates];
  const roles = roleTimeline(scenario, moments, group);
  const { saturation } = scenario;
  const knee =
    saturation &&
    saturationPart(
      saturation,
      saturationCharts(saturation).map((chart) => charts.add(chart)),
    );
  const percentiles = percentileCharts(scenario).map((chart) => charts.add(chart, 'of what ended ok'));
  const instrument = instrumentCharts(scenario, points, group).map((chart) => charts.add(chart));
  const parts = (heading: Part, content: Part) => markup`<section class="part"><h3>${heading}</h3>${content}</section>`;
  return {
    overTime: (latency !== undefined || roles !== undefined) && parts('Over time', [timed, roles]),
    saturation: knee,
    percentiles: percentiles.length > 0 && parts('Percentiles', markup`<div class="columns">${percentiles}</div>`),
    instrument:
      !isUnderWay &&
      scenario.totals.started > 0 &&
      parts(
        ['Instrument ', markup`<span class="note">whether the load generator kept its own schedule</span>`],
        [instrumentTable(scenario.instrument), markup`<div class="columns">${instrument}</div>`],
      ),
  };
}

/** @param each how many seconds a point is. */
function latencyNote(each: number, [latency]: readonly ChartData[]): string {
  const of = each === 1 ? 'of what ended in each second' : `a point is the worst of ${each} seconds`;
  const hasP99 = latency?.series.some(({ label }) => label === 'p99');
  return hasP99 === true ? of : `${of}; no second had the 1,000 operations that a p99 needs`;
}

function repeatPart({ configuration }: ScenarioResult, again: string): Markup {
  return markup`<section class="part"><h3>Repeat</h3>
<p><code>${again}</code> <span class="note">the same arrivals, operations, keys and fault targets</span></p>
<details><summary>Configuration as it ran</summary><pre tabindex="0" role="region" aria-label="Configuration">${JSON.stringify(configuration, null, 2)}</pre></details></section>`;
}
