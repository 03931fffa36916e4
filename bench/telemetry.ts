// What it costs to carry a context across processes and through a process, and to count.

import { Metadata } from '@grpc/grpc-js';
import type { PreparedSuite, Suite } from '../src/harness/micro/benchmark.ts';
import { DistributedContext } from '../src/telemetry/context.ts';
import { currentContext, withContext } from '../src/telemetry/current-context.ts';
import { watchEventLoop } from '../src/telemetry/event-loop.ts';
import { DistributedMetrics } from '../src/telemetry/metrics.ts';
import { extractFromHeaders, extractFromMetadata, injectIntoHeaders, injectIntoMetadata } from '../src/telemetry/propagation.ts';

function prepare(): PreparedSuite {
  const context = DistributedContext.root().withBaggage('tenant', 'acme').withBaggage('user', 'Zoë');
  const incoming = new Metadata();
  injectIntoMetadata(context, incoming);
  const headers: Record<string, string | string[] | undefined> = {
    host: 'n1:8080',
    accept: '*/*',
    'content-type': 'application/json',
  };
  injectIntoHeaders(context, headers);
  const metrics = new DistributedMetrics();
  const stopWatching = watchEventLoop(metrics);
  let count = 0;

  return {
    benchmarks: [
      { name: 'context-child', kind: 'sync', operation: () => context.child() },
      {
        name: 'inject-metadata',
        kind: 'sync',
        operation: () => {
          const metadata = new Metadata();
          injectIntoMetadata(context, metadata);
          return metadata;
        },
      },
      { name: 'extract-metadata', kind: 'sync', operation: () => extractFromMetadata(incoming).context },
      { name: 'extract-headers', kind: 'sync', operation: () => extractFromHeaders(headers).context },
      { name: 'with-context', kind: 'sync', operation: () => withContext(context, currentContext) },
      {
        name: 'counter-inc',
        kind: 'sync',
        operation: () => {
          metrics.inc('distributed_requests_total', { method: 'ExecuteQuery', outcome: 'ok' });
          return ++count;
        },
      },
      {
        name: 'histogram-observe',
        kind: 'sync',
        operation: () => {
          metrics.observe(
            'distributed_request_duration_seconds',
            { method: 'ExecuteQuery', outcome: 'ok' },
            (count % 100) / 1_000,
          );
          return ++count;
        },
      },
      {
        name: 'record-request-with-exemplar',
        kind: 'sync',
        operation: () => {
          withContext(context, () => metrics.recordRequest('write', 'ok', (count % 100) / 1_000));
          return ++count;
        },
      },
      { name: 'expose', kind: 'async', operation: () => metrics.expose() },
    ],
    close: stopWatching,
  };
}

export default { name: 'telemetry', prepare } satisfies Suite;
