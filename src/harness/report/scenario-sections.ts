// The parts of a scenario's summary, in k6's order: each is a list of lines, empty when there is nothing to say.

import { join } from 'node:path';
import { formatDuration } from '../../runtime/duration.ts';
import { PHASES } from '../result/schema.ts';
import type { FaultWindow, GeneratorInstrument, Phase, ScenarioResult, SkippedFault } from '../result/schema.ts';
import { latencyTable } from './latency-table.ts';
import { formatCount, formatObserved, formatRate, formatShare } from './numbers.ts';
import { pathTable } from './path-table.ts';
import { saturationTable } from './saturation-table.ts';
import { type Cell, fit, fold, hang, type Style, table, wrap, wrapFacts } from './text.ts';
import { timelineChart } from './timeline-chart.ts';

/** Everything about one scenario except its verdicts. @param folder of run.json, as the user should see it. */
export function scenarioSections(scenario: ScenarioResult, style: Style, width: number, folder: string): string[] {
  const sections = [
    alarms(scenario, style, width),
    thresholds(scenario, style, width),
    checks(scenario, style, width, folder),
    totals(scenario, style, width),
    saturationTable(scenario, style, width),
    latencyTable(scenario, style, width),
    pathTable(scenario, style, width),
    timelineChart(scenario, style, width),
    faults(scenario, style, width),
    errors(scenario, style, width),
    instrument(scenario, style, width),
  ];
  return [...heading(scenario, style, width), ...sections.filter((lines) => lines.length > 0).flatMap((lines) => ['', ...lines])];
}

/** A line across the page with a name in it. */
export function rule(name: string, style: Style, width: number): string {
  const shown = fit(name, width - 8);
  return `${style.faint('──')} ${style.strong(shown)} ${style.faint('─'.repeat(Math.max(2, width - shown.length - 4)))}`;
}

function heading({ name, description, target, nodes, seed, durationMs }: ScenarioResult, style: Style, width: number): string[] {
  const facts = [
    `${target} target`,
    `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`,
    `seed ${seed}`,
    formatDuration(durationMs),
  ];
  return [
    rule(name, style, width),
    ...wrap(description, width - 2).map((line) => `  ${line}`),
    ...wrapFacts(facts, ' ·', width - 2).map((line) => `  ${style.faint(line)}`),
  ];
}

function alarms({ status, statusReason, invalid }: ScenarioResult, style: Style, width: number): string[] {
  const lines: string[] = [];
  if (status !== 'complete') {
    lines.push(`  ${style.alarm(` ${status.toUpperCase()} `)} ${style.bad('not all of this scenario was run')}`);
    if (statusReason !== undefined) lines.push(...hang('    ', statusReason, width));
  }
  if (invalid.length > 0) {
    lines.push(`  ${style.alarm(' INVALID ')} ${style.bad('do not use the numbers of this scenario:')}`);
    for (const reason of invalid) lines.push(...hang('    - ', reason, width));
  }
  return lines;
}

function thresholds({ thresholds: all }: ScenarioResult, style: Style, width: number): string[] {
  if (all.length === 0) return [];
  const rows = all.map(({ metric, threshold, observed, passed, aborted }): Cell[] => [
    {
      text: `${passed ? '✓' : '✗'} ${metric}`,
      paint: passed ? (text) => style.good(text.slice(0, 1)) + text.slice(1) : style.bad,
    },
    { text: threshold },
    { text: formatObserved(metric, threshold, observed), paint: passed ? style.good : style.bad },
    { text: aborted ? 'ended the run' : '', paint: style.bad },
  ]);
  // Metrics differ in their last words, so a long one gets a line of its own instead of being cut.
  const longest = (column: number) => Math.max(...rows.map((row) => row[column]?.text.length ?? 0));
  const isTight = 4 + longest(0) + 2 + longest(1) + 2 + longest(2) + 2 + longest(3) > width;
  const lines = isTight
    ? rows.flatMap(([metric, ...values]) => [
        ...table([[metric as Cell]], { align: 'l', width }),
        ...table([values], { align: 'lll', indent: 8, width }),
      ])
    : table(rows, { align: 'llrl', width });
  return [`  ${style.strong('thresholds')}`, ...lines];
}

/** Of an explanation whose whole is in a file. */
const MOST_EXPLANATION_LINES = 40;

function checks({ checks: all, operationsLost }: ScenarioResult, style: Style, width: number, folder: string): string[] {
  if (all.length === 0) return [];
  const lines: string[] = [];
  const nameWidth = Math.max(LOST.length, ...all.map(({ checker }) => checker.length));
  for (const { checker, verdict, operations, durationMs, counts, reason, explanation, explanationFile } of all) {
    const counted = Object.entries(counts).map(([name, count]) => `${formatCount(count)} ${name}`);
    const facts = [`${formatCount(operations)} operations in ${formatDuration(durationMs)}`, ...counted];
    const [symbol, paint] = VERDICTS[verdict](style);
    const first = `    ${symbol} ${checker.padEnd(nameWidth)}  ${verdict.padEnd('violated'.length)}  `;
    const [head = first, ...rest] = hang(first, facts, width);
    lines.push(`    ${paint(head.slice(4, first.length))}${head.slice(first.length)}`, ...rest);
    // Most explanations begin with it.
    if (reason !== undefined && explanation?.includes(reason) !== true) lines.push(...hang('      ', reason, width));
    // Its line breaks and indentation are the checker's drawing of what happened.
    const drawn = (explanation ?? '').split('\n').filter((text) => text.trim() !== '');
    const shown = explanationFile === undefined ? drawn : drawn.slice(0, MOST_EXPLANATION_LINES);
    for (const line of shown) lines.push(...fold(`      ${line}`, width));
    if (explanationFile !== undefined) {
      const more = drawn.length > shown.length ? `${formatCount(drawn.length - shown.length)} more lines in ` : '';
      const whole = `      ${more}${join(folder, explanationFile)}`;
      lines.push(whole.length <= width ? whole : fit(`      ${more}${explanationFile}, beside run.json`, width));
    }
  }
  if (operationsLost !== undefined) {
    const [symbol, paint] = VERDICTS[operationsLost === 0 ? 'valid' : 'violated'](style);
    lines.push(`    ${paint(`${symbol} ${LOST.padEnd(nameWidth)}  ${formatCount(operationsLost)}`)}`);
  }
  return [`  ${style.strong('checks')}`, ...lines];
}

const LOST = 'operations lost';

const VERDICTS = {
  valid: (style: Style) => ['✓', style.good] as const,
  violated: (style: Style) => ['✗', style.bad] as const,
  unknown: (style: Style) => ['?', style.doubtful] as const,
};

function totals({ totals: all }: ScenarioResult, style: Style, width: number): string[] {
  const columns = [
    ['scheduled', formatCount(all.scheduled)],
    ['started', formatCount(all.started)],
    ['ok', formatCount(all.ok)],
    ['ok/s', formatRate(all.okPerSecond)],
    ['fail', formatCount(all.fail)],
    ['info', formatCount(all.info)],
    ['dropped', formatCount(all.dropped)],
  ] as const;
  const isTrouble = (name: string, text: string) => text !== '0' && (name === 'info' || name === 'dropped');
  return table(
    [
      [{ text: 'totals', paint: style.strong }, ...columns.map(([name]) => ({ text: name, paint: style.faint }))],
      ['', ...columns.map(([name, text]) => ({ text, ...(isTrouble(name, text) ? { paint: style.doubtful } : {}) }))],
    ],
    { align: 'lrrrrrrr', indent: 2, width },
  );
}

function faults({ faults: all, skippedFaults = [] }: ScenarioResult, style: Style, width: number): string[] {
  if (all.length + skippedFaults.length === 0) return [];
  return [
    `  ${style.strong('faults')}`,
    ...all.flatMap((fault) => faultLines(fault, style, width)),
    ...skippedFaults.flatMap((fault) => skippedLines(fault, style, width)),
  ];
}

function skippedLines({ kind, target, atMs, reason }: SkippedFault, style: Style, width: number): string[] {
  return hang('    – ', `${kind} of ${target} at ${formatDuration(atMs)} skipped: ${reason}`, width).map(style.doubtful);
}

/** Of a fault that overlaps another one. */
export const SHARED_FIGURES = "the window of another fault overlaps this one's, so these are the figures of both";

function faultLines(
  { kind, target, nodes, startMs, endMs, proof, ...times }: FaultWindow,
  style: Style,
  width: number,
): string[] {
  const where = nodes.length === 0 || (nodes.length === 1 && nodes[0] === target) ? target : `${target} (${nodes.join(', ')})`;
  const window = `    ${proof.proven ? '✓' : '✗'} ${kind} of ${where}, ${formatDuration(startMs)} to ${formatDuration(endMs)}`;
  const observations = proof.observations.length === 0 ? 'no observed effect' : proof.observations;
  const recovery = [
    `new leader ${orNever(times.electionMs)}`,
    `first write ${orNever(times.firstWriteMs)}`,
    `longest gap between writes ${orNever(times.longestWriteGapMs)}`,
  ];
  return [
    proof.proven ? `    ${style.good('✓')}${fit(window, width).slice(5)}` : style.bad(fit(window, width)),
    ...hang(`      ${proof.proven ? 'proven:     ' : 'NOT PROVEN: '}`, observations, width).map((line) =>
      proof.proven ? line : style.bad(line),
    ),
    ...hang('      recovery:   ', recovery, width),
    ...operationLines(times, width),
    ...latencyLines(times, width),
    ...(times.overlaps === true ? hang('      shared:     ', SHARED_FIGURES, width) : []),
  ];
}

function operationLines(fault: Partial<FaultWindow>, width: number): string[] {
  const facts = operationFacts(fault);
  return facts.length === 0 ? [] : hang('      operations: ', facts, width);
}

/** What became of the operations in the window of a fault; none in results of older versions. */
export function operationFacts({ operations, errors: failed, windowEndMs, ...times }: Partial<FaultWindow>): string[] {
  if (operations === undefined || failed === undefined || windowEndMs === undefined) return [];
  const share = operations === 0 ? '' : ` (${formatShare(failed / operations)})`;
  const { unavailableMs, unavailableGapMs = 0 } = times;
  return [
    `${formatCount(operations)} due until ${formatDuration(windowEndMs)}`,
    `${formatCount(failed)} failed${share}`,
    ...(unavailableMs === undefined
      ? []
      : [
          unavailableMs === 0
            ? `never longer than ${formatDuration(unavailableGapMs)} without an answer`
            : `unavailable for ${formatDuration(unavailableMs)}`,
        ]),
  ];
}

function latencyLines(fault: Partial<FaultWindow>, width: number): string[] {
  const words = recoveryWords(fault);
  return words === undefined ? [] : hang('      latency:    ', words, width);
}

/** Whether and when p99 came back after a fault; undefined in results of older versions. */
export function recoveryWords(fault: Partial<FaultWindow>): string | undefined {
  const { recoveredMs, recoveryLimitMs, notRecovered, recoveryUnknown } = fault;
  const limit = recoveryLimitMs === undefined ? '' : ` (${formatDuration(recoveryLimitMs)} or less)`;
  if (recoveredMs === 0) return `p99 within 20% of its baseline${limit} as soon as the fault ended`;
  if (recoveredMs !== undefined)
    return `p99 back within 20% of its baseline${limit} ${formatDuration(recoveredMs)} after the fault ended`;
  if (notRecovered === true) return `p99 NOT BACK within 20% of its baseline${limit}`;
  return recoveryUnknown === undefined ? undefined : `whether p99 came back is unknown: ${recoveryUnknown}`;
}

export function orNever(ms: number | undefined): string {
  return ms === undefined ? 'not seen' : formatDuration(ms);
}

/** Results of older versions do not have the phases. */
function errors({ errors: all, errorsByPhase = [] }: ScenarioResult, style: Style, width: number): string[] {
  if (all.length === 0) return [];
  const phases = PHASES.filter((name) => errorsByPhase.some(({ phase }) => phase === name));
  const countIn = (phase: Phase, of: { code: string; outcome: string }) =>
    errorsByPhase.find((each) => each.phase === phase && each.code === of.code && each.outcome === of.outcome)?.count ?? 0;
  const rows = all.map(({ code, outcome, count }): (Cell | string)[] => [
    code,
    { text: CERTAINTY[outcome], paint: outcome === 'info' ? style.doubtful : style.faint },
    formatCount(count),
    ...phases.map((phase) => formatCount(countIn(phase, { code, outcome }))),
  ]);
  const heads = ['', '', 'all', ...phases].map((text) => ({ text, paint: style.faint }));
  const lines = table([...(phases.length > 0 ? [heads] : []), ...rows], { align: `llr${'r'.repeat(phases.length)}`, width });
  return [`  ${style.strong('errors')}`, ...lines];
}

/** Whether an operation that ended so was applied. */
export const CERTAINTY = { ok: 'ok, applied', fail: 'fail, not applied', info: 'info, maybe applied' };

function instrument({ instrument: all, phases }: ScenarioResult, style: Style, width: number): string[] {
  const { lag, eventLoopDelay, cpu, generators = [] } = all;
  const facts = [
    `started late by ${lag.p99 === undefined ? '' : `p99 ${formatDuration(lag.p99)}, `}at most ${formatDuration(lag.max)}`,
    `event loop late by p99 ${formatDuration(eventLoopDelay.p99)}, at most ${formatDuration(eventLoopDelay.max)}`,
    `${cpu.toFixed(2)} cores`,
    ...worstMoment(generators, phases.find(({ phase }) => phase === 'warmup')?.endMs ?? 0),
  ];
  return [`  ${style.strong('instrument')}`, ...wrapFacts(facts, ' ·', width - 4).map((line) => `    ${line}`)];
}

/** When operations behind the warm-up started latest, and where when there was a choice. */
function worstMoment(generators: readonly GeneratorInstrument[], warmupMs: number): string[] {
  const moments = generators
    .flatMap(({ generator, moments: all }) => all.map((moment) => ({ ...moment, generator, lagMax: moment.lagMax ?? 0 })))
    .filter(({ atMs }) => atMs >= warmupMs);
  const [first, ...others] = moments;
  if (first === undefined) return [];
  const worst = others.reduce((found, moment) => (moment.lagMax > found.lagMax ? moment : found), first);
  const who = generators.length === 1 ? '' : `generator ${worst.generator} of ${generators.length} `;
  return [`worst: ${who}at ${formatDuration(worst.atMs)}, ${formatDuration(worst.lagMax)} late`];
}
