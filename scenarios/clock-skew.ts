// Teaches that no answer depends on what time it is: the leader's clock jumps half a minute ahead and runs at half its rate from then
// on, so that its heartbeats and timeouts come twice as late as the others expect. Reads are confirmed by a quorum and not by a lease,
// so they must stay linearizable. Look for the verdict `valid`, and for latency that hardly moves.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'clock-skew',
  description: "The leader's clock jumps ahead and runs at half its rate: whether reads are still linearizable.",
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
  faults: [{ kind: 'clock-skew', target: 'leader', at: '5s', duration: '6s', offset: '+30s', drift: 0.5 }],
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.01'],
    'response_time{phase:fault}': ['p(99)<3000'],
  },
});
