// The tokens of SQLite's language, as far as we must tell them apart. After tokenize.c of SQLite.

export interface Token {
  readonly kind:
    | 'word'
    /** 'text', "name", `name`, [name] or x'00' */
    | 'quoted'
    | 'unterminated'
    | 'number'
    | 'parameter'
    | 'named-parameter'
    | 'open'
    | 'close'
    | 'comma'
    | 'semicolon'
    | 'other';
  readonly start: number;
  readonly end: number;
  /** A bare word in upper case, or the name of a named parameter as written. */
  readonly word?: string;
  /** The number of a parameter such as ?12. */
  readonly number?: number;
}

const SPACE = /[ \t\n\f\r\uFEFF]+/y;
const LINE_COMMENT = /--[^\n]*/y;
const BLOCK_COMMENT = /\/\*[\s\S]*?(?:\*\/|$)/y;
const QUOTED: Readonly<Record<string, RegExp>> = {
  "'": /'(?:[^']|'')*'/y,
  '"': /"(?:[^"]|"")*"/y,
  '`': /`(?:[^`]|``)*`/y,
  '[': /\[[^\]]*\]/y,
};
const BLOB = /[xX]'[^']*'/y;
const NUMBER = /[0-9][0-9A-Za-z_.]*/y;
const WORD = /[A-Za-z_\x80-\uFFFF][A-Za-z0-9_$\x80-\uFFFF]*/y;
const NUMBERED_PARAMETER = /\?([0-9]*)/y;
const NAMED_PARAMETER = /[:@$#][A-Za-z0-9_$\x80-\uFFFF]+/y;
const PUNCTUATION: Readonly<Record<string, Token['kind']>> = { '(': 'open', ')': 'close', ',': 'comma', ';': 'semicolon' };

/** All tokens but spaces and comments. Never throws. */
export function scan(sql: string): Token[] {
  const tokens: Token[] = [];
  let start = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = start;
    return pattern.exec(sql);
  };
  while (start < sql.length) {
    const blank = match(SPACE) ?? match(LINE_COMMENT) ?? match(BLOCK_COMMENT);
    if (blank !== null) {
      start += blank[0].length;
      continue;
    }
    const token = readToken(sql, start, match);
    tokens.push(token);
    start = token.end;
  }
  return tokens;
}

function readToken(sql: string, start: number, match: (pattern: RegExp) => RegExpExecArray | null): Token {
  const character = sql.charAt(start);
  const quote = QUOTED[character];
  if (quote !== undefined) {
    const quoted = match(quote);
    if (quoted === null) return { kind: 'unterminated', start, end: sql.length };
    return { kind: 'quoted', start, end: start + quoted[0].length };
  }
  const blob = match(BLOB);
  if (blob !== null) return { kind: 'quoted', start, end: start + blob[0].length };
  const word = match(WORD);
  if (word !== null) return { kind: 'word', start, end: start + word[0].length, word: word[0].toUpperCase() };
  const number = match(NUMBER);
  if (number !== null) return { kind: 'number', start, end: start + number[0].length };
  const parameter = match(NUMBERED_PARAMETER);
  if (parameter !== null) {
    const end = start + parameter[0].length;
    return parameter[1] === ''
      ? { kind: 'parameter', start, end }
      : { kind: 'parameter', start, end, number: Number(parameter[1]) };
  }
  const named = match(NAMED_PARAMETER);
  if (named !== null) return { kind: 'named-parameter', start, end: start + named[0].length, word: named[0] };
  return { kind: PUNCTUATION[character] ?? 'other', start, end: start + 1 };
}
