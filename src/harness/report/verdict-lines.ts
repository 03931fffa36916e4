// The four verdicts of a scenario in words: fast? correct? explained? changed?

import type { ScenarioResult } from '../result/schema.ts';
import { formatCount } from './numbers.ts';
import { hang, type Paint, type Style } from './text.ts';

type Verdicts = ScenarioResult['verdicts'];
export type Mood = 'good' | 'bad' | 'doubtful' | 'faint';

/** One of the four verdicts as it is shown. */
export interface ShownVerdict {
  readonly question: 'fast?' | 'correct?' | 'explained?' | 'changed?';
  readonly verdict: Verdicts[keyof Verdicts];
  readonly symbol: string;
  readonly mood: Mood;
  /** Why, or what it does not say. */
  readonly words: string;
}

/** How a verdict looks: a symbol, and what it means for the reader. */
const LOOKS: Record<Verdicts[keyof Verdicts], { readonly symbol: string; readonly mood: Mood }> = {
  passed: { symbol: '✓', mood: 'good' },
  failed: { symbol: '✗', mood: 'bad' },
  invalid: { symbol: '!', mood: 'bad' },
  valid: { symbol: '✓', mood: 'good' },
  violated: { symbol: '✗', mood: 'bad' },
  unknown: { symbol: '?', mood: 'doubtful' },
  complete: { symbol: '✓', mood: 'good' },
  partial: { symbol: '–', mood: 'faint' },
  unchecked: { symbol: '–', mood: 'faint' },
  same: { symbol: '✓', mood: 'good' },
  faster: { symbol: '✓', mood: 'good' },
  slower: { symbol: '✗', mood: 'bad' },
  inconclusive: { symbol: '?', mood: 'doubtful' },
  incomparable: { symbol: '?', mood: 'doubtful' },
};

const VERDICT_WIDTH = 'inconclusive'.length;

/** The four verdicts, in their order. */
export function verdictsOf(scenario: ScenarioResult): ShownVerdict[] {
  const { fast, correct, explained, changed } = scenario.verdicts;
  return [
    { question: 'fast?', verdict: fast, ...LOOKS[fast], words: fastWords(scenario) },
    { question: 'correct?', verdict: correct, ...LOOKS[correct], words: correctWords(scenario) },
    { question: 'explained?', verdict: explained, ...LOOKS[explained], words: explainedWords(scenario) },
    { question: 'changed?', verdict: changed, ...LOOKS[changed], words: CHANGED[changed] },
  ];
}

/** Four verdicts, a line each or more where the words are many. */
export function verdictLines(scenario: ScenarioResult, style: Style, width: number): string[] {
  return verdictsOf(scenario).flatMap((verdict) => line(verdict, style, width));
}

function line({ question, verdict, symbol, mood, words }: ShownVerdict, style: Style, width: number): string[] {
  const lead = `    ${question.padEnd('explained?'.length)}  ${symbol} `;
  const first = `${lead}${verdict.padEnd(VERDICT_WIDTH)}  `;
  const [head = first, ...rest] = hang(first, words, width);
  const paint: Paint = style[mood];
  const painted = `${lead.slice(0, -2)}${paint(head.slice(lead.length - 2, first.length))}${style.faint(head.slice(first.length))}`;
  return [painted, ...rest.map((text) => style.faint(text))];
}

function fastWords({ thresholds, verdicts }: ScenarioResult): string {
  const missed = thresholds.filter(({ passed }) => !passed).length;
  const number = thresholds.length;
  const words = {
    passed: number === 1 ? 'its threshold held' : `all ${number} thresholds held`,
    failed: number === 1 ? 'its threshold did not hold' : `${missed} of ${number} thresholds did not hold`,
    unchecked: 'no thresholds were set',
    invalid: 'the instrument was at fault, its numbers say nothing about the system',
  };
  return words[verdicts.fast];
}

function correctWords({ checks, verdicts }: ScenarioResult): string {
  if (verdicts.correct === 'unchecked') return 'no checker was asked';
  const decisive = checks.filter(({ verdict }) => verdict === verdicts.correct);
  const names = decisive.map(({ checker }) => checker).join(', ');
  const most = Math.max(0, ...decisive.map(({ operations }) => operations));
  const reasons = decisive.flatMap(({ reason }) => reason ?? []).join('; ');
  const words = {
    valid: `${names} of ${formatCount(most)} operations`,
    violated: `the system broke its promise: ${names}`,
    unknown: `could not be decided: ${reasons || names || 'no reason given'}`,
  };
  return words[verdicts.correct];
}

function explainedWords({ verdicts, traces }: ScenarioResult): string {
  const slowest = traces?.list.filter(({ keptFor }) => keptFor.includes('slowest')) ?? [];
  if (verdicts.explained === 'complete')
    return `timeline, fault windows and complete traces of ${formatCount(slowest.filter(({ missing }) => missing === undefined).length)} of the slowest requests`;
  const missing = slowest.flatMap((trace) => trace.missing ?? []);
  return missing.length === 0
    ? 'timeline and fault windows; no traces of the slowest requests'
    : `timeline and fault windows; of the traces of the slowest requests something is missing: ${missing.at(-1)}`;
}

const CHANGED: Record<Verdicts['changed'], string> = {
  unchecked: 'not compared with another commit',
  same: 'no slower and no faster than the commit it was compared with',
  faster: 'faster than the commit it was compared with',
  slower: 'slower than the commit it was compared with',
  inconclusive: 'the measurement was too noisy to say',
  incomparable: 'the other result comes from another machine or another schema',
};
