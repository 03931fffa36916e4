// Teaches what a failover costs: the leader is killed under load and comes back on its data five seconds later. Look for one
// gap in the writes, about as long as an election, operations that waited for it in the response time of phase `fault`, and
// no acknowledged write lost. On etcd (--target etcd) the threshold on failures is crossed: its followers pass writes on to the
// leader that is gone until they notice, nobody can say what became of those, and they must not be sent again.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'leader-crash',
  description: 'The leader is killed under load and restarted: how long writes stop, and whether anything acknowledged is lost.',
  cluster: { nodes: 3 },
  operationTimeout: '5s',
  warmup: '2s',
  recovery: '3s',
  loads: {
    registers: {
      executor: 'constant-arrival-rate',
      rate: 200,
      duration: '18s',
      preAllocatedVUs: 50,
      maxVUs: 2_000,
      workload: { kind: 'registers', keys: 20 },
    },
    elements: {
      executor: 'constant-vus',
      vus: 4,
      duration: '18s',
      workload: { kind: 'set' },
    },
  },
  faults: [{ kind: 'crash', target: 'leader', at: '6s', duration: '5s' }],
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.01'],
    // A new leader within a second or so; the rest is for slow machines.
    first_write: ['max<10000'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
