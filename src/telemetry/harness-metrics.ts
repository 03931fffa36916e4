// The part of the catalogue that is of the tunnel and not of what is in it: load, faults, links, and the instrument itself.

import { atMost, type MetricDefinition, oneOf } from './signal.ts';

/** Finer than those of the nodes: there are few series, and quantiles are read from them. */
const LATENCY_SECONDS = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const;
const LAG_SECONDS = [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1] as const;

const LOAD = atMost(4);
const MEASURED = {
  load: LOAD,
  operation: atMost(8),
  outcome: oneOf('ok', 'fail', 'info'),
  phase: oneOf('warmup', 'baseline', 'fault', 'recovery', 'after'),
} as const;
/** Nodes, and the clients as one. */
const DIRECTION = { from: atMost(16), to: atMost(16) } as const;

/** Of a thread that generates load. */
export const GENERATOR_METRICS = {
  distributed_generator_cpu_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    help: 'CPU time of a thread that generates load.',
    labels: {},
  },
} as const satisfies Record<string, MetricDefinition>;

export const HARNESS_METRICS = {
  distributed_fault_active: {
    type: 'gauge',
    unit: 'state',
    help: 'Whether a fault lasts: 1 from its beginning to its end.',
    labels: { kind: atMost(16), target: atMost(32) },
  },

  distributed_load_phase: {
    type: 'gauge',
    unit: 'state',
    help: 'Phase of the scenario: 1 for the current one.',
    labels: { phase: MEASURED.phase },
    stateLabel: 'phase',
  },
  distributed_load_offered_total: {
    type: 'counter',
    unit: 'count',
    help: 'Operations that were due, whether or not they could begin.',
    labels: {},
  },
  distributed_load_started_total: { type: 'counter', unit: 'count', help: 'Operations that began.', labels: {} },
  distributed_load_dropped_total: {
    type: 'counter',
    unit: 'count',
    help: 'Operations that were due and for which no virtual user was free.',
    labels: { load: LOAD },
  },
  distributed_load_in_flight: { type: 'gauge', unit: 'count', help: 'Operations that have begun and not ended.', labels: {} },
  distributed_load_response_time_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Time from the instant the schedule wanted an operation to its end, by the phase of that instant.',
    labels: MEASURED,
    buckets: LATENCY_SECONDS,
  },
  distributed_load_service_time_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Time from the actual send of an operation to its end, by the phase in which it was due.',
    labels: MEASURED,
    buckets: LATENCY_SECONDS,
  },
  distributed_load_lag_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'How late operations began, by the fault of the generator or for want of a free user.',
    labels: {},
    buckets: LAG_SECONDS,
  },

  distributed_link_bytes_total: {
    type: 'counter',
    unit: 'bytes',
    help: 'Bytes that a link handed to their receiver.',
    labels: DIRECTION,
  },
  distributed_link_held_bytes: { type: 'gauge', unit: 'bytes', help: 'Bytes that wait in a link.', labels: DIRECTION },
  distributed_link_connections: {
    type: 'gauge',
    unit: 'count',
    help: 'Connections through a link that are open now.',
    labels: DIRECTION,
  },
  distributed_link_resets_total: {
    type: 'counter',
    unit: 'count',
    help: 'Connections that a fault of the network cut or reset.',
    labels: DIRECTION,
  },
  distributed_link_refused_total: {
    type: 'counter',
    unit: 'count',
    help: 'Connections that a cut link did not let come about.',
    labels: DIRECTION,
  },
} as const satisfies Record<string, MetricDefinition>;
