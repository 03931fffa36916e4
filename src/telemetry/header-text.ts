// Reading text that a stranger wrote: nothing here throws, and what was wrong is said in words.

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** One line for a person, with the offending text shortened. */
  | { readonly ok: false; readonly problem: string };

const LONGEST_QUOTE = 80;

/** The text quoted for a message: shortened, and with control characters escaped so that it cannot forge log lines. */
export function quote(text: string): string {
  return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}...` : text);
}

/** Without the spaces and tabs that HTTP allows around a value (RFC 9110, OWS), and without anything else gone. */
export function trimOptionalSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isOptionalSpace(text.charCodeAt(start))) start++;
  while (end > start && isOptionalSpace(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

function isOptionalSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
