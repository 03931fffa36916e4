// Fields of a result that this version of the page shows when they are there, whatever their shape: results are written by
// other versions too, and a page that shows less is better than none.

import { formatDuration } from '../../runtime/duration.ts';
import { formatCount, formatRate, formatShare } from '../report/numbers.ts';
import { type Markup, markup } from './markup.ts';

/** A field that the type of `record` may not know; undefined when it is absent, null or empty. */
export function fieldOf(record: object, name: string): unknown {
  const value = (record as Readonly<Record<string, unknown>>)[name];
  if (value === null || (Array.isArray(value) && value.length === 0)) return undefined;
  return value;
}

/** 'longestWriteGapMs' -> 'longest write gap'. */
export function wordsOf(name: string): string {
  return name
    .replace(/Ms$/, '')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase();
}

/** A value in words; the name tells its unit. */
export function looseText(name: string, value: unknown): string {
  if (typeof value === 'number') return numberText(name, value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (value === undefined || value === null) return '–';
  if (Array.isArray(value)) return value.map((item) => looseText(name, item)).join(', ');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([key, item]) => (typeof item === 'number' ? `${looseText(key, item)} ${wordsOf(key)}` : looseText(key, item)))
      .join(' ');
  }
  return typeof value === 'string' ? value : '?';
}

function numberText(name: string, value: number): string {
  if (/Ms$|^(?:p\d+|max|min|mean)$/.test(name)) return formatDuration(value);
  if (/PerSecond$|[rR]ate$/.test(name)) return formatRate(value);
  if (/[sS]hare$/.test(name)) return formatShare(value);
  return Number.isInteger(value) ? formatCount(value) : String(Number(value.toPrecision(4)));
}

/** Records as a table whose columns are all their fields, or nothing when they are none. */
export function looseTable(caption: string, rows: unknown): Markup | undefined {
  if (!Array.isArray(rows) || rows.length === 0) return undefined;
  const records = rows.map(
    (row: unknown) => (typeof row === 'object' && row !== null ? row : { value: row }) as Record<string, unknown>,
  );
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const isNumber = (column: string) => records.every((record) => ['number', 'undefined'].includes(typeof record[column]));
  const align = (column: string) => isNumber(column) && 'n';
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${columns.map((column) => markup`<th scope="col" class="${align(column)}">${wordsOf(column)}</th>`)}</tr></thead>
<tbody>${records.map((record) => markup`<tr>${columns.map((column) => markup`<td class="${align(column)}">${looseText(column, record[column])}</td>`)}</tr>`)}</tbody>
</table></div>`;
}
