// The tunnel itself: what it offered, what came back, and whether the instrument can be believed.

import { board, EVERYBODY, graph, HARNESS, heatmap, quantile, rate, stat, states } from './dashboard.ts';

const RESPONSE = 'distributed_load_response_time_seconds';
const SERVICE = 'distributed_load_service_time_seconds';
const DIRECTION = ['from', 'to'];
const direction = '{{from}} to {{to}}';
const phase = (name: string) => `max(distributed_load_phase{${HARNESS},phase="${name}"})`;

export const harness = board({
  uid: 'windtunnel-harness',
  title: 'Harness',
  description: 'Offered and achieved load, response and service times by phase, links, and the health of the instrument.',
  rows: [
    {
      title: 'Load',
      panels: [
        graph({
          title: 'Offered and achieved',
          description:
            'Operations a second: due by the schedule, begun, and ended ok. A gap between the first two is the generator, between the last two the system.',
          unit: 'ops',
          width: 12,
          queries: [
            { expr: rate('distributed_load_offered_total', HARNESS, []), legend: 'offered' },
            { expr: rate('distributed_load_started_total', HARNESS, []), legend: 'started' },
            { expr: rate(`${RESPONSE}_count`, `${HARNESS},outcome="ok"`, []), legend: 'achieved' },
          ],
        }),
        graph({
          title: 'Under way and dropped',
          description:
            'Operations that have begun and not ended, and those that were due and found no virtual user free, a second.',
          unit: 'short',
          width: 6,
          queries: [
            { expr: `sum(distributed_load_in_flight{${HARNESS}})`, legend: 'under way' },
            { expr: rate('distributed_load_dropped_total', HARNESS, ['load']), legend: '{{load}} dropped' },
          ],
        }),
        graph({
          title: 'Outcomes',
          description:
            'Operations that ended a second. fail: definitely not applied, a compare-and-set that found another value too; info: maybe applied.',
          unit: 'ops',
          width: 6,
          queries: [{ expr: rate(`${RESPONSE}_count`, HARNESS, ['outcome']), legend: '{{outcome}}' }],
        }),
      ],
    },
    {
      title: 'Phases and faults',
      panels: [
        states(
          {
            title: 'Phase',
            description: 'Of the scenario. Every statistic of a result is split by it.',
            queries: [
              {
                expr: `${phase('warmup')} + 2 * ${phase('baseline')} + 3 * ${phase('fault')} + 4 * ${phase('recovery')} + 5 * ${phase('after')}`,
                legend: 'phase',
              },
            ],
          },
          {
            1: { text: 'warmup', color: 'blue' },
            2: { text: 'baseline', color: 'green' },
            3: { text: 'fault', color: 'red' },
            4: { text: 'recovery', color: 'orange' },
            5: { text: 'after', color: 'purple' },
          },
        ),
        states(
          {
            title: 'Faults',
            description: 'Which fault lasted, from its beginning until the cluster was whole again.',
            queries: [{ expr: `max by (kind, target) (distributed_fault_active{${HARNESS}})`, legend: '{{kind}} {{target}}' }],
          },
          { 0: { text: 'none', color: 'transparent' }, 1: { text: 'active', color: 'red' } },
        ),
      ],
    },
    {
      title: 'Times',
      panels: [
        graph({
          title: 'Response time',
          description:
            'From the instant the schedule wanted an operation: what a user would have waited. Reports have exact percentiles.',
          unit: 's',
          queries: [
            { expr: quantile(0.5, RESPONSE, HARNESS, ['operation']), legend: '{{operation}} p50' },
            { expr: quantile(0.99, RESPONSE, HARNESS, ['operation']), legend: '{{operation}} p99' },
          ],
        }),
        graph({
          title: 'Service time',
          description: 'From the actual send. If it is shorter than the response time, operations waited before they were sent.',
          unit: 's',
          queries: [
            { expr: quantile(0.5, SERVICE, HARNESS, ['operation']), legend: '{{operation}} p50' },
            { expr: quantile(0.99, SERVICE, HARNESS, ['operation']), legend: '{{operation}} p99' },
          ],
        }),
        heatmap({
          title: 'Distribution of response times',
          description: 'Operations by how long they took.',
          unit: 's',
          queries: [{ expr: `sum by (le) (increase(${RESPONSE}_bucket{${HARNESS}}[$__rate_interval]))`, legend: '{{le}}' }],
        }),
      ],
    },
    {
      title: 'Instrument',
      panels: [
        stat({
          title: 'Late by',
          description: 'How late operations began, at the 99th percentile. Beyond a fortieth of the deadline a run is invalid.',
          unit: 's',
          queries: [{ expr: quantile(0.99, 'distributed_load_lag_seconds', HARNESS, []), legend: 'p99' }],
        }),
        graph({
          title: 'Lateness',
          description: 'How late operations began. It is in the response time, and not the fault of the system.',
          unit: 's',
          width: 10,
          queries: [
            { expr: quantile(0.5, 'distributed_load_lag_seconds', HARNESS, []), legend: 'p50' },
            { expr: quantile(0.99, 'distributed_load_lag_seconds', HARNESS, []), legend: 'p99' },
          ],
        }),
        graph({
          title: 'Generators',
          description: 'Cores that each generator uses. Above 0.95 its numbers are not those of the system.',
          unit: 'short',
          width: 10,
          queries: [
            { expr: rate('distributed_generator_cpu_seconds_total', HARNESS, ['generator']), legend: 'generator {{generator}}' },
          ],
        }),
        graph({
          title: 'Spans lost',
          description:
            'Spans a second that a node or a generator could not send. None is good: a run that relies on them is invalid.',
          unit: 'ops',
          queries: [
            {
              expr: rate('distributed_trace_spans_total', `${EVERYBODY},result="dropped"`, ['instance']),
              legend: '{{instance}}',
            },
          ],
        }),
        graph({
          title: 'Event loop delay',
          description: 'Of the generators, and of the thread that counts and carries out faults, at the 99th percentile.',
          unit: 's',
          queries: [
            {
              expr: `max by (generator) (distributed_event_loop_delay_seconds{${HARNESS},statistic="p99"})`,
              legend: 'generator {{generator}}',
            },
          ],
        }),
        graph(
          {
            title: 'Event loop utilisation',
            description: 'Share of time in which each event loop was busy.',
            unit: 'percentunit',
            queries: [
              {
                expr: `max by (generator) (distributed_event_loop_utilization_ratio{${HARNESS}})`,
                legend: 'generator {{generator}}',
              },
            ],
          },
          { max: 1 },
        ),
      ],
    },
    {
      title: 'Links',
      panels: [
        graph({
          title: 'Traffic',
          description: 'Bytes a second that each direction carried. Through a partition nothing passes.',
          unit: 'Bps',
          queries: [{ expr: rate('distributed_link_bytes_total', HARNESS, DIRECTION), legend: direction }],
        }),
        graph({
          title: 'Held',
          description: 'Bytes that wait in a link that is slow, narrow or held. They are delivered when it is free again.',
          unit: 'bytes',
          queries: [{ expr: `sum by (from, to) (distributed_link_held_bytes{${HARNESS}})`, legend: direction }],
        }),
        graph({
          title: 'Connections',
          description: 'Open through each direction, and those that faults cut, reset or refused, a second.',
          unit: 'short',
          queries: [
            { expr: `sum by (from, to) (distributed_link_connections{${HARNESS}})`, legend: `${direction} open` },
            { expr: rate('distributed_link_resets_total', HARNESS, []), legend: 'reset' },
            { expr: rate('distributed_link_refused_total', HARNESS, []), legend: 'refused' },
          ],
        }),
      ],
    },
  ],
});
