// What keeping traces costs the harness: for each operation that ends, and for each trace that is kept.

import type { PreparedSuite, Suite } from '../src/harness/micro/benchmark.ts';
import { TraceCollection } from '../src/harness/traces/collection.ts';
import { criticalPath } from '../src/harness/traces/critical-path.ts';
import { decodeJson, encodeJson } from '../src/harness/traces/otlp-json.ts';
import { spansOf } from '../src/harness/traces/otlp-spans.ts';
import { addWrite, TraceBuilder } from '../src/harness/traces/testing/trace-builder.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { Random } from '../src/runtime/random.ts';
import { seededIds } from '../src/telemetry/trace-ids.ts';

const OPERATION = { load: 'registers', operation: 'write', phase: 'baseline', outcome: 'ok', startMs: 0, serviceMs: 1 } as const;

async function prepare(): Promise<PreparedSuite> {
  const random = new Random(1);
  const collection = await TraceCollection.start({ random, clock: systemClock });
  const ids = seededIds(random);
  const operations = Array.from({ length: 10_000 }, () => ({
    ...OPERATION,
    traceId: ids.traceId(),
    responseMs: 2 * Math.exp(random.exponential(0.5)),
  }));
  const builder = new TraceBuilder();
  const trace = builder.assemble(
    addWrite(builder, { generatorWait: 1, network: 1, mailbox: 1, append: 1, fsync: 2, peerNetwork: 1, apply: 1 }),
  );
  const frame = encodeJson(builder.spans);
  let next = 0;
  return {
    benchmarks: [
      {
        name: 'offer',
        kind: 'sync',
        operation: () => {
          const at = next++ % operations.length;
          collection.offer(operations[at] as (typeof operations)[number]);
          // As the harness does twice a second.
          return at === 0 ? collection.takeWanted().length : at;
        },
      },
      { name: 'decode-json-trace', kind: 'sync', operation: () => spansOf(decodeJson(frame)).length },
      { name: 'critical-path', kind: 'sync', operation: () => criticalPath(trace).size },
    ],
    close: () => collection.close(),
  };
}

export default { name: 'traces', prepare } satisfies Suite;
