// Teaches what many short faults cost that are each forgotten at once: the leader is cut off for two seconds, its connections are
// reset again and again, it is cut off once more. Look for an election for each partition, for no more of them than that (a node
// that was away must not depose who leads now), for connections that come back at once, and for the verdict `valid`.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'flapping-link',
  description:
    'The links of the leader come and go: whether the cluster settles each time, or whether every blink costs an election.',
  cluster: { nodes: 3 },
  operationTimeout: '5s',
  warmup: '2s',
  recovery: '2s',
  loads: {
    registers: {
      executor: 'constant-arrival-rate',
      rate: 200,
      duration: '21s',
      preAllocatedVUs: 50,
      maxVUs: 2_000,
      workload: { kind: 'registers', keys: 20 },
    },
    elements: {
      executor: 'constant-vus',
      vus: 4,
      duration: '21s',
      workload: { kind: 'set' },
    },
  },
  faults: [
    { kind: 'partition', shape: 'isolate-leader', at: '5s', duration: '2s' },
    { kind: 'reset', target: 'leader', links: 'all', every: '250ms', at: '9s', duration: '2s' },
    { kind: 'partition', shape: 'isolate-leader', mode: 'cut', at: '13s', duration: '2s' },
    { kind: 'hold', target: 'follower', at: '17s', duration: '1s' },
  ],
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.05'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
