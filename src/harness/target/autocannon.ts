// autocannon as the engine of closed-loop HTTP loads. It makes the connections and sends; what is sent when, and what came of it,
// is decided and counted here, request by request.

import { createRequire } from 'node:module';
import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Saturate } from '../load/operation.ts';
import type { ValidScenario } from '../scenario/valid-scenario.ts';
import { type AutocannonClient, AutocannonConnection } from './autocannon-connection.ts';
import { urlsOf } from './http-request.ts';

/** Of autocannon's options, those that are used. */
interface AutocannonOptions {
  readonly url: readonly string[];
  readonly connections: number;
  readonly pipelining: number;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Seconds. */
  readonly duration: number;
  /** Milliseconds between two samples of its own statistics; also how long it may take to notice that it is to stop. */
  readonly sampleInt: number;
  readonly skipAggregateResult: boolean;
  /** Called in each client's constructor. */
  readonly setupClient: (client: AutocannonClient) => void;
}

interface AutocannonRun extends PromiseLike<unknown> {
  stop(): void;
}

/** About as long as a timer can be, and longer than any load: what ends it is that its connections are closed. */
const LONGEST_SECONDS = 2_000_000;

export interface AutocannonEngineOptions {
  readonly httpEndpoints: readonly string[];
  readonly scenario: Pick<ValidScenario, 'loads' | 'operationTimeoutMs'>;
  readonly clock: Clock;
}

/** Undefined when no load needs it: it takes a while to load. */
export function prepareAutocannon({ httpEndpoints, scenario, clock }: AutocannonEngineOptions): Saturate | undefined {
  if (!Object.values(scenario.loads).some(({ executor }) => executor === 'autocannon')) return undefined;
  // It has no types of its own.
  const autocannon = createRequire(import.meta.url)('autocannon') as (options: AutocannonOptions) => AutocannonRun;
  return async (name, { workload, connections, pipelining }, begin, signal) => {
    const request = known(workload.kind === 'http' ? workload : undefined, `the load ${name} has an http workload`);
    const { method, headers, body } = request;
    const clients = new Set<AutocannonClient>();
    let left = connections;
    let run: AutocannonRun | undefined;
    const onClosed = () => {
      left--;
      if (left === 0) run?.stop();
    };
    const closeAll = () => {
      for (const client of clients) client.destroy();
    };
    run = autocannon({
      url: urlsOf(name, request, httpEndpoints).map(({ href }) => href),
      connections,
      pipelining,
      method,
      headers,
      body,
      duration: LONGEST_SECONDS,
      sampleInt: 100,
      skipAggregateResult: true,
      setupClient(client) {
        clients.add(client);
        new AutocannonConnection(client, { request, timeoutMs: scenario.operationTimeoutMs, clock, begin, onClosed }).attach();
      },
    });
    // As fast as that: there was nothing to send.
    if (left === 0) run.stop();
    signal.addEventListener('abort', closeAll, { once: true });
    if (signal.aborted) closeAll();
    await run;
    signal.removeEventListener('abort', closeAll);
  };
}
