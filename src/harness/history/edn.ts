// A reader for EDN (extensible data notation, github.com/edn-format/edn), the notation of Jepsen's histories.
// What Clojure prints beyond the specification and Jepsen files contain is read too: ratios, ##Inf, #:ns{} maps.

/** `:name` or `:namespace/name`, without the colon. */
export class EdnKeyword {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class EdnSymbol {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** `#tag value`, for example `#inst "2026-11-22"` or `#jepsen.history.Op{...}`. */
export class EdnTagged {
  readonly tag: string;
  readonly value: EdnValue;
  constructor(tag: string, value: EdnValue) {
    this.tag = tag;
    this.value = value;
  }
}

/**
 * nil is null; a character is a string of one; vectors and lists are both arrays. Integers are numbers where those are
 * exact and bigints beyond. Keys of maps and members of sets are compared by identity, so collections never coincide.
 */
export type EdnValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | EdnKeyword
  | EdnSymbol
  | EdnTagged
  | EdnValue[]
  | Set<EdnValue>
  | Map<EdnValue, EdnValue>;

/** Text that is not EDN. `offset` is the position of the offending character. */
export class EdnError extends Error {
  override readonly name = 'EdnError';
  readonly code = 'edn';
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(`${reason} at character ${offset}`);
    this.offset = offset;
  }
}

/** Deeper nesting than any history has; a hostile file must not overflow the stack. */
const MAX_DEPTH = 256;

const CHARACTERS: Record<string, string> = {
  newline: '\n',
  space: ' ',
  tab: '\t',
  return: '\r',
  formfeed: '\f',
  backspace: '\b',
};
const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '"': '"', '\\': '\\' };

const INTEGER = /^[+-]?(0|[1-9]\d*)N?$/;
const FLOAT = /^[+-]?(0|[1-9]\d*)(\.\d*)?([eE][+-]?\d+)?M?$/;
const RATIO = /^([+-]?\d+)\/(\d+)$/;
const SYMBOL = /^[\p{L}\p{N}.*+!\-_?$%&=<>|:#'/]+$/u;

/** Whitespace, which in EDN includes the comma. By code, not by expression: this runs for every character of a file. */
function isSpace(code: number): boolean {
  return code <= 32 || code === 0x2c || (code >= 0x80 && /\s/.test(String.fromCharCode(code)));
}

function isDelimiter(code: number): boolean {
  return isSpace(code) || DELIMITERS.has(code);
}

const DELIMITERS: ReadonlySet<number> = new Set(Buffer.from('"()[]{};'));

/** Reads one value after another from a text. */
export class EdnReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  // Histories repeat a handful of keywords a million times; sharing them also makes them usable as keys of a Map.
  readonly #keywords = new Map<string, EdnKeyword>();

  constructor(text: string) {
    this.#text = text;
  }

  /** Where the next value begins, after whitespace, comments and discarded values; undefined at the end of the text. */
  next(): number | undefined {
    this.#skip();
    return this.#at < this.#text.length ? this.#at : undefined;
  }

  /** The value at the current position. Throws EdnError. */
  read(): EdnValue {
    // Counted before skipping, because a discarded value (#_) is read while skipping and may itself begin with one.
    if (++this.#depth > MAX_DEPTH) throw new EdnError(`nested deeper than ${MAX_DEPTH}`, this.#at);
    const begin = this.next();
    if (begin === undefined) throw new EdnError('a value is missing', this.#at);
    const value = this.#readAt(begin, this.#text[begin] as string);
    this.#depth--;
    return value;
  }

  /** If a vector or list begins here, enters it: what follows are its elements, and `leave` ends it. */
  enter(): ']' | ')' | undefined {
    const begin = this.next();
    const open = begin === undefined ? undefined : this.#text[begin];
    if (open !== '[' && open !== '(') return undefined;
    this.#at++;
    return open === '[' ? ']' : ')';
  }

  /** True, and moves past it, when `close` is next. */
  leave(close: string): boolean {
    const at = this.next();
    if (at === undefined) throw new EdnError(`'${close}' is missing`, this.#at);
    if (this.#text[at] !== close) return false;
    this.#at++;
    return true;
  }

  #readAt(begin: number, first: string): EdnValue {
    switch (first) {
      case '(':
        return this.#elements(')');
      case '[':
        return this.#elements(']');
      case '{':
        return this.#map('');
      case '"':
        return this.#string();
      case '\\':
        return this.#character();
      case '#':
        return this.#dispatch(begin);
      case ')':
      case ']':
      case '}':
        throw new EdnError(`unexpected '${first}'`, begin);
      default:
        return this.#atom(begin);
    }
  }

  #skip(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at] as string;
      if (character === ';') {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end < 0 ? this.#text.length - 1 : end;
      } else if (character === '#' && this.#text[this.#at + 1] === '_') {
        this.#at += 2;
        this.read();
        this.#at--;
      } else if (!isSpace(character.charCodeAt(0))) return;
    }
  }

  #elements(close: string): EdnValue[] {
    this.#at++;
    const elements: EdnValue[] = [];
    while (!this.leave(close)) elements.push(this.read());
    return elements;
  }

  #map(namespace: string): Map<EdnValue, EdnValue> {
    const begin = this.#at++;
    const map = new Map<EdnValue, EdnValue>();
    while (!this.leave('}')) {
      const key = this.#qualified(namespace, this.read());
      if (this.leave('}')) throw new EdnError('a map has a key without a value', begin);
      if (map.has(key)) throw new EdnError('a map has the same key twice', begin);
      map.set(key, this.read());
    }
    return map;
  }

  #qualified(namespace: string, key: EdnValue): EdnValue {
    const applies = namespace !== '' && key instanceof EdnKeyword && !key.name.includes('/');
    return applies ? this.#keyword(`${namespace}/${key.name}`) : key;
  }

  #dispatch(begin: number): EdnValue {
    const following = this.#text[begin + 1];
    if (following === '{') {
      this.#at++;
      return new Set(this.#elements('}'));
    }
    this.#at++;
    if (following === '#') {
      this.#at++;
      return this.#symbolicNumber(begin);
    }
    const name = this.#token();
    if (name.startsWith(':') && this.#text[this.#at] === '{') return this.#map(name.slice(1));
    if (!/^\p{L}/u.test(name)) throw new EdnError(`'#${name}' is not a tag`, begin);
    return new EdnTagged(name, this.read());
  }

  #symbolicNumber(begin: number): number {
    const name = this.#token();
    if (name === 'Inf') return Number.POSITIVE_INFINITY;
    if (name === '-Inf') return Number.NEGATIVE_INFINITY;
    if (name === 'NaN') return Number.NaN;
    throw new EdnError(`'##${name}' is not a number`, begin);
  }

  #string(): string {
    const begin = this.#at;
    let value = '';
    let from = begin + 1;
    for (let at = from; at < this.#text.length; at++) {
      const character = this.#text[at];
      if (character === '"') {
        this.#at = at + 1;
        return value + this.#text.slice(from, at);
      }
      if (character === '\\') {
        value += this.#text.slice(from, at);
        const [unescaped, length] = this.#escape(at + 1);
        value += unescaped;
        at += length;
        from = at + 1;
      }
    }
    throw new EdnError('a string does not end', begin);
  }

  #escape(at: number): [value: string, length: number] {
    const kind = this.#text[at] ?? '';
    if (kind === 'u') return [this.#unicode(at + 1), 5];
    const value = ESCAPES[kind];
    if (value === undefined) throw new EdnError(`unknown escape '\\${kind}'`, at);
    return [value, 1];
  }

  #unicode(at: number): string {
    const digits = this.#text.slice(at, at + 4);
    if (!/^[\da-fA-F]{4}$/.test(digits)) throw new EdnError(`'\\u${digits}' is not a character`, at);
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #character(): string {
    const begin = this.#at;
    this.#at++;
    const first = this.#text.codePointAt(this.#at);
    if (first === undefined || isSpace(first)) throw new EdnError('a character is missing', begin);
    const single = String.fromCodePoint(first);
    this.#at += single.length;
    // The first character may itself be a delimiter, as in \( or \;.
    const name = isDelimiter(first) ? single : single + this.#token();
    if (name === single) return single;
    const named = CHARACTERS[name];
    if (named !== undefined) return named;
    if (name.length === 5 && name.startsWith('u')) return this.#unicode(begin + 2);
    throw new EdnError(`'\\${name}' is not a character`, begin);
  }

  #atom(begin: number): EdnValue {
    const token = this.#token();
    if (token === 'nil') return null;
    if (token === 'true') return true;
    if (token === 'false') return false;
    if (token.startsWith(':')) return this.#keywordToken(token, begin);
    if (/^[+-]?\d/.test(token)) return numberOf(token, begin);
    if (!SYMBOL.test(token)) throw new EdnError(`'${token}' is not EDN`, begin);
    return new EdnSymbol(token);
  }

  #keywordToken(token: string, begin: number): EdnKeyword {
    const name = token.slice(1);
    if (name === '' || name.startsWith(':') || !SYMBOL.test(name)) throw new EdnError(`'${token}' is not a keyword`, begin);
    return this.#keyword(name);
  }

  #keyword(name: string): EdnKeyword {
    let keyword = this.#keywords.get(name);
    if (keyword === undefined) {
      keyword = new EdnKeyword(name);
      this.#keywords.set(name, keyword);
    }
    return keyword;
  }

  #token(): string {
    const begin = this.#at;
    while (this.#at < this.#text.length && !isDelimiter(this.#text.charCodeAt(this.#at))) this.#at++;
    return this.#text.slice(begin, this.#at);
  }
}

function numberOf(token: string, offset: number): number | bigint {
  if (INTEGER.test(token)) {
    const digits = token.replace('N', '');
    const value = Number(digits);
    return Number.isSafeInteger(value) ? value : BigInt(digits.replace('+', ''));
  }
  if (FLOAT.test(token)) return Number(token.replace('M', ''));
  const ratio = RATIO.exec(token);
  if (ratio !== null && Number(ratio[2]) !== 0) return Number(ratio[1]) / Number(ratio[2]);
  throw new EdnError(`'${token}' is not a number`, offset);
}

/** The single value of a text. Throws EdnError. */
export function parseEdn(text: string): EdnValue {
  const reader = new EdnReader(text);
  const value = reader.read();
  const more = reader.next();
  if (more !== undefined) throw new EdnError('more than one value', more);
  return value;
}
