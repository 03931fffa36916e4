// Teaches what a node does that cannot keep its promises: the leader's disk is full, the write to its log ends in the middle. It ends
// itself, the others elect a new leader, and when there is room again it starts, cuts the unfinished write off and catches up. Look for
// one gap in the writes of about an election, as if the node had been killed, and for no acknowledged write lost.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'full-disk',
  description: "The leader's disk is full under load: it must end itself rather than go on, and come back when there is room.",
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
  faults: [{ kind: 'full-disk', target: 'leader', at: '6s', duration: '4s' }],
  thresholds: {
    operations_lost: ['count==0'],
    // A new leader within a second or two; the rest is for slow machines.
    first_write: ['max<10000'],
    operations_failed: ['rate<0.01'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
