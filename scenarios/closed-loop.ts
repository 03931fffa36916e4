// Teaches what the cluster can do at most: 16 users in a closed loop, each with its next request as soon as the answer is there. Look
// for the successes per second. Its response times say nothing of what users would wait for: a slow answer keeps the next request
// from being made (http-saturation shows by how much).

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'closed-loop',
  description:
    'As many registers as 16 users in a closed loop can read and write: the throughput of a cluster that has all it can take.',
  cluster: { nodes: 3 },
  warmup: '2s',
  loads: {
    registers: { executor: 'constant-vus', vus: 16, duration: '10s', workload: { kind: 'registers', keys: 100 } },
  },
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.001'],
  },
});
