// report.html: one run as one page. It carries its style, its charts and its data, and loads nothing.

import { runAgain } from '../report/next-steps.ts';
import { plainDeep } from '../report/text.ts';
import type { Run } from '../result/schema.ts';
import { ChartPlaces } from './chart-places.ts';
import { fileLink } from './file-link.ts';
import { type PageContent, renderDocument } from './document.ts';
import { markup } from './markup.ts';
import { type LiveState, overNote } from './live-part.ts';
import { microPart } from './micro-part.ts';
import { navigation, pageHeader, verdictBoard } from './overview.ts';
import { runPart } from './run-part.ts';
import { scenarioPart } from './scenario-part.ts';
import type { ScenarioSpans } from './trace-part.ts';

/** Points on the time axes of all scenarios together, and the least that one of them has. */
const ALL_POINTS = 12_000;
const LEAST_POINTS = 200;

/** While a run is under way the page is made every second. */
const LIVE_POINTS = 2_400;

/** Characters that a page has at most because of its waterfalls: it stays below 2 MB. */
const MOST_CHARACTERS = 1_900_000;

export interface PageOptions {
  /** Whether it will lie beside run.json, so that it can link to the files there. */
  readonly isBesideResult: boolean;
  /** Of a run that is under way, or has just ended, as the page is served meanwhile. */
  readonly live?: LiveState;
  /** The spans of the kept traces, scenario by scenario in the order of the run; without them there are no waterfalls. */
  readonly spans?: readonly (ScenarioSpans | undefined)[];
}

/** The page as text. No text of the run can become markup or script, and none can reorder or hide what stands around it. */
export function renderPage(run: Run, options: PageOptions): string {
  const { spans = [], ...without } = options;
  const page = pageOf(renderContent(run, without), options);
  const traced = spans.filter((each) => each !== undefined).length;
  if (traced === 0) return page;
  // The waterfalls get what room is left.
  const traceBytes = Math.max(0, MOST_CHARACTERS - page.length) / traced;
  return pageOf(contentOf(run, options, traceBytes), options);
}

function pageOf(content: PageContent, { live }: PageOptions): string {
  const skipTo = { id: 'verdicts', name: 'the verdicts' };
  return renderDocument(content, { skipTo, ...(live && { alsoAllowed: "connect-src 'self'" }) });
}

/** What of the page depends on the run, without the waterfalls of its traces. */
export function renderContent(run: Run, { isBesideResult, live }: Omit<PageOptions, 'spans'>): PageContent {
  return contentOf(run, { isBesideResult, ...(live && { live }) }, 0);
}

/** @param traceBytes what the waterfalls of each scenario may take. */
function contentOf(original: Run, { isBesideResult, live, spans = [] }: PageOptions, traceBytes: number): PageContent {
  const run = plainRun(original);
  const running = live?.kind === 'running' ? live : undefined;
  const charts = new ChartPlaces();
  const link = fileLink(isBesideResult);
  const mostPoints = Math.max(LEAST_POINTS, Math.floor((running ? LIVE_POINTS : ALL_POINTS) / Math.max(1, run.scenarios.length)));
  const scenarios = run.scenarios.map((scenario, number) =>
    scenarioPart(scenario, {
      number,
      charts,
      mostPoints,
      link,
      traces: { spans: spans[number], mostBytes: traceBytes },
      again: runAgain(run, scenario),
      isUnderWay: running?.isUnderWay === true && number === run.scenarios.length - 1,
    }),
  );
  const title = run.scenarios.length === 0 ? run.id : `${run.scenarios.map(({ name }) => name).join(', ')} · ${run.id}`;
  const body = markup`${pageHeader(run, running !== undefined)}
${navigation(run)}
<main>
<noscript><p class="alarm">The charts need scripts, which this browser does not run. Everything else is here.</p></noscript>
${live?.kind === 'over' && overNote(live)}
${verdictBoard(run, running)}
${scenarios}
${microPart(run)}
${runPart(run, link, running !== undefined)}
</main>`.text;
  return {
    title: `${running ? '● ' : ''}${title} · Windtunnel`,
    body,
    data: { ...charts.data, ...(running && { isLive: true }) },
  };
}

/** The seconds of a run are many, and hold no text that anybody could choose. */
function plainRun({ scenarios, ...rest }: Run): Run {
  return { ...plainDeep(rest), scenarios: scenarios.map(({ timeline, ...other }) => ({ ...plainDeep(other), timeline })) };
}
