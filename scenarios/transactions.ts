// Teaches what atomic means when the leader dies in the middle: transfers between accounts (several statements that happen together
// or not at all), appends to lists, whose every read shows the order of all appends before it, and compare-and-sets, while the
// leader is killed and its successor is stopped. Look for the same total in every read of the bank, for no element of a list lost,
// repeated or out of order, for transfers that are refused for want of money (answers, no errors), and for the verdict `valid`.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'transactions',
  description:
    'Bank transfers, appends to lists and compare-and-sets while two leaders fail: whether anything is ever seen half done.',
  cluster: { nodes: 3 },
  operationTimeout: '5s',
  warmup: '2s',
  recovery: '3s',
  loads: {
    transfers: {
      executor: 'constant-arrival-rate',
      rate: 80,
      duration: '22s',
      preAllocatedVUs: 50,
      maxVUs: 1_000,
      workload: { kind: 'bank', accounts: 8, initialBalance: 50, maxTransfer: 20 },
    },
    lists: {
      executor: 'constant-arrival-rate',
      rate: 80,
      duration: '22s',
      preAllocatedVUs: 50,
      maxVUs: 1_000,
      workload: { kind: 'append' },
    },
    registers: {
      executor: 'constant-arrival-rate',
      rate: 60,
      duration: '22s',
      preAllocatedVUs: 50,
      maxVUs: 1_000,
      workload: { kind: 'registers', keys: 10, mix: { read: 2, write: 1, cas: 2 } },
    },
  },
  faults: [
    { kind: 'crash', target: 'leader', at: '5s', duration: '4s' },
    { kind: 'pause', target: 'leader', at: '14s', duration: '4s' },
  ],
  thresholds: {
    operations_lost: ['count==0'],
    operations_failed: ['rate<0.05'],
    'response_time{phase:recovery}': ['p(99)<3000'],
  },
});
