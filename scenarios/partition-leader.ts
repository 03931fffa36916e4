// Teaches what it takes to replace a leader that is alive but alone: its links to the others are held, so that it goes on
// believing, and its clients still reach it. Look for an election within a second, a gap in the writes of about that length and
// an attempt's deadline, not one byte over the links that were held, and the verdict `valid`: the old leader must not answer.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'partition-leader',
  description:
    'The leader is cut off from its followers, not from its clients: how long writes stop, and whether it still answers.',
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
  faults: [{ kind: 'partition', shape: 'isolate-leader', at: '6s', duration: '5s' }],
  thresholds: {
    operations_lost: ['count==0'],
    // A new leader within a second or two; the rest is for slow machines.
    first_write: ['max<10000'],
    operations_failed: ['rate<0.01'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
