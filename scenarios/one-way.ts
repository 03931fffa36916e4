// Teaches why a leader must hear from its followers: nothing that the leader says reaches them, while it hears them well. It must
// notice that nobody answers and step down, or clients would wait for it in vain. Look for one election, a gap in the writes of its
// length, and the verdict `valid`.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'one-way',
  description:
    'Nothing from the leader reaches its followers, while it still hears them: whether it notices that it no longer leads.',
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
  faults: [{ kind: 'partition', shape: 'one-way', at: '6s', duration: '5s' }],
  thresholds: {
    operations_lost: ['count==0'],
    // A new leader within a second or two; the rest is for slow machines.
    first_write: ['max<10000'],
    operations_failed: ['rate<0.01'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
