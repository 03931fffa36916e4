// One node of the cluster: the place where disk, consensus, state machine, network and timers are joined.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { every, type Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Tracer } from '../../telemetry/tracer.ts';
import type { TraceCounts } from '../../telemetry/tracing.ts';
import { ActorSystem } from '../actor/system.ts';
import { Pool } from '../pool/pool.ts';
import { RaftCore } from '../raft/core.ts';
import type { NodeId, RaftEvent } from '../raft/protocol.ts';
import { RpcError } from '../rpc/errors.ts';
import { type RpcServer, startRpcServer } from '../rpc/server.ts';
import type { Reader } from '../store/reader.ts';
import { openStore, type Store } from '../store/store.ts';
import { NodeAddresses } from './addresses.ts';
import { AppliedChecksum } from './applied-checksum.ts';
import { type Canary, forgetfulFolder } from './canary.ts';
import { openDataFolder } from './data-folder.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import type { LogFolder } from './log-files.ts';
import { openLog } from './log.ts';
import { NodeMetrics } from './node-metrics.ts';
import type { NodeEvent } from '../rpc/node-event.ts';
import { MOST_REQUESTS, NodeService } from './node-service.ts';
import { PeerLink } from './peer-link.ts';
import { type HostMessage, RaftHost, type RoleEvent } from './raft-host.ts';
import { RaftTracing } from './raft-tracing.ts';
import { openRecoveryRecord } from './recovery-record.ts';

export interface NodeOptions {
  readonly id: NodeId;
  readonly clusterId: string;
  /** host:port for gRPC. */
  readonly listen: string;
  /** host:port for HTTP. */
  readonly http: string;
  readonly dataFolder: string;
  /** Every other node: where this node reaches it. */
  readonly peers: ReadonlyMap<NodeId, string>;
  /** See NodeAddresses. */
  readonly advertised?: ReadonlyMap<NodeId, readonly string[]>;
  readonly clock: Clock;
  readonly random: Random;
  /** The disk of this node was lost: it must recover before it counts. Only for a folder without a log; remembered in it. */
  readonly lostDisk?: boolean;
  readonly canaries?: ReadonlySet<Canary>;
  /** Puts faults between the log and its files. */
  readonly aroundLog?: ((folder: LogFolder) => LogFolder) | undefined;
  /** Measures the requests whose callers send a trace. */
  readonly tracer?: Tracer | undefined;
  /** What became of the spans that were measured with it. */
  readonly traceCounts?: (() => TraceCounts) | undefined;
  readonly onEvent: (event: NodeEvent) => void;
  /** Disk or state machine failed: the process must end. */
  readonly onFatal: (error: Error) => void;
}

export interface RunningNode {
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Finishes what can be finished, then frees everything. */
  stop(): Promise<void>;
}

const TICK_MS = 10;

/** Far more than the requests that NodeService lets in and what it takes from peers, so that the node's own messages always fit. */
const MAILBOX_CAPACITY = 8 * MOST_REQUESTS;

const STOP_GRACE_MS = 1_000;

/** A data folder whose state machine is ahead of its log: the log was lost or replaced, and with it votes and entries. */
export class LostLogError extends Error {
  override readonly name = 'LostLogError';
}

/**
 * Recovers from the data folder and begins to listen.
 * @throws DataFolderError, LogDamagedError, LostLogError, ListenError; then nothing is left open
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const cleanup = new AsyncDisposableStack();
  try {
    return await assemble(options, cleanup);
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
}

async function assemble(options: NodeOptions, cleanup: AsyncDisposableStack): Promise<RunningNode> {
  const { id, clusterId, clock, random, canaries = new Set<Canary>() } = options;
  const say = (event: DistributiveOmit<NodeEvent, 'time' | 'node'>) =>
    options.onEvent({ time: clock.wallTime(), node: id, ...event });

  const folder = await openDataFolder({ path: options.dataFolder, clusterId, nodeId: id });
  cleanup.defer(() => folder.release());
  const metrics = new NodeMetrics();
  cleanup.defer(() => metrics.close());
  const aroundLog = options.aroundLog ?? ((same) => same);
  const log = await openLog({
    folder: join(folder.path, 'log'),
    onFsync: metrics.onFsync,
    around: (files) => (canaries.has('ack-before-fsync') ? forgetfulFolder(aroundLog(files), clock) : aroundLog(files)),
  });
  cleanup.defer(() => log.close());
  const lastIndex = log.entries.at(-1)?.index ?? 0;
  const store = await openStoreOf(join(folder.path, 'store.db'), lastIndex, canaries, clock);
  cleanup.defer(() => store.close());
  if (store.appliedIndex > lastIndex) {
    throw new LostLogError(
      `${options.dataFolder}: the store has applied entry ${store.appliedIndex}, but the log ends at ${lastIndex}; a node that lost its log must not vote: remove the folder and let it start anew as a new member`,
    );
  }
  const readers = new Pool<Reader>(store.readers, {
    name: 'readers',
    min: 1,
    max: 2,
    maxWaiters: MOST_REQUESTS,
    onEvent: metrics.readers.onEvent,
    clock,
    random,
  });
  cleanup.defer(async () => {
    await readers.close({ timeoutMs: STOP_GRACE_MS });
  });

  const record = await openRecoveryRecord({
    folder: folder.path,
    lost: options.lostDisk === true,
    isNew: lastIndex === 0 && log.hardState.term === 0,
    // Nothing of the former disk is left to count from. It was lost at an earlier time.
    incarnation: Math.floor(clock.wallTime()),
  });
  const core = new RaftCore({
    id,
    peers: [id, ...options.peers.keys()],
    random,
    hardState: log.hardState,
    entries: log.entries,
    appliedIndex: store.appliedIndex,
    tickMs: TICK_MS,
    ...(record.recovery && { recovery: record.recovery }),
  });
  say({
    event: 'recovered',
    logEntries: log.entries.length,
    appliedIndex: store.appliedIndex,
    term: log.hardState.term,
    ...(log.cut && { cutBytes: log.cut.bytes }),
    ...(core.status.recovers && { recovers: true }),
  });
  for (const canary of canaries) say({ event: 'canary', canary });
  const sayApplied = () => say({ event: 'applied', ...applied.reading });
  // The log is never shortened, so what was applied can be counted again from its beginning.
  const applied: AppliedChecksum = new AppliedChecksum(log.entries.slice(0, store.appliedIndex), sayApplied);

  const actors = new ActorSystem({ name: id, clock, onEvent: metrics.onActorEvent, onMailboxWait: metrics.onMailboxWait });
  cleanup.defer(async () => {
    await actors.shutdown({ timeoutMs: STOP_GRACE_MS });
  });
  const links = new Map<NodeId, PeerLink>();
  cleanup.defer(() => links.forEach((link) => link.close()));
  for (const [peer, endpoint] of options.peers) {
    const onChange = (problem: string | undefined) => say({ event: 'link', peer, ...(problem !== undefined && { problem }) });
    links.set(peer, new PeerLink({ clusterId, from: id, to: peer, endpoint, clock, onChange }));
  }

  let fatal: Error | undefined;
  let stopping = false;
  const onFatal = (error: Error) => {
    // What is cut off by closing disk and state machine is no news.
    if (fatal || stopping) return;
    fatal = error;
    say({ event: 'fatal', message: error.message });
    options.onFatal(error);
  };
  const server: { rpc?: RpcServer } = {};
  const onRaftEvent = (event: RaftEvent) => {
    metrics.onRaftEvent(event);
    if (event.type === 'role') server.rpc?.setServing(event.leader !== undefined);
  };
  const onDurableRole = ({ role, term, leader }: RoleEvent) => {
    say({ event: 'role', role, term, ...(leader !== undefined && { leader }) });
    sayApplied();
  };

  const addresses = new NodeAddresses(options);
  const host: RaftHost = new RaftHost(core, {
    log,
    store: {
      async apply(entries) {
        const outcomes = await store.apply(entries);
        for (const entry of entries) applied.add(entry);
        return outcomes;
      },
    },
    send: (to, messages, traces) => links.get(to)?.send(messages, traces),
    tell: (message) => raft.tell(message),
    async recordRecovery(index) {
      await record.finish();
      say({ event: 'rejoined', index });
    },
    endpointOf: (node) => addresses.of(node),
    onEvent: onRaftEvent,
    onDurableRole,
    onFatal,
    meter: metrics,
    tracing: options.tracer && new RaftTracing(options.tracer, id, [...options.peers.keys()]),
    clock,
  });
  const raft = actors.spawn<HostMessage>(
    () => ({
      receiveBatch(messages) {
        if (fatal) return;
        try {
          host.receive(messages);
        } catch (error) {
          // The core found itself in a state that cannot be. Going on could lose what others were promised.
          onFatal(error instanceof Error ? error : new Error(String(error)));
        }
      },
    }),
    { id: 'raft', mailbox: { capacity: MAILBOX_CAPACITY, whenFull: 'reject' } },
  );
  const service = new NodeService({
    ...options,
    addresses,
    canaries,
    host,
    raft,
    readers,
    metrics: metrics.registry,
    isHealthy: () => fatal === undefined,
  });
  metrics.watch({ host, raft, readers, traceCounts: options.traceCounts });

  const rpc = await startRpcServer({
    address: options.listen,
    query: service,
    peer: {
      clusterId,
      nodeId: id,
      peers: [...options.peers.keys()],
      receive: (messages, traces) => service.receive(messages, traces),
    },
    meter: metrics.registry,
    clock,
  });
  server.rpc = rpc;
  cleanup.defer(() => rpc.close(STOP_GRACE_MS));
  const http: HttpServer = await startHttpServer(options.http, service, metrics.registry);
  cleanup.defer(() => http.close());
  cleanup.defer(() => {
    service.stop();
    host.close((maybeApplied) => new RpcError(maybeApplied ? 'leadership-lost' : 'shutting-down', `node ${id} is shutting down`));
  });
  cleanup.defer(every(clock, TICK_MS, () => service.input({ type: 'tick' })));
  say({ event: 'listening', grpcPort: rpc.port, httpPort: http.port, pid: process.pid });

  return {
    grpcPort: rpc.port,
    httpPort: http.port,
    stop: async () => {
      stopping = true;
      await cleanup.disposeAsync();
      sayApplied();
      say({ event: 'stopped', reason: fatal ? fatal.message : 'asked to stop' });
    },
  };
}

async function openStoreOf(path: string, lastIndex: number, canaries: ReadonlySet<Canary>, clock: Clock): Promise<Store> {
  const store = await openStore({ path, clock, forgetsWrites: canaries.has('lost-dedup') });
  if (store.appliedIndex <= lastIndex || !canaries.has('ack-before-fsync')) return store;
  // What it said to be durable is gone, but the database has it. A good node refuses to start then. This one is to hide it.
  await store.close();
  for (const suffix of ['', '-wal', '-shm']) await rm(`${path}${suffix}`, { force: true });
  return openStore({ path, clock });
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
