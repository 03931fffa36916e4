// One connection to SQLite and how SQL of others is run on it: under the policy, with cached statements and bounded results.

import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import type { SqlValue } from './bytes.ts';
import { MAX_PARAMS, MAX_SQL_BYTES } from './command.ts';
import type { OutcomeCode, ResultSet } from './outcome.ts';
import { noFacts, SqlPolicy } from './policy.ts';
import type { SqlMode, StatementFacts } from './policy.ts';
import type { SqlStatement } from './sql-text.ts';

/** The database itself failed (disk full, I/O error, damaged file), not the SQL. What was under way is not committed. */
export class StoreFailedError extends Error {
  override readonly name = 'StoreFailedError';
  readonly code = 'store-failed';
}

/** A statement that was not carried out; the same on every replica. */
export class StatementError extends Error {
  override readonly name = 'StatementError';
  readonly code: OutcomeCode;
  constructor(code: OutcomeCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The longest text or blob SQLite may handle, bytes. The same on every replica, since beyond it a statement fails. */
const MAX_VALUE_BYTES = 16 << 20;
const CACHED_STATEMENTS = 256;

/** Results must fit one gRPC message (4 MiB by default) with room for what surrounds them. */
export const MAX_RESULT_BYTES = (4 << 20) - (64 << 10);
/** A row costs more in memory than on the wire. */
export const MAX_RESULT_ROWS = 100_000;

/** What one outcome may still hold; shared by the statements of a script. */
export interface ResultBudget {
  rows: number;
  bytes: number;
}

export const newBudget = (): ResultBudget => ({ rows: MAX_RESULT_ROWS, bytes: MAX_RESULT_BYTES });

/** SQLite's result codes (sqlite.org/rescode.html) that are about the statement. All others are about this machine. */
const STATEMENT_CODES = new Set([
  1 /* ERROR */, 18 /* TOOBIG */, 19 /* CONSTRAINT */, 20 /* MISMATCH */, 23 /* AUTH */, 25 /* RANGE */,
]);
const CONSTRAINT = 19;

const ROW_CHANGING = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE']);

export interface PreparedStatement {
  readonly statement: StatementSync;
  readonly facts: StatementFacts;
  readonly returnsRows: boolean;
}

export interface StatementRun {
  readonly result: ResultSet;
  readonly facts: StatementFacts;
  /** SQLite's last_insert_rowid after the statement, or undefined when it was not reported. */
  readonly lastRowId: bigint | undefined;
}

export class SqlConnection {
  readonly database: DatabaseSync;
  readonly policy = new SqlPolicy();
  readonly #internal = new Map<string, StatementSync>();
  readonly #prepared = new Map<string, PreparedStatement>();

  /** @param path a file, or ':memory:'. Throws StoreFailedError when it cannot be opened. */
  constructor(path: string, { readOnly }: { readonly readOnly: boolean }) {
    this.database = guard(`cannot open the database ${path}`, () => {
      const database = new DatabaseSync(path, {
        readOnly,
        enableForeignKeyConstraints: true,
        allowExtension: false,
        defensive: true,
        // A reader that starts while the writer recovers the write-ahead log waits for it.
        timeout: 5_000,
        limits: { length: MAX_VALUE_BYTES, sqlLength: MAX_SQL_BYTES, variableNumber: MAX_PARAMS, attach: 0 },
      });
      // Triggers must not call themselves: the depth is limited, but not the number of branches.
      database.exec('PRAGMA recursive_triggers = OFF; PRAGMA temp_store = MEMORY');
      database.setAuthorizer(this.policy.authorize);
      return database;
    });
  }

  /** A statement of our own, compiled once. */
  internal(sql: string): StatementSync {
    let statement = this.#internal.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare(sql, { returnArrays: true, readBigInts: true });
      this.#internal.set(sql, statement);
    }
    return statement;
  }

  /**
   * Runs one statement of a user. Throws StatementError (its effects, if any, are to be undone by the caller's savepoint)
   * or StoreFailedError.
   */
  run(statement: SqlStatement, params: readonly SqlValue[], mode: 'write' | 'read', budget: ResultBudget): StatementRun {
    if (params.length !== statement.parameters)
      throw new StatementError(
        'sql-error',
        `the statement takes ${statement.parameters} parameters, but ${params.length} were given`,
      );
    const effectiveMode = statement.explain ? 'explain' : mode;
    try {
      const prepared = this.prepare(statement, effectiveMode);
      // SQLite compiles again when the schema has changed, and then asks the authorizer again.
      this.policy.enter(effectiveMode, statement.keyword, prepared.facts);
      const bound = params.map(toSqlite);
      if (!prepared.returnsRows) {
        const { changes, lastInsertRowid } = prepared.statement.run(...bound);
        // For other statements SQLite repeats the number of the last one that changed rows.
        const rowsAffected = ROW_CHANGING.has(statement.keyword) ? Number(changes) : 0;
        return { result: { columns: [], rows: [], rowsAffected }, facts: prepared.facts, lastRowId: BigInt(lastInsertRowid) };
      }
      const rows = collectRows(prepared.statement.iterate(...bound) as Iterable<unknown> as Iterable<SqlValue[]>, budget);
      // After the rows: compiling again may have changed what `*` stands for.
      const columns = prepared.statement.columns().map(({ name }) => name);
      const rowsAffected = statement.kind === 'write' ? rows.length : 0;
      return { result: { columns, rows, rowsAffected }, facts: prepared.facts, lastRowId: undefined };
    } catch (error) {
      throw this.#explain(error);
    } finally {
      this.policy.leave();
    }
  }

  /** Compiles a statement under the policy, or finds it compiled. Throws StatementError or what SQLite throws. */
  prepare(statement: SqlStatement, mode: SqlMode): PreparedStatement {
    const key = mode + statement.text;
    const cached = this.#prepared.get(key);
    if (cached !== undefined) {
      // Most recently used last.
      this.#prepared.delete(key);
      this.#prepared.set(key, cached);
      return cached;
    }
    const facts = noFacts();
    this.policy.enter(mode, statement.keyword, facts);
    const compiled = this.database.prepare(statement.text, { returnArrays: true, readBigInts: true });
    // SQLite compiles the first statement of a text and ignores the rest. Where it sees more statements than we do, refuse.
    if (compiled.sourceSQL !== statement.text)
      throw new StatementError('sql-error', `cannot tell where this statement ends: '${compiled.sourceSQL.slice(-40)}' or later`);
    const prepared = { statement: compiled, facts, returnsRows: compiled.columns().length > 0 };
    if (this.#prepared.size >= CACHED_STATEMENTS) this.#prepared.delete(this.#prepared.keys().next().value as string);
    this.#prepared.set(key, prepared);
    return prepared;
  }

  /** After a change of the schema: what a statement does (its facts) may have changed with it. */
  forgetPrepared(): void {
    this.#prepared.clear();
  }

  close(): void {
    if (this.database.isOpen) this.database.close();
  }

  #explain(error: unknown): Error {
    if (error instanceof StatementError) return error;
    const { denial } = this.policy;
    if (denial !== undefined) return new StatementError(denial.code, denial.message);
    return fromSqlite(error, 'the statement failed');
  }
}

/** Runs `action`; what SQLite throws becomes StoreFailedError. */
export function guard<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof StoreFailedError) throw error;
    throw new StoreFailedError(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function fromSqlite(error: unknown, what: string): Error {
  if (!(error instanceof Error)) return new StoreFailedError(`${what}: ${String(error)}`);
  const { errcode } = error as { errcode?: unknown };
  if (typeof errcode !== 'number' || !STATEMENT_CODES.has(errcode & 0xff))
    return new StoreFailedError(`${what}: ${error.message}`, { cause: error });
  return new StatementError((errcode & 0xff) === CONSTRAINT ? 'constraint' : 'sql-error', error.message);
}

/** node:sqlite binds every number as a floating-point one; `3 / 2` is 1 in SQL only when both are integers. */
function toSqlite(value: SqlValue): SQLInputValue {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

function collectRows(source: Iterable<SqlValue[]>, budget: ResultBudget): SqlValue[][] {
  const rows: SqlValue[][] = [];
  for (const row of source) {
    budget.rows--;
    budget.bytes -= 4;
    for (let at = 0; at < row.length; at++) {
      const value = row[at] as SqlValue;
      if (typeof value === 'bigint') {
        const asNumber = Number(value);
        if (Number.isSafeInteger(asNumber)) row[at] = asNumber;
        budget.bytes -= 12;
      } else
        budget.bytes -=
          12 + (typeof value === 'string' ? Buffer.byteLength(value) : value instanceof Uint8Array ? value.byteLength : 0);
    }
    if (budget.rows < 0)
      throw new StatementError('result-too-large', `more than ${MAX_RESULT_ROWS} rows: ask for fewer with LIMIT`);
    if (budget.bytes < 0)
      throw new StatementError(
        'result-too-large',
        `the rows are larger than ${MAX_RESULT_BYTES} bytes: ask for less with LIMIT or fewer columns`,
      );
    rows.push(row);
  }
  return rows;
}
