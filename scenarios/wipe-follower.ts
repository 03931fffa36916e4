// Teaches what it takes to lose a disk and stay correct: a follower is killed and its data deleted under load; it comes back with
// nothing. It has forgotten what it acknowledged and whom it voted for, so it must not vote or count before it has caught up: until
// then the other two carry the cluster alone. Look for hardly any effect on the load, and for the verdict `valid`.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'wipe-follower',
  description: 'A follower loses all of its data under load and comes back with nothing: whether anything acknowledged is lost.',
  cluster: { nodes: 3 },
  operationTimeout: '5s',
  warmup: '2s',
  recovery: '3s',
  loads: {
    registers: {
      executor: 'constant-arrival-rate',
      rate: 200,
      duration: '22s',
      preAllocatedVUs: 50,
      maxVUs: 2_000,
      workload: { kind: 'registers', keys: 20 },
    },
    elements: {
      executor: 'constant-vus',
      vus: 4,
      duration: '22s',
      workload: { kind: 'set' },
    },
  },
  faults: [
    { kind: 'wipe', target: 'follower', at: '5s', duration: '2s' },
    // Whoever leads by then: its successor is elected with the vote of the one that came back.
    { kind: 'crash', target: 'leader', at: '15s', duration: '2s' },
  ],
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.01'],
    'response_time{phase:after}': ['p(99)<1000'],
  },
});
