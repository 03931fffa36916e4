// As much of PromQL as the tests of dashboards need: which metrics a query asks for, and its variables filled in.

/** Words of the language that are not called like functions. */
const KEYWORDS = new Set([
  'and',
  'or',
  'unless',
  'on',
  'ignoring',
  'by',
  'without',
  'group_left',
  'group_right',
  'bool',
  'offset',
  'inf',
  'nan',
]);

/** The names of the series that a query selects, in order of appearance. */
export function selectedMetrics(query: string): string[] {
  const bare = query
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    // Lists of labels are no metrics.
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const names = [...bare.matchAll(/(?<![\w:.])([a-zA-Z_:][\w:]*)\s*(\()?/g)]
    .filter(([, name = '', call]) => call === undefined && !KEYWORDS.has(name.toLowerCase()))
    .map(([, name = '']) => name);
  return [...new Set(names)];
}

/** The name that the catalogue has for a series: that of a histogram for its parts. */
export function catalogueName(series: string, isHistogram: (name: string) => boolean): string {
  const stem = series.replace(/_(?:bucket|sum|count)$/, '');
  return isHistogram(stem) ? stem : series;
}

/** @param values by the name of the variable, without '$'. Throws for one that is not among them. */
export function fillIn(query: string, values: Readonly<Record<string, string>>): string {
  return query.replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for $${name} in ${query}`);
    return value;
  });
}
