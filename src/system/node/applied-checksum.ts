// A running checksum of everything the state machine has applied, so that nodes can be compared at an index without being asked
// for their data: CRC-32 over index, term and data of every entry from the first one on.

import { crc32 } from 'node:zlib';
import { assert } from '../../runtime/assert.ts';
import type { Entry } from '../raft/protocol.ts';

type Hashed = Pick<Entry, 'index' | 'term' | 'data'>;

/** Where it is told of the checksum: small enough to bound how much is not compared, large enough to cost nothing. */
const EVERY = 1_000;

export class AppliedChecksum {
  readonly #header = Buffer.alloc(16);
  readonly #onMilestone: () => void;
  #index = 0;
  #term = 0;
  #checksum = 0;

  /**
   * @param entries what was applied before, from index 1 on: the log, up to where the state machine is.
   * @param onMilestone called at every index that 1,000 divides, when the readings are of that index; not for `entries`.
   */
  constructor(entries: readonly Hashed[], onMilestone: () => void) {
    this.#onMilestone = () => {};
    for (const entry of entries) this.add(entry);
    this.#onMilestone = onMilestone;
  }

  /** The last entry that is part of it; 0 and term 0 before the first. */
  get reading(): { readonly index: number; readonly term: number; readonly checksum: number } {
    return { index: this.#index, term: this.#term, checksum: this.#checksum };
  }

  add({ index, term, data }: Hashed): void {
    assert(index === this.#index + 1, `entry ${index} was applied where ${this.#index + 1} was due`);
    this.#header.writeBigUInt64LE(BigInt(index), 0);
    this.#header.writeBigUInt64LE(BigInt(term), 8);
    this.#checksum = crc32(data, crc32(this.#header, this.#checksum));
    this.#index = index;
    this.#term = term;
    if (index % EVERY === 0) this.#onMilestone();
  }
}
