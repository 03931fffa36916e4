// Teaches what one node that everybody still reaches is worth: two halves of two are joined by it alone. With its vote either half
// can lead, but not both at once. Look for at most one election, for reads that the half without a leader refuses and others
// answer, and for the verdict `valid`.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'bridge',
  description: 'Two halves are joined by one node only: whether both find a leader (they must not), and who is still served.',
  cluster: { nodes: 5 },
  operationTimeout: '5s',
  warmup: '2s',
  recovery: '3s',
  loads: {
    registers: {
      executor: 'constant-arrival-rate',
      rate: 100,
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
  faults: [{ kind: 'partition', shape: 'bridge', at: '6s', duration: '5s' }],
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.05'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
