// What the checkers found: the verdict, what it rests on, and on a violation the whole explanation.

import { formatDuration } from '../../runtime/duration.ts';
import { formatCount } from '../report/numbers.ts';
import type { CheckResult, ScenarioResult } from '../result/schema.ts';
import type { FileLink } from './file-link.ts';
import { markup, type Part } from './markup.ts';
import { dataTable, type Row } from './tables.ts';

const LOOKS: Record<CheckResult['verdict'], { readonly symbol: string; readonly mood: string }> = {
  valid: { symbol: '✓', mood: 'good' },
  violated: { symbol: '✗', mood: 'bad' },
  unknown: { symbol: '?', mood: 'doubtful' },
};

export function checkPart({ checks, historyFiles }: ScenarioResult, link: FileLink): Part {
  if (checks.length === 0) return undefined;
  const columns = [
    { head: 'checker' },
    { head: 'verdict' },
    { head: 'operations', isNumber: true },
    { head: 'took', isNumber: true },
    { head: 'counted' },
  ];
  return markup`<section class="part"><h3>Checks</h3>
${dataTable(
  'Checks',
  columns,
  checks.map((check) => checkRow(check)),
)}
${historyFiles.length > 0 && markup`<p class="note">Histories: ${historyFiles.map((path, at) => [at > 0 && ', ', link(path)])}; <code>npx windtunnel check FILE</code> checks one again.</p>`}
</section>`;
}

function checkRow(check: CheckResult): Row {
  const { checker, verdict, operations, durationMs, counts, reason } = check;
  const { symbol, mood } = LOOKS[verdict];
  const counted = Object.entries(counts).map(([name, count]) => `${formatCount(count)} ${name}`);
  return {
    mood,
    cells: [
      checker,
      markup`<strong class="${mood}"><span aria-hidden="true">${symbol}</span> ${verdict}</strong>`,
      formatCount(operations),
      formatDuration(durationMs),
      counted.join(', '),
    ],
    ...(reason !== undefined && { below: markup`<p class="reason">${reason}</p>` }),
  };
}

/** What the checkers say about what they found, whole: it is wide, so it has the width of the page. */
export function explanationPart({ checks }: ScenarioResult, link: FileLink): Part {
  return checks.map(({ checker, explanation, explanationFile: file }) => {
    if (explanation === undefined && file === undefined) return undefined;
    const fileLine = file !== undefined && markup`<p class="note">Also in ${link(file)}.</p>`;
    return markup`<section class="part"><h3>Explanation <span class="note">of ${checker}</span></h3>
${explanation !== undefined && markup`<pre tabindex="0" role="region" aria-label="${`Explanation of ${checker}`}">${explanation.trimEnd()}</pre>`}${fileLine}</section>`;
  });
}
