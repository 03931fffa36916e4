// The replicated state machine: applies committed commands to SQLite, in order, each exactly once, with the same outcome on
// every replica. Synchronous; the writer's thread and the simulated host each own one.

import { assert, AssertionError } from '../../runtime/assert.ts';
import type { SqlValue } from './bytes.ts';
import { decodeCommand } from './command.ts';
import type { Command } from './command.ts';
import { guard, newBudget, SqlConnection, StatementError, StoreFailedError } from './connection.ts';
import { digestOf } from './digest.ts';
import type { StatementOutcome } from './outcome.ts';
import { refuseLargestRowId } from './row-ids.ts';
import { SchemaCheck } from './schema-check.ts';
import { Sessions } from './sessions.ts';
import { runScript } from './script.ts';
import type { SqlStatement } from './sql-text.ts';

/** A committed entry of the log. Empty data is a noop: it only advances the applied index. */
export interface AppliedEntry {
  readonly index: number;
  readonly data: Uint8Array;
}

export interface StateMachineOptions {
  /** A file, or ':memory:'. */
  readonly path: string;
  /** Sessions remembered for retries; must be the same on every replica, always. Default 10,000. */
  readonly maxSessions?: number;
  /** Applies a write that is repeated once more. For known-bad nodes in tests only: proof that the checkers see it. Default false. */
  readonly forgetsWrites?: boolean;
}

const SCHEMA_CHANGES = new Set(['CREATE', 'DROP', 'ALTER', 'ANALYZE', 'REINDEX']);

/**
 * Durability. The log of consensus is the truth, and it is synced before anything is acknowledged; so the database runs in WAL
 * mode with synchronous=NORMAL, which syncs only at checkpoints. After a crash of the process nothing is missing. After a loss
 * of power the database may be back at an earlier transaction, but never between two (sqlite.org/pragma.html#pragma_synchronous),
 * and since each transaction carries its applied index and its sessions, applying goes on from that index and comes to the same
 * state. Two things follow: the applied index is read from the database, never remembered elsewhere; and whoever shortens the log
 * must sync the database first, and keep every entry above the index that was durable then.
 */
export class StateMachine {
  readonly #connection: SqlConnection;
  readonly #sessions: Sessions;
  readonly #schemaCheck: SchemaCheck;
  readonly #forgetsWrites: boolean;
  #appliedIndex: number;
  #failure: Error | undefined;

  /** Opens the database and creates it when there is none. Throws StoreFailedError when it cannot be used. */
  constructor({ path, maxSessions = 10_000, forgetsWrites = false }: StateMachineOptions) {
    this.#forgetsWrites = forgetsWrites;
    const connection = new SqlConnection(path, { readOnly: false });
    this.#connection = connection;
    try {
      this.#appliedIndex = guard(`cannot use the database ${path}`, () => prepareDatabase(connection));
      this.#sessions = guard('cannot read the sessions', () => new Sessions(connection, maxSessions));
      this.#schemaCheck = new SchemaCheck(connection);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** The index of the last entry that is part of the database. 0: none. */
  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /**
   * Applies entries in one transaction; one outcome for each, in order. The first index is `appliedIndex` + 1 and they are
   * consecutive. Wrong SQL is an outcome. Throws StoreFailedError when the database failed, and BytesError for an entry that is
   * not a command of this version: nothing of the batch is applied then, and the machine refuses all further work, since only a
   * restart can tell what is on disk.
   */
  apply(entries: readonly AppliedEntry[]): StatementOutcome[] {
    this.#demandWorking();
    if (entries.length === 0) return [];
    try {
      return this.#applyBatch(entries);
    } catch (error) {
      this.#failure = error as Error;
      // The transaction may be gone already: SQLite ends it on most failures of the machine.
      if (this.#connection.database.isTransaction)
        guard('cannot undo a batch', () => this.#connection.internal('ROLLBACK').run());
      throw error;
    }
  }

  /** Reads. Wrong SQL, and SQL that would change something, is an outcome. Throws StoreFailedError when the database failed. */
  query(sql: string, params: readonly SqlValue[]): StatementOutcome {
    this.#demandWorking();
    const budget = newBudget();
    return runScript(sql, params, (statement, its) => this.#connection.run(statement, its, 'read', budget).result);
  }

  /** See digestOf: equal on replicas that applied the same commands. */
  digest(): string {
    this.#demandWorking();
    return guard('cannot read all tables', () => digestOf(this.#connection));
  }

  close(): void {
    this.#failure ??= new StoreFailedError('the state machine is closed');
    this.#schemaCheck.close();
    this.#connection.close();
  }

  #applyBatch(entries: readonly AppliedEntry[]): StatementOutcome[] {
    let expected = this.#appliedIndex;
    for (const { index } of entries) assert(index === ++expected, `entry ${index} was to be applied where ${expected} is next`);
    const commands = entries.map(({ data }) => (data.byteLength === 0 ? undefined : decodeCommand(data)));
    guard('cannot begin a batch', () => this.#connection.internal('BEGIN IMMEDIATE').run());
    const outcomes = commands.map((command, at) =>
      command === undefined ? NOTHING : this.#applyOnce(command, (entries[at] as AppliedEntry).index),
    );
    guard('cannot commit a batch', () => {
      this.#sessions.flush();
      this.#connection.internal('UPDATE _windtunnel_meta SET applied_index = ?').run(expected);
      this.#connection.internal('COMMIT').run();
    });
    this.#appliedIndex = expected;
    return outcomes;
  }

  #applyOnce(command: Command, index: number): StatementOutcome {
    if (command.clientId === '' || this.#forgetsWrites) return this.#execute(command);
    const known = guard('cannot look up a session', () => this.#sessions.admit(command, index));
    if (known !== undefined) return known;
    const outcome = this.#execute(command);
    guard('cannot remember a result', () => this.#sessions.record(command, outcome));
    return outcome;
  }

  /** All of a command or nothing of it: a savepoint costs 0.2 us. */
  #execute({ sql, params }: Command): StatementOutcome {
    const connection = this.#connection;
    connection.internal('SAVEPOINT command').run();
    const budget = newBudget();
    const outcome = runScript(sql, params, (statement, its) => this.#runStatement(statement, its, budget));
    if (!outcome.ok) {
      if (!connection.database.isTransaction)
        throw new StoreFailedError(`a statement ended the transaction of its batch: ${outcome.message}`);
      connection.internal('ROLLBACK TO command').run();
    }
    connection.internal('RELEASE command').run();
    return outcome;
  }

  #runStatement(statement: SqlStatement, params: readonly SqlValue[], budget: ReturnType<typeof newBudget>) {
    // A plan names pages of the file, and files differ between replicas.
    if (statement.explain) throw new StatementError('forbidden-sql', 'EXPLAIN cannot be part of a write: send it as a read');
    const changesSchema = SCHEMA_CHANGES.has(statement.keyword);
    try {
      const run = this.#connection.run(statement, params, 'write', budget);
      if (changesSchema) this.#schemaCheck.verify(run.facts);
      else refuseLargestRowId(this.#connection, run);
      return run.result;
    } finally {
      // Also when it failed: it is about to be undone, and what was compiled meanwhile refers to what it had made.
      if (changesSchema) this.#connection.forgetPrepared();
    }
  }

  #demandWorking(): void {
    if (this.#failure === undefined) return;
    if (this.#failure instanceof AssertionError) throw this.#failure;
    throw new StoreFailedError(`the store has failed before: ${this.#failure.message}`, { cause: this.#failure });
  }
}

const NOTHING: StatementOutcome = { ok: true, results: [] };
const FORMAT = 1n;

/** Returns the applied index. */
function prepareDatabase(connection: SqlConnection): number {
  const { database } = connection;
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000');
  database.exec(`
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS _windtunnel_meta (id INTEGER PRIMARY KEY CHECK (id = 1), format INTEGER NOT NULL, applied_index INTEGER NOT NULL);
    INSERT INTO _windtunnel_meta (id, format, applied_index) VALUES (1, ${FORMAT}, 0) ON CONFLICT DO NOTHING;
    COMMIT`);
  const [format, appliedIndex] = connection.internal('SELECT format, applied_index FROM _windtunnel_meta').get() as unknown as [
    bigint,
    bigint,
  ];
  if (format !== FORMAT) throw new StoreFailedError(`the database has format ${format}; this program reads format ${FORMAT}`);
  return Number(appliedIndex);
}
