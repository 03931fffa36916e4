// Every signal there is, once: metrics with their labels and bounds, spans with their attributes. Code, dashboards and
// documentation are held against this table. To add a signal, add an entry; the accessors are typed from it.

import { GENERATOR_METRICS, HARNESS_METRICS } from './harness-metrics.ts';
import { atMost, type MetricDefinition, oneOf, type OneOf, type SpanDefinition } from './signal.ts';

const REQUEST_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5] as const;
const DISK_SECONDS = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1] as const;
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024] as const;

const METHOD = atMost(32);
const OUTCOME = oneOf('ok', 'fail', 'info');
const NAME = atMost(32);

/** Of a node. There are none of snapshots, because there are no snapshots: the log is not compacted. */
export const NODE_METRICS = {
  distributed_requests_total: {
    type: 'counter',
    unit: 'count',
    help: 'Requests answered, by method and outcome (ok; fail: definitely not applied; info: maybe applied).',
    labels: { method: METHOD, outcome: OUTCOME },
  },
  distributed_request_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Time from receiving a request to answering it.',
    labels: { method: METHOD, outcome: OUTCOME },
    buckets: REQUEST_SECONDS,
    exemplars: true,
  },
  distributed_active_connections: {
    type: 'gauge',
    unit: 'count',
    help: 'Connections that are open now: sessions of clients (grpc), sockets (http), streams of peers (peer).',
    labels: { transport: oneOf('grpc', 'http', 'peer') },
  },
  distributed_errors_total: {
    type: 'counter',
    unit: 'count',
    help: 'Errors answered, by the code of the error registry.',
    labels: { code: atMost(64) },
  },

  distributed_raft_term: { type: 'gauge', unit: 'count', help: 'Current Raft term.', labels: {} },
  distributed_raft_role: {
    type: 'gauge',
    unit: 'state',
    help: 'Raft role of this node: 1 for the current one.',
    labels: { role: oneOf('follower', 'pre-candidate', 'candidate', 'leader') },
    stateLabel: 'role',
  },
  distributed_raft_leader_changes_total: {
    type: 'counter',
    unit: 'count',
    help: 'How often this node learned of another leader than before.',
    labels: {},
  },
  distributed_raft_proposals_total: {
    type: 'counter',
    unit: 'count',
    help: 'Proposals, by what became of them (refused: definitely not applied; lost: maybe applied).',
    labels: { result: oneOf('applied', 'refused', 'lost') },
  },
  distributed_raft_in_flight_proposals: {
    type: 'gauge',
    unit: 'count',
    help: 'Proposals of this leader that are not applied yet.',
    labels: {},
  },
  distributed_raft_pending_reads: {
    type: 'gauge',
    unit: 'count',
    help: 'Reads that wait for a read index, or until it is applied.',
    labels: {},
  },
  distributed_raft_last_index: { type: 'gauge', unit: 'count', help: 'Index of the last entry of the log.', labels: {} },
  distributed_raft_commit_index: { type: 'gauge', unit: 'count', help: 'Index of the last committed entry.', labels: {} },
  distributed_raft_applied_index: { type: 'gauge', unit: 'count', help: 'Index of the last applied entry.', labels: {} },
  distributed_raft_commit_lag_entries: {
    type: 'gauge',
    unit: 'count',
    help: 'Entries of the log that are not known to be committed.',
    labels: {},
  },
  distributed_raft_apply_lag_entries: {
    type: 'gauge',
    unit: 'count',
    help: 'Committed entries that are not applied yet.',
    labels: {},
  },
  distributed_raft_append_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Time to append one batch of entries to the log and make it durable.',
    labels: {},
    buckets: DISK_SECONDS,
  },
  distributed_raft_append_batch_entries: {
    type: 'histogram',
    unit: 'count',
    help: 'Entries appended to the log with one write.',
    labels: {},
    buckets: BATCH_SIZES,
  },
  distributed_raft_fsync_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Time of one fdatasync of the log.',
    labels: {},
    buckets: DISK_SECONDS,
  },

  distributed_actor_mailbox_depth: {
    type: 'gauge',
    unit: 'count',
    help: 'Messages that wait in a mailbox.',
    labels: { actor: NAME },
  },
  distributed_actor_mailbox_wait_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'How long messages waited in a mailbox until their actor took them.',
    labels: { actor: NAME },
    buckets: DISK_SECONDS,
  },
  distributed_actor_restarts_total: {
    type: 'counter',
    unit: 'count',
    help: 'Restarts of an actor by its supervisor.',
    labels: { actor: NAME },
  },
  distributed_actor_dead_letters_total: {
    type: 'counter',
    unit: 'count',
    help: 'Messages that no actor received, by the actor they were for.',
    labels: { actor: NAME },
  },

  distributed_store_apply_batch_entries: {
    type: 'histogram',
    unit: 'count',
    help: 'Committed entries applied in one transaction.',
    labels: {},
    buckets: BATCH_SIZES,
  },
  distributed_store_apply_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Time to apply one batch of committed entries.',
    labels: {},
    buckets: DISK_SECONDS,
  },

  distributed_store_read_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Time of one read on a reader of the store, the wait for the reader not included.',
    labels: {},
    buckets: REQUEST_SECONDS,
  },

  distributed_context_problems_total: {
    type: 'counter',
    unit: 'count',
    help: 'Requests whose trace or baggage headers were malformed.',
    labels: { transport: oneOf('grpc', 'http') },
  },
} as const satisfies Record<string, MetricDefinition>;

/** Of the smart client. */
export const CLIENT_METRICS = {
  distributed_breaker_state: {
    type: 'gauge',
    unit: 'state',
    help: 'State of a circuit breaker: 1 for the current one.',
    labels: { breaker: NAME, state: oneOf('closed', 'open', 'half-open') },
    stateLabel: 'state',
  },
  distributed_breaker_transitions_total: {
    type: 'counter',
    unit: 'count',
    help: 'Changes of state of a circuit breaker, by the new state.',
    labels: { breaker: NAME, to: oneOf('closed', 'open', 'half-open') },
  },
  distributed_breaker_rejected_total: {
    type: 'counter',
    unit: 'count',
    help: 'Calls that a circuit breaker did not let through.',
    labels: { breaker: NAME },
  },

  distributed_retry_attempts_total: {
    type: 'counter',
    unit: 'count',
    help: 'Attempts after the first one, by operation.',
    labels: { operation: NAME },
  },
  distributed_retry_budget_exhausted_total: {
    type: 'counter',
    unit: 'count',
    help: 'Retries that were not made because the budget was spent.',
    labels: { operation: NAME },
  },
  distributed_retry_budget_tokens: {
    type: 'gauge',
    unit: 'count',
    help: 'Retries that the budget of a client allows now.',
    labels: {},
  },
} as const satisfies Record<string, MetricDefinition>;

/** Of whoever has a pool, traces, or reads values at scrape time: nodes, clients and the harness. */
export const SHARED_METRICS = {
  distributed_pool_size: {
    type: 'gauge',
    unit: 'count',
    help: 'Resources of a pool, those being made or destroyed included.',
    labels: { pool: NAME },
  },
  distributed_pool_idle: { type: 'gauge', unit: 'count', help: 'Resources of a pool that nobody uses.', labels: { pool: NAME } },
  distributed_pool_waiting: { type: 'gauge', unit: 'count', help: 'Callers that wait for a resource.', labels: { pool: NAME } },
  distributed_pool_wait_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'How long callers waited for the resource they got.',
    labels: { pool: NAME },
    buckets: REQUEST_SECONDS,
  },
  distributed_pool_created_total: { type: 'counter', unit: 'count', help: 'Resources made.', labels: { pool: NAME } },
  distributed_pool_create_failures_total: {
    type: 'counter',
    unit: 'count',
    help: 'Resources that could not be made.',
    labels: { pool: NAME },
  },
  distributed_pool_destroyed_total: {
    type: 'counter',
    unit: 'count',
    help: 'Resources destroyed, by reason.',
    labels: { pool: NAME, reason: oneOf('idle', 'lifetime', 'recycle', 'discarded', 'leaked', 'late', 'closed') },
  },
  distributed_pool_timeouts_total: {
    type: 'counter',
    unit: 'count',
    help: 'Callers that got no resource in time.',
    labels: { pool: NAME },
  },

  distributed_event_loop_delay_seconds: {
    type: 'gauge',
    unit: 'seconds',
    help: 'How late the event loop was since the last scrape.',
    labels: { statistic: oneOf('p50', 'p99', 'max') },
  },
  distributed_event_loop_utilization_ratio: {
    type: 'gauge',
    unit: 'ratio',
    help: 'Share of time since the last scrape in which the event loop was busy, 0 to 1.',
    labels: {},
  },

  distributed_trace_spans_total: {
    type: 'counter',
    unit: 'count',
    help: 'Spans that were to be sent, by what became of them. Of a process that traces.',
    labels: { result: oneOf('exported', 'dropped') },
  },
  distributed_collect_errors_total: {
    type: 'counter',
    unit: 'count',
    help: 'Values that could not be read at scrape time, by metric.',
    labels: { metric: atMost(64) },
  },
} as const satisfies Record<string, MetricDefinition>;

export const METRICS = {
  ...NODE_METRICS,
  ...CLIENT_METRICS,
  ...SHARED_METRICS,
  ...GENERATOR_METRICS,
  ...HARNESS_METRICS,
} as const;

/** The request's own identity, on the spans that make sense on their own. */
const REQUEST = { 'rpc.method': 'string', 'error.type': 'string' } as const;
const SERVER = { 'server.address': 'string' } as const;
const STATEMENT = { 'db.system.name': 'string', 'db.operation.name': 'string' } as const;
const RAFT = { 'windtunnel.node.id': 'string', 'windtunnel.raft.term': 'number' } as const;

export const SPANS = {
  'load.scenario': {
    kind: 'internal',
    help: 'One scenario, from the start of its load to its end, with its faults as events: a trace of its own.',
    attributes: { 'windtunnel.scenario': 'string', 'windtunnel.seed': 'number' },
  },
  'load.operation': {
    kind: 'internal',
    help: 'One operation of a load, from the instant the schedule wanted it to start: the root of a trace. Faults that were in force meanwhile are events.',
    attributes: {
      'windtunnel.load': 'string',
      'windtunnel.operation': 'string',
      'windtunnel.outcome': 'string',
      'error.type': 'string',
    },
  },
  'client.execute': {
    kind: 'client',
    help: 'One call of Client.execute, with all its attempts.',
    attributes: { ...STATEMENT, 'error.type': 'string', 'windtunnel.attempts': 'number' },
  },
  'retry.attempt': {
    kind: 'internal',
    help: 'One attempt, the pause before it not included. Links to the frame that carried it.',
    attributes: {
      ...SERVER,
      'windtunnel.attempt': 'number',
      'windtunnel.retry.pause_ms': 'number',
      'windtunnel.breaker.state': 'string',
      'error.type': 'string',
    },
  },
  'pool.acquire': {
    kind: 'internal',
    help: 'Waiting for a pooled resource.',
    attributes: { 'windtunnel.pool.name': 'string', 'windtunnel.pool.waiting': 'number', 'error.type': 'string' },
  },
  'rpc.session.frame': {
    kind: 'client',
    help: 'One frame of requests on a session, until the last of them is answered: a trace of its own.',
    attributes: { ...SERVER, 'rpc.system': 'string', 'windtunnel.frame.requests': 'number' },
  },
  'rpc.server': {
    kind: 'server',
    help: 'One request at the node that received it.',
    attributes: { ...REQUEST, 'windtunnel.node.id': 'string', 'windtunnel.outcome': 'string' },
  },
  'raft.mailbox': {
    kind: 'internal',
    help: 'A request waiting for the Raft actor.',
    attributes: { ...RAFT, 'windtunnel.mailbox.depth': 'number' },
  },
  'raft.batch': {
    kind: 'internal',
    help: 'Everything the leader took from its mailbox in one turn, until it is committed: the root of a trace that requests link to.',
    attributes: { ...RAFT, 'windtunnel.batch.entries': 'number', 'windtunnel.raft.index': 'number' },
  },
  'raft.append': {
    kind: 'internal',
    help: 'Appending one batch of entries to the log, until it is durable.',
    attributes: { ...RAFT, 'windtunnel.batch.entries': 'number', 'windtunnel.raft.index': 'number' },
  },
  'raft.fsync': {
    kind: 'internal',
    help: 'Making appended entries durable.',
    attributes: { ...RAFT, 'windtunnel.batch.bytes': 'number' },
  },
  'raft.replicate': {
    kind: 'internal',
    help: 'Sending one batch of entries to one follower, until it is acknowledged.',
    attributes: { ...RAFT, 'windtunnel.peer.id': 'string', 'windtunnel.batch.entries': 'number' },
  },
  'raft.quorum': {
    kind: 'internal',
    help: 'From proposing an entry to its commit. Links to the batch that carried it.',
    attributes: { ...RAFT, 'windtunnel.raft.index': 'number' },
  },
  'store.apply': {
    kind: 'internal',
    help: 'From the commit of an entry until the transaction that applies it and its batch is over.',
    attributes: { 'db.system.name': 'string', 'windtunnel.batch.entries': 'number', 'windtunnel.raft.index': 'number' },
  },
  'raft.read-index': {
    kind: 'internal',
    help: 'Confirming leadership for a read, and waiting until the store is that far.',
    attributes: RAFT,
  },
  'store.read': {
    kind: 'internal',
    help: 'Running one read on a reader of the store.',
    attributes: { 'db.system.name': 'string', 'error.type': 'string' },
  },
} as const satisfies Record<string, SpanDefinition>;

export type MetricName = keyof typeof METRICS;
export type MetricNameOf<Type extends MetricDefinition['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never;
}[MetricName];
export type CounterName = MetricNameOf<'counter'>;
export type GaugeName = MetricNameOf<'gauge'>;
export type HistogramName = MetricNameOf<'histogram'>;

/** The labels of a metric: all of them, each within its bound as far as the compiler can tell. */
export type LabelsOf<Name extends MetricName> = keyof (typeof METRICS)[Name]['labels'] extends never
  ? Readonly<Record<string, never>>
  : { readonly [Label in keyof (typeof METRICS)[Name]['labels']]: ValueOf<(typeof METRICS)[Name]['labels'][Label]> };
type ValueOf<Bound> = Bound extends OneOf<infer Value> ? Value : string;

/** Gauges whose series are states, and the parts of their labels. */
export type StateName = { [Name in GaugeName]: (typeof METRICS)[Name] extends { stateLabel: string } ? Name : never }[GaugeName];
type StateLabel<Name extends StateName> = (typeof METRICS)[Name]['stateLabel'] & keyof LabelsOf<Name>;
export type StateOf<Name extends StateName> = LabelsOf<Name>[StateLabel<Name>];
export type OtherLabelsOf<Name extends StateName> = Omit<LabelsOf<Name>, StateLabel<Name>>;

export type SpanName = keyof typeof SPANS;
interface AttributeTypes {
  readonly string: string;
  readonly number: number;
  readonly boolean: boolean;
}
/** The attributes of a span, each optional and of its type. */
export type AttributesOf<Name extends SpanName> = {
  readonly [Key in keyof (typeof SPANS)[Name]['attributes']]?: AttributeTypes[(typeof SPANS)[Name]['attributes'][Key] &
    keyof AttributeTypes];
};
