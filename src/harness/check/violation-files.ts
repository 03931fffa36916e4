// The explanations of violations as files beside the histories that they explain.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckResult } from '../result/schema.ts';

export interface ViolationContext {
  /** The folder of run.json; the scenario has one of its own, by its name, below it. */
  readonly folder: string;
  readonly scenario: string;
  readonly seed: number;
  /** Relative to `folder`. */
  readonly historyFiles: readonly string[];
}

/**
 * Writes `violation-<checker>.txt` for each violation into the scenario's folder, with a number where one checker found several.
 * Resolves with the checks, each with the file of its own. Throws what writing a file may throw.
 */
export async function writeViolations(checks: readonly CheckResult[], context: ViolationContext): Promise<CheckResult[]> {
  const written: CheckResult[] = [];
  for (const check of checks) {
    if (check.explanation === undefined) {
      written.push(check);
      continue;
    }
    const before = written.filter(({ checker, explanationFile }) => checker === check.checker && explanationFile !== undefined);
    const number = before.length === 0 ? '' : `-${before.length + 1}`;
    const explanationFile = join(context.scenario, `violation-${check.checker}${number}.txt`);
    await writeFile(join(context.folder, explanationFile), textOf(check, check.explanation, context));
    written.push({ ...check, explanationFile });
  }
  return written;
}

function textOf({ checker, verdict, operations }: CheckResult, explanation: string, context: ViolationContext): string {
  const { scenario, seed, historyFiles } = context;
  const lines = [
    `${scenario}, seed ${seed}: ${checker} ${verdict}, ${operations.toLocaleString('en-US')} operations`,
    '',
    explanation,
    '',
    'Times are from the start of the scenario, as in run.json. Logs of the nodes lie beside this file.',
    ...(historyFiles.length === 0 ? [] : ['To check the histories again, in the folder of run.json:']),
    ...historyFiles.map((file) => `  npx windtunnel check ${file}`),
  ];
  return `${lines.join('\n')}\n`;
}
