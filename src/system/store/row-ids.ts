// Keeps the largest row id out of every table. SQLite chooses row ids at random once a table has row 2^63 - 1
// (sqlite.org/autoinc.html), which would differ between replicas; with AUTOINCREMENT it reports a full disk, which would stop
// them all.

import type { SqlConnection, StatementRun } from './connection.ts';
import { StatementError } from './connection.ts';
import type { StatementFacts } from './policy.ts';
import { quoteName } from './schema-check.ts';

const LARGEST = 2n ** 63n - 1n;

/** Throws StatementError when the statement that just ran put the largest row id into a table; the caller undoes it. */
export function refuseLargestRowId(connection: SqlConnection, { result, facts, lastRowId }: StatementRun): void {
  const { insertsInto, updates } = facts;
  if (insertsInto.size === 0 && updates.size === 0) return;
  // One row, inserted directly: SQLite has told us its id. The usual case, and it costs nothing.
  const oneRowKnown = lastRowId !== undefined && lastRowId !== LARGEST && result.rowsAffected <= 1 && !facts.firesTriggers;
  const suspects = new Set(oneRowKnown ? [] : insertsInto);
  for (const table of tablesWithUpdatedIds(connection, facts)) suspects.add(table);
  for (const table of suspects) {
    if (hasLargestRowId(connection, table) || sequenceIsExhausted(connection, table))
      throw new StatementError(
        'not-deterministic',
        `row id ${LARGEST} in '${table}' is not allowed: after it SQLite chooses row ids at random, which would differ between replicas`,
      );
  }
}

/** Tables whose row id, or a part of whose primary key, the statement updates. Asked once for each prepared statement. */
function tablesWithUpdatedIds(connection: SqlConnection, facts: StatementFacts): readonly string[] {
  let tables = updatedIds.get(facts);
  if (tables === undefined) {
    tables = [...facts.updates].filter(([table, columns]) => updatesRowId(connection, table, columns)).map(([table]) => table);
    updatedIds.set(facts, tables);
  }
  return tables;
}

const updatedIds = new WeakMap<StatementFacts, readonly string[]>();

function updatesRowId(connection: SqlConnection, table: string, columns: ReadonlySet<string>): boolean {
  if (columns.has('ROWID')) return true;
  const keys = connection.internal('SELECT name FROM pragma_table_info(?) WHERE pk > 0').all(table) as unknown as [string][];
  return keys.some(([key]) => columns.has(key));
}

function hasLargestRowId(connection: SqlConnection, table: string): boolean {
  const kind = connection.internal("SELECT type, wr FROM pragma_table_list(?) WHERE schema = 'main'").get(table) as unknown as
    [string, bigint] | undefined;
  if (kind === undefined || kind[0] !== 'table' || kind[1] !== 0n) return false;
  const columns = connection.internal('SELECT name, upper(type), pk FROM pragma_table_xinfo(?)').all(table) as unknown as [
    string,
    string,
    bigint,
  ][];
  // A column may take the name of the row id away; an INTEGER PRIMARY KEY is the row id by yet another name.
  const alias = ['rowid', '_rowid_', 'oid']
    .filter((name) => !columns.some(([column]) => column.toLowerCase() === name))
    .slice(0, 1);
  const key = columns.filter(([, type, pk]) => pk === 1n && type === 'INTEGER').map(([name]) => quoteName(name));
  const condition = [...alias, ...key].map((name) => `${name} = ${LARGEST}`).join(' OR ');
  return (
    condition !== '' && connection.database.prepare(`SELECT 1 FROM ${quoteName(table)} WHERE ${condition}`).get() !== undefined
  );
}

/** Also true when the row was deleted again by a trigger. */
function sequenceIsExhausted(connection: SqlConnection, table: string): boolean {
  const exists = connection.internal("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").get();
  if (exists === undefined) return false;
  return connection.internal(`SELECT 1 FROM sqlite_sequence WHERE name = ? AND seq = ${LARGEST}`).get(table) !== undefined;
}
