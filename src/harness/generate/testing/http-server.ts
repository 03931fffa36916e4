// An HTTP server in a process of its own, that answers after a constant delay: `node http-server.ts DELAY_MS`. It prints the port it
// listens on, and says at /measured how long its answers took on its own clock: what its timers made of the delay.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../runtime/clock.ts';
import { LatencyHistogram } from '../../result/histogram.ts';

/** Milliseconds. */
export interface ServerMeasured {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
}

const delayMs = Number(process.argv[2]);
const took = new LatencyHistogram();

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.url === '/measured') {
    const [p50, p95] = [50, 95].map((p) => (took.percentile(p) ?? took.max) / 1_000) as [number, number];
    response.end(JSON.stringify({ count: took.count, p50, p95 } satisfies ServerMeasured));
    return;
  }
  const startMs = systemClock.now();
  systemClock.schedule(delayMs, () => {
    took.record((systemClock.now() - startMs) * 1_000);
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
