// The faults of a scenario: whether each provably happened, and what it cost.

import { formatDuration } from '../../runtime/duration.ts';
import { formatCount } from '../report/numbers.ts';
import { operationFacts, orNever, recoveryWords, SHARED_FIGURES } from '../report/scenario-sections.ts';
import type { FaultWindow, ScenarioResult, SkippedFault } from '../result/schema.ts';
import { type Markup, markup, type Part } from './markup.ts';
import { dataTable, figures } from './tables.ts';

/** More than these are closed until they are asked for, but for those that are not proven. */
const OPEN = 4;

export function faultPart({ faults, skippedFaults = [] }: ScenarioResult): Part {
  if (faults.length + skippedFaults.length === 0) return undefined;
  const unproven = faults.filter(({ proof }) => !proof.proven).length;
  const note =
    unproven === 0
      ? `${formatCount(faults.length)}, all proven`
      : `${formatCount(unproven)} of ${formatCount(faults.length)} not proven`;
  return markup`<section class="part"><h3>Faults <span class="note">${faults.length > 0 && note}</span></h3>
<div class="faults">${faults.map((fault) => faultDetails(fault, faults.length <= OPEN))}</div>${skippedFaults.length > 0 && skippedTable(skippedFaults)}</section>`;
}

function faultDetails(fault: FaultWindow, isOpen: boolean): Markup {
  const { kind, target, nodes, startMs, endMs, proof } = fault;
  const where = nodes.length === 0 || (nodes.length === 1 && nodes[0] === target) ? target : `${target} (${nodes.join(', ')})`;
  const observations = proof.observations.length === 0 ? ['no observed effect'] : proof.observations;
  const mood = proof.proven ? 'good' : 'bad';
  return markup`<details class="fault" ${isOpen || !proof.proven ? markup`open` : ''}>
<summary><span class="${mood}"><span aria-hidden="true">${proof.proven ? '✓' : '✗'}</span><span class="unseen">${proof.proven ? 'proven' : 'not proven'}:</span></span> <strong>${kind}</strong> of ${where} <span class="note">${formatDuration(startMs)} to ${formatDuration(endMs)}</span></summary>
<p class="${mood} label">${proof.proven ? 'proven by' : 'NOT PROVEN'}</p><ul class="proof">${observations.map((text) => markup`<li>${text}</li>`)}</ul>
${figures([
  ['new leader', orNever(fault.electionMs)],
  ['first write', orNever(fault.firstWriteMs)],
  ['longest gap between writes', orNever(fault.longestWriteGapMs)],
  ['unavailable', shown(fault.unavailableMs)],
  ['p99 back after', shown(fault.recoveredMs)],
])}
<ul class="proof">${[...operationFacts(fault), recoveryWords(fault), fault.overlaps === true && SHARED_FIGURES].map((text) => text !== undefined && text !== false && markup`<li>${text}</li>`)}</ul></details>`;
}

function shown(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : formatDuration(ms);
}

function skippedTable(skipped: readonly SkippedFault[]): Markup {
  const columns = [{ head: 'skipped' }, { head: 'at', isNumber: true }, { head: 'because' }];
  const rows = skipped.map(({ kind, target, atMs, reason }) => ({
    cells: [`${kind} of ${target}`, formatDuration(atMs), reason],
  }));
  return dataTable('Faults that were skipped', columns, rows);
}
