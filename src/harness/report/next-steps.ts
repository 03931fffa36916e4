// What to run after a run, given how it went.

import type { Run, ScenarioResult } from '../result/schema.ts';
import { EXIT } from './exit.ts';

export interface NextStep {
  readonly command: string;
  readonly why: string;
}

/** The most useful commands to follow, at most three. */
export function nextSteps(run: Run): NextStep[] {
  const steps: NextStep[] = [];
  const find = (is: (scenario: ScenarioResult) => boolean) => run.scenarios.find(is);
  const again = (scenario: ScenarioResult, why: string) => steps.push({ command: runAgain(run, scenario), why });
  if (run.exit.code === EXIT.interrupted)
    steps.push({ command: `npx windtunnel ${run.command.join(' ')}`, why: 'from the beginning' });
  const violated = find(({ verdicts }) => verdicts.correct === 'violated');
  if (violated !== undefined) again(violated, 'the same operations again');
  const broken = find(({ status }) => status === 'failed');
  if (broken !== undefined) again(broken, 'once the reason is gone');
  const invalid = find(
    ({ verdicts, status }) => status === 'complete' && (verdicts.fast === 'invalid' || verdicts.correct === 'unknown'),
  );
  if (invalid !== undefined) again(invalid, 'on a quieter machine, or with less load');
  const slow = find(({ verdicts }) => verdicts.fast === 'failed');
  if (slow !== undefined) again(slow, 'the same load again');
  const benchmark = run.microbenchmarks.find(({ status }) => status === 'failed');
  if (benchmark !== undefined) steps.push({ command: `npx windtunnel micro ${benchmark.id}`, why: 'only the one that failed' });
  return steps.length > 0 ? steps.slice(0, 3) : afterSuccess(run);
}

function afterSuccess(run: Run): NextStep[] {
  const last = run.scenarios.at(-1);
  const steps: NextStep[] = [];
  if (run.profile === 'quick') steps.push({ command: 'npm run bench -- --profile full', why: 'longer, with tighter intervals' });
  if (last === undefined) steps.push({ command: 'npx windtunnel bench', why: 'the standard scenarios too' });
  else steps.push({ command: runAgain(run, last), why: 'one scenario, the same operations' });
  return steps;
}

/** The command that repeats a scenario: that of the run, whose flags say how long, on what and with how many, with its seed. */
export function runAgain(
  { command: [name, ...words] }: Pick<Run, 'command'>,
  scenario: Pick<ScenarioResult, 'name' | 'seed'>,
): string {
  const same = name === 'run' ? withoutSeed(words) : [scenario.name];
  return ['npx windtunnel run', ...same.map(quoted), '--seed', scenario.seed].join(' ');
}

function withoutSeed(words: readonly string[]): string[] {
  return words.filter((word, at) => !/^--seed(=|$)/.test(word) && words[at - 1] !== '--seed');
}

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
