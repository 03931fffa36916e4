// Runs the statements of a request one after another and makes one outcome of them.

import type { SqlValue } from './bytes.ts';
import { StatementError } from './connection.ts';
import type { ResultSet, StatementOutcome } from './outcome.ts';
import { parseScript, SqlTextError } from './sql-text.ts';
import type { SqlStatement } from './sql-text.ts';

/** `several`: the script has more than one statement. `run` throws StatementError for a statement that fails; the rest is then not run. What else it throws is passed on. */
export function runScript(
  sql: string,
  params: readonly SqlValue[],
  run: (statement: SqlStatement, params: readonly SqlValue[], several: boolean) => ResultSet,
): StatementOutcome {
  try {
    const { statements } = parseScript(sql);
    if (statements.length > 1 && params.length > 0)
      throw new StatementError(
        'sql-error',
        `parameters can be given to a single statement only, not to ${statements.length}: send them one by one`,
      );
    return { ok: true, results: statements.map((statement) => run(statement, params, statements.length > 1)) };
  } catch (error) {
    if (error instanceof StatementError || error instanceof SqlTextError)
      return { ok: false, code: error.code, message: error.message };
    throw error;
  }
}
