// `windtunnel compare BASE HEAD`: two recorded results, side by side.

import { systemClock } from '../runtime/clock.ts';
import { compareRuns } from '../harness/compare/compare.ts';
import { renderComparisonMarkdown } from '../harness/report/comparison-markdown.ts';
import { renderComparison } from '../harness/report/comparison-text.ts';
import { EXIT } from '../harness/report/exit.ts';
import { readRun } from '../harness/result/files.ts';
import { findRun } from '../harness/result/find.ts';
import { choice, type Command, text, UsageError } from './command.ts';
import { resultsFolder } from './folders.ts';
import { wantsColour, widthOf } from './terminal.ts';

const FORMATS = ['text', 'json', 'markdown'] as const;

export const compare: Command = {
  name: 'compare',
  summary: 'Compare two recorded results',
  arguments: 'BASE HEAD',
  options: {
    format: {
      type: 'string',
      placeholder: 'FORMAT',
      description: `one of ${FORMATS.join(', ')}; markdown is for a comment on a pull request`,
      defaultText: 'text',
    },
    results: { type: 'string', placeholder: 'DIR', description: 'where results are looked for', defaultText: 'results' },
  },
  notes: `BASE and HEAD are each a path, a commit or ref (its newest result), 'latest' or 'baseline'.

Times of two recordings are reported, never gated: what else the machine did is in neither. The words:
  slower, faster  the whole interval of the ratio lies beyond a factor of 2, with and without what moved all benchmarks alike
  same            it lies within a factor of 1.25
  inconclusive    neither
  incomparable    another machine, another configuration, or a run that failed: what differs is named
Deterministic counts (messages, bytes, fsyncs, frames per operation) are compared exactly.

The schema of the JSON is results/comparison.schema.json. Exit codes: 0, or 94 when a deterministic count rose.

Examples:
  windtunnel compare baseline latest
  windtunnel compare main HEAD --format markdown
  windtunnel compare results/20261122T160259Z-eb14d2c /tmp/other/run.json --format json`,
  async run(invocation) {
    const [base, head, ...more] = invocation.positionals;
    if (base === undefined || head === undefined || more.length > 0)
      throw new UsageError(`compare takes two results, not '${invocation.positionals.join(' ')}'`);
    const format = choice(invocation, 'format', FORMATS, 'text');
    const root = text(invocation, 'results') ?? resultsFolder();
    const read = async (spec: string) => readRun(await findRun(spec, root, { clock: systemClock }));
    const comparison = compareRuns(await read(base), await read(head), { regressionCode: EXIT.regression });
    const out = process.stdout;
    if (format === 'json') out.write(`${JSON.stringify(comparison, null, 2)}\n`);
    else if (format === 'markdown') out.write(renderComparisonMarkdown(comparison));
    else out.write(renderComparison(comparison, { colour: wantsColour(out), width: widthOf(out) }));
    return comparison.exit.code;
  },
};
