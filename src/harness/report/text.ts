// Text for terminals: what is safe to print, colour, wrapping and aligned columns.

import { stripVTControlCharacters } from 'node:util';

/** Control characters, and the invisible ones that reorder or hide text. */
// oxlint-disable-next-line no-control-regex -- these are what it looks for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The text on one line, without terminal escapes and without control characters. */
export function plain(text: string): string {
  // Nearly every text is. The characters that begin an escape are unsafe ones, too.
  if (text.search(UNSAFE) < 0) return text;
  return stripVTControlCharacters(text.replaceAll(/[\t\r\n]+/g, ' ')).replaceAll(UNSAFE, '');
}

/**
 * A copy in which every text is `plain`: whatever a name in a result contains, it cannot steer the terminal. The lines of
 * an `explanation`, a drawing, stay lines.
 */
export function plainDeep<T>(value: T, key = ''): T {
  if (typeof value === 'string') return (key === 'explanation' ? value.split(/\r?\n/).map(plain).join('\n') : plain(value)) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => plainDeep(item)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [plain(name), plainDeep(item as unknown, name)])) as T;
}

export type Paint = (text: string) => string;

/** What a text means; the colour follows from it. */
export interface Style {
  readonly strong: Paint;
  readonly faint: Paint;
  readonly good: Paint;
  readonly bad: Paint;
  readonly doubtful: Paint;
  /** For what nobody may overlook. */
  readonly alarm: Paint;
}

const identity: Paint = (text) => text;
const NO_COLOUR: Style = {
  strong: identity,
  faint: identity,
  good: identity,
  bad: identity,
  doubtful: identity,
  alarm: identity,
};
const COLOUR: Style = {
  strong: sgr('1', '22'),
  faint: sgr('2', '22'),
  good: sgr('32', '39'),
  bad: sgr('31', '39'),
  doubtful: sgr('33', '39'),
  alarm: sgr('1;41;97', '22;49;39'),
};

/** Styles that paint with the terminal's own palette, or, without colour, not at all. */
export function styleOf(colour: boolean): Style {
  return colour ? COLOUR : NO_COLOUR;
}

function sgr(on: string, off: string): Paint {
  return (text) => (text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`);
}

/** The text cut to `width` characters, with an ellipsis where something is missing. */
export function fit(text: string, width: number): string {
  if (text.length <= width) return text;
  const kept = text.slice(0, Math.max(0, width - 1));
  // Not half of a surrogate pair.
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}…`;
}

/** Lines of at most `width` characters, broken between words; a word longer than a line is broken anywhere. */
export function wrap(text: string, width: number): string[] {
  return fill(text.split(/\s+/), width);
}

/** Lines of facts with `separator` between them, such as ' ·', broken only between facts where that is possible. */
export function wrapFacts(facts: readonly string[], separator: string, width: number): string[] {
  const pieces = facts.map((fact, at) => (at === facts.length - 1 ? fact : `${fact}${separator}`));
  return fill(
    pieces.flatMap((piece) => (piece.length > width ? piece.split(/\s+/) : [piece])),
    width,
  );
}

function fill(pieces: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const piece of pieces.filter((each) => each !== '')) {
    if (line !== '' && line.length + 1 + piece.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? piece : `${line} ${piece}`;
    for (; line.length > width; line = line.slice(width)) lines.push(line.slice(0, width));
  }
  return line === '' ? lines : [...lines, line];
}

/** Lines from `wrap` or `wrapFacts` with `first` before the first of them and as many spaces before the others. */
export function hang(first: string, text: string | readonly string[], width: number): string[] {
  const room = width - first.length;
  const lines = typeof text === 'string' ? wrap(text, room) : wrapFacts(text, ',', room);
  const rest = ' '.repeat(first.length);
  return lines.map((line, at) => `${at === 0 ? first : rest}${line}`);
}

/** A line that is drawn, broken only when it does not fit: its spaces stay, and what follows is indented two further. */
export function fold(line: string, width: number): string[] {
  const indent = `${' '.repeat(line.length - line.trimStart().length)}  `;
  const lines: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    // Not in the indentation, or it would be broken for ever.
    const end = space > indent.length ? space : width;
    lines.push(rest.slice(0, end).trimEnd());
    rest = indent + rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

export interface Cell {
  readonly text: string;
  readonly paint?: Paint;
}

/**
 * Rows with aligned columns, two spaces between them. `align` has a letter for each column: 'l' or 'r'. When the rows are
 * wider than `width`, the column `elastic` is cut.
 */
export function table(
  rows: readonly (readonly (Cell | string)[])[],
  { align, indent = 4, width, elastic = 0 }: { align: string; indent?: number; width: number; elastic?: number },
): string[] {
  const cells = rows.map((row) => row.map((cell): Cell => (typeof cell === 'string' ? { text: cell } : cell)));
  const widths = Array.from(align, (_, column) => Math.max(0, ...cells.map((row) => row[column]?.text.length ?? 0)));
  const excess = indent + widths.reduce((sum, each) => sum + each + 2, -2) - width;
  if (excess > 0) widths[elastic] = Math.max(8, (widths[elastic] ?? 0) - excess);
  return cells.map((row) => {
    const parts = row.map(({ text, paint = identity }, column) => {
      const columnWidth = widths[column] ?? 0;
      const shown = fit(text, columnWidth);
      const space = ' '.repeat(columnWidth - shown.length);
      // Nothing follows the last column, so it needs no filling.
      if (align[column] === 'r') return space + paint(shown);
      return column === row.length - 1 ? paint(shown) : paint(shown) + space;
    });
    return `${' '.repeat(indent)}${parts.join('  ')}`.trimEnd();
  });
}
