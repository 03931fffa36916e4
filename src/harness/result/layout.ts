// How run.json looks as text: small enough to commit, one record a line so that people and `git diff` can read it.

/** Objects and lists that fit are written on one line of this many characters. */
const LINE = 160;

/**
 * JSON text, two spaces of indentation, keys in their given order, ending in a newline. Numbers are rounded to what a
 * measurement can mean (see `roundNumber`) except below a key named in `exact`.
 */
export function layOut(value: unknown, exact: readonly string[] = []): string {
  return `${render(JSON.parse(JSON.stringify(value)), '', exact)}\n`;
}

/** Three decimals from 1 upwards, four significant digits below. Integers stay as they are. */
export function roundNumber(value: number): number {
  if (Number.isInteger(value)) return value;
  return Math.abs(value) >= 1 ? Number(value.toFixed(3)) : Number(value.toPrecision(4));
}

/** `exact` is undefined inside a part whose numbers are kept as they are. */
function render(value: unknown, indent: string, exact: readonly string[] | undefined): string {
  if (typeof value === 'number') return JSON.stringify(exact === undefined ? value : roundNumber(value));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((item) => render(item, inner, exact))
    : Object.entries(value).map(
        ([key, item]) => `${JSON.stringify(key)}: ${render(item, inner, exact?.includes(key) ? undefined : exact)}`,
      );
  if (parts.length === 0) return isList ? '[]' : '{}';
  const length = parts.reduce((sum, part) => sum + part.length + 2, indent.length);
  const isFlat = length <= LINE && parts.every((part) => !part.includes('\n'));
  if (isFlat) return isList ? `[${parts.join(', ')}]` : `{ ${parts.join(', ')} }`;
  const lines = parts.map((part) => `${inner}${part}`).join(',\n');
  return isList ? `[\n${lines}\n${indent}]` : `{\n${lines}\n${indent}}`;
}
