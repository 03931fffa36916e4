// Tables that may be wider than the page scroll by themselves, and can be reached by keyboard to do so.

import { type Markup, markup, type Part } from './markup.ts';

export interface Column {
  readonly head: string;
  /** What this column and its neighbours of the same `above` have in common. */
  readonly above?: string;
  /** Right-aligned, digits below digits. */
  readonly isNumber?: boolean;
}

export interface Row {
  readonly cells: readonly Part[];
  /** Across the whole table, below the cells. */
  readonly below?: Part;
  readonly mood?: string;
}

/** The first cell of a row is its heading. `caption` is shown only to who cannot see the heading above the table. */
export function dataTable(caption: string, columns: readonly Column[], rows: readonly Row[]): Markup {
  const align = (at: number) => (columns[at]?.isNumber === true ? 'n' : 't');
  const cell = (part: Part, at: number) =>
    at === 0 ? markup`<th scope="row" class="${align(at)}">${part}</th>` : markup`<td class="${align(at)}">${part}</td>`;
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table>
<caption class="unseen">${caption}</caption>
<thead>${headsAbove(columns)}<tr>${columns.map(({ head }, at) => markup`<th scope="col" class="${align(at)}">${head}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ cells, below, mood }) => markup`<tr class="${mood ?? ''}">${cells.map(cell)}</tr>
${below !== undefined && markup`<tr class="below"><td colspan="${columns.length}">${below}</td></tr>`}`,
  )}</tbody></table></div>`;
}

function headsAbove(columns: readonly Column[]): Part {
  if (columns.every(({ above }) => above === undefined)) return undefined;
  const begins = [...columns.keys()].filter((at) => at === 0 || columns[at]?.above !== columns[at - 1]?.above);
  return markup`<tr>${begins.map((at, number) => {
    const span = (begins[number + 1] ?? columns.length) - at;
    const above = columns[at]?.above;
    return above === undefined
      ? markup`<td colspan="${span}"></td>`
      : markup`<th scope="colgroup" class="above" colspan="${span}">${above}</th>`;
  })}</tr>`;
}

/** A list of names and values, side by side. Those without a value are left out. */
export function figures(entries: readonly (readonly [name: string, value: string | undefined, mood?: string])[]): Markup {
  return markup`<dl class="figures">${entries.map(
    ([name, value, mood]) => value !== undefined && markup`<div class="${mood ?? ''}"><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`;
}
