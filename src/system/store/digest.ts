// One hash over all that the log has put into a database, to compare replicas.

import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { SqlConnection } from './connection.ts';
import { quoteName } from './schema-check.ts';

const META = '_windtunnel_meta';

/**
 * SHA-256, in hex, over the schema and every row of every table with its row id, and over the remembered sessions. Replicas
 * that have applied the same commands have equal digests, whatever their batches were; how far they are (the index of the last
 * entry, which also counts the noops of elections) is not part of it.
 */
export function digestOf(connection: SqlConnection): string {
  const hash = createHash('sha256');
  const schema = connection
    .internal('SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name <> ? ORDER BY type, name')
    .all(META);
  for (const row of schema) hashRow(hash, row as unknown as unknown[]);
  const tables = connection
    .internal("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY name")
    .all();
  for (const [name, withoutRowId] of tables as unknown as [string, bigint][]) {
    // sqlite_schema was hashed above, without the pages at which tables begin: those differ.
    if (name === META || name === 'sqlite_schema') continue;
    hashRow(hash, ['table', name]);
    const rowId = withoutRowId === 1n ? '' : rowIdColumn(connection, name);
    // Scans the table's own tree, which is in the order of its row id or primary key.
    const rows = connection.database
      .prepare(`SELECT ${rowId}* FROM ${quoteName(name)} NOT INDEXED`, { returnArrays: true, readBigInts: true })
      .iterate();
    for (const row of rows) hashRow(hash, row as unknown as unknown[]);
  }
  return hash.digest('hex');
}

function rowIdColumn(connection: SqlConnection, table: string): string {
  const columns = connection.internal('SELECT lower(name) FROM pragma_table_xinfo(?)').all(table) as unknown as [string][];
  const alias = ['rowid', '_rowid_', 'oid'].find((name) => !columns.some(([column]) => column === name));
  return alias === undefined ? '' : `${alias}, `;
}

/** Every value with its storage class and length: 1, 1.0 and '1' are three things. */
function hashRow(hash: Hash, row: readonly unknown[]): void {
  hash.update(`${row.length};`);
  for (const value of row) {
    if (value === null) hash.update('n;');
    else if (typeof value === 'bigint') hash.update(`i${value};`);
    else if (typeof value === 'number') hash.update(`f${Object.is(value, -0) ? '-0' : value};`);
    else if (typeof value === 'string') hash.update(`t${Buffer.byteLength(value)}:${value};`);
    else hash.update(`b${(value as Uint8Array).byteLength}:`).update(value as Uint8Array);
  }
}
