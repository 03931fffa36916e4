// Where trace and span ids come from: the system's randomness, or a seed when a run must repeat.

import { randomFillSync } from 'node:crypto';
import type { Random } from '../runtime/random.ts';

export interface IdSource {
  /** 32 lower-case hexadecimal digits, not all zero. */
  traceId(): string;
  /** 16 lower-case hexadecimal digits, not all zero. */
  spanId(): string;
}

const POOL_BYTES = 4_096;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

function hexOfPool(bytes: number): string {
  // One system call for hundreds of ids.
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  return pool.toString('hex', used, (used += bytes));
}

/** Ids that differ between processes and runs. */
export const cryptoIds: IdSource = {
  traceId: () => notZero(() => hexOfPool(16)),
  spanId: () => notZero(() => hexOfPool(8)),
};

/** Ids that repeat with the seed. */
export function seededIds(random: Random): IdSource {
  const word = () => random.uint32().toString(16).padStart(8, '0');
  return {
    traceId: () => notZero(() => word() + word() + word() + word()),
    spanId: () => notZero(() => word() + word()),
  };
}

/** All zeros means 'no id' on the wire. */
function notZero(draw: () => string): string {
  for (;;) {
    const id = draw();
    if (!/^0+$/.test(id)) return id;
  }
}
