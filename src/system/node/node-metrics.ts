// What a node tells Prometheus about its parts. Gauges are read at the moment of a scrape; only what happens is counted.

import { watchEventLoop } from '../../telemetry/event-loop.ts';
import { DistributedMetrics } from '../../telemetry/metrics.ts';
import type { ActorRef } from '../actor/system.ts';
import type { Pool } from '../pool/pool.ts';
import type { PoolEvent } from '../pool/pool-statistics.ts';
import type { RaftEvent } from '../raft/protocol.ts';
import type { Reader } from '../store/reader.ts';
import type { RaftHost } from './raft-host.ts';

const READERS = { pool: 'readers' } as const;
const RAFT_ACTOR = { actor: 'raft' } as const;

export class NodeMetrics {
  readonly registry = new DistributedMetrics({ processMetrics: true });
  readonly #stops: (() => void)[] = [];
  #leader: string | undefined;

  /** Begins to read what can be read. The event loop is watched until `close`. */
  watch(parts: { readonly host: RaftHost; readonly raft: ActorRef<never>; readonly readers: Pool<Reader> }): void {
    const { host, raft, readers } = parts;
    const { registry } = this;
    registry.setState('distributed_raft_role', {}, host.status.role);
    this.#stops.push(
      watchEventLoop(registry),
      registry.collect('distributed_raft_term', {}, () => host.status.term),
      registry.collect('distributed_raft_commit_index', {}, () => host.status.commitIndex),
      registry.collect('distributed_raft_applied_index', {}, () => host.status.appliedIndex),
      registry.collect('distributed_actor_mailbox_depth', RAFT_ACTOR, () => raft.statistics().mailboxDepth),
      registry.collect('distributed_pool_size', READERS, () => readers.statistics.size),
      registry.collect('distributed_pool_idle', READERS, () => readers.statistics.idle),
      registry.collect('distributed_pool_waiting', READERS, () => readers.statistics.waiting),
    );
  }

  readonly onPoolEvent = (event: PoolEvent): void => {
    if (event.type === 'acquired') this.registry.observe('distributed_pool_wait_seconds', READERS, event.waitedMs / 1_000);
    if (event.type === 'created') this.registry.inc('distributed_pool_created_total', READERS);
    if (event.type === 'destroyed') this.registry.inc('distributed_pool_destroyed_total', { ...READERS, reason: event.reason });
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
