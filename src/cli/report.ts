// `windtunnel report RESULT`: what a run printed, from its result file.

import { systemClock } from '../runtime/clock.ts';
import { EXIT } from '../harness/report/exit.ts';
import { renderSummary } from '../harness/report/summary.ts';
import { readRun } from '../harness/result/files.ts';
import { findRun } from '../harness/result/find.ts';
import { type Command, flag, text, UsageError } from './command.ts';
import { resultsFolder, shortPath } from './measure.ts';
import { wantsColour, widthOf } from './terminal.ts';

export const report: Command = {
  name: 'report',
  summary: 'Print the summary of a recorded run',
  arguments: '[RESULT]',
  options: {
    json: { type: 'boolean', description: 'print the result itself' },
    results: { type: 'string', placeholder: 'DIR', description: 'where results are looked for', defaultText: 'results' },
  },
  notes: `RESULT is a path, a commit or ref (its newest result), 'latest' (the default) or 'baseline'.`,
  async run(invocation) {
    const [spec = 'latest', ...more] = invocation.positionals;
    if (more.length > 0) throw new UsageError(`report takes one result, not '${invocation.positionals.join(' ')}'`);
    const path = await findRun(spec, text(invocation, 'results') ?? resultsFolder(), { clock: systemClock });
    const run = await readRun(path);
    const out = process.stdout;
    out.write(
      flag(invocation, 'json')
        ? `${JSON.stringify(run, null, 2)}\n`
        : renderSummary(run, { colour: wantsColour(out), width: widthOf(out), path: shortPath(path) }),
    );
    return EXIT.passed;
  },
};
