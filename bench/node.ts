// The write-ahead log of a node: append and fsync, alone and as a group. It measures the disk under the temporary folder.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Counts, Suite } from '../src/harness/micro/benchmark.ts';
import { makeTemporaryFolder } from '../src/runtime/temporary-folder.ts';
import { openLog, type RaftLog } from '../src/system/node/log.ts';

const DATA = new Uint8Array(256).fill(7);

/** What appending a few times to a log of its own makes durable, and how often. */
async function countAppends(
  folder: string,
  batchAfter: (index: number) => Parameters<RaftLog['append']>[0],
  size: number,
): Promise<Counts> {
  const times = 4;
  const counted = { fsyncs: 0, bytes: 0 };
  const log = await openLog({
    folder,
    onFsync: (_, bytes) => {
      counted.fsyncs++;
      counted.bytes += bytes;
    },
  });
  for (let time = 0; time < times; time++) await log.append(batchAfter(time * size));
  await log.close();
  return { operations: times * size, counted };
}

export default {
  name: 'node',
  async prepare() {
    const folder = makeTemporaryFolder('bench-node');
    const log = await openLog({ folder: join(folder, 'log') });
    let index = 0;
    const batch = (size: number, after: number) => [
      {
        hardState: undefined,
        entries: Array.from({ length: size }, (_, at) => ({
          index: after + at + 1,
          term: 1,
          kind: 'command' as const,
          data: DATA,
        })),
      },
    ];
    const append = (size: number) => ({
      operationsPerCall: size,
      operation: async () => {
        await log.append(batch(size, index));
        return (index += size);
      },
      count: () => countAppends(join(folder, `counted-${++counted}`), (after) => batch(size, after), size),
    });
    let counted = 0;
    return {
      benchmarks: [
        { name: 'log-append-fsync-1', kind: 'async', ...append(1) },
        { name: 'log-append-fsync-64', kind: 'async', ...append(64) },
      ],
      async close() {
        await log.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
} satisfies Suite;
