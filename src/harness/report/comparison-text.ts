// A comparison for the terminal.

import { type Comparison, type Measurement, perOperation, type VerdictWord } from '../result/comparison.ts';
import {
  countsText,
  driftText,
  quantityText,
  ratioIntervalText,
  ratioText,
  sideText,
  verdictCounts,
} from './comparison-words.ts';
import { formatBytes } from './numbers.ts';
import { rule } from './scenario-sections.ts';
import { NARROWEST, WIDEST } from './summary.ts';
import { type Cell, hang, type Paint, plainDeep, type Style, styleOf, table, wrap } from './text.ts';

/** Allocated bytes vary by this much without a reason; what varies less is left out. */
const ALLOCATION_SCATTER = 0.05;

/** What stands beside a label. Where they do not fit, labels that end alike need the room more than the interval does. */
const NUMBERS_WIDTH = 58;

/** Named of what only one side has; the rest is a number, and in the JSON. */
const MOST_MISSING = 20;

export interface ComparisonTextOptions {
  readonly colour: boolean;
  /** Columns of the terminal; 72 to 140 of them are used. */
  readonly width: number;
}

/** Ends in a newline. No text of a result can carry terminal escapes into it. */
export function renderComparison(original: Comparison, options: ComparisonTextOptions): string {
  const comparison = plainDeep(original);
  const style = styleOf(options.colour);
  const width = Math.min(WIDEST, Math.max(NARROWEST, Math.floor(options.width)));
  const { measurements } = comparison;
  const scenarios = [...new Set(measurements.filter(isOfScenario).map(({ name }) => name))];
  const sections = [
    heading(comparison, style, width),
    machines(comparison, style, width),
    times(
      'microbenchmarks',
      measurements.filter((each) => !isOfScenario(each)),
      style,
      width,
    ),
    ...scenarios.map((name) =>
      times(
        name,
        measurements.filter((each) => isOfScenario(each) && each.name === name),
        style,
        width,
      ),
    ),
    counts(comparison, style, width),
    allocations(comparison, style, width),
    missing(comparison, style, width),
    ending(comparison, style, width),
  ];
  return `\n${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

const isOfScenario = ({ kind }: Measurement) => kind === 'scenario';

function heading({ base, head }: Comparison, style: Style, width: number): string[] {
  return [...hang('BASE  ', sideText(base), width).map(style.strong), ...hang('HEAD  ', sideText(head), width).map(style.strong)];
}

function machines({ differences }: Comparison, style: Style, width: number): string[] {
  if (differences.length === 0) return [];
  const heads = ['', 'BASE', 'HEAD'].map((text) => ({ text, paint: style.faint }));
  const rows = differences.map(({ what, base, head }) => [what, base, head]);
  return [
    style.doubtful('Another machine: no time is comparable.'),
    ...table([heads, ...rows], { align: 'lll', indent: 2, width, elastic: 2 }),
  ];
}

function times(title: string, measurements: readonly Measurement[], style: Style, width: number): string[] {
  if (measurements.length === 0) return [];
  const hasRoom = Math.max(...measurements.map((each) => labelOf(each).length)) + NUMBERS_WIDTH <= width;
  const columns = ['', 'BASE', 'HEAD', 'ratio', ...(hasRoom ? ['interval'] : []), ''];
  const heads = columns.map((text) => ({ text, paint: style.faint }));
  const rows = measurements.map((each): (Cell | string)[] => [
    labelOf(each),
    quantityText(each, each.base?.value),
    quantityText(each, each.head?.value),
    ratioText(each.ratio),
    ...(hasRoom ? [ratioIntervalText(each.ratioInterval)] : []),
    { text: each.verdict, paint: paintOf(each.verdict, style) },
  ]);
  return [
    rule(title, style, width),
    ...table([heads, ...rows], { align: hasRoom ? 'lrrrrl' : 'lrrrl', indent: 2, width }),
    ...reasons(measurements, style, width),
  ];
}

function labelOf({ kind, name, metric }: Measurement): string {
  if (kind === 'scenario') return metric;
  return metric === 'median' ? name : `${name} ${metric}`;
}

/** Each once: that of another machine is that of every row, and stands above. */
function reasons(measurements: readonly Measurement[], style: Style, width: number): string[] {
  const all = new Map<string, string[]>();
  for (const each of measurements) {
    if (each.reason === undefined || each.reason.startsWith('another machine')) continue;
    all.set(each.reason, [...(all.get(each.reason) ?? []), labelOf(each)]);
  }
  return [...all].flatMap(([reason, labels]) => {
    const whose =
      labels.length === measurements.length ? 'all' : labels.length > 3 ? `${labels.length} of them` : labels.join(', ');
    return hang('  ', `${whose}: ${reason}`, width).map(style.faint);
  });
}

function paintOf(verdict: VerdictWord, style: Style): Paint {
  const paints = {
    slower: style.bad,
    faster: style.good,
    same: style.faint,
    inconclusive: style.faint,
    incomparable: style.doubtful,
  };
  return paints[verdict];
}

function counts({ counts: all }: Comparison, style: Style, width: number): string[] {
  if (all.length === 0) return [];
  const heads = ['', 'BASE', 'HEAD', ''].map((text) => ({ text, paint: style.faint }));
  const paints = { more: style.bad, fewer: style.good, same: style.faint };
  const rows = all.map(({ benchmark, count, base, head, verdict }): (Cell | string)[] => [
    `${benchmark} ${count}`,
    perOperation(base),
    perOperation(head),
    { text: verdict, paint: paints[verdict] },
  ]);
  return [
    rule('counts per operation', style, width),
    ...table([heads, ...rows], { align: 'lrrl', indent: 2, width }),
    `  ${style.faint('deterministic, compared exactly: one that rose is a regression')}`,
  ];
}

function allocations({ allocations: all }: Comparison, style: Style, width: number): string[] {
  const changed = all.filter(({ base, head }) => Math.abs(head - base) > Math.max(8, ALLOCATION_SCATTER * base));
  if (changed.length === 0) return [];
  const heads = ['', 'BASE', 'HEAD', 'ratio'].map((text) => ({ text, paint: style.faint }));
  const rows = changed.map(({ benchmark, base, head }) => [
    benchmark,
    formatBytes(base),
    formatBytes(head),
    base === 0 ? '–' : ratioText(head / base),
  ]);
  return [
    rule('allocated per operation', style, width),
    ...table([heads, ...rows], { align: 'lrrr', indent: 2, width }),
    ...hang(
      '  ',
      `where it differs by more than 5 %, ${changed.length} of ${all.length}; measured, and of the same code not the same twice: reported, never gated`,
      width,
    ).map(style.faint),
  ];
}

function missing({ onlyInBase, onlyInHead }: Comparison, style: Style, width: number): string[] {
  const list = (names: readonly string[]) => {
    const more = names.length - MOST_MISSING;
    return more > 0 ? [...names.slice(0, MOST_MISSING), `and ${more} more`] : names;
  };
  return [
    ...(onlyInBase.length === 0 ? [] : hang('only in BASE  ', list(onlyInBase), width)),
    ...(onlyInHead.length === 0 ? [] : hang('only in HEAD  ', list(onlyInHead), width)),
  ].map(style.doubtful);
}

function ending(comparison: Comparison, style: Style, width: number): string[] {
  const { measurements, counts: all, exit, onTimes } = comparison;
  const drift = driftText(comparison);
  const words = measurements.length === 0 ? ['no times in both'] : verdictCounts(measurements);
  const passed = exit.code === 0;
  return [
    rule('verdict', style, width),
    ...wrap(`times: ${words.join(', ')}`, width - 2).map((line) => `  ${line}`),
    `  ${passed ? countsText(all) : style.bad(countsText(all))}`,
    ...(drift === undefined ? [] : hang('  ', drift, width).map(style.faint)),
    ...hang('  ', onTimes, width).map(style.faint),
    `  ${passed ? style.good('✓ nothing gated got worse') : style.bad('✗ regression')} ${style.faint(`(exit code ${exit.code})`)}`,
    ...exit.reasons.flatMap((reason) => hang('    - ', reason, width)),
  ];
}
