// Teaches what a stalled leader costs, and that it cannot lie: the leader is stopped under load (SIGSTOP), as by a long garbage
// collection or a frozen virtual machine. Its connections stay open, so clients notice only by their deadlines; the others elect
// a new leader; and when the old one goes on, still believing that it leads, it must not answer reads from its old state.
// Look for a gap in the writes of an election plus an attempt's deadline, and for the verdict `valid`.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'pause-leader',
  description:
    'The leader is stopped under load and goes on later, believing that it still leads: whether anybody is told old news.',
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
  faults: [{ kind: 'pause', target: 'leader', at: '6s', duration: '4s' }],
  thresholds: {
    operations_lost: ['count==0'],
    // A new leader within a second or two; the rest is for slow machines.
    first_write: ['max<10000'],
    operations_failed: ['rate<0.01'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
