// Baggage: key-value pairs that travel with a request, as the header of the W3C Baggage specification.

import { quote, trimOptionalSpace } from './header-text.ts';

export interface BaggageEntry {
  readonly value: string;
  /** The member's properties ('ttl=3;internal', still escaped), or ''. Passed on unread. */
  readonly properties: string;
}

export type Baggage = ReadonlyMap<string, BaggageEntry>;

export const NO_BAGGAGE: Baggage = new Map();

/** Limits of the specification (section 3.3.2), in members and in bytes of the header. */
export const MOST_BAGGAGE_MEMBERS = 180;
export const MOST_BAGGAGE_BYTES = 8_192;

/** A baggage key or property that no header can carry. */
export class BaggageError extends Error {
  override readonly name = 'BaggageError';
  readonly code = 'BAGGAGE';
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const OCTETS = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;
/** What a value may not hold as it is; '%' is legal there but would read as the start of an escape. */
const TO_ESCAPE = /[^\x21\x23\x24\x26-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]/gu;

/** Throws BaggageError unless `key` is a token of RFC 9110 and `properties` is '' or a list of W3C properties. */
export function checkBaggage(key: string, properties: string): void {
  if (!TOKEN.test(key)) throw new BaggageError(`a baggage key is one or more of A-Z a-z 0-9 !#$%&'*+-.^_\`|~, not ${quote(key)}`);
  if (properties !== '' && !properties.split(';').map(splitPair).every(isProperty))
    throw new BaggageError(`baggage properties are key or key=value, escaped and joined by ';', not ${quote(properties)}`);
}

/** Baggage that is being read: adds members until the limits, keeps the rest out, and remembers the first problem. */
export class BaggageReader {
  readonly #entries = new Map<string, BaggageEntry>();
  #bytes = 0;
  problem: string | undefined;

  get baggage(): Baggage {
    return this.#entries.size === 0 ? NO_BAGGAGE : this.#entries;
  }

  /** Reads one `baggage` header. Malformed members are skipped; of a key that comes twice the last counts. */
  readHeader(header: string): void {
    for (const part of header.split(',')) {
      const member = trimOptionalSpace(part);
      if (member === '') continue;
      const [[key, value], ...properties] = member.split(';').map(splitPair) as [Pair, ...Pair[]];
      if (value === undefined || !TOKEN.test(key) || !OCTETS.test(value) || !properties.every(isProperty))
        this.#report(`baggage member ${quote(member)} is not key=value`);
      else if (!this.#add(member.length, key, { value: decode(value), properties: properties.map(joinPair).join(';') })) return;
    }
  }

  /** Reads a header of the older form `baggage-<key>: value`, whose value is plain. A key that is known already keeps its value. */
  readSingle(key: string, value: string): void {
    if (this.#entries.has(key)) return;
    if (TOKEN.test(key))
      this.#add(key.length + value.length + 1, key, { value: trimOptionalSpace(value).toWellFormed(), properties: '' });
    else this.#report(`the header name ${quote(`baggage-${key}`)} holds no baggage key`);
  }

  #add(bytes: number, key: string, entry: BaggageEntry): boolean {
    const separator = this.#bytes === 0 ? 0 : 1;
    const full = this.#entries.size >= MOST_BAGGAGE_MEMBERS && !this.#entries.has(key);
    if (full || this.#bytes + separator + bytes > MOST_BAGGAGE_BYTES) {
      this.#report(`baggage beyond ${MOST_BAGGAGE_MEMBERS} members or ${MOST_BAGGAGE_BYTES} bytes was dropped`);
      return false;
    }
    this.#bytes += separator + bytes;
    this.#entries.set(key, entry);
    return true;
  }

  #report(problem: string): void {
    this.problem ??= problem;
  }
}

/** The header text, '' for no baggage. Members beyond the limits of the specification are left out, and counted. */
export function formatBaggage(baggage: Baggage): { readonly text: string; readonly leftOut: number } {
  let text = '';
  let members = 0;
  for (const [key, { value, properties }] of baggage) {
    const member = `${key}=${encode(value)}${properties === '' ? '' : `;${properties}`}`;
    const longer = text === '' ? member : `${text},${member}`;
    if (members === MOST_BAGGAGE_MEMBERS || longer.length > MOST_BAGGAGE_BYTES) continue;
    text = longer;
    members++;
  }
  return { text, leftOut: baggage.size - members };
}

type Pair = readonly [key: string, value: string | undefined];

/** At the first '=', without the space around either side; without a '=' the value is undefined. */
function splitPair(text: string): Pair {
  const at = text.indexOf('=');
  if (at < 0) return [trimOptionalSpace(text), undefined];
  return [trimOptionalSpace(text.slice(0, at)), trimOptionalSpace(text.slice(at + 1))];
}

function joinPair([key, value]: Pair): string {
  return value === undefined ? key : `${key}=${value}`;
}

function isProperty([key, value = '']: Pair): boolean {
  return TOKEN.test(key) && OCTETS.test(value);
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // Bytes that are no UTF-8 become U+FFFD, as the specification wants (section 3.3.1.3), and a '%' alone stays what it is.
    return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
  }
}

function encode(text: string): string {
  return text.toWellFormed().replace(TO_ESCAPE, encodeURIComponent);
}
