// The faults of a scenario: whether each provably happened, and what it cost.

import { formatDuration } from '../../runtime/duration.ts';
import { formatCount } from '../report/numbers.ts';
import { orNever } from '../report/scenario-sections.ts';
import type { FaultWindow, ScenarioResult } from '../result/schema.ts';
import { fieldOf, looseTable, looseText, wordsOf } from './loose.ts';
import { type Markup, markup, type Part } from './markup.ts';
import { figures } from './tables.ts';

/** More than these are closed until they are asked for, but for those that are not proven. */
const OPEN = 4;

/** What the page says of a fault in its own words; everything else that a result has is shown under its field's name. */
const MORE_FIGURES = ['unavailableMs', 'recoveredMs', 'notRecovered', 'operations', 'overlaps'];

export function faultPart(scenario: ScenarioResult): Part {
  const { faults } = scenario;
  const skipped = looseTable('Faults that were skipped', fieldOf(scenario, 'skippedFaults'));
  if (faults.length === 0 && skipped === undefined) return undefined;
  const unproven = faults.filter(({ proof }) => !proof.proven).length;
  const note =
    unproven === 0
      ? `${formatCount(faults.length)}, all proven`
      : `${formatCount(unproven)} of ${formatCount(faults.length)} not proven`;
  return markup`<section class="part"><h3>Faults <span class="note">${faults.length > 0 && note}</span></h3>
<div class="faults">${faults.map((fault) => faultDetails(fault, faults.length <= OPEN))}</div>${skipped}</section>`;
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
  ...MORE_FIGURES.map((name) => {
    const value = fieldOf(fault, name);
    return [wordsOf(name), value === undefined ? undefined : looseText(name, value)] as const;
  }),
])}${looseTable('Errors during this fault', fieldOf(fault, 'errors'))}</details>`;
}
