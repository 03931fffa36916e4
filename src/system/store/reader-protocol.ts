// What a reader process and its parent agree on. A request or answer is its length (4 bytes, little-endian) and that many bytes.
// Request: SQL, number of parameters, parameters. Answer: one of these bytes, then an outcome (the first answer, which says that
// the reader is ready, has none) or the message of a failure after which the process ends.

export const READER_ANSWER = { outcome: 0, failure: 1 } as const;
