// Reads Thrift's binary protocol without knowing what it holds: a struct is a map from field numbers to values. Written from the
// protocol's specification (Apache Thrift, doc/specs/thrift-binary-protocol.md), so that it agrees with nobody's mistakes.

import { assert } from '../../runtime/assert.ts';

export type ThriftValue = boolean | number | bigint | string | readonly ThriftValue[] | ThriftStruct;
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

const STOP = 0;

export class ThriftReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The arguments of a call in the strict encoding, and its name. */
  message(): { readonly name: string; readonly arguments: ThriftStruct } {
    const version = this.#take(4).readUInt32BE();
    assert(version >>> 16 === 0x8001, `a strict message begins with 0x8001, not ${(version >>> 16).toString(16)}`);
    const name = this.#take(this.#take(4).readInt32BE()).toString();
    this.#take(4);
    return { name, arguments: this.struct() };
  }

  struct(): ThriftStruct {
    const fields = new Map<number, ThriftValue>();
    for (;;) {
      const type = this.#take(1).readUInt8();
      if (type === STOP) return fields;
      const id = this.#take(2).readInt16BE();
      fields.set(id, this.#value(type));
    }
  }

  #value(type: number): ThriftValue {
    switch (type) {
      case 2:
        return this.#take(1).readUInt8() === 1;
      case 3:
        return this.#take(1).readInt8();
      case 4:
        return this.#take(8).readDoubleBE();
      case 6:
        return this.#take(2).readInt16BE();
      case 8:
        return this.#take(4).readInt32BE();
      case 10:
        return this.#take(8).readBigInt64BE();
      case 11:
        return this.#take(this.#take(4).readInt32BE()).toString();
      case 12:
        return this.struct();
      case 14:
      case 15: {
        const element = this.#take(1).readUInt8();
        return Array.from({ length: this.#take(4).readInt32BE() }, () => this.#value(element));
      }
      default:
        return assert(false, `no value has type ${type}`) as never;
    }
  }

  #take(length: number): Buffer {
    assert(
      length >= 0 && this.#at + length <= this.#bytes.length,
      `${length} bytes wanted at ${this.#at} of ${this.#bytes.length}`,
    );
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }
}
