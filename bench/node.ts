// The write-ahead log of a node: append and fsync, alone and as a group. It measures the disk under the temporary folder.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Suite } from '../src/harness/micro/benchmark.ts';
import { openLog } from '../src/system/node/log.ts';

const DATA = new Uint8Array(256).fill(7);

export default {
  name: 'node',
  async prepare() {
    const folder = mkdtempSync(join(tmpdir(), 'windtunnel-bench-node-'));
    const log = await openLog({ folder: join(folder, 'log') });
    let index = 0;
    const batch = (size: number) => [
      {
        hardState: undefined,
        entries: Array.from({ length: size }, () => ({ index: ++index, term: 1, kind: 'command' as const, data: DATA })),
      },
    ];
    return {
      benchmarks: [
        {
          name: 'log-append-fsync-1',
          kind: 'async',
          operation: async () => {
            await log.append(batch(1));
            return index;
          },
        },
        {
          name: 'log-append-fsync-64',
          kind: 'async',
          operationsPerCall: 64,
          operation: async () => {
            await log.append(batch(64));
            return index;
          },
        },
      ],
      async close() {
        await log.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
} satisfies Suite;
