// Utilisation, saturation and errors of what a node is made of: its actors, its store, its process.

import { board, graph, mean, NODES, quantile, rate } from './dashboard.ts';

const by = (metric: string, ...labels: string[]) => `max by (${labels.join(', ')}) (${metric}{${NODES}})`;

export const resources = board({
  uid: 'windtunnel-resources',
  title: 'Actors and resources',
  description: 'Utilisation, saturation and errors of actors, store, event loop, memory and files of every node.',
  rows: [
    {
      title: 'Actors',
      panels: [
        graph({
          title: 'Mailbox depth',
          description: 'Messages that wait. The Raft actor takes everything that waits in one turn, so that depth is batch size.',
          unit: 'short',
          queries: [{ expr: by('distributed_actor_mailbox_depth', 'instance', 'actor'), legend: '{{instance}} {{actor}}' }],
        }),
        graph({
          title: 'Mailbox wait',
          description: 'How long messages waited at the 99th percentile. Longer than a tick of 10 ms means a busy event loop.',
          unit: 's',
          queries: [
            {
              expr: quantile(0.99, 'distributed_actor_mailbox_wait_seconds', NODES, ['instance', 'actor']),
              legend: '{{instance}} {{actor}}',
            },
          ],
        }),
        graph({
          title: 'Restarts and dead letters',
          description: 'Actors restarted by their supervisor, and messages that no actor received, a second. None is good.',
          unit: 'ops',
          queries: [
            { expr: rate('distributed_actor_restarts_total', NODES, ['actor']), legend: '{{actor}} restarts' },
            { expr: rate('distributed_actor_dead_letters_total', NODES, ['actor']), legend: '{{actor}} dead letters' },
          ],
        }),
      ],
    },
    {
      title: 'Store',
      panels: [
        graph({
          title: 'Apply',
          description: 'Time of one transaction that applies committed entries.',
          unit: 's',
          queries: [
            { expr: quantile(0.5, 'distributed_store_apply_seconds', NODES, ['instance']), legend: '{{instance}} p50' },
            { expr: quantile(0.99, 'distributed_store_apply_seconds', NODES, ['instance']), legend: '{{instance}} p99' },
          ],
        }),
        graph({
          title: 'Entries per transaction',
          description: 'Mean. At 1,024 a transaction is full and the store cannot keep up.',
          unit: 'short',
          queries: [{ expr: mean('distributed_store_apply_batch_entries', NODES, ['instance']), legend: '{{instance}}' }],
        }),
        graph({
          title: 'Reads',
          description: 'Time of one read on a reader, the wait for the reader not included.',
          unit: 's',
          queries: [
            { expr: quantile(0.5, 'distributed_store_read_seconds', NODES, ['instance']), legend: '{{instance}} p50' },
            { expr: quantile(0.99, 'distributed_store_read_seconds', NODES, ['instance']), legend: '{{instance}} p99' },
          ],
        }),
      ],
    },
    {
      title: 'Event loop and processor',
      panels: [
        graph({
          title: 'Event loop delay',
          description: 'How late the event loop was between two scrapes, at the 99th percentile and at most.',
          unit: 's',
          queries: [
            {
              expr: `max by (instance, statistic) (distributed_event_loop_delay_seconds{${NODES},statistic=~"p99|max"})`,
              legend: '{{instance}} {{statistic}}',
            },
          ],
        }),
        graph(
          {
            title: 'Event loop utilisation',
            description: 'Share of time in which the event loop was busy. Near 1 everything waits.',
            unit: 'percentunit',
            queries: [{ expr: by('distributed_event_loop_utilization_ratio', 'instance'), legend: '{{instance}}' }],
          },
          { max: 1 },
        ),
        graph({
          title: 'Processor',
          description: 'Cores that each node uses, its threads together. Readers are processes of their own and not in it.',
          unit: 'short',
          queries: [{ expr: rate('process_cpu_seconds_total', NODES, ['instance']), legend: '{{instance}}' }],
        }),
      ],
    },
    {
      title: 'Memory and files',
      panels: [
        graph({
          title: 'Garbage collection',
          description: 'Share of time spent in it, by kind. Major collections stop everything for longest.',
          unit: 'percentunit',
          queries: [
            { expr: rate('nodejs_gc_duration_seconds_sum', NODES, ['instance', 'kind']), legend: '{{instance}} {{kind}}' },
          ],
        }),
        graph({
          title: 'Memory',
          description: 'Resident memory of the process, and the part of the JavaScript heap that is in use.',
          unit: 'bytes',
          queries: [
            { expr: by('process_resident_memory_bytes', 'instance'), legend: '{{instance}} resident' },
            { expr: by('nodejs_heap_size_used_bytes', 'instance'), legend: '{{instance}} heap' },
          ],
        }),
        graph({
          title: 'Open files',
          description: 'File descriptors, sockets included.',
          unit: 'short',
          queries: [{ expr: by('process_open_fds', 'instance'), legend: '{{instance}}' }],
        }),
      ],
    },
    {
      title: 'Errors of the instrument',
      panels: [
        graph({
          title: 'Values that could not be read',
          description: 'Gauges that threw when they were scraped, a second. Each is a bug.',
          unit: 'ops',
          width: 12,
          queries: [{ expr: rate('distributed_collect_errors_total', NODES, ['instance']), legend: '{{instance}}' }],
        }),
        graph({
          title: 'Scrapes',
          description: 'How long a node took to say all this.',
          unit: 's',
          width: 12,
          queries: [{ expr: by('scrape_duration_seconds', 'instance'), legend: '{{instance}}' }],
        }),
      ],
    },
  ],
});
