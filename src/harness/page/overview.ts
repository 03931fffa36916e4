// The top of the page: how the run ended, and the four verdicts of every scenario.

import { formatDuration } from '../../runtime/duration.ts';
import { EXIT } from '../report/exit.ts';
import { formatBytes } from '../report/numbers.ts';
import { commitText, OUTCOMES } from '../report/summary.ts';
import { type ShownVerdict, verdictsOf } from '../report/verdict-lines.ts';
import type { Run, ScenarioResult } from '../result/schema.ts';
import { type RunningState, runningBoard } from './live-part.ts';
import { type Markup, markup } from './markup.ts';

/** @param isRunning whether it has not ended yet */
export function pageHeader({ id, profile, startedAt, finishedAt, environment: on }: Run, isRunning: boolean): Markup {
  const facts = [
    ...(profile === undefined ? [] : [`profile ${profile}`]),
    ...(on.git === undefined ? [] : [commitText(on.git)]),
    `${startedAt.slice(0, 19).replace('T', ' ')} UTC`,
    `${isRunning ? 'running for' : 'took'} ${formatDuration(Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt)))}`,
    `${on.cpuModel}, ${on.cores} ${on.cores === 1 ? 'core' : 'cores'}, ${formatBytes(on.memoryBytes)}`,
    `node ${on.nodeVersion}`,
  ];
  return markup`<header class="page"><p class="brand">Windtunnel</p><h1>${id}</h1>
<ul class="facts">${facts.map((fact) => markup`<li>${fact}</li>`)}</ul></header>`;
}

/** The parts of the page, for a reader who wants one of them. */
export function navigation({ scenarios, microbenchmarks }: Run): Markup {
  const links = [
    ['verdicts', 'Verdicts'],
    ...scenarios.map(({ name }, at) => [scenarioId(at), name] as const),
    ...(microbenchmarks.length > 0 ? [['microbenchmarks', 'Microbenchmarks'] as const] : []),
    ['run', 'Run'],
  ] as const;
  return markup`<nav aria-label="Parts of this report"><ul>${links.map(([target, name]) => markup`<li><a href="${`#${target}`}">${name}</a></li>`)}</ul></nav>`;
}

/** By number: two scenarios of a run may have the same name. */
export function scenarioId(at: number): string {
  return `scenario-${at + 1}`;
}

/** @param running absent when the run has ended. */
export function verdictBoard(run: Run, running: RunningState | undefined): Markup {
  const { scenarios } = run;
  const judged = running?.isUnderWay === true ? scenarios.length - 1 : scenarios.length;
  return markup`<section id="verdicts" aria-labelledby="verdicts-title"><h2 id="verdicts-title" class="unseen">Verdicts</h2>
${running === undefined ? outcome(run) : runningBoard(running)}
${scenarios.map((scenario, at) => (at < judged ? verdictRow(scenario, at) : rowUnderWay(scenario, at)))}</section>`;
}

function outcome({ exit, status }: Run): Markup {
  const passed = exit.code === EXIT.passed;
  const word = passed ? 'passed' : (OUTCOMES.get(exit.code) ?? 'failed');
  return markup`<div class="outcome ${passed ? 'good' : 'bad'}"><p><strong>${passed ? '✓' : '✗'} ${word}</strong> <span class="note whole">exit code ${exit.code}</span></p>
${exit.reasons.length > 0 && markup`<ul>${exit.reasons.map((reason) => markup`<li>${reason}</li>`)}</ul>`}
${status === 'interrupted' && exit.code !== EXIT.interrupted && markup`<p>Interrupted: this is what had been measured until then.</p>`}</div>`;
}

function rowUnderWay({ name }: ScenarioResult, at: number): Markup {
  return markup`<article class="verdicts"><h3><a href="${`#${scenarioId(at)}`}">${name}</a></h3>
<p class="note">under way: the verdicts come when its load has ended and its answers have been checked</p></article>`;
}

function verdictRow(scenario: ScenarioResult, at: number): Markup {
  return markup`<article class="verdicts"><h3><a href="${`#${scenarioId(at)}`}">${scenario.name}</a></h3>
<dl>${verdictsOf(scenario).map(verdictCell)}</dl></article>`;
}

function verdictCell({ question, verdict, symbol, mood, words }: ShownVerdict): Markup {
  return markup`<div class="${mood}"><dt>${question}</dt><dd><strong><span aria-hidden="true">${symbol}</span> ${verdict}</strong><span class="note">${words}</span></dd></div>`;
}
