// The bytes of the log. A segment is a header and frames; a frame holds everything that one fsync made durable.
//
//   header: magic, version, number of the segment, number of its first frame, checksum of the frame before it, salt, checksum
//   frame:  checksum, length of the payload, number of the frame, payload
//
// One frame for each fsync, because the next frame is written only after that fsync: a broken frame with a whole one behind it
// was durable once, so it is damage; a broken frame with nothing behind it may be a write that a crash cut short, whichever of
// its pages reached the disk. Frames are numbered through all segments, so none can be missing or twice. The salt (random for
// each segment, mixed into every checksum) keeps bytes inside an entry from looking like a frame.

import { crc32 } from 'node:zlib';
import type { Entry, HardState } from '../raft/protocol.ts';
import type { ByteReader, ByteWriter } from '../store/bytes.ts';

export const HEADER_BYTES = 40;
export const FRAME_HEADER_BYTES = 16;
const MAGIC = 0x4c525457; // 'WTRL', little-endian
const VERSION = 1;

export interface SegmentHeader {
  readonly segment: number;
  readonly firstFrame: number;
  /** Of the last frame before this segment; 0 when there is none. */
  readonly previousChecksum: number;
  /** Eight bytes. */
  readonly salt: Uint8Array;
}

export interface FrameHeader {
  readonly checksum: number;
  readonly length: number;
  readonly frame: number;
}

/** One persist effect of the core: the hard state, when it changed, and entries that replace all from the first one's index on. */
export interface LogRecord {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
}

export function encodeSegmentHeader({ segment, firstFrame, previousChecksum, salt }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(VERSION, 4);
  bytes.writeBigUInt64LE(BigInt(segment), 8);
  bytes.writeBigUInt64LE(BigInt(firstFrame), 16);
  bytes.writeUInt32LE(previousChecksum, 24);
  bytes.set(salt, 28);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 36)), 36);
  return bytes;
}

/** The header, or what is wrong with it. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | string {
  if (bytes.byteLength < HEADER_BYTES) return 'the header of the segment is cut short';
  if (bytes.readUInt32LE(36) !== crc32(bytes.subarray(0, 36))) return 'the checksum of the header of the segment is wrong';
  if (bytes.readUInt32LE(0) !== MAGIC) return 'this is not a segment of a log';
  const version = bytes.readUInt32LE(4);
  if (version !== VERSION) return `the segment has version ${version}; this program reads version ${VERSION}`;
  return {
    segment: Number(bytes.readBigUInt64LE(8)),
    firstFrame: Number(bytes.readBigUInt64LE(16)),
    previousChecksum: bytes.readUInt32LE(24),
    salt: new Uint8Array(bytes.subarray(28, 36)),
  };
}

/** What a segment's checksums begin with. */
export const seedOf = (salt: Uint8Array) => crc32(salt);

/** Writes the frame of these records into an empty writer; returns its checksum. */
export function writeFrame(writer: ByteWriter, frame: number, records: readonly LogRecord[], seed: number): number {
  writer.uint32(0);
  writer.uint32(0);
  writer.uint32(frame >>> 0);
  writer.uint32(Math.floor(frame / 2 ** 32));
  writer.varint(records.length);
  for (const record of records) writeRecord(writer, record);
  writer.setUint32(4, writer.length - FRAME_HEADER_BYTES);
  const checksum = crc32(writer.view().subarray(4), seed);
  writer.setUint32(0, checksum);
  return checksum;
}

/** `bytes` holds at least FRAME_HEADER_BYTES from `offset` on. */
export function decodeFrameHeader(bytes: Buffer, offset = 0): FrameHeader {
  return {
    checksum: bytes.readUInt32LE(offset),
    length: bytes.readUInt32LE(offset + 4),
    frame: bytes.readUInt32LE(offset + 8) + bytes.readUInt32LE(offset + 12) * 2 ** 32,
  };
}

/** Whether a whole frame, header included, has the checksum it says. */
export function isIntact(frame: Buffer, seed: number): boolean {
  return frame.readUInt32LE(0) === crc32(frame.subarray(4), seed);
}

function writeRecord(writer: ByteWriter, { hardState, entries }: LogRecord): void {
  writer.byte(hardState === undefined ? 0 : hardState.votedFor === undefined ? 1 : 2);
  if (hardState !== undefined) {
    writer.varint(hardState.term);
    if (hardState.votedFor !== undefined) writer.text(hardState.votedFor);
  }
  writer.varint(entries.length);
  const [first] = entries;
  if (first === undefined) return;
  writer.varint(first.index);
  for (const { term, kind, data } of entries) {
    writer.varint(term);
    writer.byte(kind === 'command' ? 0 : 1);
    writer.blob(data);
  }
}

/** The records of a frame's payload; the data of their entries are views of it. Throws BytesError. */
export function readRecords(reader: ByteReader): LogRecord[] {
  const records = Array.from({ length: reader.count() }, () => readRecord(reader));
  reader.end();
  return records;
}

function readRecord(reader: ByteReader): LogRecord {
  const kind = reader.byte();
  const hardState = kind === 0 ? undefined : { term: reader.varint(), votedFor: kind === 2 ? reader.text() : undefined };
  const count = reader.count();
  if (count === 0) return { hardState, entries: [] };
  const firstIndex = reader.varint();
  const entries = Array.from({ length: count }, (_, at) => ({
    index: firstIndex + at,
    term: reader.varint(),
    kind: reader.byte() === 0 ? ('command' as const) : ('noop' as const),
    data: reader.blob(),
  }));
  return { hardState, entries };
}
