// What an error says about trying again. The defaults read it off the error, so that the errors of this system need no translation.

/**
 * What a failed attempt means:
 * - 'definite': it was certainly not applied; trying again is safe.
 * - 'maybe': it may have been applied; tried again only when the operation is idempotent.
 * - 'fatal': it was certainly not applied, and trying again cannot help.
 * - 'fatal-maybe': trying again cannot help, and it may have been applied.
 */
export type Classification = 'definite' | 'maybe' | 'fatal' | 'fatal-maybe';

/**
 * Reads the boolean properties `maybeApplied` and `retryable` of an error. What is not said is taken for the worse: an error is 'maybe' unless it
 * has `maybeApplied: false`, and fatal only if it has `retryable: false`.
 */
export function classifyByProperties(error: unknown): Classification {
  const said = propertiesOf(error);
  if (said['retryable'] === false) return said['maybeApplied'] === false ? 'fatal' : 'fatal-maybe';
  return said['maybeApplied'] === false ? 'definite' : 'maybe';
}

/** An error's own `retryAfterMs`, when that is a number. */
export function retryAfterByProperty(error: unknown): number | undefined {
  const { retryAfterMs } = propertiesOf(error);
  return typeof retryAfterMs === 'number' ? retryAfterMs : undefined;
}

function propertiesOf(error: unknown): Record<string, unknown> {
  return typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {};
}
