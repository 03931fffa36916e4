// What a node tells Prometheus about its parts. Gauges are read at the moment of a scrape; only what happens is counted.

import { NODE_METRICS, SHARED_METRICS } from '../../telemetry/catalogue.ts';
import { watchEventLoop } from '../../telemetry/event-loop.ts';
import { DistributedMetrics } from '../../telemetry/metrics.ts';
import { watchTracing } from '../../telemetry/trace-metrics.ts';
import type { TraceCounts } from '../../telemetry/tracing.ts';
import type { ActorEvent, ActorRef } from '../actor/system.ts';
import { PoolMeter } from '../pool/pool-metrics.ts';
import type { Pool } from '../pool/pool.ts';
import type { RaftEvent } from '../raft/protocol.ts';
import type { Reader } from '../store/reader.ts';
import { ERRORS } from '../rpc/errors.ts';
import type { RaftHost } from './raft-host.ts';

const RAFT_ACTOR = { actor: 'raft' } as const;

export interface WatchedParts {
  readonly host: RaftHost;
  readonly raft: ActorRef<never>;
  readonly readers: Pool<Reader>;
  /** Undefined when nothing is traced. */
  readonly traceCounts: (() => TraceCounts) | undefined;
}

export class NodeMetrics {
  readonly registry = new DistributedMetrics({ metrics: { ...NODE_METRICS, ...SHARED_METRICS }, processMetrics: true });
  /** Of the store's readers. */
  readonly readers = new PoolMeter(this.registry, 'readers');
  readonly #stops: (() => void)[] = [];
  #leader: string | undefined;

  /** Begins to read what can be read. The event loop is watched until `close`. */
  watch({ host, raft, readers, traceCounts }: WatchedParts): void {
    const { registry } = this;
    registry.setState('distributed_raft_role', {}, host.status.role);
    this.#showCounters();
    this.#stops.push(
      watchEventLoop(registry),
      registry.collect('distributed_raft_term', {}, () => host.status.term),
      registry.collect('distributed_raft_commit_index', {}, () => host.status.commitIndex),
      registry.collect('distributed_raft_applied_index', {}, () => host.status.appliedIndex),
      registry.collect('distributed_raft_last_index', {}, () => host.status.lastIndex),
      registry.collect('distributed_raft_commit_lag_entries', {}, () => host.status.lastIndex - host.status.commitIndex),
      registry.collect('distributed_raft_apply_lag_entries', {}, () => host.status.commitIndex - host.status.appliedIndex),
      registry.collect('distributed_raft_in_flight_proposals', {}, () => host.waitingWrites),
      registry.collect('distributed_raft_pending_reads', {}, () => host.status.pendingReads),
      registry.collect('distributed_actor_mailbox_depth', RAFT_ACTOR, () => raft.statistics().mailboxDepth),
      this.readers.watch(readers),
    );
    if (traceCounts !== undefined) this.#stops.push(watchTracing(registry, traceCounts));
  }

  /** Those whose labels are known are shown from the beginning: a rate needs a value from before the first time. */
  #showCounters(): void {
    const { registry } = this;
    registry.inc('distributed_actor_restarts_total', RAFT_ACTOR, 0);
    registry.inc('distributed_actor_dead_letters_total', RAFT_ACTOR, 0);
    for (const code of Object.keys(ERRORS)) registry.inc('distributed_errors_total', { code }, 0);
    for (const result of ['applied', 'refused', 'lost'] as const) registry.inc('distributed_raft_proposals_total', { result }, 0);
    for (const transport of ['grpc', 'http'] as const) registry.inc('distributed_context_problems_total', { transport }, 0);
    for (const transport of ['grpc', 'http', 'peer'] as const) registry.add('distributed_active_connections', { transport }, 0);
  }

  readonly onActorEvent = (event: ActorEvent): void => {
    const labels = { actor: event.actorId };
    if (event.type === 'restarted') this.registry.inc('distributed_actor_restarts_total', labels);
    if (event.type === 'dead-letter') this.registry.inc('distributed_actor_dead_letters_total', labels);
  };

  readonly onMailboxWait = (actor: string, waitedMs: number): void => {
    this.registry.observe('distributed_actor_mailbox_wait_seconds', { actor }, waitedMs / 1_000);
  };

  readonly onRaftEvent = (event: RaftEvent): void => {
    if (event.type !== 'role') return;
    this.registry.setState('distributed_raft_role', {}, event.role);
    if (event.leader !== undefined && event.leader !== this.#leader)
      this.registry.inc('distributed_raft_leader_changes_total', {});
    this.#leader = event.leader ?? this.#leader;
  };

  readonly onProposals = (result: 'applied' | 'refused' | 'lost', count: number): void => {
    this.registry.inc('distributed_raft_proposals_total', { result }, count);
  };

  readonly onAppended = (entries: number, seconds: number): void => {
    this.registry.observe('distributed_raft_append_seconds', {}, seconds);
    if (entries > 0) this.registry.observe('distributed_raft_append_batch_entries', {}, entries);
  };

  readonly onFsync = (seconds: number): void => {
    this.registry.observe('distributed_raft_fsync_seconds', {}, seconds);
  };

  readonly onApplied = (entries: number, seconds: number): void => {
    this.registry.observe('distributed_store_apply_batch_entries', {}, entries);
    this.registry.observe('distributed_store_apply_seconds', {}, seconds);
  };

  close(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }
}
