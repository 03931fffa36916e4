// Teaches what the cluster costs when nothing goes wrong: the price of consensus and durability on every write, and of a
// read index on every read. Look for flat latency, no dropped iterations, no errors.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'steady',
  description:
    'A constant arrival rate of reads, writes and compare-and-sets, no faults: what an operation costs when nothing goes wrong.',
  cluster: { nodes: 3 },
  warmup: '2s',
  loads: {
    registers: {
      executor: 'constant-arrival-rate',
      rate: 200,
      duration: '12s',
      preAllocatedVUs: 50,
      maxVUs: 400,
      workload: { kind: 'registers', keys: 20 },
    },
    elements: {
      executor: 'constant-arrival-rate',
      rate: 50,
      duration: '12s',
      preAllocatedVUs: 20,
      maxVUs: 100,
      arrivals: 'poisson',
      workload: { kind: 'set' },
    },
  },
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.001'],
    dropped_iterations: ['count==0'],
    'response_time{phase:baseline}': ['p(50)<250', 'p(99)<1000'],
  },
});
