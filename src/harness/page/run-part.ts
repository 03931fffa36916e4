// Where and how the run was made, and how to make it again.

import { nextSteps } from '../report/next-steps.ts';
import { formatBytes } from '../report/numbers.ts';
import { commitText } from '../report/summary.ts';
import type { Run } from '../result/schema.ts';
import type { FileLink } from './file-link.ts';
import { type Markup, markup } from './markup.ts';
import { figures } from './tables.ts';

/** @param isRunning whether it has not ended yet: then nothing follows from how it went. */
export function runPart(run: Run, link: FileLink, isRunning: boolean): Markup {
  const { environment: on, command, scenarios } = run;
  const seeds = [...new Set(scenarios.map(({ seed }) => seed))];
  return markup`<section id="run" aria-labelledby="run-title"><h2 id="run-title">Run</h2>
${figures([
  ['started', run.startedAt],
  ['finished', isRunning ? undefined : run.finishedAt],
  ['status', isRunning ? 'running' : run.status],
  ['profile', run.profile],
  ['seed', seeds.length === 0 ? undefined : seeds.join(', ')],
  ['commit', on.git === undefined ? 'no repository' : commitText(on.git)],
  ['windtunnel', on.harnessVersion],
])}
<h3>Environment</h3>
${figures([
  ['CPU', on.cpuModel],
  ['cores', String(on.cores)],
  ['memory', formatBytes(on.memoryBytes)],
  ['system', `${on.platform} ${on.kernel} ${on.architecture}`],
  ['Node', on.nodeVersion],
  ['host', on.hostname],
  ['governor', on.governor],
  ['load at the start', on.loadAverage.map((load) => load.toFixed(2)).join(' ')],
  ['container', on.containerised ? 'yes' : 'no'],
  ['CI', on.ci ? 'yes' : 'no'],
])}
<h3>Repeat</h3>
<p><code>npx windtunnel ${command.join(' ')}</code> <span class="note">the command of this run</span></p>
${!isRunning && nextSteps(run).map(({ command: next, why }) => markup`<p><code>${next}</code> <span class="note">${why}</span></p>`)}
${!isRunning && markup`<p class="note">Everything that was measured: ${link('run.json')}.</p>`}</section>`;
}
