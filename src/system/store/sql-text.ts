// Reads SQL as text: where its statements begin and end, what kind each is, and what is refused by its words alone. It is a
// scanner of SQLite's tokens (sqlite.org/lang_keywords, tokenize.c), not a parser: wrong SQL passes, and SQLite names the mistake.

import { scan } from './sql-tokens.ts';
import type { Token } from './sql-tokens.ts';

/** SQL that is refused before it reaches SQLite. Definitely not applied. */
export class SqlTextError extends Error {
  override readonly name = 'SqlTextError';
  readonly code: 'sql-error' | 'forbidden-sql';
  constructor(code: 'sql-error' | 'forbidden-sql', message: string) {
    super(message);
    this.code = code;
  }
}

export interface SqlStatement {
  /** The statement alone, without a ';' at its end. */
  readonly text: string;
  readonly kind: 'read' | 'write';
  /** The word that decides what it does, in upper case: SELECT, INSERT (also after WITH), CREATE ... */
  readonly keyword: string;
  readonly explain: boolean;
  /** How many parameters it takes: the highest number of `?1`, and one more for each `?`. */
  readonly parameters: number;
}

export interface SqlScript {
  readonly statements: readonly SqlStatement[];
  /** `read` only when every statement is one. */
  readonly kind: 'read' | 'write';
}

const WRITES = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'ALTER', 'ANALYZE', 'REINDEX']);

const OWN_TRANSACTION = 'the statements of one request already are one transaction: send them together, separated by semicolons';
const REFUSED: Readonly<Record<string, string>> = {
  BEGIN: OWN_TRANSACTION,
  COMMIT: OWN_TRANSACTION,
  END: OWN_TRANSACTION,
  ROLLBACK: OWN_TRANSACTION,
  SAVEPOINT: OWN_TRANSACTION,
  RELEASE: OWN_TRANSACTION,
  ATTACH: 'a replica has one database: create your tables in it',
  DETACH: 'a replica has one database',
  VACUUM: 'each replica looks after its own file',
};

/**
 * Whether this SQL only reads, by its words: SELECT, VALUES, EXPLAIN, PRAGMA, and WITH before SELECT. Several statements
 * only read when each does. What SQLite will not understand counts as a read, so that nobody writes a mistake to the log.
 * Throws SqlTextError for empty SQL and for what no request may contain (BEGIN, ATTACH, VACUUM ...).
 */
export function classify(sql: string): 'read' | 'write' {
  return parseScript(sql).kind;
}

const CACHE_ENTRIES = 512;
const CACHED_SQL_LENGTH = 4_096;
const cache = new Map<string, SqlScript>();

/** The statements of a script. Throws as `classify` does. Recent answers are remembered: most programs send the same few texts. */
export function parseScript(sql: string): SqlScript {
  const known = cache.get(sql);
  if (known !== undefined) return known;
  const script = parse(sql);
  if (sql.length <= CACHED_SQL_LENGTH) {
    // Oldest in, first out: cheaper on every hit than an exact order of use, and a miss costs a few microseconds.
    if (cache.size >= CACHE_ENTRIES) cache.delete(cache.keys().next().value as string);
    cache.set(sql, script);
  }
  return script;
}

function parse(sql: string): SqlScript {
  if (sql.includes('\0')) throw new SqlTextError('sql-error', 'the SQL contains a NUL character');
  const tokens = scan(sql);
  const unterminated = tokens.find((token) => token.kind === 'unterminated');
  if (unterminated !== undefined)
    throw new SqlTextError('sql-error', `the quote that opens at character ${unterminated.start + 1} is never closed`);
  const statements = split(tokens).map((part) => parseStatement(sql, part));
  if (statements.length === 0) throw new SqlTextError('sql-error', 'there is no SQL in this request');
  return { statements, kind: statements.every(({ kind }) => kind === 'read') ? 'read' : 'write' };
}

/** At every ';', except inside a trigger, which ends at `; END`. As sqlite3_complete() does it. */
function split(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [];
  let part: Token[] = [];
  for (const token of tokens) {
    const last = part.at(-1);
    if (token.kind !== 'semicolon') part.push(token);
    else if (part.length > 0 && isTrigger(part) && !(last?.word === 'END' && part.at(-2)?.kind === 'semicolon')) part.push(token);
    else {
      if (part.length > 0) parts.push(part);
      part = [];
    }
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

function isTrigger(part: readonly Token[]): boolean {
  let at = afterExplain(part);
  if (part[at]?.word !== 'CREATE') return false;
  at++;
  if (part[at]?.word === 'TEMP' || part[at]?.word === 'TEMPORARY') at++;
  return part[at]?.word === 'TRIGGER';
}

function afterExplain(part: readonly Token[]): number {
  if (part[0]?.word !== 'EXPLAIN') return 0;
  return part[1]?.word === 'QUERY' && part[2]?.word === 'PLAN' ? 3 : 1;
}

function parseStatement(sql: string, part: readonly Token[]): SqlStatement {
  const first = part[0] as Token;
  const last = part.at(-1) as Token;
  const text = sql.slice(first.start, last.end);
  const start = afterExplain(part);
  const keyword = (part[start]?.word === 'WITH' ? afterCommonTables(part, start + 1) : part[start]?.word) ?? '';
  const refusal = REFUSED[keyword];
  if (refusal !== undefined) throw new SqlTextError('forbidden-sql', `${keyword} is not allowed: ${refusal}`);
  refuseConflictClauses(part);
  const explain = start > 0;
  const kind = !explain && WRITES.has(keyword) ? 'write' : 'read';
  return { text, kind, keyword, explain, parameters: countParameters(part) };
}

/** WITH [RECURSIVE] name [(columns)] AS [[NOT] MATERIALIZED] (select), ... and then the word that is looked for. */
function afterCommonTables(part: readonly Token[], start: number): string | undefined {
  let at = start;
  if (part[at]?.word === 'RECURSIVE') at++;
  for (;;) {
    at++;
    if (part[at]?.kind === 'open') at = afterParentheses(part, at);
    if (part[at]?.word !== 'AS') return undefined;
    at++;
    if (part[at]?.word === 'NOT') at++;
    if (part[at]?.word === 'MATERIALIZED') at++;
    if (part[at]?.kind !== 'open') return undefined;
    at = afterParentheses(part, at);
    if (part[at]?.kind !== 'comma') return part[at]?.word;
    at++;
  }
}

function afterParentheses(part: readonly Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < part.length; at++) {
    const { kind } = part[at] as Token;
    if (kind === 'open') depth++;
    else if (kind === 'close') depth--;
    if (depth === 0) return at + 1;
  }
  return part.length;
}

/**
 * A command is undone as a whole or not at all, and many commands share one transaction of the database. So a statement may
 * neither end that transaction (ROLLBACK) nor keep half of itself (FAIL), and no constraint may wait for its end.
 */
function refuseConflictClauses(part: readonly Token[]): void {
  for (let at = 1; at < part.length; at++) {
    const word = part[at]?.word;
    const before = part[at - 1] as Token;
    if (word === 'ROLLBACK' || word === 'FAIL') {
      const twoBefore = part[at - 2]?.word;
      const clause =
        before.word === 'CONFLICT'
          ? `ON CONFLICT ${word}`
          : before.word === 'OR' && (twoBefore === 'INSERT' || twoBefore === 'UPDATE')
            ? `OR ${word}`
            : before.kind === 'open' && twoBefore === 'RAISE'
              ? `RAISE(${word})`
              : undefined;
      if (clause !== undefined)
        throw new SqlTextError(
          'forbidden-sql',
          `${clause} is not allowed: a request is applied as a whole or not at all; use ABORT`,
        );
    }
    if (word === 'DEFERRED' && before.word === 'INITIALLY')
      throw new SqlTextError(
        'forbidden-sql',
        'DEFERRABLE INITIALLY DEFERRED is not allowed: requests of many clients share a transaction; leave it out, so that the constraint is checked at once',
      );
  }
}

function countParameters(part: readonly Token[]): number {
  let highest = 0;
  for (const token of part) {
    if (token.kind === 'parameter') highest = token.number === undefined ? highest + 1 : Math.max(highest, token.number);
    else if (token.kind === 'named-parameter')
      throw new SqlTextError('sql-error', `named parameters are not supported: write ? or ?1 instead of ${token.word}`);
  }
  return highest;
}
