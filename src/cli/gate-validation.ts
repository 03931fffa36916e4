// `windtunnel gate --validate`: how often the gate is right, measured; or, with --from, judged again from a recorded validation.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { systemClock } from '../runtime/clock.ts';
import { parseDuration } from '../runtime/duration.ts';
import { freshSeed } from '../runtime/random.ts';
import { RULE, summariseValidation } from '../harness/compare/gate-validation.ts';
import { readValidations, validateGate } from '../harness/gate/validation.ts';
import { EXIT } from '../harness/report/exit.ts';
import { renderValidation } from '../harness/report/validation-text.ts';
import { git } from '../harness/result/environment.ts';
import { resultId } from '../harness/result/files.ts';
import type { Validation } from '../harness/result/gate-validation.ts';
import { writeWhole } from '../harness/result/whole-file.ts';
import { type Invocation, text, UsageError, wholeNumber } from './command.ts';
import { catchInterrupts } from './interrupt.ts';
import { resultsFolder, shortPath } from './folders.ts';

const DEFAULT_GATES = 10;

/** Resolves with the exit code. */
export async function runValidation(invocation: Invocation): Promise<number> {
  const from = text(invocation, 'from');
  if (from !== undefined) {
    const recorded = await readValidations(from);
    if (!isDeepStrictEqual(recorded.rule, RULE))
      process.stderr.write(`windtunnel: ${from} was recorded under another rule; it is judged by the one of today\n`);
    process.stdout.write(renderValidation(summariseValidation(recorded)));
    return EXIT.passed;
  }
  for (const name of ['base', 'head', 'inject'] as const)
    if (text(invocation, name) !== undefined)
      throw new UsageError(`--validate measures HEAD against itself: it takes no --${name}`);
  const note = (line: string) => process.stderr.write(`${line}\n`);
  const interruption = catchInterrupts(() => note('interrupted: stopping, and keeping the gates that have ended'));
  const folder = join(text(invocation, 'results') ?? resultsFolder(), 'gate-validation');
  await mkdir(folder, { recursive: true });
  const commit = (await git(process.cwd(), systemClock, 'rev-parse', 'HEAD')) ?? '';
  const path = join(folder, `${resultId(systemClock.wallTime(), { commit, dirty: false })}.json`);
  try {
    const validation = await validateGate({
      checkout: process.cwd(),
      filter: text(invocation, 'filter'),
      gates: wholeNumber(invocation, 'gates', 1, 10_000) ?? DEFAULT_GATES,
      budgetMs: parseDuration(text(invocation, 'budget') ?? '10m'),
      seed: wholeNumber(invocation, 'seed', 0, Number.MAX_SAFE_INTEGER) ?? freshSeed(),
      clock: systemClock,
      signal: interruption.signal,
      onStep: note,
      onGate: (soFar) => writeWhole(path, (file) => file.writeFile(layOutValidation(soFar))),
    });
    process.stdout.write(`${renderValidation(summariseValidation(validation))}\n${shortPath(path)}\n`);
    if (interruption.signal.aborted) return EXIT.interrupted;
    if (validation.gates.length > 0) return EXIT.passed;
    note(
      'no gate ended within its time, and what was cut short does not count: give it a longer --budget, or a narrower --filter',
    );
    return EXIT.invalid;
  } finally {
    interruption.dispose();
  }
}

/** A gate a line: there are many numbers in each. */
function layOutValidation({ gates, ...head }: Validation): string {
  const opening = JSON.stringify(head, null, 2).replace(/\n\}$/, ',\n  "gates": [');
  return `${opening}\n${gates.map((gate) => JSON.stringify(gate)).join(',\n')}\n]}\n`;
}
