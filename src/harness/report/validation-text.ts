// What a validation of the gate came to, as a markdown table that can be read in a terminal: the README shows it as it is.

import { CONTROLS, type Rate, type SwappedSides, type ValidationRow, type ValidationSummary } from '../result/gate-validation.ts';
import { formatShare } from './numbers.ts';

/** Ends in a newline. */
export function renderValidation({ rows, alarms, alarmedGates, swapped }: ValidationSummary): string {
  const heads = ['', 'benchmarks', 'slower', 'faster', 'same', 'inconclusive', 'seconds each', ...CONTROLS];
  const cells = rows.map((row) => [
    row.name,
    String(row.benchmarks),
    ...(['slower', 'faster', 'same', 'inconclusive'] as const).map((word) => share(row.words[word], row)),
    row.seconds.toFixed(1),
    ...CONTROLS.map((control) => share(row.controls[control], row)),
  ]);
  const widths = heads.map((head, column) => Math.max(head.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [
    line(heads),
    rule,
    ...cells.map(line),
    '',
    `False alarms, either way: ${rate(alarms)} of benchmarks, ${rate(alarmedGates)} of gates.`,
    ...(Number.isNaN(swapped.gates) ? [] : [swappedSides(swapped)]),
    '',
  ].join('\n');
}

function share(count: number, { benchmarks }: ValidationRow): string {
  return `${count} (${formatShare(count / benchmarks)})`;
}

/** An estimate: the gates that were drawn from one are no gates of their own. */
function swappedSides({ draws, benchmarks, gates }: SwappedSides): string {
  return `With BASE and HEAD of the same code swapped by chance in every round, ${draws} times: ${formatShare(benchmarks)} of benchmarks, ${formatShare(gates)} of gates.`;
}

/** '0 of 480 (below 0.63% with 95% confidence)'. */
function rate({ count, of, below }: Rate): string {
  return `${count} of ${of} (below ${formatShare(below)} with 95% confidence)`;
}
