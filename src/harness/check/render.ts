// The result of a linearizability check as text for people.

import type { AcknowledgedWritesResult } from './acknowledged-writes.ts';
import type { ExplainedOperation, Explanation } from './explanation.ts';
import type { LinearizabilityResult } from './linearizability.ts';
import { spanOf } from './operation-line.ts';
import type { CheckerVerdict } from './verdict.ts';

/** Operations of a violation that are printed, unless more are asked for. */
const SHOWN = 32;

/** Several lines: the verdict, and when violated what could not be ordered. Control characters are escaped. */
export function explain(result: LinearizabilityResult, mostShown = SHOWN): string {
  const examined = `${count(result.operations, 'operation')} on ${count(result.partitions, 'key')}, model ${result.model}`;
  if (result.verdict === 'valid') return `valid: ${examined}: all can be put in one order`;
  if (result.verdict === 'unknown') return printable(`unknown: ${result.reason} (${examined})`);
  return [`violated: not linearizable (${examined})`, ...violationLines(result.explanation, mostShown)].map(printable).join('\n');
}

function violationLines(
  { key, operations, stuck, prefix, witness, note, selfContained }: Explanation,
  mostShown: number,
): string[] {
  const where = key === undefined ? '' : ` on key ${JSON.stringify(key)}`;
  const because = note !== undefined ? `; ${note}` : selfContained ? ', whatever the value was before' : '';
  const shown = around(witness, stuck, mostShown);
  return [
    `  ${witness.length === 1 ? 'this' : 'these'} ${count(witness.length, 'operation')}${where} (of ${operations}) cannot be put in any order${because}:`,
    ...table(shown, stuck),
    ...(shown.length < witness.length ? [`    ... (${count(witness.length - shown.length, 'operation')} not shown)`] : []),
    ...(prefix === undefined ? [] : prefixLines(prefix)),
  ];
}

/** The operations nearest to the one that is stuck, where there are too many to show. */
function around(
  witness: readonly ExplainedOperation[],
  stuck: ExplainedOperation,
  mostShown: number,
): readonly ExplainedOperation[] {
  const at = witness.findIndex(({ operation }) => operation === stuck.operation);
  const end = Math.min(witness.length, Math.max(at + mostShown / 4, mostShown));
  return witness.slice(Math.max(0, end - mostShown), end);
}

function prefixLines({ length, tail, state }: NonNullable<Explanation['prefix']>): string[] {
  if (length === 0) return ['  nothing took effect before'];
  const ending = state === undefined ? '' : `, ending in state ${state}`;
  const changes = tail.length === 0 ? 'none of them changed it' : `the last changes: ${tail.map(({ text }) => text).join('; ')}`;
  return [`  before that, ${count(length, 'operation')} can be ordered${ending}`, `    ${changes}`];
}

function table(witness: readonly ExplainedOperation[], stuck: ExplainedOperation): string[] {
  const rows = witness.map((explained) => {
    const { process, node, index } = explained.operation;
    const mark = index === stuck.operation.index ? '>' : ' ';
    return [
      `  ${mark} process ${process}${node === undefined ? '' : ` @${node}`}`,
      explained.text,
      spanOf(explained.operation),
      outcome(explained),
    ];
  });
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function outcome({ operation: { outcome, error }, required }: ExplainedOperation): string {
  const reason = error === undefined ? '' : ` (${error})`;
  if (outcome === 'unknown') return `unknown${reason}`;
  return `${outcome}${reason}${required ? '' : ', under way'}`;
}

function count(number: number, thing: string): string {
  return `${number.toLocaleString('en-US')} ${thing}${number === 1 ? '' : 's'}`;
}

/** Values come from the system under test and may hold anything, also terminal escapes. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** The verdict with its reason, the counts, and when violated what went wrong with which add. */
export function explainAcknowledgedWrites(result: AcknowledgedWritesResult): string {
  const { attempted, acknowledged, unknown, lost, recovered } = result.counts;
  const verdict = result.verdict === 'valid' ? 'valid: every acknowledged add survived' : `${result.verdict}: ${result.reason}`;
  const counts = `${attempted} attempted, ${acknowledged} acknowledged, ${lost} lost, ${unknown} unknown of which ${recovered} survived`;
  const lines = result.verdict === 'violated' ? result.explanation.map((line) => `  ${line}`) : [];
  return [verdict, `  ${counts}`, ...lines].map(printable).join('\n');
}

/** The verdict with its reason, and when violated the explanation. Control characters are escaped. */
export function explainVerdict(result: CheckerVerdict): string {
  const counts = Object.entries(result.counts).map(([name, value]) => `${value.toLocaleString('en-US')} ${name}`);
  const examined = `${result.checker}: ${counts.join(', ')}`;
  if (result.verdict === 'valid') return printable(`valid: ${examined}`);
  const head = `${result.verdict}: ${result.reason} (${examined})`;
  const lines = result.verdict === 'violated' ? result.explanation.map((line) => `  ${line}`) : [];
  return [head, ...lines].map(printable).join('\n');
}
