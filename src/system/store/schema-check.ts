// After a change of the schema: finds what SQLite compiles only later, or without asking the authorizer. Found by trying each
// path (policy.test.ts): DEFAULT expressions are never authorized, a CHECK is when its table is created but not when ALTER TABLE
// adds it with a column, and the body of a trigger is when a statement fires it.

import { known } from '../../runtime/assert.ts';
import { SqlConnection, StatementError } from './connection.ts';
import { INTERNAL_PREFIX, noFacts } from './policy.ts';
import type { Denial, StatementFacts } from './policy.ts';
import { scan } from './sql-tokens.ts';

/** For an identifier between double quotes. */
export const quoteName = (name: string) => `"${name.replaceAll('"', '""')}"`;

export class SchemaCheck {
  readonly #connection: SqlConnection;
  /** Where definitions are compiled once more; nothing is ever executed in it. */
  readonly #scratch = new SqlConnection(':memory:', { readOnly: false });
  readonly #internalTables: bigint;

  /** @param connection one whose internal tables exist already. */
  constructor(connection: SqlConnection) {
    this.#connection = connection;
    this.#internalTables = this.#countInternal();
  }

  /** Throws StatementError when what the statement created may not stand; the caller undoes it. */
  verify(facts: StatementFacts): void {
    if (this.#countInternal() !== this.#internalTables)
      throw new StatementError('forbidden-sql', `names that begin with ${INTERNAL_PREFIX} are reserved for windtunnel`);
    for (const table of facts.touchedTables) this.#verifyTable(table);
    for (const table of facts.triggeredTables) this.#verifyTriggers(table);
  }

  close(): void {
    this.#scratch.close();
  }

  #countInternal(): bigint {
    const row = this.#first(
      'SELECT count(*) FROM sqlite_master WHERE lower(substr(name, 1, ?)) = ?',
      BigInt(INTERNAL_PREFIX.length),
      INTERNAL_PREFIX,
    );
    return known(row, 'a count is one row')[0] as bigint;
  }

  #verifyTable(table: string): void {
    const parents = this.#connection.internal('SELECT "table" FROM pragma_foreign_key_list(?)').all(table) as unknown as [
      string,
    ][];
    // Our own deletes would then have to ask, or cascade into, tables of the user.
    if (parents.some(([parent]) => parent.toLowerCase().startsWith(INTERNAL_PREFIX)))
      throw new StatementError('forbidden-sql', `a foreign key of '${table}' refers to a table of windtunnel`);
    const definition = this.#first("SELECT sql FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(?)", table);
    if (definition === undefined) return;
    this.#refuse(this.#denialOf(this.#scratch, definition[0] as string), `table '${table}'`);
    const columns = this.#connection
      .internal('SELECT name, dflt_value FROM pragma_table_xinfo(?) WHERE dflt_value IS NOT NULL')
      .all(table);
    for (const [name, expression] of columns as unknown as [string, string][]) {
      const where = `the default of '${table}.${name}'`;
      const denial = this.#denialOf(this.#scratch, `SELECT (\n${expression}\n)`, (message) => {
        // A single bare word is taken as text by DEFAULT, and as the name of a column by SELECT.
        if (scan(expression).length > 1) throw new StatementError('not-deterministic', `${where} cannot be checked: ${message}`);
      });
      this.#refuse(denial, where);
    }
  }

  /** Compiles one statement of each kind on the table, which compiles its triggers. */
  #verifyTriggers(table: string): void {
    const columns = this.#connection
      .internal('SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0')
      .all(table) as unknown as [string][];
    const target = quoteName(table);
    const assignments = columns.map(([name]) => `${quoteName(name)} = ${quoteName(name)}`).join(', ');
    for (const sql of [`INSERT INTO ${target} DEFAULT VALUES`, `UPDATE ${target} SET ${assignments}`, `DELETE FROM ${target}`])
      this.#refuse(this.#denialOf(this.#connection, sql), `a trigger of '${table}'`);
  }

  #denialOf(
    { database, policy }: SqlConnection,
    sql: string,
    onOtherError: (message: string) => void = () => {},
  ): Denial | undefined {
    policy.enter('write', '', noFacts());
    try {
      database.prepare(sql);
    } catch (error) {
      if (policy.denial === undefined) onOtherError((error as Error).message);
    } finally {
      policy.leave();
    }
    return policy.denial;
  }

  #refuse(denial: Denial | undefined, where: string): void {
    if (denial !== undefined) throw new StatementError(denial.code, `${where}: ${denial.message}`);
  }

  #first(sql: string, ...params: (string | bigint)[]): unknown[] | undefined {
    return this.#connection.internal(sql).get(...params) as unknown as unknown[] | undefined;
  }
}
