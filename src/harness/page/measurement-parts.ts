// The tables of a scenario's numbers: latencies, thresholds, errors, saturation, and how the instrument did.

import { formatDuration } from '../../runtime/duration.ts';
import { COLUMNS, countOf, groupsOf, NOTE, numbers } from '../report/latency-table.ts';
import { formatCount, formatLatency, formatObserved } from '../report/numbers.ts';
import type { Instrument, ScenarioResult } from '../result/schema.ts';
import { fieldOf, looseTable, looseText } from './loose.ts';
import { markup, type Part } from './markup.ts';
import { dataTable } from './tables.ts';

export function latencyPart({ statistics }: ScenarioResult): Part {
  const groups = groupsOf(statistics);
  if (groups.length === 0) return undefined;
  const heads = [...COLUMNS.map(([name]) => name), 'max'];
  const columns = [
    { head: '' },
    { head: 'count', isNumber: true },
    ...heads.map((head) => ({ head, isNumber: true, above: 'response time' })),
    ...heads.map((head) => ({ head, isNumber: true, above: 'service time' })),
  ];
  const rows = groups.map((each, at) => ({
    ...(each.group !== groups[at - 1]?.group && at > 0 && { mood: 'first' }),
    cells: [
      markup`<span class="kind">${each.group}</span> ${each.label}`,
      formatCount(countOf(each.statistics)),
      ...numbers(each, 'responseTime'),
      ...numbers(each, 'serviceTime'),
    ],
  }));
  return markup`<section class="part"><h3>Latency</h3>${dataTable('Latency', columns, rows)}
<p class="note">${NOTE}; a percentile with fewer than ten samples above it is not shown</p></section>`;
}

export function thresholdPart({ thresholds }: ScenarioResult): Part {
  if (thresholds.length === 0) return undefined;
  const rows = thresholds.map(({ metric, threshold, observed, passed, aborted }) => {
    const mood = passed ? 'good' : 'bad';
    return {
      cells: [
        [
          markup`<strong class="${mood}"><span aria-hidden="true">${passed ? '✓' : '✗'}</span><span class="unseen">${passed ? 'held' : 'not held'}:</span></strong> `,
          metric,
        ],
        threshold,
        markup`<strong class="${passed ? '' : 'bad'}">${formatObserved(metric, threshold, observed)}</strong>`,
      ],
      ...(aborted && { below: markup`<p class="reason">It ended the run.</p>` }),
    };
  });
  const columns = [{ head: 'metric' }, { head: 'threshold' }, { head: 'observed', isNumber: true }];
  return markup`<section class="part"><h3>Thresholds</h3>${dataTable('Thresholds', columns, rows)}</section>`;
}

const CERTAINTY: Readonly<Record<string, string>> = { fail: 'definitely not applied', info: 'maybe applied' };

export function errorPart(scenario: ScenarioResult): Part {
  const { errors } = scenario;
  const byPhase = looseTable('Errors by phase', fieldOf(scenario, 'errorsByPhase'));
  if (errors.length === 0 && byPhase === undefined) return undefined;
  const rows = errors.map(({ code, outcome, count }) => ({
    cells: [code, `${outcome}: ${CERTAINTY[outcome] ?? ''}`, formatCount(count)],
  }));
  const columns = [{ head: 'code' }, { head: 'outcome' }, { head: 'count', isNumber: true }];
  return markup`<section class="part"><h3>Errors</h3>${errors.length > 0 && dataTable('Errors', columns, rows)}${byPhase}</section>`;
}

/** The steps of a ramp and the rate up to which the system kept its promise, when the run looked for it. */
export function saturationPart(scenario: ScenarioResult): Part {
  const saturation = fieldOf(scenario, 'saturation');
  if (typeof saturation !== 'object' || saturation === null) return undefined;
  const { steps, ...rest } = saturation as Record<string, unknown>;
  const facts = Object.entries(rest).filter(([, value]) => value !== null && value !== undefined);
  return markup`<section class="part"><h3>Saturation</h3>
<ul class="facts">${facts.map(([name, value]) => markup`<li><strong>${name}</strong> ${looseText(name, value)}</li>`)}</ul>
${looseTable('Steps', steps)}</section>`;
}

export function instrumentTable(instrument: Instrument): Part {
  const { generators = [] } = instrument;
  const columns = [
    { head: '' },
    { head: 'p50', isNumber: true, above: 'started late' },
    { head: 'p99', isNumber: true, above: 'started late' },
    { head: 'max', isNumber: true, above: 'started late' },
    { head: 'p99', isNumber: true, above: 'event loop late' },
    { head: 'max', isNumber: true, above: 'event loop late' },
    { head: 'cores', isNumber: true },
    { head: 'dropped', isNumber: true },
  ];
  const cells = (name: string, { lag, eventLoopDelay, cpu, dropped }: Omit<Instrument, 'generators'>) => [
    name,
    formatLatency(lag.p50),
    formatLatency(lag.p99),
    formatDuration(lag.max),
    formatDuration(eventLoopDelay.p99),
    formatDuration(eventLoopDelay.max),
    cpu.toFixed(2),
    formatCount(dropped),
  ];
  const each = generators.length > 1 ? generators.map((one) => ({ cells: cells(`generator ${one.generator}`, one) })) : [];
  return dataTable('Instrument', columns, [{ cells: cells(each.length > 0 ? 'worst' : 'generator', instrument) }, ...each]);
}
