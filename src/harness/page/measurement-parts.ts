// The tables of a scenario's numbers: latencies, thresholds, errors, saturation, and how the instrument did.

import { formatDuration } from '../../runtime/duration.ts';
import { COLUMNS, countOf, groupsOf, NOTE, numbers } from '../report/latency-table.ts';
import { formatCount, formatLatency, formatObserved, formatRate } from '../report/numbers.ts';
import { kneeWords } from '../report/saturation-table.ts';
import { CERTAINTY } from '../report/scenario-sections.ts';
import { type Instrument, PHASES, type Saturation, type ScenarioResult } from '../result/schema.ts';
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

/** 'response_time{phase:recovery}' with a place where a line may end. */
function breakable(metric: string): Part {
  return metric.split(/(?=\{)/).map((piece, at) => [at > 0 && markup`<wbr>`, piece]);
}

export function thresholdPart({ thresholds }: ScenarioResult): Part {
  if (thresholds.length === 0) return undefined;
  const rows = thresholds.map(({ metric, threshold, observed, passed, aborted }) => {
    const mood = passed ? 'good' : 'bad';
    return {
      cells: [
        [
          markup`<strong class="${mood}"><span aria-hidden="true">${passed ? '✓' : '✗'}</span><span class="unseen">${passed ? 'held' : 'not held'}:</span></strong> `,
          breakable(metric),
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

/** With a column for each phase, where the result has them. */
export function errorPart({ errors, errorsByPhase = [] }: ScenarioResult): Part {
  if (errors.length === 0) return undefined;
  const phases = PHASES.filter((name) => errorsByPhase.some(({ phase }) => phase === name));
  const rows = errors.map(({ code, outcome, count }) => {
    const countIn = (name: string) =>
      errorsByPhase.find((each) => each.phase === name && each.code === code && each.outcome === outcome)?.count ?? 0;
    return { cells: [code, CERTAINTY[outcome], formatCount(count), ...phases.map((name) => formatCount(countIn(name)))] };
  });
  const columns = [
    { head: 'code' },
    { head: 'outcome' },
    { head: 'count', isNumber: true },
    ...phases.map((head) => ({ head, isNumber: true, above: 'by phase' })),
  ];
  return markup`<section class="part"><h3>Errors</h3>${dataTable('Errors', columns, rows)}</section>`;
}

/** The steps of a ramp, and the rate up to which the system kept its promise. @param chart of the steps. */
export function saturationPart(saturation: Saturation, chart: Part): Part {
  const { load, operation, limitMs, steps, outcome } = saturation;
  const of = operation === undefined ? load : `${operation} of ${load}`;
  const columns = ['step', 'offered', 'achieved', 'p50', 'p99', 'max', 'errors', 'dropped'].map((head) => ({
    head,
    isNumber: head !== 'step',
  }));
  const rows = steps.map((step) => {
    const mood = step.held ? 'good' : 'bad';
    const why = [...step.reasons, ...(step.generator === undefined ? [] : [`generator: ${step.generator}`])].join(', ');
    return {
      cells: [
        markup`<strong class="${mood}"><span aria-hidden="true">${step.held ? '✓' : '✗'}</span><span class="unseen">${step.held ? 'held' : 'not held'}:</span></strong> ${formatRate(step.rate)}/s`,
        formatRate(step.offered),
        formatRate(step.achieved),
        formatLatency(step.p50),
        formatLatency(step.p99),
        formatLatency(step.max),
        formatCount(step.errors),
        formatCount(step.dropped),
      ],
      ...(why !== '' && { below: markup`<p class="note">${why}</p>` }),
    };
  });
  const isGood = outcome === 'found' || outcome === 'not-reached';
  return markup`<section class="part"><h3>Saturation <span class="note">of ${of}; a step holds with p99 below ${formatDuration(limitMs)}</span></h3>
<p class="knee">Knee: <strong class="${isGood ? '' : 'doubtful'}">${kneeWords(saturation)}</strong></p>
<div class="columns">${chart}${dataTable('Steps', columns, rows)}</div></section>`;
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
