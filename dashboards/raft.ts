// Consensus: who leads, how far each log is, and what the disk costs.

import { board, graph, mean, NODES, quantile, rate, states } from './dashboard.ts';

const role = (name: string) => `sum by (instance) (distributed_raft_role{${NODES},role="${name}"})`;

export const raft = board({
  uid: 'windtunnel-raft',
  title: 'Raft',
  description: 'Leaders and terms, the progress of the logs, proposals, and the disk under them.',
  rows: [
    {
      title: 'Leadership',
      panels: [
        states(
          {
            title: 'Roles',
            description: 'What each node takes itself for. Every change of leader costs an election without writes.',
            queries: [
              {
                // Whether it answers comes last: of a node that is down nothing else is known.
                expr: `(${role('follower')} + 2 * ${role('pre-candidate')} + 3 * ${role('candidate')} + 4 * ${role('leader')}) * on (instance) min by (instance) (up{${NODES}})`,
                legend: '{{instance}}',
              },
            ],
          },
          {
            0: { text: 'down', color: 'red' },
            1: { text: 'follower', color: 'blue' },
            2: { text: 'pre-candidate', color: 'yellow' },
            3: { text: 'candidate', color: 'orange' },
            4: { text: 'leader', color: 'green' },
          },
        ),
        graph({
          title: 'Term',
          description: 'Rises with every election that is stood for. Nodes that disagree for long do not hear one another.',
          unit: 'short',
          width: 6,
          queries: [{ expr: `max by (instance) (distributed_raft_term{${NODES}})`, legend: '{{instance}}' }],
        }),
        graph({
          title: 'Leader changes',
          description: 'How often each node has learned of another leader in the window that a rate is taken over.',
          unit: 'short',
          width: 6,
          queries: [
            {
              expr: `sum by (instance) (increase(distributed_raft_leader_changes_total{${NODES}}[$__rate_interval]))`,
              legend: '{{instance}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Proposals',
      panels: [
        graph({
          title: 'Proposals by result',
          description:
            'applied; refused: definitely not applied, another node leads; lost: maybe applied, leadership ended before the commit.',
          unit: 'ops',
          queries: [{ expr: rate('distributed_raft_proposals_total', NODES, ['result']), legend: '{{result}}' }],
        }),
        graph({
          title: 'In flight',
          description: 'Proposals of the leader that are not applied yet. They grow when disk or network cannot keep up.',
          unit: 'short',
          queries: [{ expr: `max by (instance) (distributed_raft_in_flight_proposals{${NODES}})`, legend: '{{instance}}' }],
        }),
        graph({
          title: 'Reads that wait',
          description: 'For a read index that a quorum confirms, or until it is applied here.',
          unit: 'short',
          queries: [{ expr: `max by (instance) (distributed_raft_pending_reads{${NODES}})`, legend: '{{instance}}' }],
        }),
      ],
    },
    {
      title: 'Progress',
      panels: [
        graph({
          title: 'Log',
          description: 'Index of the last entry, the last committed and the last applied one.',
          unit: 'short',
          queries: [
            { expr: `max by (instance) (distributed_raft_last_index{${NODES}})`, legend: '{{instance}} last' },
            { expr: `max by (instance) (distributed_raft_commit_index{${NODES}})`, legend: '{{instance}} committed' },
            { expr: `max by (instance) (distributed_raft_applied_index{${NODES}})`, legend: '{{instance}} applied' },
          ],
        }),
        graph({
          title: 'Commit lag',
          description: 'Entries of the log that are not known to be committed. A leader without a majority lets them grow.',
          unit: 'short',
          queries: [{ expr: `max by (instance) (distributed_raft_commit_lag_entries{${NODES}})`, legend: '{{instance}}' }],
        }),
        graph({
          title: 'Apply lag',
          description: 'Committed entries that are not applied yet. The store is slower than the log when they grow.',
          unit: 'short',
          queries: [{ expr: `max by (instance) (distributed_raft_apply_lag_entries{${NODES}})`, legend: '{{instance}}' }],
        }),
      ],
    },
    {
      title: 'Disk',
      panels: [
        graph({
          title: 'fdatasync',
          description: 'Time of one fdatasync of the log. No write is acknowledged before one, so it is a floor of every write.',
          unit: 's',
          queries: [
            { expr: quantile(0.5, 'distributed_raft_fsync_seconds', NODES, ['instance']), legend: '{{instance}} p50' },
            { expr: quantile(0.99, 'distributed_raft_fsync_seconds', NODES, ['instance']), legend: '{{instance}} p99' },
          ],
        }),
        graph({
          title: 'Append',
          description: 'Time to append one batch of entries and make it durable, the wait for the batch before it not included.',
          unit: 's',
          queries: [
            { expr: quantile(0.5, 'distributed_raft_append_seconds', NODES, ['instance']), legend: '{{instance}} p50' },
            { expr: quantile(0.99, 'distributed_raft_append_seconds', NODES, ['instance']), legend: '{{instance}} p99' },
          ],
        }),
        graph({
          title: 'Entries per append',
          description: 'Mean. Batches grow with the load, and share one fdatasync.',
          unit: 'short',
          queries: [{ expr: mean('distributed_raft_append_batch_entries', NODES, ['instance']), legend: '{{instance}}' }],
        }),
      ],
    },
  ],
});
