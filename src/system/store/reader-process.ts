// A process that runs reads, one at a time: a request comes in on file descriptor 3 and its outcome goes out there (see
// reader-protocol.ts). A process, not a thread, because a thread inside SQLite cannot be stopped: Worker.terminate() waits until
// sqlite3_step returns, and node:sqlite offers no interrupt. A process can be killed. Blocking reads of a pipe make its round
// trip as short as a thread's.

import { readSync, writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { SqlValue } from './bytes.ts';
import { guard, newBudget, SqlConnection } from './connection.ts';
import { writeOutcome } from './outcome.ts';
import type { StatementOutcome } from './outcome.ts';
import { READER_ANSWER } from './reader-protocol.ts';
import { runScript } from './script.ts';

/** A socket of its own: Node makes standard output non-blocking as soon as a second thread starts. */
const CHANNEL = 3;
const PARENT_CHECK_MS = 250;

function serve(path: string): void {
  const answer = new ByteWriter(64 << 10);
  const send = () => {
    answer.setUint32(0, answer.length - 4);
    writeAll(answer.view());
  };
  const begin = (kind: number) => {
    answer.reset();
    answer.uint32(0);
    answer.byte(kind);
  };
  try {
    const connection = new SqlConnection(path, { readOnly: true });
    // Reads the schema now, so that the first read does not pay for it, and a file that is no database is noticed.
    guard(`cannot read the database ${path}`, () => connection.internal('SELECT count(*) FROM sqlite_master').all());
    begin(READER_ANSWER.outcome);
    send();
    for (let request = readFrame(); request !== undefined; request = readFrame()) {
      const outcome = query(connection, request);
      begin(READER_ANSWER.outcome);
      writeOutcome(answer, outcome);
      send();
    }
  } catch (error) {
    begin(READER_ANSWER.failure);
    answer.text(error instanceof Error ? error.message : String(error));
    send();
  }
}

function query(connection: SqlConnection, request: Uint8Array): StatementOutcome {
  const reader = new ByteReader(request);
  const sql = reader.text();
  const params: SqlValue[] = Array.from({ length: reader.count() }, () => reader.value());
  reader.end();
  const budget = newBudget();
  // Several statements see one state of the database; one statement always does.
  let began = false;
  try {
    return runScript(sql, params, (statement, its, several) => {
      if (several && !began) {
        connection.internal('BEGIN').run();
        began = true;
      }
      return connection.run(statement, its, 'read', budget).result;
    });
  } finally {
    if (began) connection.internal('COMMIT').run();
  }
}

/** The next request, or undefined when the parent closed its end. */
function readFrame(): Uint8Array | undefined {
  const header = readExactly(4);
  return header && readExactly(header.readUInt32LE(0));
}

function readExactly(bytes: number): Buffer | undefined {
  const buffer = Buffer.allocUnsafe(bytes);
  for (let filled = 0; filled < bytes;) {
    const count = uninterrupted(() => readSync(CHANNEL, buffer, filled, bytes - filled, null));
    if (count === 0) return undefined;
    filled += count;
  }
  return buffer;
}

function writeAll(bytes: Uint8Array): void {
  for (let written = 0; written < bytes.byteLength;)
    written += uninterrupted(() => writeSync(CHANNEL, bytes, written, bytes.byteLength - written));
}

/** Again after a signal. */
function uninterrupted(call: () => number): number {
  for (;;) {
    try {
      return call();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINTR') throw error;
    }
  }
}

/**
 * The end of the channel tells an idle reader that its parent is gone. One that is busy inside SQLite cannot notice, so a
 * second thread looks for it: no reader outlives its node, also not when the node was killed.
 */
function watchParent(parent: number): void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  while (process.ppid === parent) Atomics.wait(never, 0, 0, PARENT_CHECK_MS);
  process.kill(process.pid, 'SIGKILL');
}

if (isMainThread) {
  // Ctrl-C goes to every process of a terminal. The node decides when its readers end.
  process.on('SIGINT', () => {});
  const watcher = new Worker(new URL(import.meta.url), {
    workerData: Number(process.argv[3]),
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
  });
  serve(process.argv[2] ?? '');
  void watcher.terminate();
  process.exit();
} else watchParent(workerData as number);
