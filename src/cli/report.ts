// `windtunnel report RESULT`: what a run printed, its page, and its metrics, from its result folder.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { OPENMETRICS_FILE, writeOpenMetrics } from '../harness/metrics/write-openmetrics.ts';
import { PAGE_FILE, writePage } from '../harness/page/write-page.ts';
import { EXIT } from '../harness/report/exit.ts';
import { renderSummary } from '../harness/report/summary.ts';
import { readRun } from '../harness/result/files.ts';
import { findRun } from '../harness/result/find.ts';
import { type Command, flag, text, UsageError } from './command.ts';
import { resultsFolder, shortPath } from './folders.ts';
import { openPage } from './open-page.ts';
import { wantsColour, widthOf } from './terminal.ts';

export const report: Command = {
  name: 'report',
  summary: 'Print the summary of a recorded run, make its HTML page again, or export its metrics',
  arguments: '[RESULT]',
  options: {
    html: {
      type: 'string',
      placeholder: 'PATH',
      valueIfMatches: /\.html?$/i,
      description: 'write the page',
      defaultText: `${PAGE_FILE} beside the result`,
    },
    openmetrics: {
      type: 'string',
      placeholder: 'PATH',
      valueIfMatches: /\.(txt|om|prom)$/i,
      description: 'write the metrics recorded during the run, for promtool tsdb create-blocks-from openmetrics',
      defaultText: `${OPENMETRICS_FILE} beside the result`,
    },
    open: { type: 'boolean', description: 'write the page and show it in a browser' },
    json: { type: 'boolean', description: 'print the result itself' },
    results: { type: 'string', placeholder: 'DIR', description: 'where results are looked for', defaultText: 'results' },
  },
  notes: `RESULT is a path, a commit or ref (its newest result), 'latest' (the default) or 'baseline'.

Examples:
  windtunnel report --open
  windtunnel report baseline --html /tmp/baseline.html
  windtunnel report latest --openmetrics run.txt && promtool tsdb create-blocks-from openmetrics run.txt data`,
  async run(invocation) {
    const [spec = 'latest', ...more] = invocation.positionals;
    if (more.length > 0) throw new UsageError(`report takes one result, not '${invocation.positionals.join(' ')}'`);
    const path = await findRun(spec, text(invocation, 'results') ?? resultsFolder(), { clock: systemClock });
    const run = await readRun(path);
    const folder = dirname(path);
    const out = process.stdout;
    const openMetrics = text(invocation, 'openmetrics');
    if (openMetrics !== undefined) {
      out.write(`${shortPath(await writeOpenMetrics(run, folder, openMetrics || undefined))}\n`);
      return EXIT.passed;
    }
    if (text(invocation, 'html') !== undefined || flag(invocation, 'open')) {
      const page = await writePage(run, folder, text(invocation, 'html') || undefined);
      out.write(`${shortPath(page)}\n`);
      if (flag(invocation, 'open')) await openPage(page);
      return EXIT.passed;
    }
    if (flag(invocation, 'json')) out.write(`${JSON.stringify(run, null, 2)}\n`);
    else
      out.write(renderSummary(run, { colour: wantsColour(out), width: widthOf(out), path: shortPath(path), ...pageOf(folder) }));
    return EXIT.passed;
  },
};

/** The page that the run wrote, if it is still there. */
function pageOf(folder: string): { page?: string } {
  const page = join(folder, PAGE_FILE);
  return existsSync(page) ? { page: shortPath(page) } : {};
}
