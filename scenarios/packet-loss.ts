// Teaches what a bad cable does to a protocol over TCP: five per cent of the packets between the leader and the others are lost and
// come 200 ms later, with everything behind them. Look for a tail of writes at one and two retransmissions (200 ms, 400 ms and more),
// a median that hardly moves, and perhaps an election: heartbeats are late, too.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'packet-loss',
  description:
    'Packets between the leader and its followers are lost and sent again: how long the tail gets, and whether the leader is given up.',
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
  faults: [{ kind: 'loss', target: 'leader', probability: 0.05, at: '6s', duration: '5s' }],
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.05'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
