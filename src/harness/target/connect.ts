// Connects to a system under test: which driver carries which workload is decided here.

import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Target } from '../load/operation.ts';
import { functionsOf } from '../scenario/discover.ts';
import type { ValidScenario } from '../scenario/valid-scenario.ts';
import { invokeFunction } from './function.ts';
import { connectSqlTarget } from './sql.ts';

/** Where a running system is reached. */
export interface TargetAddresses {
  /** host:port of gRPC servers. */
  readonly endpoints: readonly string[];
  /** host:port of HTTP servers. */
  readonly httpEndpoints: readonly string[];
}

export interface ConnectOptions extends TargetAddresses {
  readonly scenario: ValidScenario;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Connects, and creates what the scenario's workloads need. Safe to do from several generators at once.
 * @throws RpcError when the system cannot be prepared, ScenarioError when the scenario's module cannot be loaded again
 */
export async function connectTarget(options: ConnectOptions): Promise<Target> {
  const { scenario, endpoints, httpEndpoints, random } = options;
  const functions = await functionsOf(scenario);
  const sql = await connectSqlTarget(options);
  const context = {
    endpoints,
    httpEndpoints,
    async execute(text: string, params: readonly (number | string | null)[] = []) {
      const { results } = await sql.client.execute(text, params);
      return { rows: results[0]?.rows ?? [] };
    },
  };
  return {
    invoke(operation, signal, timeoutMs) {
      switch (operation.kind) {
        case 'function':
          return invokeFunction({ functions, context, random }, operation, signal);
        case 'http':
        case 'grpc':
          throw new Error(`no driver for ${operation.kind} yet`);
        default:
          return sql.invoke(operation, signal, timeoutMs);
      }
    },
    close: () => sql.close(),
  };
}
