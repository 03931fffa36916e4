// Connects to a system under test: which driver carries which workload is decided here.

import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Target } from '../load/operation.ts';
import { functionsOf } from '../scenario/discover.ts';
import { keepsData, type ValidScenario } from '../scenario/valid-scenario.ts';
import { invokeFunction } from './function.ts';
import { prepareAutocannon } from './autocannon.ts';
import { connectGrpc } from './grpc.ts';
import { prepareHttp } from './http.ts';
import { connectSqlTarget, type SqlTarget } from './sql.ts';

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
 * Connects with what the scenario's workloads need and nothing else, and creates what they need. Safe to do from several
 * generators at once.
 * @throws RpcError when the system cannot be prepared; ScenarioError when a workload does not fit the target, or the scenario's
 * module cannot be loaded again
 */
export async function connectTarget(options: ConnectOptions): Promise<Target> {
  const { scenario, endpoints, httpEndpoints, random } = options;
  const functions = await functionsOf(scenario);
  const http = prepareHttp(options);
  const grpc = await connectGrpc(options);
  const sql = new SqlOnDemand(options);
  const needsSql = Object.values(scenario.loads).some(({ workload }) => keepsData(workload));
  // A function need not execute anything: it is connected when it does.
  const sqlTarget = needsSql ? await sql.connected() : undefined;
  const context = {
    endpoints,
    httpEndpoints,
    async execute(text: string, params: readonly (number | string | null)[] = []) {
      const { client } = await sql.connected();
      const { results } = await client.execute(text, params);
      return { rows: results[0]?.rows ?? [] };
    },
  };
  return {
    invoke(operation, signal, timeoutMs) {
      switch (operation.kind) {
        case 'function':
          return invokeFunction({ functions, context, random }, operation, signal);
        case 'http':
          return http.invoke(operation, signal, timeoutMs);
        case 'grpc':
          return grpc.invoke(operation, signal, timeoutMs);
        default:
          return known(sqlTarget, `nothing is connected for ${operation.kind}`).invoke(operation, signal, timeoutMs);
      }
    },
    saturate: prepareAutocannon(options),
    async close() {
      http.close();
      grpc.close();
      await sql.close();
    },
  };
}

/** Connects when it is first asked to; after a failure, when it is next asked. */
class SqlOnDemand {
  readonly #options: ConnectOptions;
  #target: Promise<SqlTarget> | undefined;

  constructor(options: ConnectOptions) {
    this.#options = options;
  }

  connected(): Promise<SqlTarget> {
    this.#target ??= connectSqlTarget(this.#options).catch((error: unknown) => {
      this.#target = undefined;
      throw error;
    });
    return this.#target;
  }

  async close(): Promise<void> {
    await this.#target?.then(
      (target) => target.close(),
      () => {},
    );
  }
}
