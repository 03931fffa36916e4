// Teaches that a majority is not enough if everybody has another one: five nodes in a circle reach only their neighbours, so that
// each reaches a majority and no two the same. Look for few elections or none (a leader keeps its two followers, and pre-vote keeps
// the two that cannot hear it from disturbing), for reads that those two refuse and others answer, and for the verdict `valid`.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'majorities-ring',
  description:
    'Five nodes in a circle reach only their neighbours: whether a leader comes out of it, and whether everybody agrees.',
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
  faults: [{ kind: 'partition', shape: 'majorities-ring', at: '6s', duration: '5s' }],
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.05'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
