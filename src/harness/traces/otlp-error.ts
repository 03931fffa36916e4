// What is wrong with a request to the receiver, in words for whoever configured the sender.

/** A frame that is no OTLP, or not one that can be read. The message names the part that is wrong. */
export class OtlpError extends Error {
  override readonly name = 'OtlpError';
}
