// Teaches that a node which answers is not a node that works: the disk under the leader's log stalls, every fdatasync takes seconds,
// while its network is fine. Heartbeats go out, so nobody would depose it; but it cannot apply what its own disk has not got, so
// writes would go unanswered as long as the stall lasts. Look for one gap in the writes, of a second or two: the leader finds that
// the others have on disk what its own disk fails to take, and steps down. The slow disk of the follower that it becomes hurts nobody.
// Clients repeat what the old leader left unanswered: nodes that then apply it a second time are found (WINDTUNNEL_CANARY_NODE='*=lost-dedup').

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'slow-disk-leader',
  description:
    'The disk of the leader stalls under load while its network is fine: whether the cluster gets itself another leader.',
  cluster: { nodes: 3 },
  operationTimeout: '5s',
  warmup: '2s',
  recovery: '5s',
  loads: {
    registers: {
      executor: 'constant-arrival-rate',
      rate: 200,
      duration: '20s',
      preAllocatedVUs: 50,
      maxVUs: 2_000,
      workload: { kind: 'registers', keys: 20 },
    },
    elements: {
      executor: 'constant-vus',
      vus: 4,
      duration: '20s',
      workload: { kind: 'set' },
    },
  },
  faults: [{ kind: 'slow-disk', target: 'leader', at: '6s', duration: '8s', delay: '3s' }],
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.01'],
    'response_time{phase:after}': ['p(99)<1000'],
  },
});
