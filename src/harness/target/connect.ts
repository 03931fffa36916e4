// Connects to a system under test: which driver carries which workload is decided here.

import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Target } from '../load/operation.ts';
import { functionsOf } from '../scenario/discover.ts';
import type { FunctionContext } from '../scenario/scenario.ts';
import { speaksEtcd, type ValidScenario } from '../scenario/valid-scenario.ts';
import { connectEtcdTarget } from './etcd.ts';
import { invokeFunction } from './function.ts';
import { connectSqlTarget } from './sql.ts';

/** Where a running system is reached. */
export interface TargetAddresses {
  /** host:port of gRPC servers. */
  readonly endpoints: readonly string[];
  /** host:port of HTTP servers. */
  readonly httpEndpoints: readonly string[];
  /** What the names of the run's tables and keys end with. Default nothing. */
  readonly namespace?: string;
}

export interface ConnectOptions extends TargetAddresses {
  readonly scenario: ValidScenario;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Connects, and creates what the scenario's workloads need. Safe to do from several generators at once.
 * @throws RpcError or EtcdError when the system cannot be prepared, ScenarioError when the scenario's module cannot be loaded again
 */
export async function connectTarget(options: ConnectOptions): Promise<Target> {
  const { scenario, endpoints, httpEndpoints, random } = options;
  const functions = await functionsOf(scenario);
  const database = speaksEtcd(scenario.target) ? await connectEtcd(options) : await connectSql(options);
  const context = {
    endpoints,
    httpEndpoints,
    execute: database.execute,
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
          return database.invoke(operation, signal, timeoutMs);
      }
    },
    close: () => database.close(),
  };
}

/** What keeps the data of the checked workloads. */
interface Database extends Target {
  readonly execute: FunctionContext['execute'];
}

async function connectSql(options: ConnectOptions): Promise<Database> {
  const { client, ...target } = await connectSqlTarget(options);
  return {
    ...target,
    async execute(text, params = []) {
      const { results } = await client.execute(text, params);
      return { rows: results[0]?.rows ?? [] };
    },
  };
}

async function connectEtcd(options: ConnectOptions): Promise<Database> {
  const target = await connectEtcdTarget(options);
  const problem = 'execute needs a target that speaks SQL, and this one is etcd: use the endpoints of the context';
  return {
    invoke: target.invoke,
    close: () => target.close(),
    execute: () => Promise.reject(Object.assign(new Error(problem), { code: 'no-sql', maybeApplied: false })),
  };
}
