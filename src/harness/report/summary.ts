// The terminal summary of a run: what was measured, in k6's order, then the verdicts, where the file is, and what to do next.

import { dirname } from 'node:path';
import type { Microbenchmark, Run } from '../result/schema.ts';
import { EXIT } from './exit.ts';
import { type NextStep, nextSteps } from './next-steps.ts';
import { formatBytes, formatCount, formatNanoseconds, formatRate, formatShare } from './numbers.ts';
import { observerSection } from './observer-section.ts';
import { rule, scenarioSections } from './scenario-sections.ts';
import { type Cell, fit, hang, plainDeep, type Style, styleOf, table, wrapFacts } from './text.ts';
import { verdictLines } from './verdict-lines.ts';

export const NARROWEST = 72;
export const WIDEST = 140;

export interface SummaryOptions {
  readonly colour: boolean;
  /** Columns of the terminal; 72 to 140 of them are used. */
  readonly width: number;
  /** Where the result was written, as the user should see it. */
  readonly path: string;
  /** Where its page is, if there is one. */
  readonly page?: string;
  /** Default: what follows from how the run went. */
  readonly next?: readonly NextStep[];
}

/** The summary as text that ends in a newline. No text of the run can carry terminal escapes into it. */
export function renderSummary(original: Run, options: SummaryOptions): string {
  const run = plainDeep(original);
  const style = styleOf(options.colour);
  const width = Math.min(WIDEST, Math.max(NARROWEST, Math.floor(options.width)));
  const sections = [
    heading(run, style, width),
    ...run.scenarios.map((scenario) => scenarioSections(scenario, style, width, dirname(plainDeep(options.path)))),
    microbenchmarks(run.microbenchmarks, style, width),
    observerSection(run.observerCost, style, width),
    verdicts(run, style, width),
    ending(run, plainDeep({ ...options, next: options.next ?? nextSteps(run) }), style, width),
  ];
  return `\n${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function heading({ id, profile, status, environment: on }: Run, style: Style, width: number): string[] {
  const facts = [
    on.cpuModel,
    `${on.cores} ${on.cores === 1 ? 'core' : 'cores'}`,
    formatBytes(on.memoryBytes),
    `${on.platform} ${on.kernel}`,
    `node ${on.nodeVersion}`,
    ...(on.containerised ? ['in a container'] : []),
    ...(on.ci ? ['in CI'] : []),
    `load ${on.loadAverage.map((load) => load.toFixed(2)).join(' ')}`,
    ...(on.git === undefined ? [] : [commitText(on.git)]),
  ];
  const title = [`windtunnel ${id}`, ...(profile === undefined ? [] : [`profile ${profile}`])].join(' · ');
  return [
    style.strong(fit(title, width)),
    ...wrapFacts(facts, ' ·', width).map(style.faint),
    ...(status === 'interrupted'
      ? [`${style.alarm(' INTERRUPTED ')} ${style.bad('this is what had been measured until then')}`]
      : []),
  ];
}

/** 'commit eb14d2c on main with changes'. */
export function commitText({ commit, branch, dirty }: { commit: string; branch?: string | undefined; dirty: boolean }): string {
  const where = branch === undefined ? '' : ` on ${branch}`;
  return `commit ${commit.slice(0, 7)}${where}${dirty ? ' with changes' : ''}`;
}

function microbenchmarks(all: readonly Microbenchmark[], style: Style, width: number): string[] {
  if (all.length === 0) return [];
  const heads = ['median', '±', 'ops/s', 'samples', 'heap/op'].map((text) => ({ text, paint: style.faint }));
  const rows = all.map((each): (Cell | string)[] => {
    const { id, nanoseconds, samples, operationsPerSecond = 0, heapBytesPerOperation } = each;
    if (each.status === 'failed' || nanoseconds === undefined)
      return [
        { text: `✗ ${id}`, paint: style.bad },
        { text: 'failed', paint: style.bad },
      ];
    return [
      `  ${id}`,
      { text: formatNanoseconds(nanoseconds.median), paint: style.strong },
      formatShare(spreadOf(nanoseconds)),
      formatRate(operationsPerSecond),
      formatCount(samples),
      heapBytesPerOperation === undefined ? '–' : formatBytes(heapBytesPerOperation),
    ];
  });
  const failures = all.filter(({ status }) => status === 'failed');
  return [
    rule('microbenchmarks', style, width),
    ...table([['', ...heads], ...rows], { align: 'lrrrrr', indent: 2, width }),
    ...failures.flatMap(({ id, error }) => hang('    ', `${id}: ${error ?? 'no reason given'}`, width).map(style.bad)),
    `  ${style.faint('± is the 95% interval of the median')}`,
  ];
}

/** Half of the 95 % interval of the median, its wider side, as a share of the median. */
export function spreadOf({ median, interval95: [low, high] }: NonNullable<Microbenchmark['nanoseconds']>): number {
  return Math.max(high - median, median - low) / median;
}

function verdicts({ scenarios }: Run, style: Style, width: number): string[] {
  if (scenarios.length === 0) return [];
  return [
    rule('verdicts', style, width),
    ...scenarios.flatMap((scenario) => [
      `  ${style.strong(fit(scenario.name, width - 2))}`,
      ...verdictLines(scenario, style, width),
    ]),
  ];
}

interface Whereabouts {
  readonly path: string;
  readonly page?: string;
  readonly next: readonly NextStep[];
}

function ending({ exit }: Run, { path, page, next }: Whereabouts, style: Style, width: number): string[] {
  const passed = exit.code === EXIT.passed;
  const outcome = passed ? style.good('✓ passed') : style.bad(`✗ ${OUTCOMES.get(exit.code) ?? 'failed'}`);
  const whole = next.map(({ command, why }) => [
    { text: command, paint: style.strong },
    { text: why, paint: style.faint },
  ]);
  const lines = table(whole, { align: 'll', indent: 2 + 'result  '.length, width, elastic: 1 });
  return [
    `  ${outcome} ${style.faint(`(exit code ${exit.code})`)}`,
    ...exit.reasons.flatMap((reason) => hang('    - ', reason, width)),
    '',
    `  ${style.faint('result')}  ${path}`,
    ...(page === undefined ? [] : [`  ${style.faint('page')}    ${page}`]),
    ...lines.map((line, at) => (at === 0 ? `  ${style.faint('next')}    ${line.slice(10)}` : line)),
  ];
}

/** What an exit code other than 0 means. */
export const OUTCOMES: ReadonlyMap<number, string> = new Map([
  [EXIT.error, 'failed'],
  [EXIT.regression, 'slower than before'],
  [EXIT.violated, 'correctness violated'],
  [EXIT.invalid, 'invalid: the run cannot be judged'],
  [EXIT.thresholds, 'thresholds not held'],
  [EXIT.configuration, 'invalid configuration'],
  [EXIT.interrupted, 'interrupted'],
]);
