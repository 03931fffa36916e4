// A comparison as a comment on a pull request: a summary, what changed, and the rest folded.

import { type Comparison, type Measurement, perOperation } from '../result/comparison.ts';
import {
  countsText,
  driftText,
  quantityText,
  ratioIntervalText,
  ratioText,
  sideText,
  verdictCounts,
} from './comparison-words.ts';
import { movedCountsGrid } from './counts-markdown.ts';
import { code, folded, grid } from './markdown.ts';
import { formatBytes } from './numbers.ts';
import { plainDeep } from './text.ts';

/** Ends in a newline. No text of a result can become markup, a link, a mention or another column. */
export function renderComparisonMarkdown(original: Comparison): string {
  const comparison = plainDeep(original);
  const { measurements, counts, differences, onlyInBase, onlyInHead, exit, base, head } = comparison;
  const isChange = ({ verdict }: Measurement) => verdict === 'slower' || verdict === 'faster';
  const changed = measurements.filter(isChange);
  const rest = measurements.filter((each) => !isChange(each));
  const moved = counts.filter(({ verdict }) => verdict !== 'same');
  const drift = driftText(comparison);
  const blocks = [
    `**Windtunnel ${exit.code === 0 ? '✅' : '❌ regression'}** · times: ${verdictCounts(measurements).join(', ') || 'none in both'} · ${countsText(counts)}`,
    `${code(sideText(base))} → ${code(sideText(head))}`,
    differences.length > 0 &&
      `**Another machine: no time is comparable.**\n\n${grid(
        ['', 'base', 'head'],
        differences.map(({ what, base: one, head: other }) => [code(what), code(one), code(other)]),
      )}`,
    moved.length > 0 && movedCountsGrid(moved),
    changed.length > 0 && timesGrid(changed),
    (onlyInBase.length > 0 || onlyInHead.length > 0) &&
      [
        ...(onlyInBase.length > 0 ? [`Only in base: ${onlyInBase.map(code).join(', ')}`] : []),
        ...(onlyInHead.length > 0 ? [`Only in head: ${onlyInHead.map(code).join(', ')}`] : []),
      ].join('\n\n'),
    rest.length > 0 && folded(`Other times (${rest.length})`, timesGrid(rest)),
    counts.length > moved.length &&
      folded(
        `Counts that are the same (${counts.length - moved.length})`,
        grid(
          ['count per operation', ''],
          counts
            .filter(({ verdict }) => verdict === 'same')
            .map((each) => [code(`${each.benchmark} ${each.count}`), perOperation(each.head)]),
        ),
      ),
    comparison.allocations.length > 0 &&
      folded(
        'Allocated per operation (measured, not gated)',
        grid(
          ['benchmark', 'base', 'head', 'ratio'],
          comparison.allocations.map(({ benchmark, base: one, head: other }) => [
            code(benchmark),
            formatBytes(one),
            formatBytes(other),
            one === 0 ? '–' : ratioText(other / one),
          ]),
        ),
      ),
    `<sub>${[comparison.onTimes, ...(drift === undefined ? [] : [drift])].join(' ')}</sub>`,
  ];
  return `${blocks.filter((block) => block !== false).join('\n\n')}\n`;
}

function timesGrid(measurements: readonly Measurement[]): string {
  return grid(
    ['', 'base', 'head', 'ratio', 'interval', ''],
    measurements.map((each) => [
      code(`${each.name} ${each.metric}`),
      quantityText(each, each.base?.value),
      quantityText(each, each.head?.value),
      ratioText(each.ratio),
      ratioIntervalText(each.ratioInterval),
      each.verdict + (each.reason === undefined || each.reason.startsWith('another machine') ? '' : `: ${code(each.reason)}`),
    ]),
  );
}
