// What text and markdown say of a gate in the same words.

import { formatDuration } from '../../runtime/duration.ts';
import { type Gate, GATE_WORDS, type GateSubject } from '../result/gate.ts';

/** '+5.2%': of a ratio, in the direction in which it was measured. */
export function changeText(ratio: number | undefined): string {
  if (ratio === undefined) return '–';
  if (ratio >= 2) return `x${ratio.toFixed(ratio >= 9.95 ? 0 : 1)}`;
  const percent = 100 * (ratio - 1);
  const digits = Math.abs(percent) < 0.05 ? '0.0' : Math.abs(percent).toFixed(1);
  return `${percent <= -0.05 ? '-' : '+'}${digits}%`;
}

/** '+3.1% to +7.4%'. */
export function intervalText(interval: GateSubject['first']['interval']): string {
  return interval === undefined ? '–' : `${changeText(interval[0])} to ${changeText(interval[1])}`;
}

/** 'main (eb14d2c)', 'the working tree (eb14d2c with changes)'. */
export function treeText({ ref, commit, dirty }: Gate['base']): string {
  const short = `${commit.slice(0, 7)}${dirty ? ' with changes' : ''}`;
  return ref !== undefined && commit.startsWith(ref) ? short : `${ref ?? 'the working tree'} (${short})`;
}

/** ['1 slower', '12 same']. */
export function gateCounts({ subjects }: Gate): string[] {
  return GATE_WORDS.flatMap((word) => {
    const count = subjects.filter(({ verdict }) => verdict === word).length;
    return count === 0 ? [] : [`${count} ${word}`];
  });
}

export function outcomeText(gate: Gate): string {
  if (gate.status === 'interrupted') return 'interrupted';
  if (gate.exit.code === 0) return 'nothing got slower';
  if (gate.exit.code === 94) return 'slower';
  return gate.exit.code === 96 ? 'too noisy to say' : 'failed';
}

/** How it was measured. */
export function methodText(gate: Gate): string {
  const took = Date.parse(gate.finishedAt) - Date.parse(gate.startedAt);
  const where =
    gate.pinnedTo.length === 0
      ? 'not pinned to cores'
      : `both on the same of ${gate.pinnedTo.length} core${gate.pinnedTo.length === 1 ? '' : 's'}`;
  const has = (kind: GateSubject['kind']) => gate.subjects.some((each) => each.kind === kind);
  return [
    ...(has('microbenchmark') ? [`Benchmarks: duets of fresh processes, ${where}.`] : []),
    ...(has('scenario') ? ['Scenarios: fresh clusters of either side in turn, at the same load.'] : []),
    'Judged after 10, 20 and 30 rounds; slower is what a rerun confirms.',
    `Seed ${gate.seed}, ${formatDuration(took)} of ${formatDuration(gate.budgetSeconds * 1_000)}.`,
  ].join(' ');
}

export function injectionText({ injected }: Gate): string | undefined {
  return injected && `HEAD was made slower on purpose: ${injected.kind}, ${Math.round(100 * injected.share)} %.`;
}
