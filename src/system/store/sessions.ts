// Remembers what each client's writes came to, so that a retry is answered and not applied again. After the dissertation,
// 6.3 "Implementing linearizable semantics". In memory while the store runs, and written once per batch in the batch's own
// transaction: a row per command would double the price of a write.

import { assert, known } from '../../runtime/assert.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Command } from './command.ts';
import type { SqlConnection } from './connection.ts';
import { readOutcome, writeOutcome } from './outcome.ts';
import type { StatementOutcome } from './outcome.ts';

/** How many sequences a client may be ahead of the oldest one it has no answer to. Bounds what a session remembers. */
export const SESSION_WINDOW = 1_024;
/** Encoded results up to this size are kept in memory and in the row of their session; larger ones in rows of their own. */
const SMALL_RESULT_BYTES = 1_024;

/** Stands for an encoded result that is too large to keep in memory. */
const LARGE = Symbol('large');

/**
 * Invariants:
 * 1. Every key of `results` is >= `oldestPending` and < `oldestPending` + SESSION_WINDOW.
 * 2. All of it is a function of the log up to the last command applied, not of how the log was cut into batches.
 */
interface Session {
  /** The index of the entry that opened it. */
  readonly id: number;
  readonly clientId: string;
  lastIndex: number;
  oldestPending: number;
  readonly results: Map<number, Uint8Array | typeof LARGE>;
}

export class Sessions {
  readonly #connection: SqlConnection;
  readonly #limit: number;
  /** Least recently used first. */
  readonly #sessions = new Map<string, Session>();
  readonly #changed = new Set<Session>();
  readonly #evicted: number[] = [];
  readonly #writer = new ByteWriter(4_096);

  /** @param limit how many sessions are remembered, >= 1; the same on every replica, or they drift apart. */
  constructor(connection: SqlConnection, limit: number) {
    assert(Number.isSafeInteger(limit) && limit >= 1, `the number of sessions to remember is an integer >= 1, not ${limit}`);
    this.#connection = connection;
    this.#limit = limit;
    connection.database.exec(`
      CREATE TABLE IF NOT EXISTS _windtunnel_sessions (
        id INTEGER PRIMARY KEY, client TEXT NOT NULL, last_index INTEGER NOT NULL, oldest_pending INTEGER NOT NULL, results BLOB NOT NULL
      );
      CREATE TABLE IF NOT EXISTS _windtunnel_results (
        session INTEGER NOT NULL, sequence INTEGER NOT NULL, outcome BLOB NOT NULL, PRIMARY KEY (session, sequence)
      ) WITHOUT ROWID`);
    this.#load();
  }

  /** The answer that needs no work: a stored result, or why there is none. Undefined: apply the command, then `record` it. */
  admit(command: Command, index: number): StatementOutcome | undefined {
    const { clientId, sequence, oldestPending } = command;
    const session = this.#sessions.get(clientId);
    if (sequence >= oldestPending + SESSION_WINDOW)
      return refused(
        'session-window',
        `sequence ${sequence} is ${SESSION_WINDOW} or more ahead of ${oldestPending}, the oldest without an answer`,
      );
    if (session === undefined) {
      if (oldestPending > 1)
        return refused(
          'session-expired',
          `the session of client '${clientId}' is not remembered any more: whether sequence ${sequence} was applied is unknown here`,
        );
      this.#open(clientId, index);
      return undefined;
    }
    this.#touch(session, index, oldestPending);
    if (sequence < session.oldestPending)
      return refused('already-answered', `client '${clientId}' already has the answer to sequence ${sequence}`);
    const stored = session.results.get(sequence);
    if (stored === undefined) return undefined;
    return readOutcome(new ByteReader(stored === LARGE ? this.#loadLarge(session, sequence) : stored));
  }

  /** Remembers what an admitted command came to. */
  record({ clientId, sequence }: Command, outcome: StatementOutcome): void {
    const session = known(this.#sessions.get(clientId), `client '${clientId}' was not admitted`);
    this.#writer.reset();
    writeOutcome(this.#writer, outcome);
    if (this.#writer.length <= SMALL_RESULT_BYTES) {
      session.results.set(sequence, this.#writer.finish());
      return;
    }
    session.results.set(sequence, LARGE);
    this.#connection
      .internal('INSERT INTO _windtunnel_results (session, sequence, outcome) VALUES (?, ?, ?)')
      .run(session.id, sequence, this.#writer.view());
  }

  /** Writes what has changed since the last flush. In the transaction of the batch, after its last command. */
  flush(): void {
    for (const id of this.#evicted) {
      this.#connection.internal('DELETE FROM _windtunnel_sessions WHERE id = ?').run(id);
      this.#connection.internal('DELETE FROM _windtunnel_results WHERE session = ?').run(id);
    }
    const upsert = this.#connection.internal(
      `INSERT INTO _windtunnel_sessions (id, client, last_index, oldest_pending, results) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET last_index = excluded.last_index, oldest_pending = excluded.oldest_pending, results = excluded.results`,
    );
    for (const session of this.#changed) {
      upsert.run(session.id, session.clientId, session.lastIndex, session.oldestPending, this.#encodeResults(session));
    }
    this.#evicted.length = 0;
    this.#changed.clear();
  }

  #open(clientId: string, index: number): void {
    if (this.#sessions.size >= this.#limit) {
      const [oldest] = this.#sessions.values();
      assert(oldest !== undefined, 'a limit of at least one session');
      this.#sessions.delete(oldest.clientId);
      this.#changed.delete(oldest);
      this.#evicted.push(oldest.id);
    }
    const session = { id: index, clientId, lastIndex: index, oldestPending: 1, results: new Map() };
    this.#sessions.set(clientId, session);
    this.#changed.add(session);
  }

  #touch(session: Session, index: number, oldestPending: number): void {
    this.#sessions.delete(session.clientId);
    this.#sessions.set(session.clientId, session);
    session.lastIndex = index;
    this.#changed.add(session);
    if (oldestPending <= session.oldestPending) return;
    // Whichever is shorter: what has been answered, or what is remembered.
    const forgotten =
      oldestPending - session.oldestPending < session.results.size
        ? range(session.oldestPending, oldestPending)
        : [...session.results.keys()];
    session.oldestPending = oldestPending;
    for (const sequence of forgotten) {
      if (sequence >= oldestPending) continue;
      if (session.results.get(sequence) === LARGE)
        this.#connection.internal('DELETE FROM _windtunnel_results WHERE session = ? AND sequence = ?').run(session.id, sequence);
      session.results.delete(sequence);
    }
  }

  #load(): void {
    const rows = this.#connection
      .internal('SELECT id, client, last_index, oldest_pending, results FROM _windtunnel_sessions ORDER BY last_index')
      .all();
    for (const [id, clientId, lastIndex, oldestPending, results] of rows as unknown as [
      bigint,
      string,
      bigint,
      bigint,
      Uint8Array,
    ][]) {
      this.#sessions.set(clientId, {
        id: Number(id),
        clientId,
        lastIndex: Number(lastIndex),
        oldestPending: Number(oldestPending),
        results: decodeResults(results),
      });
    }
  }

  #loadLarge(session: Session, sequence: number): Uint8Array {
    const row = this.#connection
      .internal('SELECT outcome FROM _windtunnel_results WHERE session = ? AND sequence = ?')
      .get(session.id, sequence) as unknown as [Uint8Array] | undefined;
    return known(row, `the large result ${sequence} of session ${session.id} is stored`)[0];
  }

  #encodeResults({ results }: Session): Uint8Array {
    this.#writer.reset();
    this.#writer.varint(results.size);
    for (const [sequence, result] of results) {
      this.#writer.varint(sequence);
      this.#writer.blob(result === LARGE ? new Uint8Array() : result);
    }
    return this.#writer.view();
  }
}

function decodeResults(bytes: Uint8Array): Map<number, Uint8Array | typeof LARGE> {
  const reader = new ByteReader(bytes);
  const results = new Map<number, Uint8Array | typeof LARGE>();
  for (let rest = reader.count(); rest > 0; rest--) {
    const sequence = reader.varint();
    const result = reader.blob();
    // An encoded outcome is never empty.
    results.set(sequence, result.byteLength === 0 ? LARGE : result);
  }
  reader.end();
  return results;
}

function* range(from: number, to: number): Iterable<number> {
  for (let value = from; value < to; value++) yield value;
}

const refused = (code: 'session-expired' | 'already-answered' | 'session-window', message: string): StatementOutcome => ({
  ok: false,
  code,
  message,
});
