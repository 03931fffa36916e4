// Durations as users write them: '500ms', '1m30s', or a plain number of milliseconds.

const UNITS_MS: Record<string, number> = { us: 0.001, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A duration that cannot be read. The message names the offending text. */
export class DurationError extends Error {
  override readonly name = 'DurationError';
}

/** A number of milliseconds (>= 0), or text such as '10s', '1m30s', '250ms', '1.5s'. */
export type Duration = number | string;

/** Milliseconds. Throws DurationError for negative, non-finite or unreadable input. */
export function parseDuration(input: Duration): number {
  if (typeof input === 'number') {
    if (Number.isFinite(input) && input >= 0) return input;
    throw new DurationError(`a duration is a number of milliseconds >= 0, not ${input}`);
  }
  const parts = [...input.trim().matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h)/gy)];
  const readable = parts.length > 0 && parts.map((part) => part[0]).join('') === input.trim();
  if (!readable) throw new DurationError(`cannot read '${input}' as a duration; write for example '500ms', '10s' or '1m30s'`);
  return parts.reduce((total, part) => total + Number(part[1]) * (UNITS_MS[part[2] as string] as number), 0);
}

/** Short text for people: '0', '820us', '12.3ms', '4.2s', '2m05s'. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 1) return `${Math.round(ms * 1_000)}us`;
  if (ms < 10) return `${ms.toFixed(2)}ms`;
  if (ms < 1_000) return `${ms.toFixed(ms < 100 ? 1 : 0)}ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`;
}
