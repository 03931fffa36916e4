// `windtunnel history`: every recorded result, as series over time.

import { join } from 'node:path';
import { trendsOf } from '../harness/compare/trends.ts';
import { renderTrendsPage } from '../harness/page/trends-page.ts';
import { writePageFile } from '../harness/page/write-page.ts';
import { EXIT } from '../harness/report/exit.ts';
import { renderTrends } from '../harness/report/trends-text.ts';
import { ResultError } from '../harness/result/error.ts';
import { readRun } from '../harness/result/files.ts';
import { listRuns } from '../harness/result/find.ts';
import type { Run } from '../harness/result/schema.ts';
import { choice, type Command, flag, text, UsageError } from './command.ts';
import { resultsFolder, shortPath } from './folders.ts';
import { openPage } from './open-page.ts';
import { wantsColour, widthOf } from './terminal.ts';

const HISTORY_PAGE = 'history.html';
const FORMATS = ['text', 'json'] as const;

export const history: Command = {
  name: 'history',
  summary: 'Show how results moved over time, and where they seem to have changed',
  arguments: '',
  options: {
    metric: {
      type: 'string',
      short: 'm',
      placeholder: 'M',
      description: "only what has this in its name: 'raft/', 'p99', 'leader-crash'",
      defaultText: 'all',
    },
    format: { type: 'string', placeholder: 'FORMAT', description: `one of ${FORMATS.join(', ')}`, defaultText: 'text' },
    html: {
      type: 'string',
      placeholder: 'PATH',
      valueIfMatches: /\.html?$/i,
      description: 'write a page with a plot of each series',
      defaultText: `${HISTORY_PAGE} beside the results`,
    },
    open: { type: 'boolean', description: 'write the page and show it in a browser' },
    results: { type: 'string', placeholder: 'DIR', description: 'where results are looked for', defaultText: 'results' },
  },
  notes: `Results of different machines, and scenarios of different configurations, are different series. Change points are found by
E-divisive with a permutation test: of series that only scatter, at most 1 % show one. Information, not a gate: the exit code is 0.
The schema of the JSON is results/history.schema.json.

Examples:
  windtunnel history --metric raft/
  windtunnel history --open
  windtunnel history --metric 'steady registers' --format json`,
  async run(invocation) {
    if (invocation.positionals.length > 0)
      throw new UsageError(`history takes no arguments, not '${invocation.positionals.join(' ')}'`);
    const format = choice(invocation, 'format', FORMATS, 'text');
    const root = text(invocation, 'results') ?? resultsFolder();
    const { runs, refused } = await readAll(root);
    const metric = text(invocation, 'metric');
    const trends = trendsOf(runs, { refused, ...(metric !== undefined && { metric }) });
    if (trends.series.length === 0 && metric !== undefined)
      throw new UsageError(`no metric of ${runs.length} results has '${metric}' in its name`);
    const out = process.stdout;
    const html = text(invocation, 'html');
    if (html !== undefined || flag(invocation, 'open')) {
      const page = html || join(root, HISTORY_PAGE);
      await writePageFile(page, renderTrendsPage(trends));
      out.write(`${shortPath(page)}\n`);
      if (flag(invocation, 'open')) await openPage(page);
      return EXIT.passed;
    }
    if (format === 'json') out.write(`${JSON.stringify(trends, null, 2)}\n`);
    else out.write(renderTrends(trends, { colour: wantsColour(out), width: widthOf(out) }));
    return EXIT.passed;
  },
};

/** What cannot be read, such as a result of another schema version, is named and does not hide the others. */
async function readAll(root: string): Promise<{ runs: Run[]; refused: { path: string; reason: string }[] }> {
  const paths = await listRuns(root);
  if (paths.length === 0) throw new ResultError('missing', `no results in ${root} yet`);
  const runs: Run[] = [];
  const refused: { path: string; reason: string }[] = [];
  for (const path of paths) {
    try {
      runs.push(await readRun(path));
    } catch (error) {
      if (!(error instanceof ResultError)) throw error;
      refused.push({ path, reason: error.message });
    }
  }
  return { runs, refused };
}
