// The gRPC server of a node: the query service (unary and session), health, reflection, and the peers' service.

import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import type { Clock } from '../../runtime/clock.ts';
import type { Message, NodeId } from '../raft/protocol.ts';
import type { QueryBackend } from './backend.ts';
import {
  HEADERS,
  type PeerFrame,
  peerService,
  queryPackage,
  queryService,
  type RequestFrame,
  type ResponseFrame,
  type WireHealth,
  type WireQueryRequest,
  type WireQueryResponse,
} from './contract.ts';
import { RpcError, toRpcError } from './errors.ts';
import { type EntriesTrace, readEntriesTraces, readMessage } from './peer-wire.ts';
import { serveSession } from './session-server.ts';
import { readQuery, writeAnswer, writeStatus } from './wire.ts';

export interface PeerBackend {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly peers: readonly NodeId[];
  /** @param trace what the sender measures the frame as, when it does. */
  receive(messages: readonly Message[], traces: readonly EntriesTrace[]): void;
}

/** Told of sessions of clients and streams of peers. */
export interface StreamMeter {
  connectionOpened(transport: 'grpc' | 'peer'): void;
  connectionClosed(transport: 'grpc' | 'peer'): void;
}

export interface RpcServer {
  /** The port it listens on. */
  readonly port: number;
  /** Tells grpc.health.v1 clients whether this node can serve. */
  setServing(serving: boolean): void;
  /** Lets calls under way finish for `graceMs`, then ends them. */
  close(graceMs: number): Promise<void>;
}

/** The address cannot be listened on; the message says which. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

// grpc-js prints what it also reports; whoever wants its log says so with GRPC_VERBOSITY.
if (process.env['GRPC_VERBOSITY'] === undefined) setLogVerbosity(logVerbosity.NONE);

/** Peers send batches of entries; everything else is far smaller. */
const LARGEST_MESSAGE_BYTES = 16 << 20;

export const SERVER_OPTIONS = {
  'grpc.max_receive_message_length': LARGEST_MESSAGE_BYTES,
  'grpc.max_send_message_length': LARGEST_MESSAGE_BYTES,
  // A client that vanished without a word (a cut link) is noticed within seconds rather than TCP's quarter of an hour.
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 2_000,
  'grpc.so_reuseport': 0,
};

/**
 * Listens on `address` ('host:port'; port 0 picks a free one).
 * @throws ListenError when the address is taken or is not ours.
 */
export async function startRpcServer(options: {
  readonly address: string;
  readonly query: QueryBackend;
  readonly peer: PeerBackend;
  readonly meter?: StreamMeter;
  readonly clock: Clock;
}): Promise<RpcServer> {
  const { query, peer, meter } = options;
  const server = new Server(SERVER_OPTIONS);

  server.addService(queryService, {
    ExecuteQuery: (call: ServerUnaryCall<WireQueryRequest, WireQueryResponse>, callback: sendUnaryData<WireQueryResponse>) => {
      const cancelled = new AbortController();
      call.on('cancelled', () => cancelled.abort(new RpcError('cancelled', 'the caller cancelled')));
      executeUnary(query, call, cancelled.signal, options.clock).then(
        (answer) => callback(null, answer),
        (error: unknown) => callback(writeStatus(toRpcError(error))),
      );
    },
    HealthCheck: (call: ServerUnaryCall<unknown, WireHealth>, callback: sendUnaryData<WireHealth>) =>
      callback(null, query.health(call.getHost())),
    Session: (call: ServerDuplexStream<RequestFrame, ResponseFrame>) => {
      if (meter) countWhileOpen(call, 'grpc', meter);
      serveSession(call, query);
    },
  });

  server.addService(peerService, {
    Exchange: (call: ServerDuplexStream<PeerFrame, PeerFrame>) => {
      if (meter) countWhileOpen(call, 'peer', meter);
      receiveFromPeer(call, peer);
    },
  });

  const health = new HealthImplementation({ '': 'NOT_SERVING', 'windtunnel.v1.QueryService': 'NOT_SERVING' });
  health.addToServer(server);
  new ReflectionService(queryPackage).addToServer(server);

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(options.address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(new ListenError(`cannot listen on ${options.address}: ${error.message}`, { cause: error }));
      else resolve(bound);
    });
  });

  return {
    port,
    setServing(serving) {
      const word = serving ? 'SERVING' : 'NOT_SERVING';
      health.setStatus('', word);
      health.setStatus('windtunnel.v1.QueryService', word);
    },
    close(graceMs) {
      return new Promise((resolve) => {
        const cancel = options.clock.schedule(graceMs, () => server.forceShutdown());
        server.tryShutdown(() => {
          cancel();
          resolve();
        });
      });
    },
  };
}

function countWhileOpen(call: ServerDuplexStream<unknown, unknown>, transport: 'grpc' | 'peer', meter: StreamMeter): void {
  let open = true;
  const closed = () => {
    if (open) meter.connectionClosed(transport);
    open = false;
  };
  meter.connectionOpened(transport);
  // Which of them comes depends on who ended the stream, and how.
  for (const event of ['end', 'cancelled', 'error', 'close']) call.once(event, closed);
}

async function executeUnary(
  backend: QueryBackend,
  call: ServerUnaryCall<WireQueryRequest, WireQueryResponse>,
  signal: AbortSignal,
  clock: Clock,
): Promise<WireQueryResponse> {
  const query = readQuery(call.request);
  // gRPC's own deadline counts too: whichever is sooner.
  const deadline = call.getDeadline();
  const remainingMs = (typeof deadline === 'number' ? deadline : deadline.getTime()) - clock.wallTime();
  if (remainingMs <= 0) throw new RpcError('expired', 'the deadline had passed on arrival');
  const timeoutMs = Math.min(query.timeoutMs, remainingMs);
  return writeAnswer(await backend.execute({ ...query, timeoutMs }, { signal, context: call.metadata, called: call.getHost() }));
}

function receiveFromPeer(call: ServerDuplexStream<PeerFrame, PeerFrame>, peer: PeerBackend): void {
  const refuse = (message: string) => {
    call.emit('error', Object.assign(new Error(message), { code: status.PERMISSION_DENIED, details: message }));
  };
  const cluster = String(call.metadata.get(HEADERS.cluster)[0] ?? '');
  const from = String(call.metadata.get(HEADERS.node)[0] ?? '');
  call.on('error', () => call.end());
  if (cluster !== peer.clusterId) {
    refuse(`this is node ${peer.nodeId} of cluster '${peer.clusterId}'; '${cluster}' is another cluster`);
    return;
  }
  if (from === peer.nodeId || !peer.peers.includes(from)) {
    refuse(`'${from}' is not a peer of node ${peer.nodeId}`);
    return;
  }
  call.on('data', (frame: PeerFrame) => {
    try {
      peer.receive(
        (frame.messages ?? []).map((message) => readMessage(message, from, peer.nodeId)),
        readEntriesTraces(frame.traces),
      );
    } catch (error) {
      refuse(error instanceof Error ? error.message : String(error));
    }
  });
  call.on('end', () => call.end());
}
