// What can be wrong with a result that was asked for.

export type ResultErrorCode =
  | 'missing'
  | 'ambiguous'
  | 'empty'
  | 'truncated'
  | 'not-json'
  | 'not-a-result'
  | 'older-schema'
  | 'newer-schema'
  | 'invalid'
  | 'not-written';

/** A result that cannot be found, read or written. The message says which file, what is wrong and what to do. */
export class ResultError extends Error {
  override readonly name = 'ResultError';
  readonly code: ResultErrorCode;

  constructor(code: ResultErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
