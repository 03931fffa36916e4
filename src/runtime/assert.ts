// Assertions are for bugs. What can happen in a correct program (bad input, a lost connection) is a typed error instead.

/** A broken invariant: the program is wrong, and nothing it does after this can be trusted. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws AssertionError with `message` unless `condition` holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** The value, or AssertionError with `message` when there is none. For look-ups that cannot miss in a correct program. */
export function known<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new AssertionError(message);
  return value;
}

/** Marks a place that no value can reach; the compiler checks it for unions. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
