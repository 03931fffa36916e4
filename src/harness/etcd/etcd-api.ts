// etcd's v3 API over gRPC: one object per endpoint, one promise per call. What an error means is said in etcd-errors.ts.

import { fileURLToPath } from 'node:url';
import { type CallOptions, Client, connectivityState, credentials, Metadata, type MethodDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import { EtcdError, etcdErrorOf } from './etcd-errors.ts';

/** 64-bit integers are text: a member's id does not fit a number. */
type WireInteger = string;

/** A field that is absent on the wire has its default value (proto3). */
export interface Header {
  readonly memberId?: WireInteger;
  readonly revision?: WireInteger;
}

export interface KeyValue {
  readonly key: Uint8Array;
  readonly value?: Uint8Array;
  readonly modRevision: WireInteger;
}

export interface RangeRequest {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
  readonly limit?: number;
  readonly revision?: WireInteger;
}

export interface RangeResponse {
  readonly header?: Header;
  readonly kvs?: readonly KeyValue[];
  readonly more?: boolean;
}

export interface PutRequest {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type Compare = { readonly key: Uint8Array; readonly result: 'EQUAL' } & (
  | { readonly target: 'VALUE'; readonly value: Uint8Array }
  /** 0: the key is not there. */
  | { readonly target: 'MOD'; readonly modRevision: WireInteger }
);

export interface TxnRequest {
  /** All must hold; then `success` is done, otherwise nothing. */
  readonly compare: readonly Compare[];
  readonly success: readonly ({ readonly requestRange: RangeRequest } | { readonly requestPut: PutRequest })[];
}

export interface TxnResponse {
  readonly succeeded?: boolean;
  readonly responses?: readonly { readonly responseRange?: RangeResponse }[];
}

export interface StatusResponse {
  readonly header?: Header;
  readonly version?: string;
  /** Absent: none is known. */
  readonly leader?: WireInteger;
  readonly raftTerm?: WireInteger;
}

interface Methods {
  readonly Range: { readonly service: 'KV'; readonly ask: RangeRequest; readonly answer: RangeResponse };
  readonly Put: { readonly service: 'KV'; readonly ask: PutRequest; readonly answer: object };
  readonly Txn: { readonly service: 'KV'; readonly ask: TxnRequest; readonly answer: TxnResponse };
  readonly Status: { readonly service: 'Maintenance'; readonly ask: object; readonly answer: StatusResponse };
}

export interface EtcdCallOptions {
  readonly timeoutMs: number;
  /** When aborted, the call is cancelled. */
  readonly signal?: AbortSignal | undefined;
}

const definitions = loadSync(fileURLToPath(new URL('./etcd.proto', import.meta.url)), { longs: String, enums: String });

/** A node without a leader refuses at once, instead of keeping the request until there is one: etcd's `WithRequireLeader`. */
const requireLeader = new Metadata();
requireLeader.set('hasleader', 'true');

/** Not less than 5 s: etcd ends connections that ask more often. */
const KEEPALIVE_MS = 6_000;
const KEEPALIVE_TIMEOUT_MS = 4_000;

export class EtcdEndpoint {
  /** host:port */
  readonly address: string;
  readonly #client: Client;
  readonly #clock: Clock;

  /** Does not connect yet. */
  constructor(address: string, clock: Clock) {
    this.address = address;
    this.#clock = clock;
    this.#client = new Client(address, credentials.createInsecure(), {
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      // Loopback and cluster networks, never by way of a proxy that the environment names.
      'grpc.enable_http_proxy': 0,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      // A set or a list is read as a whole.
      'grpc.max_receive_message_length': 64 * 1_024 * 1_024,
      // Endpoints of equal names in other channels must not share the fate of a connection.
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** Whether there is a connection at this moment. Asking makes the channel look for one. */
  get connected(): boolean {
    return this.#client.getChannel().getConnectivityState(true) === connectivityState.READY;
  }

  /** @throws EtcdError */
  range(request: RangeRequest, options: EtcdCallOptions): Promise<RangeResponse> {
    return this.#call('KV', 'Range', request, options);
  }

  /** @throws EtcdError */
  async put(request: PutRequest, options: EtcdCallOptions): Promise<void> {
    await this.#call('KV', 'Put', request, options);
  }

  /** @throws EtcdError */
  txn(request: TxnRequest, options: EtcdCallOptions): Promise<TxnResponse> {
    return this.#call('KV', 'Txn', request, options);
  }

  /** What this node says of itself; also when it has no leader. @throws EtcdError */
  status(options: EtcdCallOptions): Promise<StatusResponse> {
    return this.#call('Maintenance', 'Status', {}, options);
  }

  close(): void {
    this.#client.close();
  }

  #call<Name extends keyof Methods>(
    service: Methods[Name]['service'],
    name: Name,
    ask: Methods[Name]['ask'],
    { timeoutMs, signal }: EtcdCallOptions,
  ): Promise<Methods[Name]['answer']> {
    const method = methodOf(service, name);
    const options: CallOptions = { deadline: this.#clock.wallTime() + timeoutMs };
    const metadata = service === 'KV' ? requireLeader.clone() : new Metadata();
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(new EtcdError('cancelled', 'the call was cancelled before it was sent', { maybeApplied: false }));
        return;
      }
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        ask,
        metadata,
        options,
        (error, answer) => {
          signal?.removeEventListener('abort', cancel);
          if (error) reject(etcdErrorOf(error));
          else resolve(answer as Methods[Name]['answer']);
        },
      );
      const cancel = () => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }
}

function methodOf(service: string, name: string): MethodDefinition<object, object> {
  const methods = known(definitions[`etcdserverpb.${service}`], 'a service of etcd.proto') as unknown;
  return known((methods as Record<string, MethodDefinition<object, object>>)[name], `a method of ${service}`);
}
