// The headers traceparent and tracestate, exactly as W3C Trace Context level 1 (Recommendation, 2020) has them.

import { type Parsed, quote, trimOptionalSpace } from './header-text.ts';

export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s;

/**
 * Reads a traceparent (section 3.2). Versions after 00 are read as far as 00 goes, provided that anything after the flags is
 * set off by '-' (section 3.2.4); version ff, ids of zeros, upper case and any other length are refused.
 */
export function parseTraceparent(text: string): Parsed<TraceParent> {
  const refuse = (why: string): Parsed<TraceParent> => ({ ok: false, problem: `traceparent ${quote(text)}: ${why}` });
  const match = TRACEPARENT.exec(trimOptionalSpace(text));
  if (match === null) return refuse('not version-traceid-spanid-flags in lower-case hexadecimal');
  const [, version, traceId, spanId, flags, rest] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string | undefined,
  ];
  if (version === 'ff') return refuse('version ff is invalid');
  if (version === '00' && rest !== undefined) return refuse('version 00 has nothing after the flags');
  if (traceId === NO_TRACE) return refuse('the trace id is all zeros');
  if (spanId === NO_SPAN) return refuse('the span id is all zeros');
  return { ok: true, value: { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 } };
}

/** A traceparent of version 00. Of the flags only `sampled` is known to level 1; the others are sent as zero (section 3.2.2.5.2). */
export function formatTraceparent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

const KEY_CHARACTERS = '[a-z0-9_*/-]';
const KEY = `(?:[a-z]${KEY_CHARACTERS}{0,255}|[a-z0-9]${KEY_CHARACTERS}{0,240}@[a-z]${KEY_CHARACTERS}{0,13})`;
const VALUE = '[\\x20-\\x2b\\x2d-\\x3c\\x3e-\\x7e]{0,255}[\\x21-\\x2b\\x2d-\\x3c\\x3e-\\x7e]';
const MEMBER = new RegExp(`^(${KEY})=${VALUE}$`);

const MOST_MEMBERS = 32;
/** What everybody should pass on (section 3.3.1.5); longer ones are cut down to this. */
const LONGEST_TRACESTATE = 512;
const LARGE_MEMBER = 128;

/**
 * Reads tracestate headers (section 3.3), several of which count as one joined by commas. One bad member, a key twice or more
 * than 32 members make all of it invalid. The value is normalised text to pass on: '' when there is nothing, and at most 512
 * characters, for which whole members go: first those above 128 characters, then from the end.
 */
export function parseTracestate(headers: readonly string[]): Parsed<string> {
  if (headers.length === 0) return { ok: true, value: '' };
  const members = headers
    .flatMap((header) => header.split(','))
    .map(trimOptionalSpace)
    .filter((member) => member !== '');
  const refuse = (why: string): Parsed<string> => ({ ok: false, problem: `tracestate ${quote(headers.join(','))}: ${why}` });
  if (members.length > MOST_MEMBERS) return refuse(`${members.length} members, ${MOST_MEMBERS} is the most`);
  const keys = new Set<string>();
  for (const member of members) {
    const key = MEMBER.exec(member)?.[1];
    if (key === undefined) return refuse(`${quote(member)} is not key=value`);
    if (keys.has(key)) return refuse(`the key ${quote(key)} appears twice`);
    keys.add(key);
  }
  return { ok: true, value: shorten(members).join(',') };
}

function shorten(members: string[]): string[] {
  const length = () => kept.reduce((sum, member) => sum + member.length, 0) + Math.max(0, kept.length - 1);
  let kept = members;
  if (length() > LONGEST_TRACESTATE) kept = kept.filter((member) => member.length <= LARGE_MEMBER);
  while (length() > LONGEST_TRACESTATE) kept = kept.slice(0, -1);
  return kept;
}
