// Rate, errors and duration of what the nodes answer: the first thing to look at.

import { board, graph, heatmap, NODES, quantile, rate, stat, states } from './dashboard.ts';

const DURATION = 'distributed_request_duration_seconds';

export const overview = board({
  uid: 'windtunnel-overview',
  title: 'Overview',
  description: 'Rate, errors and duration of the requests to the nodes, with the faults shaded.',
  rows: [
    {
      title: 'Now',
      panels: [
        stat({
          title: 'Requests',
          description: 'Requests answered a second, by all nodes that are chosen.',
          unit: 'reqps',
          queries: [{ expr: rate('distributed_requests_total', NODES, []), legend: 'requests' }],
        }),
        stat({
          title: 'Errors',
          description: 'Share of requests that were not answered ok. A leader that is gone makes followers refuse writes.',
          unit: 'percentunit',
          queries: [
            {
              expr: `1 - (${rate('distributed_requests_total', `${NODES},outcome="ok"`, [])}) / (${rate('distributed_requests_total', NODES, [])})`,
              legend: 'errors',
            },
          ],
        }),
        stat({
          title: 'p99',
          description: 'Time from receiving a request to answering it, at the 99th percentile, as exact as the buckets are.',
          unit: 's',
          queries: [{ expr: quantile(0.99, DURATION, NODES, []), legend: 'p99' }],
        }),
        stat({
          title: 'Nodes up',
          description: 'Nodes that answer Prometheus.',
          unit: 'short',
          queries: [{ expr: `sum(up{${NODES}})`, legend: 'up' }],
        }),
        stat({
          title: 'Leaders',
          description: 'Nodes that say they lead: one, or for a moment two when one of them does not know yet.',
          unit: 'short',
          queries: [
            { expr: `sum(distributed_raft_role{${NODES},role="leader"} and on (instance, run) (up == 1))`, legend: 'leaders' },
          ],
        }),
        stat({
          title: 'Connections',
          description: 'Sessions of clients, sockets and streams of peers, together.',
          unit: 'short',
          queries: [{ expr: `sum(distributed_active_connections{${NODES}})`, legend: 'connections' }],
        }),
      ],
    },
    {
      title: 'Rate',
      panels: [
        graph({
          title: 'Requests by node',
          description: 'Requests answered a second. Writes go to the leader, so it has most.',
          unit: 'reqps',
          width: 12,
          queries: [{ expr: rate('distributed_requests_total', NODES, ['instance']), legend: '{{instance}}' }],
        }),
        graph({
          title: 'Requests by method and outcome',
          description: 'ok; fail: definitely not applied; info: maybe applied.',
          unit: 'reqps',
          width: 12,
          queries: [{ expr: rate('distributed_requests_total', NODES, ['method', 'outcome']), legend: '{{method}} {{outcome}}' }],
        }),
      ],
    },
    {
      title: 'Errors',
      panels: [
        graph({
          title: 'Errors by code',
          description:
            'Errors answered a second, by the code of the error registry. not-leader and no-leader belong to an election.',
          unit: 'reqps',
          queries: [{ expr: `${rate('distributed_errors_total', NODES, ['code'])} > 0`, legend: '{{code}}' }],
        }),
        graph({
          title: 'Malformed trace headers',
          description: 'Requests a second whose traceparent or baggage could not be read: their callers have a bug.',
          unit: 'reqps',
          queries: [{ expr: rate('distributed_context_problems_total', NODES, ['transport']), legend: '{{transport}}' }],
        }),
        states(
          {
            title: 'Nodes',
            description: 'Whether each node answered Prometheus.',
            width: 8,
            queries: [{ expr: `min by (instance) (up{${NODES}})`, legend: '{{instance}}' }],
          },
          { 0: { text: 'down', color: 'red' }, 1: { text: 'up', color: 'green' } },
        ),
      ],
    },
    {
      title: 'Duration',
      panels: [
        graph({
          title: 'Duration by method',
          description: 'At the median and the 99th percentile. Points are traces of single requests.',
          unit: 's',
          queries: [
            { expr: quantile(0.5, DURATION, NODES, ['method']), legend: '{{method}} p50' },
            { expr: quantile(0.99, DURATION, NODES, ['method']), legend: '{{method}} p99', exemplars: true },
          ],
        }),
        graph({
          title: 'p99 by node',
          description: 'A node that is slower than the others has a slow disk, a busy machine or a bad link.',
          unit: 's',
          queries: [{ expr: quantile(0.99, DURATION, NODES, ['instance']), legend: '{{instance}}', exemplars: true }],
        }),
        heatmap({
          title: 'Distribution',
          description: 'Requests by how long they took.',
          unit: 's',
          queries: [{ expr: `sum by (le) (increase(${DURATION}_bucket{${NODES}}[$__rate_interval]))`, legend: '{{le}}' }],
        }),
      ],
    },
    {
      title: 'Saturation',
      panels: [
        graph({
          title: 'Connections by transport',
          description: 'Open now, by what they are for.',
          unit: 'short',
          width: 12,
          queries: [
            {
              expr: `sum by (instance, transport) (distributed_active_connections{${NODES}})`,
              legend: '{{instance}} {{transport}}',
            },
          ],
        }),
        graph({
          title: 'Writes that wait',
          description: 'Proposals that are not applied yet, and messages in the mailbox of the Raft actor.',
          unit: 'short',
          width: 12,
          queries: [
            { expr: `sum by (instance) (distributed_raft_in_flight_proposals{${NODES}})`, legend: '{{instance}} proposals' },
            { expr: `sum by (instance) (distributed_actor_mailbox_depth{${NODES}})`, legend: '{{instance}} messages' },
          ],
        }),
      ],
    },
  ],
});
