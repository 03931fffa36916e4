// The alphabet of our binary forms (commands, results, log frames): varints, text, blobs and SQL values. There is exactly one
// way to write each value, so equal values have equal bytes on every replica, and whatever reads back writes out the same.

import { isUtf8 } from 'node:buffer';
import { assert } from '../../runtime/assert.ts';

/** What SQL stores. Integers that a double holds exactly are numbers, larger ones (64 bits, signed) are bigints. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** Bytes that no writer of this version wrote: damaged, cut short, or from another version. */
export class BytesError extends Error {
  override readonly name = 'BytesError';
  readonly code = 'bad-bytes';
}

const TAG = { null: 0, naturalNumber: 1, negativeNumber: 2, int64: 3, float64: 4, text: 5, blob: 6 } as const;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Why a value cannot be stored, or undefined when it can. */
export function problemOfValue(value: SqlValue): string | undefined {
  if (typeof value === 'number' && Number.isNaN(value)) return 'is NaN, which SQL cannot store: pass null';
  if (typeof value === 'bigint' && (value < INT64_MIN || value > INT64_MAX))
    return `is ${value}, beyond the 64 bits of an SQL integer`;
  return undefined;
}

/** Appends to a buffer that grows. Reusable: `reset()` keeps the memory. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  /** @param initialBytes the first allocation, >= 16. */
  constructor(initialBytes = 256) {
    assert(initialBytes >= 16, `a writer starts with at least 16 bytes, not ${initialBytes}`);
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    const copy = new Uint8Array(this.#length);
    copy.set(this.#buffer.subarray(0, this.#length));
    return copy;
  }

  /** What was written, without a copy: valid until the next write or reset. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** Four bytes, little-endian, 0 to 2^32 - 1. */
  uint32(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
  }

  /** Overwrites four bytes that were written before, for a length that is known only at the end. */
  setUint32(offset: number, value: number): void {
    assert(offset + 4 <= this.#length, `offset ${offset} was not written yet`);
    this.#buffer.writeUInt32LE(value, offset);
  }

  /** An integer from 0 to 2^53 - 1, seven bits a byte, least significant first (LEB128). */
  varint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `a varint is an integer from 0 to 2^53 - 1, not ${value}`);
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  text(value: string): void {
    // UTF-16 code units become at most three bytes each: a short text needs one pass, its length fits the byte left free.
    if (value.length * 3 < 0x80) {
      this.#reserve(1 + value.length * 3);
      const bytes = this.#buffer.write(value, this.#length + 1, 'utf8');
      this.#buffer[this.#length] = bytes;
      this.#length += 1 + bytes;
      return;
    }
    const bytes = Buffer.byteLength(value, 'utf8');
    this.varint(bytes);
    this.#reserve(bytes);
    this.#length += this.#buffer.write(value, this.#length, 'utf8');
  }

  blob(value: Uint8Array): void {
    this.varint(value.byteLength);
    this.#reserve(value.byteLength);
    this.#buffer.set(value, this.#length);
    this.#length += value.byteLength;
  }

  /** The caller has made sure that `problemOfValue` finds nothing. */
  value(value: SqlValue): void {
    if (value === null) this.byte(TAG.null);
    else if (typeof value === 'string') {
      this.byte(TAG.text);
      this.text(value);
    } else if (typeof value === 'object') {
      this.byte(TAG.blob);
      this.blob(value);
    } else if (typeof value === 'bigint') {
      const asNumber = Number(value);
      if (Number.isSafeInteger(asNumber)) this.#number(asNumber);
      else {
        this.#reserve(9);
        this.#buffer[this.#length] = TAG.int64;
        this.#length = this.#buffer.writeBigInt64LE(value, this.#length + 1);
      }
    } else this.#number(value);
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      this.byte(value < 0 ? TAG.negativeNumber : TAG.naturalNumber);
      this.varint(value < 0 ? -1 - value : value);
      return;
    }
    assert(!Number.isNaN(value), 'NaN is refused before it is written');
    this.#reserve(9);
    this.#buffer[this.#length] = TAG.float64;
    this.#length = this.#buffer.writeDoubleLE(value, this.#length + 1);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.byteLength) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.byteLength * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Reads what a ByteWriter wrote. Every method throws BytesError when the bytes are not such. Blobs are views, not copies. */
export class ByteReader {
  readonly #buffer: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  get atEnd(): boolean {
    return this.#offset === this.#buffer.byteLength;
  }

  /** Demands that everything was read. */
  end(): void {
    if (!this.atEnd) throw new BytesError(`${this.#buffer.byteLength - this.#offset} bytes too many at offset ${this.#offset}`);
  }

  byte(): number {
    return this.#buffer[this.#take(1)] as number;
  }

  uint32(): number {
    return this.#buffer.readUInt32LE(this.#take(4));
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) throw new BytesError(`a number written longer than needed before offset ${this.#offset}`);
        if (value > Number.MAX_SAFE_INTEGER) throw new BytesError(`a number beyond 2^53 before offset ${this.#offset}`);
        return value;
      }
      scale *= 0x80;
      if (scale > 2 ** 49) throw new BytesError(`a number beyond 2^53 before offset ${this.#offset}`);
    }
  }

  /** A varint that counts things of at least one byte each: never more than bytes are left, so that it is safe to allocate for. */
  count(): number {
    const count = this.varint();
    if (count > this.#buffer.byteLength - this.#offset)
      throw new BytesError(`a count of ${count} at offset ${this.#offset}, but fewer bytes`);
    return count;
  }

  text(): string {
    const length = this.varint();
    const start = this.#take(length);
    const end = start + length;
    const text = this.#buffer.toString('utf8', start, end);
    // What is not UTF-8 becomes U+FFFD, which may also be what was written.
    if (text.includes('\uFFFD') && !isUtf8(this.#buffer.subarray(start, end)))
      throw new BytesError(`text that is not UTF-8 at offset ${start}`);
    return text;
  }

  blob(): Uint8Array {
    const length = this.varint();
    const start = this.#take(length);
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset + start, length);
  }

  value(): SqlValue {
    const tag = this.byte();
    switch (tag) {
      case TAG.null:
        return null;
      case TAG.naturalNumber:
        return this.varint();
      case TAG.negativeNumber: {
        const value = -1 - this.varint();
        if (!Number.isSafeInteger(value)) throw new BytesError(`a number beyond -2^53 before offset ${this.#offset}`);
        return value;
      }
      case TAG.int64: {
        const value = this.#buffer.readBigInt64LE(this.#take(8));
        if (Number.isSafeInteger(Number(value))) throw new BytesError(`a small integer written as a large one: ${value}`);
        return value;
      }
      case TAG.float64: {
        const value = this.#buffer.readDoubleLE(this.#take(8));
        const plainInteger = Number.isSafeInteger(value) && !Object.is(value, -0);
        if (plainInteger || Number.isNaN(value)) throw new BytesError(`${value} written as a fraction`);
        return value;
      }
      case TAG.text:
        return this.text();
      case TAG.blob:
        return this.blob();
      default:
        throw new BytesError(`no value begins with the byte ${tag}, at offset ${this.#offset - 1}`);
    }
  }

  #take(bytes: number): number {
    const start = this.#offset;
    if (start + bytes > this.#buffer.byteLength)
      throw new BytesError(`ends at offset ${this.#buffer.byteLength}, in the middle of a value`);
    this.#offset = start + bytes;
    return start;
  }
}
