// Teaches that what was not thought of is found by chance: one fault after the other, drawn from everything that a cluster must
// survive, at random times. Look for the verdict `valid` whatever was drawn, for a proof under every fault (one that could not be
// carried out at its moment is listed as skipped, with the reason), and for the seed at the end: it repeats the schedule. With
// `--duration 15m` it goes on; what one run does not find, a longer one or another seed may.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'random-nemesis',
  description:
    'Random faults of processes, disks, clocks and the network, one after the other: whether every answer stays right through all of it.',
  cluster: { nodes: 3 },
  operationTimeout: '5s',
  warmup: '2s',
  recovery: '4s',
  loads: {
    registers: {
      executor: 'constant-arrival-rate',
      rate: 60,
      duration: '1m',
      preAllocatedVUs: 50,
      maxVUs: 2_000,
      workload: { kind: 'registers', keys: 50 },
    },
    elements: {
      executor: 'constant-arrival-rate',
      rate: 20,
      duration: '1m',
      preAllocatedVUs: 20,
      maxVUs: 500,
      workload: { kind: 'set' },
    },
    lists: {
      executor: 'constant-arrival-rate',
      rate: 30,
      duration: '1m',
      preAllocatedVUs: 20,
      maxVUs: 500,
      workload: { kind: 'append' },
    },
    transfers: {
      executor: 'constant-arrival-rate',
      rate: 20,
      duration: '1m',
      preAllocatedVUs: 20,
      maxVUs: 500,
      workload: { kind: 'bank' },
    },
  },
  nemesis: {
    every: ['9s', '14s'],
    lasts: ['3s', '5s'],
    mix: [
      { kind: 'crash', target: 'leader', weight: 2 },
      { kind: 'crash', target: 'follower' },
      { kind: 'crash', target: 'all' },
      { kind: 'pause', target: 'leader' },
      { kind: 'pause', target: 'majority' },
      { kind: 'restart', target: 'random' },
      // Drawn once at most: a cluster survives one loss of a disk at a time.
      { kind: 'wipe', target: 'random', weight: 0.5 },
      { kind: 'full-disk', target: 'random' },
      { kind: 'slow-disk', target: 'leader', delay: '300ms' },
      { kind: 'clock-skew', target: 'leader', offset: '-1h', drift: 0.5 },
      { kind: 'clock-skew', target: 'all', offset: '+30s', drift: 2 },
      { kind: 'partition', shape: 'isolate-leader', weight: 2 },
      { kind: 'partition', shape: 'halves', mode: 'cut', clients: true },
      { kind: 'partition', shape: 'minority', mode: 'cut' },
      { kind: 'partition', shape: 'one-way' },
      { kind: 'partition', shape: 'bridge' },
      { kind: 'latency', target: 'leader', delay: '80ms', jitter: '40ms' },
      { kind: 'bandwidth', target: 'follower', bytesPerSecond: 20_000 },
      { kind: 'loss', target: 'leader', probability: 0.05 },
      { kind: 'reset', target: 'leader', links: 'all', every: '500ms' },
      { kind: 'hold', target: 'follower' },
      { kind: 'slow-close', target: 'leader', delay: '1s' },
    ],
  },
  thresholds: {
    operations_lost: ['count==0'],
    // Nobody is served while all nodes are down, and it is chance how often that is; most of the time somebody must be.
    operations_failed: ['rate<0.5'],
    'response_time{phase:after}': ['p(99)<3000'],
  },
});
