// The write-ahead log of consensus on disk: what the core wants persisted, in segments that only grow, durable before anything
// that depends on it is said.

import { randomBytes } from 'node:crypto';
import { assert } from '../../runtime/assert.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Entry, HardState } from '../raft/protocol.ts';
import { ByteWriter } from '../store/bytes.ts';
import { openLogFolder } from './log-files.ts';
import type { LogFile, LogFolder } from './log-files.ts';
import { encodeSegmentHeader, HEADER_BYTES, seedOf, writeFrame } from './log-format.ts';
import type { LogRecord } from './log-format.ts';
import { LogDamagedError, replayLog, segmentName } from './log-replay.ts';
import type { CutTail, ReplayedLog } from './log-replay.ts';

/** A write or fsync failed. Whether what was being appended is on disk is unknown until the log is opened again. */
export class LogWriteError extends Error {
  override readonly name = 'LogWriteError';
  /** `disk-full`: no space, or beyond the quota. */
  readonly code: 'log-write-failed' | 'disk-full';
  constructor(cause: unknown) {
    const systemCode = (cause as NodeJS.ErrnoException | undefined)?.code;
    const full = systemCode === 'ENOSPC' || systemCode === 'EDQUOT';
    const detail = cause instanceof Error ? cause.message : String(cause);
    super(full ? `the disk is full: cannot write the log (${detail})` : `cannot write the log: ${detail}`, { cause });
    this.code = full ? 'disk-full' : 'log-write-failed';
  }
}

/** The log was closed before. What was to be appended is not written. */
export class LogClosedError extends Error {
  override readonly name = 'LogClosedError';
  readonly code = 'log-closed';
}

/** The fsync that made an append durable; no bytes: there was nothing to write. */
export interface Sync {
  readonly seconds: number;
  /** What it made durable. */
  readonly bytes: number;
}

export interface RaftLog {
  /** As found when the log was opened; { term: 0, votedFor: undefined } in a new one. */
  readonly hardState: HardState;
  /** All entries as found when the log was opened, entry 1 first. The owner may change the array. */
  readonly entries: Entry[];
  /** The unfinished write of a crash that was cut off when the log was opened; nothing in it was ever acknowledged. */
  readonly cut: CutTail | undefined;
  /**
   * Appends records in order; resolves when they, and everything appended before, are durable. Calls made while one is under way
   * share the next fsync. Throws AssertionError for entries that leave a gap or go back in term. Rejects with LogWriteError, and
   * then does so for ever: after a failed fsync the kernel may drop the pages and report the next one as good (P. Rebello et al.,
   * "Can Applications Recover from fsync Failures?", USENIX ATC 2020), so only a restart can tell what is on disk.
   */
  append(batch: readonly LogRecord[]): Promise<Sync>;
  /** Waits for appends under way and closes the file. */
  close(): Promise<void>;
}

export interface LogOptions {
  /** A segment that has grown to this size, bytes, is left for a new one. Default 16 MiB; at least 1 KiB. */
  readonly segmentBytes?: number;
  /** Called after each fsync of records with its duration in seconds and the bytes it made durable. */
  readonly onFsync?: (seconds: number, bytes: number) => void;
  readonly clock?: Clock;
}

export interface LogFolderOptions extends LogOptions {
  readonly folder: string;
  /** Puts something between the log and its files: faults. */
  readonly around?: (folder: LogFolder) => LogFolder;
}

/**
 * Opens the log in a folder of the file system, made when missing. Rejects with LogDamagedError when the log is not what was
 * written, naming file and offset, and with what the file system throws.
 */
export async function openLog({ folder, around = (same) => same, ...options }: LogFolderOptions): Promise<RaftLog> {
  try {
    return await openLogIn(around(await openLogFolder(folder)), options);
  } catch (error) {
    // Whoever reads it has to find the file.
    if (error instanceof LogDamagedError) throw new LogDamagedError(error.file, error.offset, error.problem, folder);
    throw error;
  }
}

/** Like openLog, on any disk. */
export async function openLogIn(folder: LogFolder, options: LogOptions = {}): Promise<RaftLog> {
  const { segmentBytes = 16 << 20 } = options;
  assert(Number.isSafeInteger(segmentBytes) && segmentBytes >= 1_024, `segments have at least 1024 bytes, not ${segmentBytes}`);
  const replayed = await replayLog(folder);
  const log = new SegmentedLog(folder, replayed, { ...options, segmentBytes });
  await log.openTail(replayed.tail);
  return log;
}

interface Waiting {
  readonly batch: readonly LogRecord[];
  /** About. */
  readonly bytes: number;
  readonly resolve: (sync: Sync) => void;
  readonly reject: (error: Error) => void;
}

const NOTHING_TO_WRITE: Sync = { seconds: 0, bytes: 0 };

/** A frame is one write and one fsync; beyond this size waiting appends go into the next one. */
const FRAME_TARGET_BYTES = 8 << 20;

class SegmentedLog implements RaftLog {
  readonly hardState: HardState;
  readonly entries: Entry[];
  readonly cut: CutTail | undefined;
  readonly #folder: LogFolder;
  readonly #segmentBytes: number;
  readonly #onFsync: (seconds: number, bytes: number) => void;
  readonly #clock: Clock;
  readonly #frameBytes = new ByteWriter(64 << 10);

  // What the next append is checked against: the end of everything handed to `append` so far.
  #lastIndex: number;
  #lastTerm: number;
  #term: number;

  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #failure: Error | undefined;

  #file: LogFile | undefined;
  #segment = 0;
  #size = 0;
  #seed = 0;
  #nextFrame: number;
  #lastChecksum: number;

  constructor(folder: LogFolder, replayed: ReplayedLog, { segmentBytes, onFsync, clock }: LogOptions & { segmentBytes: number }) {
    this.#folder = folder;
    this.#segmentBytes = segmentBytes;
    this.#onFsync = onFsync ?? (() => {});
    this.#clock = clock ?? systemClock;
    this.hardState = replayed.hardState;
    this.entries = replayed.entries;
    this.cut = replayed.cut;
    this.#lastIndex = replayed.entries.length;
    this.#lastTerm = replayed.entries.at(-1)?.term ?? 1;
    this.#term = replayed.hardState.term;
    this.#nextFrame = replayed.nextFrame;
    this.#lastChecksum = replayed.lastChecksum;
  }

  async openTail(tail: ReplayedLog['tail']): Promise<void> {
    if (tail === undefined) {
      await this.#beginSegment();
      return;
    }
    this.#file = await this.#folder.open(tail.file);
    this.#segment = tail.header.segment;
    this.#seed = seedOf(tail.header.salt);
    this.#size = tail.size;
  }

  append(batch: readonly LogRecord[]): Promise<Sync> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    let bytes = 0;
    for (const record of batch) bytes += this.#check(record);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, bytes, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  async close(): Promise<void> {
    this.#failure ??= new LogClosedError('the log is closed');
    await this.#running;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** Returns about how many bytes the record takes. */
  #check({ hardState, entries }: LogRecord): number {
    if (hardState !== undefined) {
      assert(hardState.term >= this.#term, `hard state of term ${hardState.term} after term ${this.#term}`);
      this.#term = hardState.term;
    }
    const [first] = entries;
    if (first === undefined) return 32;
    let bytes = 32;
    assert(
      first.index >= 1 && first.index <= this.#lastIndex + 1,
      `entry ${first.index} to be written after entry ${this.#lastIndex}`,
    );
    let { index, term } = first;
    assert(
      index <= this.#lastIndex || term >= this.#lastTerm,
      `entry ${index} of term ${term} after one of term ${this.#lastTerm}`,
    );
    assert(term >= 1, `entry ${index} has term ${term}`);
    for (const entry of entries) {
      assert(
        entry.index === index && entry.term >= term,
        `entry ${entry.index} of term ${entry.term} where ${index} of term ${term} or later belongs`,
      );
      term = entry.term;
      bytes += 16 + entry.data.byteLength;
      index++;
    }
    this.#lastIndex = index - 1;
    this.#lastTerm = term;
    return bytes;
  }

  async #drain(): Promise<void> {
    // Calls made in the same turn of the event loop share this write too.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const taken = this.#take();
      let sync = NOTHING_TO_WRITE;
      try {
        const records = taken
          .flatMap(({ batch }) => batch)
          .filter(({ hardState, entries }) => hardState !== undefined || entries.length > 0);
        if (records.length > 0) sync = await this.#write(records);
      } catch (error) {
        const failure = new LogWriteError(error);
        this.#failure = failure;
        for (const { reject } of [...taken, ...this.#waiting.splice(0)]) reject(failure);
        break;
      }
      for (const { resolve } of taken) resolve(sync);
    }
    this.#running = undefined;
  }

  #take(): Waiting[] {
    let total = 0;
    const end = this.#waiting.findIndex(({ bytes }, at) => (total += bytes) > FRAME_TARGET_BYTES && at > 0);
    const taken = end === -1 ? this.#waiting : this.#waiting.slice(0, end);
    this.#waiting = end === -1 ? [] : this.#waiting.slice(end);
    return taken;
  }

  async #write(records: readonly LogRecord[]): Promise<Sync> {
    let frame = this.#encode(records);
    if (this.#size > HEADER_BYTES && this.#size + frame.bytes.byteLength > this.#segmentBytes) {
      await this.#beginSegment();
      // The checksum begins with the salt of the segment.
      frame = this.#encode(records);
    }
    const file = this.#file;
    assert(file !== undefined, 'a log that is open has a file');
    await file.append(frame.bytes);
    const before = this.#clock.now();
    await file.sync();
    const sync = { seconds: (this.#clock.now() - before) / 1_000, bytes: frame.bytes.byteLength };
    this.#onFsync(sync.seconds, sync.bytes);
    this.#size += frame.bytes.byteLength;
    this.#lastChecksum = frame.checksum;
    this.#nextFrame++;
    return sync;
  }

  #encode(records: readonly LogRecord[]): { bytes: Buffer; checksum: number } {
    this.#frameBytes.reset();
    const checksum = writeFrame(this.#frameBytes, this.#nextFrame, records, this.#seed);
    return { bytes: this.#frameBytes.view(), checksum };
  }

  /** The header and the name of the new segment are durable before anything is written behind it. */
  async #beginSegment(): Promise<void> {
    const header = {
      segment: this.#segment + 1,
      firstFrame: this.#nextFrame,
      previousChecksum: this.#lastChecksum,
      salt: randomBytes(8),
    };
    const file = await this.#folder.create(segmentName(header.segment));
    await this.#file?.close();
    this.#file = file;
    await file.append(encodeSegmentHeader(header));
    await file.sync();
    await this.#folder.sync();
    this.#segment = header.segment;
    this.#seed = seedOf(header.salt);
    this.#size = HEADER_BYTES;
  }
}
