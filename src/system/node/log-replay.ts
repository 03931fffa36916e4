// Reads the log when a node starts: all segments in order, cuts off a write that a crash left unfinished, and refuses everything
// else that is not as it was written.

import { join } from 'node:path';
import { BytesError, ByteReader } from '../store/bytes.ts';
import type { Entry, HardState } from '../raft/protocol.ts';
import type { LogFile, LogFolder } from './log-files.ts';
import {
  decodeFrameHeader,
  decodeSegmentHeader,
  FRAME_HEADER_BYTES,
  HEADER_BYTES,
  isIntact,
  readRecords,
  seedOf,
} from './log-format.ts';
import type { LogRecord, SegmentHeader } from './log-format.ts';

/** The log is not what was written. The node must not start: it could break promises it made to others. */
export class LogDamagedError extends Error {
  override readonly name = 'LogDamagedError';
  readonly code = 'log-damaged';
  /** The name of the segment's file. */
  readonly file: string;
  /** Where the damage begins, bytes from the start of the file. */
  readonly offset: number;

  readonly problem: string;

  constructor(file: string, offset: number, problem: string, folder = '') {
    super(`the log is damaged in ${join(folder, file)} at byte ${offset}: ${problem}`);
    this.file = file;
    this.offset = offset;
    this.problem = problem;
  }
}

export interface CutTail {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface ReplayedLog {
  readonly hardState: HardState;
  readonly entries: Entry[];
  /** Where appending goes on; undefined when there is no segment yet. */
  readonly tail: { readonly header: SegmentHeader; readonly file: string; readonly size: number } | undefined;
  readonly nextFrame: number;
  readonly lastChecksum: number;
  /** The unfinished write that was cut off. */
  readonly cut: CutTail | undefined;
}

export const segmentName = (segment: number) => `log-${String(segment).padStart(10, '0')}.wal`;

const CHUNK_BYTES = 1 << 20;

/** Throws LogDamagedError, or what the file system throws. */
export async function replayLog(folder: LogFolder): Promise<ReplayedLog> {
  return new Replay(folder).run();
}

class Replay {
  readonly #folder: LogFolder;
  readonly #entries: Entry[] = [];
  #hardState: HardState = { term: 0, votedFor: undefined };
  #nextFrame = 1;
  #lastChecksum = 0;
  #tail: ReplayedLog['tail'];
  #cut: CutTail | undefined;

  constructor(folder: LogFolder) {
    this.#folder = folder;
  }

  async run(): Promise<ReplayedLog> {
    const segments = await this.#segments();
    for (const [at, { name, size }] of segments.entries()) {
      const file = await this.#folder.open(name);
      try {
        await this.#readSegment(file, name, size, at + 1, at + 1 === segments.length);
      } finally {
        await file.close();
      }
    }
    return {
      hardState: this.#hardState,
      entries: this.#entries,
      tail: this.#tail,
      nextFrame: this.#nextFrame,
      lastChecksum: this.#lastChecksum,
      cut: this.#cut,
    };
  }

  async #segments(): Promise<{ name: string; size: number }[]> {
    const files = await this.#folder.list();
    const segments = files.filter(({ name }) => /^log-\d{10}\.wal$/.test(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const [at, { name }] of segments.entries())
      if (name !== segmentName(at + 1))
        throw new LogDamagedError(segmentName(at + 1), 0, `the segment is missing, but there is ${name}`);
    const last = segments.at(-1);
    if (last !== undefined && last.size <= HEADER_BYTES && (await this.#isUnfinished(last.name))) {
      // Nothing is written behind a header before the header is durable, so nothing is lost with it.
      await this.#folder.remove(last.name);
      await this.#folder.sync();
      this.#cut = { file: last.name, offset: 0, bytes: last.size };
      segments.pop();
    }
    return segments;
  }

  async #isUnfinished(name: string): Promise<boolean> {
    const file = await this.#folder.open(name);
    try {
      return typeof decodeSegmentHeader(await file.read(0, HEADER_BYTES)) === 'string';
    } finally {
      await file.close();
    }
  }

  async #readSegment(file: LogFile, name: string, size: number, segment: number, last: boolean): Promise<void> {
    const chunks = new Chunks(file, size);
    const header = decodeSegmentHeader((await chunks.take(HEADER_BYTES)) ?? Buffer.alloc(0));
    if (typeof header === 'string') throw new LogDamagedError(name, 0, header);
    if (header.segment !== segment) throw new LogDamagedError(name, 0, `the segment says that it is number ${header.segment}`);
    if (header.firstFrame !== this.#nextFrame || header.previousChecksum !== this.#lastChecksum)
      throw new LogDamagedError(
        name,
        0,
        `the segment does not follow on the one before: frame ${this.#nextFrame} is missing or not the one that was there`,
      );
    const seed = seedOf(header.salt);
    while (chunks.offset < size) {
      const { offset } = chunks;
      const frame = await this.#takeFrame(chunks, seed);
      if (typeof frame !== 'string') {
        this.#applyFrame(frame, name, offset);
        continue;
      }
      // A segment is left only when all of it is durable; and one that follows may have been cut off above.
      if (!last || this.#cut !== undefined) throw new LogDamagedError(name, offset, frame);
      await this.#cutTail(file, name, offset, size, seed, frame);
      this.#tail = { header, file: name, size: offset };
      return;
    }
    this.#tail = { header, file: name, size };
  }

  /** The next frame, whole and intact, or what is wrong with it. */
  async #takeFrame(chunks: Chunks, seed: number): Promise<Buffer | string> {
    const start = await chunks.peek(FRAME_HEADER_BYTES);
    if (start === undefined) return 'a frame is cut short';
    const { length, frame } = decodeFrameHeader(start);
    const whole = await chunks.peek(FRAME_HEADER_BYTES + length);
    if (whole === undefined) return `a frame of ${length} bytes is cut short`;
    if (!isIntact(whole, seed)) return 'the checksum of a frame is wrong';
    if (frame !== this.#nextFrame) return `frame ${frame} is where frame ${this.#nextFrame} belongs`;
    chunks.skip(whole.byteLength);
    return whole;
  }

  async #cutTail(file: LogFile, name: string, offset: number, size: number, seed: number, problem: string): Promise<void> {
    const tail = await file.read(offset, size - offset);
    if (hasIntactFrame(tail, seed, this.#nextFrame))
      throw new LogDamagedError(name, offset, `${problem}, and there are whole frames behind it`);
    await file.truncate(offset);
    await file.sync();
    this.#cut = { file: name, offset, bytes: size - offset };
  }

  #applyFrame(frame: Buffer, name: string, offset: number): void {
    try {
      for (const record of readRecords(new ByteReader(frame.subarray(FRAME_HEADER_BYTES)))) this.#applyRecord(record);
    } catch (error) {
      if (error instanceof BytesError) throw new LogDamagedError(name, offset, error.message);
      throw error;
    }
    this.#nextFrame++;
    this.#lastChecksum = decodeFrameHeader(frame).checksum;
  }

  #applyRecord({ hardState, entries }: LogRecord): void {
    if (hardState !== undefined) {
      if (hardState.term < this.#hardState.term)
        throw new BytesError(`term ${hardState.term} after term ${this.#hardState.term}`);
      this.#hardState = hardState;
    }
    const [first] = entries;
    if (first === undefined) return;
    if (first.index < 1 || first.index > this.#entries.length + 1)
      throw new BytesError(`entry ${first.index} after entry ${this.#entries.length}`);
    this.#entries.length = first.index - 1;
    let term = this.#entries.at(-1)?.term ?? 1;
    for (const entry of entries) {
      if (entry.term < term) throw new BytesError(`entry ${entry.index} has term ${entry.term}, the one before it ${term}`);
      term = entry.term;
      this.#entries.push(entry);
    }
  }
}

/** Whether a frame that belongs behind the broken one `expected` can be found at any offset. */
function hasIntactFrame(tail: Buffer, seed: number, expected: number): boolean {
  const most = expected + Math.ceil(tail.byteLength / FRAME_HEADER_BYTES);
  for (let offset = 1; offset + FRAME_HEADER_BYTES < tail.byteLength; offset++) {
    const { length, frame } = decodeFrameHeader(tail, offset);
    // The number rules out nearly every offset, so that few checksums are computed.
    if (frame <= expected || frame > most || length === 0) continue;
    const end = offset + FRAME_HEADER_BYTES + length;
    if (end <= tail.byteLength && isIntact(tail.subarray(offset, end), seed)) return true;
  }
  return false;
}

/** Reads a file from front to back. What it hands out are views of large chunks, which the entries keep: no second copy. */
class Chunks {
  readonly #file: LogFile;
  readonly #size: number;
  #chunk: Buffer = Buffer.alloc(0);
  #position = 0;
  /** Where the next byte to take is in the file. */
  offset = 0;

  constructor(file: LogFile, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /** The next bytes, left in place; undefined when there are fewer. */
  async peek(bytes: number): Promise<Buffer | undefined> {
    if (this.#size - this.offset < bytes) return undefined;
    if (this.#chunk.byteLength - this.#position < bytes) {
      const wanted = Math.min(Math.max(bytes, CHUNK_BYTES), this.#size - this.offset);
      this.#chunk = await this.#file.read(this.offset, wanted);
      this.#position = 0;
      if (this.#chunk.byteLength < bytes) return undefined;
    }
    return this.#chunk.subarray(this.#position, this.#position + bytes);
  }

  async take(bytes: number): Promise<Buffer | undefined> {
    const taken = await this.peek(bytes);
    if (taken !== undefined) this.skip(bytes);
    return taken;
  }

  skip(bytes: number): void {
    this.#position += bytes;
    this.offset += bytes;
  }
}
