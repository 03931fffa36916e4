// Metrics as text: what /metrics answers, read into families and written again. OpenMetrics 1.0 and the Prometheus text format
// 0.0.4 are read alike; a family has the name that OpenMetrics gives it, that of a counter without '_total'.

export interface Sample {
  /** With its suffix: '..._total', '..._bucket'. */
  readonly name: string;
  /** As in the text, without the braces: 'method="read",outcome="ok"', or ''. */
  readonly labels: string;
  /** As in the text, so that nothing is lost: '0.25', '1e+06', '+Inf', 'NaN'. */
  readonly value: string;
  /** '{trace_id="..."} 0.25 1796000000.1', or undefined. */
  readonly exemplar: string | undefined;
}

export interface Family {
  readonly name: string;
  /** counter, gauge, histogram, summary, or unknown. */
  readonly type: string;
  /** Escaped as in the text. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Text that is no exposition; the message has the line. */
export class ExpositionError extends Error {
  override readonly name = 'ExpositionError';
}

const COMMENT = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) ?(.*)$/;
// name {labels} value timestamp # exemplar. A label's value may hold braces, blanks and escaped quotes.
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? +(\S+)(?: +-?[\d.eE+-]+)?(?: # (\{.*))?$/;
const SUFFIX = /_(?:total|created|bucket|count|sum)$/;

/** @throws ExpositionError */
export function parseExposition(text: string): Family[] {
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>();
  const declared = new Map<string, { type?: string; help?: string }>();
  for (const raw of text.split('\n')) {
    const line = raw.trimEnd();
    if (line === '') continue;
    if (line.startsWith('#')) {
      const [, what, name, rest = ''] = COMMENT.exec(line) ?? [];
      if (name !== undefined)
        declared.set(name, { ...declared.get(name), ...(what === 'TYPE' ? { type: rest } : { help: rest }) });
      continue;
    }
    const [, name, labels = '', value, exemplar] = SAMPLE.exec(line) ?? [];
    if (name === undefined || value === undefined || !isValue(value))
      throw new ExpositionError(`not a line of metrics: ${JSON.stringify(line.slice(0, 120))}`);
    const { key, type, help } = familyOf(name, declared);
    let family = families.get(key);
    if (family === undefined) families.set(key, (family = { name: key, type, help, samples: [] }));
    family.samples.push({ name, labels, value, exemplar });
  }
  return [...families.values()];
}

/** Which family a sample is of: that of its whole name, or of its name without a suffix. */
function familyOf(sample: string, declared: ReadonlyMap<string, { type?: string; help?: string }>) {
  const stem = sample.replace(SUFFIX, '');
  const found = declared.get(sample) ?? declared.get(stem);
  const name = declared.has(sample) ? sample : declared.has(stem) ? stem : sample;
  const type = found?.type === undefined || found.type === 'untyped' ? 'unknown' : found.type;
  const help = found?.help ?? '';
  if (type !== 'counter') return { key: name, type, help };
  // OpenMetrics knows no counter that does not end in '_total'.
  return sample.endsWith('_total') ? { key: stem, type, help } : { key: name, type: 'unknown', help };
}

function isValue(text: string): boolean {
  return /^(?:[+-]?Inf|NaN)$/.test(text) || (text !== '' && Number.isFinite(Number(text)));
}

/** The families of several expositions as those of one, each family in one piece, as the formats want it. */
export function mergeFamilies(expositions: readonly (readonly Family[])[]): Family[] {
  const merged = new Map<string, Family & { samples: Sample[] }>();
  for (const family of expositions.flat()) {
    const same = merged.get(family.name);
    if (same === undefined) merged.set(family.name, { ...family, samples: [...family.samples] });
    else same.samples.push(...family.samples);
  }
  return [...merged.values()];
}

/** The same families with one more label, in front, on every sample. */
export function withLabel(families: readonly Family[], name: string, value: string): Family[] {
  const label = labelText(name, value);
  return families.map((family) => ({
    ...family,
    samples: family.samples.map((sample) => ({ ...sample, labels: joinLabels(label, sample.labels) })),
  }));
}

export function labelText(name: string, value: string): string {
  return `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

export function joinLabels(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(',');
}

/** Comments of a family, as both formats have them. */
export function familyHead({ name, type, help }: Omit<Family, 'samples'>, openMetrics: boolean): string {
  const shown = !openMetrics && type === 'counter' ? `${name}_total` : name;
  const shownType = !openMetrics && type === 'unknown' ? 'untyped' : type;
  return `# HELP ${shown} ${help}\n# TYPE ${shown} ${shownType}\n`;
}

/** OpenMetrics, or the Prometheus text format, which has no exemplars. */
export function formatFamilies(families: readonly Family[], openMetrics: boolean): string {
  const line = ({ name, labels, value, exemplar }: Sample) =>
    `${name}${labels === '' ? '' : `{${labels}}`} ${value}${openMetrics && exemplar !== undefined ? ` # ${exemplar}` : ''}\n`;
  const text = families.map((family) => familyHead(family, openMetrics) + family.samples.map(line).join('')).join('');
  return openMetrics ? `${text}# EOF\n` : text;
}
