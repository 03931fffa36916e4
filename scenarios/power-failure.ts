// Teaches what "durable" is worth: all nodes are killed in the same instant under load, as by a loss of power, and come back on
// their data. Nobody is left who could remember for them. Look for a long gap without any answers, and for no acknowledged element
// lost: what was acknowledged had been synced by a majority. (WINDTUNNEL_CANARY_NODE='*=ack-before-fsync' shows nodes that only say so.)

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'power-failure',
  description: 'All nodes are killed at once under load and come back on their data: whether what was acknowledged was durable.',
  cluster: { nodes: 3 },
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
  faults: [{ kind: 'crash', target: 'all', at: '6s', duration: '2s' }],
  thresholds: {
    operations_lost: ['count==0'],
    'response_time{phase:after}': ['p(99)<1000'],
  },
});
