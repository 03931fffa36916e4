// report.html: one run as one page. It carries its style, its charts and its data, and loads nothing.

import { runAgain } from '../report/next-steps.ts';
import { plainDeep } from '../report/text.ts';
import type { Run } from '../result/schema.ts';
import { pageAssets } from './assets.ts';
import { ChartPlaces } from './chart-places.ts';
import { fileLink } from './file-link.ts';
import { embeddedJson, markup, trusted } from './markup.ts';
import { microPart } from './micro-part.ts';
import { navigation, pageHeader, verdictBoard } from './overview.ts';
import { runPart } from './run-part.ts';
import { scenarioPart } from './scenario-part.ts';
import type { ScenarioSpans } from './trace-part.ts';

/** Points on the time axes of all scenarios together, and the least that one of them has. */
const ALL_POINTS = 12_000;
const LEAST_POINTS = 200;

export interface PageOptions {
  /** Whether it will lie beside run.json, so that it can link to the files there. */
  readonly isBesideResult: boolean;
  /** The spans of the kept traces, scenario by scenario in the order of the run; without them there are no waterfalls. */
  readonly spans?: readonly (ScenarioSpans | undefined)[];
}

/** Bytes that the waterfalls of all scenarios may take together; the page stays below 2 MB. */
const ALL_WATERFALLS = 900_000;

/** The page as text. No text of the run can become markup or script, and none can reorder or hide what stands around it. */
export function renderPage(original: Run, { isBesideResult, spans = [] }: PageOptions): string {
  const run = plainDeep(original);
  const { style, script, contentSecurityPolicy } = pageAssets();
  const charts = new ChartPlaces();
  const link = fileLink(isBesideResult);
  const mostPoints = Math.max(LEAST_POINTS, Math.floor(ALL_POINTS / Math.max(1, run.scenarios.length)));
  const traceBytes = ALL_WATERFALLS / Math.max(1, spans.filter((each) => each !== undefined).length);
  const scenarios = run.scenarios.map((scenario, number) => {
    const traces = { spans: spans[number], mostBytes: traceBytes };
    return scenarioPart(scenario, { number, charts, mostPoints, link, traces, again: runAgain(run, scenario) });
  });
  const title = run.scenarios.length === 0 ? run.id : `${run.scenarios.map(({ name }) => name).join(', ')} · ${run.id}`;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy}">
<title>${title} · Windtunnel</title>
<style>${trusted(style)}</style>
</head>
<body>
<a class="skip" href="#verdicts">Skip to the verdicts</a>
${pageHeader(run)}
${navigation(run)}
<main>
<noscript><p class="alarm">The charts need scripts, which this browser does not run. Everything else is here.</p></noscript>
${verdictBoard(run)}
${scenarios}
${microPart(run)}
${runPart(run, link)}
</main>
<script type="application/json" id="data">${embeddedJson(charts.data)}</script>
<script>${trusted(script)}</script>
</body>
</html>
`.text;
}
