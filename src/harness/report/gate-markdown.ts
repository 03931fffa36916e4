// A gate as a comment on a pull request: a summary, what changed, and the rest folded.

import type { Gate, GateSubject } from '../result/gate.ts';
import { countsText, quantityText } from './comparison-words.ts';
import { changeText, gateCounts, injectionText, intervalText, methodText, outcomeText, treeText } from './gate-words.ts';
import { movedCountsGrid } from './counts-markdown.ts';
import { code, folded, grid } from './markdown.ts';
import { plainDeep } from './text.ts';

const QUIET = new Set<GateSubject['verdict']>(['same', 'inconclusive']);

const SIGNS: Readonly<Partial<Record<GateSubject['verdict'], string>>> = { slower: '❌ ', failed: '❌ ', accepted: '☑️ ' };

/** Ends in a newline. No text of a result can become markup, a link, a mention or another column. */
export function renderGateMarkdown(original: Gate): string {
  const gate = plainDeep(original);
  const changed = gate.subjects.filter(({ verdict }) => !QUIET.has(verdict));
  const quiet = gate.subjects.filter(({ verdict }) => QUIET.has(verdict));
  const moved = gate.counts.filter(({ verdict }) => verdict !== 'same');
  const injection = injectionText(gate);
  const blocks = [
    `**Windtunnel ${gate.exit.code === 0 ? '✅' : '❌'} ${outcomeText(gate)}** · ${gateCounts(gate).join(', ') || 'nothing was measured'} · ${countsText(gate.counts)}`,
    `${code(treeText(gate.base))} → ${code(treeText(gate.head))}`,
    injection !== undefined && code(injection),
    moved.length > 0 && movedCountsGrid(moved),
    changed.length > 0 && subjectGrid(changed),
    gate.added.length > 0 && `Added: ${gate.added.map(code).join(', ')}`,
    gate.removed.length > 0 && `Removed: ${gate.removed.map(code).join(', ')}`,
    gate.unused.length > 0 &&
      `Accepted, and not slower any more: ${gate.unused.map(({ benchmark }) => code(benchmark)).join(', ')}`,
    quiet.length > 0 && folded(`${quiet.length} unchanged or inconclusive`, subjectGrid(quiet)),
    `<sub>${methodText(gate)}</sub>`,
  ];
  return `${blocks.filter((block) => block !== false).join('\n\n')}\n`;
}

function subjectGrid(subjects: readonly GateSubject[]): string {
  return grid(
    ['', 'base', 'head', 'change', 'interval', ''],
    subjects.map((each) => [
      code(each.id),
      quantityText(each, each.base),
      quantityText(each, each.head),
      changeText(each.first.ratio),
      intervalText(each.first.interval),
      `${SIGNS[each.verdict] ?? ''}${each.verdict}${remarkOf(each)}`,
    ]),
  );
}

function remarkOf({ acceptance, reason }: GateSubject): string {
  const remark = acceptance === undefined ? reason : `up to ${changeText(acceptance.ratio)}: ${acceptance.reason}`;
  return remark === undefined ? '' : `: ${code(remark)}`;
}
