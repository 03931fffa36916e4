// What stands between a caller and a node: retries with their budget, a breaker for every node, pools.

import { board, EVERYBODY, graph, HARNESS, quantile, rate, states } from './dashboard.ts';

const POOL = ['instance', 'pool'];
const pool = '{{instance}} {{pool}}';
const level = (metric: string) => `sum by (instance, pool) (${metric}{${EVERYBODY}})`;
const breaker = (state: string) => `max by (breaker, generator) (distributed_breaker_state{${HARNESS},state="${state}"})`;

export const clients = board({
  uid: 'windtunnel-clients',
  title: 'Pool, breaker and retry',
  description: 'The smart client in the generators of load, and the pools of clients and nodes.',
  rows: [
    {
      title: 'Circuit breakers',
      panels: [
        states(
          {
            title: 'Breakers',
            description:
              'One for every node, in every generator. Open, it refuses calls at once; half-open, it lets a probe through.',
            queries: [
              {
                expr: `${breaker('closed')} + 2 * ${breaker('half-open')} + 3 * ${breaker('open')}`,
                legend: '{{breaker}} of generator {{generator}}',
              },
            ],
          },
          {
            1: { text: 'closed', color: 'green' },
            2: { text: 'half-open', color: 'yellow' },
            3: { text: 'open', color: 'red' },
          },
        ),
        graph({
          title: 'Transitions',
          description: 'Changes of state a second, by the new state.',
          unit: 'ops',
          width: 6,
          queries: [
            { expr: rate('distributed_breaker_transitions_total', HARNESS, ['breaker', 'to']), legend: '{{breaker}} to {{to}}' },
          ],
        }),
        graph({
          title: 'Rejected calls',
          description: 'Calls a second that a breaker did not let through. Another node is asked instead, if one is left.',
          unit: 'ops',
          width: 6,
          queries: [{ expr: rate('distributed_breaker_rejected_total', HARNESS, ['breaker']), legend: '{{breaker}}' }],
        }),
      ],
    },
    {
      title: 'Retries',
      panels: [
        graph({
          title: 'Retries',
          description: 'Attempts after the first one a second. An election makes every operation under way retry a few times.',
          unit: 'ops',
          queries: [{ expr: rate('distributed_retry_attempts_total', HARNESS, ['operation']), legend: '{{operation}}' }],
        }),
        graph({
          title: 'Retries that were not made',
          description: 'Because the budget was spent: more load would not help a cluster in trouble.',
          unit: 'ops',
          queries: [{ expr: rate('distributed_retry_budget_exhausted_total', HARNESS, ['operation']), legend: '{{operation}}' }],
        }),
        graph({
          title: 'Budget',
          description: 'Retries that each client may make now. Operations and time refill it.',
          unit: 'short',
          queries: [
            { expr: `min by (generator) (distributed_retry_budget_tokens{${HARNESS}})`, legend: 'generator {{generator}}' },
          ],
        }),
      ],
    },
    {
      title: 'Pools: levels',
      panels: [
        graph({
          title: 'Size',
          description: 'Resources of each pool: sessions of clients to a node, readers of a node.',
          unit: 'short',
          queries: [{ expr: level('distributed_pool_size'), legend: pool }],
        }),
        graph({
          title: 'Idle',
          description: 'Resources that nobody uses. A session is leased only for as long as a request takes to be handed to it.',
          unit: 'short',
          queries: [{ expr: level('distributed_pool_idle'), legend: pool }],
        }),
        graph({
          title: 'Waiting',
          description: 'Callers that wait for a resource. Reads that wait for a reader are a node at its limit.',
          unit: 'short',
          queries: [{ expr: level('distributed_pool_waiting'), legend: pool }],
        }),
      ],
    },
    {
      title: 'Pools: what happened',
      panels: [
        graph({
          title: 'Wait',
          description: 'How long callers waited for the resource they got, at the 99th percentile.',
          unit: 's',
          queries: [{ expr: quantile(0.99, 'distributed_pool_wait_seconds', EVERYBODY, POOL), legend: pool }],
        }),
        graph({
          title: 'Made and destroyed',
          description: 'Resources a second. A crash destroys sessions, and each is made again when it is needed.',
          unit: 'ops',
          queries: [
            { expr: rate('distributed_pool_created_total', EVERYBODY, ['instance']), legend: '{{instance}} made' },
            {
              expr: rate('distributed_pool_destroyed_total', EVERYBODY, ['instance', 'reason']),
              legend: '{{instance}} destroyed: {{reason}}',
            },
          ],
        }),
        graph({
          title: 'Failures',
          description: 'Resources that could not be made, and callers that got none in time, a second.',
          unit: 'ops',
          queries: [
            { expr: rate('distributed_pool_create_failures_total', EVERYBODY, POOL), legend: `${pool} not made` },
            { expr: rate('distributed_pool_timeouts_total', EVERYBODY, POOL), legend: `${pool} not in time` },
          ],
        }),
      ],
    },
  ],
});
