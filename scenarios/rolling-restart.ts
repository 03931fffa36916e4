// Teaches what a rolling deployment costs: every node is restarted in turn, in good order (SIGTERM, exit code 0, start on the same
// data), a few seconds apart. Look for one short gap in the writes, when it is the leader's turn, for other nodes' turns that nobody
// notices, and for no failed operation at all: whoever retries within the deadline sees only latency.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'rolling-restart',
  description: 'Every node is restarted in turn, in good order, under load: what a rolling deployment costs its users.',
  cluster: { nodes: 3 },
  operationTimeout: '5s',
  warmup: '2s',
  recovery: '2s',
  loads: {
    registers: {
      executor: 'constant-arrival-rate',
      rate: 200,
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
    { kind: 'restart', target: 'n1', at: '5s', duration: '1s' },
    { kind: 'restart', target: 'n2', at: '10s', duration: '1s' },
    { kind: 'restart', target: 'n3', at: '15s', duration: '1s' },
  ],
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.01'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
