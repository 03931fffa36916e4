// Teaches what a partition is when no proxy stands in its way: the nodes are containers, the kernel drops the leader's packets, then
// some of a follower's, and at last the leader loses its network altogether. Nothing is reset and nothing is refused: the others
// learn of it by silence alone, and TCP sends again what was lost, later and later. Look for longer gaps than in partition-leader,
// for p99 while packets are lost, and for the verdict `valid`. Needs a Docker engine; where iptables cannot be used in the
// containers, its two faults are skipped, with the reason.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'container-network',
  description:
    'Packets dropped by the kernel, and a network interface taken away: what silence costs when the nodes are containers. Needs Docker.',
  target: { kind: 'docker', netAdmin: true },
  cluster: { nodes: 3 },
  operationTimeout: '5s',
  warmup: '2s',
  recovery: '3s',
  loads: {
    registers: {
      executor: 'constant-arrival-rate',
      rate: 100,
      duration: '32s',
      preAllocatedVUs: 50,
      maxVUs: 1_000,
      workload: { kind: 'registers', keys: 20 },
    },
    elements: { executor: 'constant-vus', vus: 2, duration: '32s', workload: { kind: 'set' } },
  },
  faults: [
    { kind: 'drop-packets', target: 'leader', at: '5s', duration: '4s' },
    { kind: 'drop-packets', target: 'follower', probability: 0.1, at: '13s', duration: '4s' },
    { kind: 'disconnect', target: 'leader', at: '21s', duration: '4s' },
  ],
  thresholds: {
    operations_lost: ['count==0'],
    first_write: ['max<10000'],
    operations_failed: ['rate<0.02'],
    'response_time{phase:recovery}': ['p(99)<5000'],
  },
});
