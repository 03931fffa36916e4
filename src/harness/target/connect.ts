// Connects to a system under test: which driver carries which workload is decided here.

import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Tracer } from '../../telemetry/tracer.ts';
import type { DistributedMetrics } from '../../telemetry/metrics.ts';
import type { Target } from '../load/operation.ts';
import { functionsOf } from '../scenario/discover.ts';
import type { FunctionContext } from '../scenario/workloads.ts';
import { keepsData, speaksEtcd, type ValidScenario } from '../scenario/valid-scenario.ts';
import { connectEtcdTarget } from './etcd.ts';
import { invokeFunction } from './function.ts';
import { prepareAutocannon } from './autocannon.ts';
import { connectGrpc } from './grpc.ts';
import { prepareHttp } from './http.ts';
import { connectSqlTarget } from './sql.ts';

/** Where a running system is reached. */
export interface TargetAddresses {
  /** host:port of gRPC servers. */
  readonly endpoints: readonly string[];
  /** host:port of HTTP servers. */
  readonly httpEndpoints: readonly string[];
  /** What the names of the run's tables and keys end with. Default nothing. */
  readonly namespace?: string;
  /** What the nodes at `endpoints` are called, in their order. Default: by their addresses. */
  readonly names?: readonly string[];
}

export interface ConnectOptions extends TargetAddresses {
  readonly scenario: ValidScenario;
  readonly clock: Clock;
  readonly random: Random;
  /** Measures what the smart client does. */
  readonly tracer?: Tracer | undefined;
  /** Where the smart client counts. Default: nowhere. */
  readonly metrics?: DistributedMetrics;
}

/**
 * Connects with what the scenario's workloads need and nothing else, and creates what they need. Safe to do from several
 * generators at once.
 * @throws RpcError or EtcdError when the system cannot be prepared; ScenarioError when a workload does not fit the target, or the
 * scenario's module cannot be loaded again
 */
export async function connectTarget(options: ConnectOptions): Promise<Target> {
  const { scenario, endpoints, httpEndpoints, random } = options;
  const functions = await functionsOf(scenario);
  const http = prepareHttp(options);
  const grpc = await connectGrpc(options);
  const onDemand = new DatabaseOnDemand(options);
  const needsDatabase = Object.values(scenario.loads).some(({ workload }) => keepsData(workload));
  // A function need not execute anything: it is connected when it does.
  const database = needsDatabase ? await onDemand.connected() : undefined;
  const context = {
    endpoints,
    httpEndpoints,
    execute: async (...statement: Parameters<Database['execute']>) => (await onDemand.connected()).execute(...statement),
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
          return known(database, `nothing is connected for ${operation.kind}`).invoke(operation, signal, timeoutMs);
      }
    },
    saturate: prepareAutocannon(options),
    async close() {
      http.close();
      grpc.close();
      await onDemand.close();
    },
  };
}

/** What keeps the data of the checked workloads. */
interface Database extends Target {
  readonly execute: FunctionContext['execute'];
}

function connectDatabase(options: ConnectOptions): Promise<Database> {
  return speaksEtcd(options.scenario.target) ? connectEtcd(options) : connectSql(options);
}

async function connectSql(options: ConnectOptions): Promise<Database> {
  const { metrics: registry, endpoints, names = endpoints } = options;
  const nameOf = (endpoint: string) => names[endpoints.indexOf(endpoint)] ?? endpoint;
  const { client, ...target } = await connectSqlTarget({ ...options, metrics: registry && { registry, nameOf } });
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

/** Connects when it is first asked to; after a failure, when it is next asked. */
class DatabaseOnDemand {
  readonly #options: ConnectOptions;
  #database: Promise<Database> | undefined;

  constructor(options: ConnectOptions) {
    this.#options = options;
  }

  connected(): Promise<Database> {
    this.#database ??= connectDatabase(this.#options).catch((error: unknown) => {
      this.#database = undefined;
      throw error;
    });
    return this.#database;
  }

  async close(): Promise<void> {
    await this.#database?.then(
      (database) => database.close(),
      () => {},
    );
  }
}
