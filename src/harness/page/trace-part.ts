// Why the slow requests were slow: where the time went, and the kept traces, each of which opens to its waterfall.

import { formatDuration } from '../../runtime/duration.ts';
import { formatCount } from '../report/numbers.ts';
import { mostOf, traceFacts } from '../report/path-table.ts';
import { plainDeep } from '../report/text.ts';
import type { FaultWindow, KeptTrace, ScenarioResult } from '../result/schema.ts';
import { assemble } from '../traces/assembly.ts';
import { sharesOfTrace } from '../traces/path-shares.ts';
import type { ReceivedSpan } from '../traces/received-span.ts';
import type { FileLink } from './file-link.ts';
import { type Markup, markup, type Part } from './markup.ts';
import { pathBars } from './path-bars.ts';
import { waterfall } from './waterfall.ts';

/** The spans of one scenario by trace, the batches too. */
export type ScenarioSpans = ReadonlyMap<string, readonly ReceivedSpan[]>;

export interface TraceContext {
  readonly spans: ScenarioSpans | undefined;
  /** What the waterfalls may add to the page; those for which there is no room are only in the file. */
  readonly mostBytes: number;
}

export function tracePart(scenario: ScenarioResult, link: FileLink, { spans, mostBytes }: TraceContext): Part {
  const { traces } = scenario;
  if (traces === undefined) return undefined;
  const shown = spans === undefined ? [] : traceDetails(scenario, spans, mostBytes);
  const left = traces.list.length - shown.length;
  const file = traces.file !== undefined && [link(traces.file), ', OTLP as JSON, as collectors read it'];
  return markup`<section class="part"><h3>Where the time went <span class="note">from the scheduled instant to the answer, of complete traces</span></h3>
${pathBars(traces.criticalPaths)}</section>
<section class="part traces"><h3>Traces <span class="note">${traceFacts(traces).join(', ')}</span></h3>
${shown.length > 0 && markup`<p class="note">Each opens to its spans; each span opens to its attributes. A batch that carried a write is shown below the wait for it.</p>`}
${shown}
${left > 0 && markup`<p class="note">${shown.length > 0 ? `${formatCount(left)} more are` : 'The spans are'} in ${file !== false ? file : 'no file'}${spans === undefined && traces.file !== undefined && '; this page was made without that file'}.</p>`}
${left === 0 && file !== false && markup`<p class="note">All of them are in ${file}.</p>`}</section>`;
}

/** The most telling first, as many as there is room for; then in the order of time. */
function traceDetails(scenario: ScenarioResult, spans: ScenarioSpans, mostBytes: number): Markup[] {
  const { traces, faults, startedAt, phases } = scenario;
  const list = traces?.list ?? [];
  const startedMs = Date.parse(startedAt);
  const absolute = faults.map((fault) => ({ ...fault, startMs: startedMs + fault.startMs, endMs: startedMs + fault.endMs }));
  const hasLoads = new Set(list.map(({ load }) => load)).size > 1;
  const shown: { readonly kept: KeptTrace; readonly part: Markup }[] = [];
  let bytes = 0;
  for (const kept of byUse(list)) {
    const part = details(kept, spans, absolute, hasLoads);
    bytes += part.text.length;
    if (bytes > mostBytes) break;
    shown.push({ kept, part });
  }
  const order = (kept: KeptTrace) => phases.findIndex(({ phase }) => phase === kept.phase);
  return shown.sort((a, b) => order(a.kept) - order(b.kept) || b.kept.responseMs - a.kept.responseMs).map(({ part }) => part);
}

/** One for each reason in each load and phase, then a second one, and so on. */
function byUse(list: readonly KeptTrace[]): KeptTrace[] {
  const counts = new Map<string, number>();
  const ranked = list.map((kept) => {
    const key = JSON.stringify([kept.load, kept.phase, kept.keptFor[0]]);
    const rank = counts.get(key) ?? 0;
    counts.set(key, rank + 1);
    return { kept, rank: kept.phase === 'warmup' ? rank + list.length : rank };
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ kept }) => kept);
}

function details(kept: KeptTrace, all: ScenarioSpans, faults: readonly FaultWindow[], hasLoads: boolean): Markup {
  const { traceId, keptFor, load, operation, phase, outcome, startMs, responseMs, serviceMs, missing = [] } = kept;
  const trace = assemble(traceId, (id) => plainDeep(all.get(id) ?? []));
  return markup`<details class="trace"><summary><strong>${formatDuration(responseMs)}</strong> ${operation}${hasLoads && ` of ${load}`} <span class="reasons">${keptFor.map((reason) => markup`<span>${reason}</span>`)}</span> <span class="note">${phase}, at ${formatDuration(Math.max(0, startMs))}${outcome !== 'ok' && `, ${outcome}`}${missing.length > 0 && ', incomplete'}</span></summary>
<p class="note">${missing.length === 0 && markup`<strong>${mostOf(sharesOfTrace(trace))}</strong>, `}sent after ${formatDuration(Math.max(0, responseMs - serviceMs))}, trace ${traceId}</p>
${missing.length > 0 && markup`<p class="bad">Missing: ${missing.join('; ')}</p>`}${trace.spans.length > 0 ? waterfall(trace, faults) : markup`<p class="note">None of its spans are in the file.</p>`}</details>`;
}
