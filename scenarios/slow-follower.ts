// Teaches that a write takes as long as the faster half of the cluster: one follower of three is 100 to 150 ms away for a while.
// Look for writes that stay as fast as before (the other follower is the majority), for no election, and for reads on the slow node
// that take a round trip to the leader.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'slow-follower',
  description:
    'One of two followers is 100 to 150 ms away for a while: whether writes wait for it (they must not), and what its own reads cost.',
  cluster: { nodes: 3 },
  operationTimeout: '5s',
  warmup: '2s',
  recovery: '3s',
  loads: {
    registers: {
      executor: 'constant-arrival-rate',
      rate: 200,
      duration: '16s',
      preAllocatedVUs: 50,
      maxVUs: 2_000,
      workload: { kind: 'registers', keys: 20 },
    },
    elements: {
      executor: 'constant-vus',
      vus: 4,
      duration: '16s',
      workload: { kind: 'set' },
    },
  },
  faults: [{ kind: 'latency', target: 'follower', delay: '100ms', jitter: '50ms', at: '6s', duration: '5s' }],
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.01'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
