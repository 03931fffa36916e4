// A gate for the terminal.

import { perOperation } from '../result/comparison.ts';
import { type Gate, GATE_WORDS, type GateSubject, type GateWordShown } from '../result/gate.ts';
import { countsText, quantityText } from './comparison-words.ts';
import { changeText, gateCounts, injectionText, intervalText, methodText, outcomeText, treeText } from './gate-words.ts';
import { rule } from './scenario-sections.ts';
import { NARROWEST, WIDEST } from './summary.ts';
import { type Cell, hang, type Paint, plainDeep, type Style, styleOf, table } from './text.ts';

export interface GateTextOptions {
  readonly colour: boolean;
  /** Columns of the terminal; 72 to 140 of them are used. */
  readonly width: number;
  /** Where the file is. */
  readonly path?: string;
}

/** Ends in a newline. No text of a result can carry terminal escapes into it. */
export function renderGate(original: Gate, options: GateTextOptions): string {
  const gate = plainDeep(original);
  const style = styleOf(options.colour);
  const width = Math.min(WIDEST, Math.max(NARROWEST, Math.floor(options.width)));
  const sections = [
    [`BASE  ${treeText(gate.base)}`, `HEAD  ${treeText(gate.head)}`].map(style.strong),
    subjects(gate, style, width),
    counts(gate, style, width),
    remarks(gate, style, width),
    ending(gate, style, width, options.path),
  ];
  const shown = sections.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return `\n${shown.join('\n\n')}\n`;
}

function subjects({ subjects: all }: Gate, style: Style, width: number): string[] {
  if (all.length === 0) return [];
  const heads = ['', 'BASE', 'HEAD', 'change', 'interval', 'rounds', ''].map((text) => ({ text, paint: style.faint }));
  const sorted = all.toSorted((a, b) => GATE_WORDS.indexOf(a.verdict) - GATE_WORDS.indexOf(b.verdict));
  const rows = sorted.map((each): (Cell | string)[] => [
    each.id,
    quantityText(each, each.base),
    quantityText(each, each.head),
    changeText(each.first.ratio),
    intervalText(each.first.interval),
    roundsText(each),
    { text: each.verdict, paint: paintOf(each.verdict, style) },
  ]);
  return [
    rule('gate', style, width),
    ...table([heads, ...rows], { align: 'lrrrrrl', indent: 2, width }),
    ...sorted.flatMap((each) =>
      each.reason === undefined ? [] : hang('  ', `${each.id}: ${each.reason}`, width).map(style.faint),
    ),
  ];
}

/** '10', '20+10': those of the rerun are behind the plus. */
function roundsText({ first, rerun }: GateSubject): string {
  return `${first.rounds.length}${rerun === undefined ? '' : `+${rerun.rounds.length}`}`;
}

function paintOf(verdict: GateWordShown, style: Style): Paint {
  const paints = {
    slower: style.bad,
    accepted: style.doubtful,
    faster: style.good,
    inconclusive: style.faint,
    failed: style.bad,
    same: style.faint,
  };
  return paints[verdict];
}

function counts({ counts: all }: Gate, style: Style, width: number): string[] {
  const moved = all.filter(({ verdict }) => verdict !== 'same');
  if (moved.length === 0) return [];
  const heads = ['', 'BASE', 'HEAD', ''].map((text) => ({ text, paint: style.faint }));
  const rows = moved.map(({ benchmark, count, base, head, verdict }): (Cell | string)[] => [
    `${benchmark} ${count}`,
    perOperation(base),
    perOperation(head),
    { text: verdict, paint: verdict === 'more' ? style.bad : style.good },
  ]);
  return [rule('counts per operation', style, width), ...table([heads, ...rows], { align: 'lrrl', indent: 2, width })];
}

function remarks(gate: Gate, style: Style, width: number): string[] {
  const accepted = gate.subjects.flatMap(({ id, acceptance }) => (acceptance === undefined ? [] : [{ id, ...acceptance }]));
  return [
    ...accepted.flatMap(({ id, ratio, reason, commit }) =>
      hang('accepted  ', `${id} up to ${changeText(ratio)}, by ${commit.slice(0, 7)}: ${reason}`, width),
    ),
    ...gate.unused.flatMap(({ benchmark, commit }) =>
      hang('unused acceptance  ', `${benchmark} (${commit.slice(0, 7)}) is not slower: it can be removed`, width),
    ),
    ...(gate.added.length === 0 ? [] : hang('added    ', gate.added, width)),
    ...(gate.removed.length === 0 ? [] : hang('removed  ', gate.removed, width)),
  ].map(style.doubtful);
}

function ending(gate: Gate, style: Style, width: number, path: string | undefined): string[] {
  const injection = injectionText(gate);
  const passed = gate.exit.code === 0;
  const outcome = outcomeText(gate);
  return [
    rule('verdict', style, width),
    ...hang('  ', gateCounts(gate), width),
    `  ${countsText(gate.counts)}`,
    ...(injection === undefined ? [] : hang('  ', injection, width).map(style.doubtful)),
    ...hang('  ', methodText(gate), width).map(style.faint),
    ...(path === undefined ? [] : [`  ${style.faint(path)}`]),
    `  ${passed ? style.good(`✓ ${outcome}`) : style.bad(`✗ ${outcome}`)} ${style.faint(`(exit code ${gate.exit.code})`)}`,
    ...gate.exit.reasons.flatMap((reason) => hang('    - ', reason, width)),
  ];
}
