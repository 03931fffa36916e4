// A write as it travels through the log: the SQL, its parameters, and who sent it, so that a retry is applied once.

import { ByteReader, ByteWriter, BytesError, problemOfValue } from './bytes.ts';
import type { SqlValue } from './bytes.ts';

/**
 * Invariants of a command with a session (`clientId` not empty):
 * 1. `sequence` >= 1; a client never uses one twice for different commands.
 * 2. 1 <= `oldestPending` <= `sequence`.
 */
export interface Command {
  /** Chosen by the client, unique among all clients, at most 256 UTF-8 bytes. Empty: no session, a retry is applied again. */
  readonly clientId: string;
  readonly sequence: number;
  /** Every sequence below this one has been answered to that client: its result may be forgotten. */
  readonly oldestPending: number;
  /** One statement or several separated by ';', at most 1 MiB of UTF-8. Several are applied all or not at all. */
  readonly sql: string;
  /** For `?` and `?1` in a single statement. */
  readonly params: readonly SqlValue[];
}

export const MAX_SQL_BYTES = 1 << 20;
export const MAX_PARAMS = 32_766;
const MAX_CLIENT_ID_BYTES = 256;
const VERSION = 1;

/** Used by one call at a time: encoding does not wait for anything. */
const writer = new ByteWriter(4_096);

/** A command that breaks the rules above. Definitely not applied. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code = 'bad-command';
}

/**
 * The bytes of a command: version, client id, sequence, oldest pending, SQL, parameters. Equal commands have equal bytes.
 * Throws CommandError naming what is wrong.
 */
export function encodeCommand(command: Command): Uint8Array {
  const problem = problemOfCommand(command);
  if (problem !== undefined) throw new CommandError(problem);
  writer.reset();
  writer.byte(VERSION);
  writer.text(command.clientId);
  writer.varint(command.sequence);
  writer.varint(command.oldestPending);
  writer.text(command.sql);
  writer.varint(command.params.length);
  for (const value of command.params) writer.value(value);
  return writer.finish();
}

/**
 * The command in these bytes; its blobs are views of them. Throws BytesError for anything that `encodeCommand` does not
 * write. Safe integers come back as numbers also when they went in as bigints: both are the same SQL integer.
 */
export function decodeCommand(bytes: Uint8Array): Command {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== VERSION) throw new BytesError(`a command of version ${version}; this program reads version ${VERSION}`);
  const clientId = reader.text();
  const sequence = reader.varint();
  const oldestPending = reader.varint();
  const sql = reader.text();
  const params: SqlValue[] = Array.from({ length: reader.count() }, () => reader.value());
  reader.end();
  const command = { clientId, sequence, oldestPending, sql, params };
  const problem = problemOfCommand(command);
  if (problem !== undefined) throw new BytesError(problem);
  return command;
}

function problemOfCommand({ clientId, sequence, oldestPending, sql, params }: Command): string | undefined {
  if (!isCounter(sequence) || !isCounter(oldestPending))
    return `sequence ${sequence} and oldest pending ${oldestPending} must be integers >= 0`;
  if (clientId !== '') {
    if (clientId.length > MAX_CLIENT_ID_BYTES || Buffer.byteLength(clientId) > MAX_CLIENT_ID_BYTES)
      return `a client id has at most ${MAX_CLIENT_ID_BYTES} bytes: '${clientId.slice(0, 40)}...'`;
    if (sequence < 1) return `the sequence of a session begins at 1, not ${sequence}`;
    if (oldestPending < 1 || oldestPending > sequence)
      return `the oldest pending sequence is from 1 to the command's own ${sequence}, not ${oldestPending}`;
  }
  if (sql.length > MAX_SQL_BYTES || (sql.length * 3 > MAX_SQL_BYTES && Buffer.byteLength(sql) > MAX_SQL_BYTES))
    return `SQL of more than ${MAX_SQL_BYTES} bytes: pass data as parameters`;
  if (params.length > MAX_PARAMS) return `${params.length} parameters; at most ${MAX_PARAMS}`;
  for (const [at, value] of params.entries()) {
    const problem = problemOfValue(value);
    if (problem !== undefined) return `parameter ${at + 1} ${problem}`;
  }
  return undefined;
}

const isCounter = (value: number) => Number.isSafeInteger(value) && value >= 0;
