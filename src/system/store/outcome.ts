// What a command or a query came to. Wrong SQL is an outcome, not an error: it is the same on every replica.

import { ByteReader, ByteWriter, BytesError } from './bytes.ts';
import type { SqlValue } from './bytes.ts';

export interface ResultSet {
  /** Names of the columns; empty for a statement that returns no rows. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  /** Rows inserted, updated or deleted by the statement itself (not by its triggers); 0 for a read or a change of schema. */
  readonly rowsAffected: number;
}

/** Why a statement was not carried out. The order is part of the binary form: append only. */
export const OUTCOME_CODES = [
  /** Not valid SQL, or it failed while running. */
  'sql-error',
  /** Reaches outside of its database or its command: ATTACH, PRAGMA, BEGIN, tables of windtunnel itself. */
  'forbidden-sql',
  /** Would give different results on different replicas. */
  'not-deterministic',
  /** A UNIQUE, NOT NULL, CHECK or FOREIGN KEY constraint, or RAISE in a trigger. */
  'constraint',
  /** The rows are more than one answer can hold. A write was undone. */
  'result-too-large',
  /** The session was forgotten: whether an earlier attempt of this command was applied cannot be known here any more. */
  'session-expired',
  /** The client said before that it has the answer to this sequence. Not applied (again). */
  'already-answered',
  /** Too far ahead of the oldest pending sequence of the session. Not applied. */
  'session-window',
] as const;

export type OutcomeCode = (typeof OUTCOME_CODES)[number];

export type StatementOutcome =
  /** One result per statement. */
  | { readonly ok: true; readonly results: readonly ResultSet[] }
  /** Nothing was applied (except: see 'session-expired' and 'already-answered'). */
  | { readonly ok: false; readonly code: OutcomeCode; readonly message: string };

/** Appends one outcome. */
export function writeOutcome(writer: ByteWriter, outcome: StatementOutcome): void {
  if (!outcome.ok) {
    writer.byte(1 + OUTCOME_CODES.indexOf(outcome.code));
    writer.text(outcome.message);
    return;
  }
  writer.byte(0);
  writer.varint(outcome.results.length);
  for (const { columns, rows, rowsAffected } of outcome.results) {
    writer.varint(rowsAffected);
    writer.varint(columns.length);
    for (const column of columns) writer.text(column);
    writer.varint(rows.length);
    for (const row of rows) for (const value of row) writer.value(value);
  }
}

/** Reads what `writeOutcome` wrote. Throws BytesError. */
export function readOutcome(reader: ByteReader): StatementOutcome {
  const kind = reader.byte();
  if (kind !== 0) {
    const code = OUTCOME_CODES[kind - 1];
    if (code === undefined) throw new BytesError(`no outcome begins with the byte ${kind}`);
    return { ok: false, code, message: reader.text() };
  }
  const results = Array.from({ length: reader.count() }, () => {
    const rowsAffected = reader.varint();
    const columns = Array.from({ length: reader.count() }, () => reader.text());
    const rowCount = reader.count();
    if (rowCount > 0 && columns.length === 0) throw new BytesError(`${rowCount} rows without columns`);
    const rows = Array.from({ length: rowCount }, () => Array.from({ length: columns.length }, () => reader.value()));
    return { columns, rows, rowsAffected };
  });
  return { ok: true, results };
}

export function encodeOutcomes(outcomes: readonly StatementOutcome[]): Uint8Array {
  const writer = new ByteWriter(64 + outcomes.length * 16);
  writer.varint(outcomes.length);
  for (const outcome of outcomes) writeOutcome(writer, outcome);
  return writer.finish();
}

/** Throws BytesError for anything that `encodeOutcomes` does not write. */
export function decodeOutcomes(bytes: Uint8Array): StatementOutcome[] {
  const reader = new ByteReader(bytes);
  const outcomes = Array.from({ length: reader.count() }, () => readOutcome(reader));
  reader.end();
  return outcomes;
}
