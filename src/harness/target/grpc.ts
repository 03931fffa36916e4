// Operations that are unary gRPC calls of any service. Each is made once: nothing is retried behind the measurement's back.

import {
  Client,
  type ClientOptions,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
  status as grpcStatus,
} from '@grpc/grpc-js';
import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import { currentContext } from '../../telemetry/current-context.ts';
import { injectIntoMetadata } from '../../telemetry/propagation.ts';
import type { Answer, PlannedOperation } from '../load/operation.ts';
import { type GrpcMethod, loadGrpcMethod } from '../scenario/grpc-method.ts';
import { ScenarioError } from '../scenario/options.ts';
import type { ValidGrpc, ValidScenario } from '../scenario/valid-scenario.ts';
import { inTurn } from './http-request.ts';

export interface GrpcTargetOptions {
  /** host:port of gRPC servers; at least one when there is a workload for them. */
  readonly endpoints: readonly string[];
  readonly scenario: Pick<ValidScenario, 'loads' | 'operationTimeoutMs'>;
  readonly clock: Clock;
}

export interface GrpcTarget {
  invoke(operation: GrpcOperation, signal: AbortSignal, timeoutMs?: number): Promise<Answer>;
  /** Breaks every connection. */
  close(): void;
}

type GrpcOperation = Extract<PlannedOperation, { kind: 'grpc' }>;

/** What of a call is the same every time. */
interface Prepared {
  readonly method: GrpcMethod;
  readonly metadata: Metadata;
  readonly nextClient: () => Client;
}

const CHANNEL_OPTIONS: ClientOptions = {
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
  // A server that comes back is to be found soon.
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 1_000,
};

/** Says that the server looked at the call and refused it. */
const REFUSALS: ReadonlySet<grpcStatus> = new Set([
  grpcStatus.INVALID_ARGUMENT,
  grpcStatus.NOT_FOUND,
  grpcStatus.ALREADY_EXISTS,
  grpcStatus.PERMISSION_DENIED,
  grpcStatus.FAILED_PRECONDITION,
  grpcStatus.OUT_OF_RANGE,
  grpcStatus.UNIMPLEMENTED,
  grpcStatus.UNAUTHENTICATED,
]);

/** Loads the methods; connections are made with the first calls. @throws ScenarioError */
export async function connectGrpc({ endpoints, scenario, clock }: GrpcTargetOptions): Promise<GrpcTarget> {
  const prepared = new Map<string, Prepared>();
  const clients = new Map<string, Client>();
  const clientOf = (endpoint: string): Client => {
    const client = clients.get(endpoint) ?? new Client(endpoint, credentials.createInsecure(), CHANNEL_OPTIONS);
    clients.set(endpoint, client);
    return client;
  };
  for (const [load, { workload }] of Object.entries(scenario.loads)) {
    if (workload.kind !== 'grpc') continue;
    if (endpoints.length === 0)
      throw new ScenarioError([`loads.${load}.workload is called on the target's endpoints, but it has none`]);
    const method = await loadGrpcMethod(load, workload);
    prepared.set(load, { method, metadata: metadataOf(workload), nextClient: inTurn(endpoints.map(clientOf)) });
  }
  return {
    invoke({ load }, signal, timeoutMs = scenario.operationTimeoutMs) {
      return call(known(prepared.get(load), `the load ${load} has no method`), clock, signal, timeoutMs);
    },
    close() {
      for (const client of clients.values()) client.close();
    },
  };
}

function metadataOf({ metadata: entries }: ValidGrpc): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries))
    metadata.set(key, key.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  return metadata;
}

/** With the context of the trace, when there is one. */
function traced(metadata: Metadata): Metadata {
  const context = currentContext();
  if (context === undefined) return metadata;
  const own = metadata.clone();
  injectIntoMetadata(context, own);
  return own;
}

function call({ method, metadata, nextClient }: Prepared, clock: Clock, signal: AbortSignal, timeoutMs: number): Promise<Answer> {
  const client = nextClient();
  return new Promise((resolve) => {
    const cancel = () => made.cancel();
    const made = client.makeUnaryRequest(
      method.path,
      (request: Buffer) => request,
      method.deserialize,
      method.request,
      traced(metadata),
      { deadline: clock.wallTime() + timeoutMs },
      (error: ServiceError | null) => {
        signal.removeEventListener('abort', cancel);
        resolve(error === null ? { outcome: 'ok' } : failed(error.code, made, client));
      },
    );
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
  });
}

function failed(code: grpcStatus, made: ClientUnaryCall, client: Client): Answer {
  // Until a connection is chosen for a call, its peer is what the client was made for.
  const sent = made.getPeer() !== client.getChannel().getTarget();
  return { outcome: sent && !REFUSALS.has(code) ? 'info' : 'fail', code: grpcStatus[code] };
}
