// Teaches that a minority serves nobody and a majority everybody: five nodes are split at random, three against two, twice, with
// their connections broken, and clients reach only the three. Look for a gap in the writes only where the leader was among the
// two, for connections that break and come back, and for the verdict `valid`.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'partition-halves',
  description: 'Five nodes are split three against two, at random, twice: whether the three go on, and the two keep silent.',
  cluster: { nodes: 5 },
  operationTimeout: '5s',
  warmup: '2s',
  recovery: '3s',
  loads: {
    registers: {
      executor: 'constant-arrival-rate',
      rate: 100,
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
    { kind: 'partition', shape: 'halves', mode: 'cut', clients: true, at: '5s', duration: '4s' },
    { kind: 'partition', shape: 'halves', mode: 'cut', clients: true, at: '13s', duration: '4s' },
  ],
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.01'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
