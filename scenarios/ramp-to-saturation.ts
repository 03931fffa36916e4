// Teaches how much a cluster takes: the rate rises in steps until the system can no longer keep up, and beyond. The knee is the
// highest step whose response time at p99 stays below the limit, with what was offered answered and nothing dropped. Look at the
// table of steps: flat latency up to the knee, and behind it a queue that grows for as long as the step lasts. "Not reached" means
// that the steps must go higher; "at least" that the generator gave out before the system did.

import { defineScenario, steps } from '../src/harness/scenario/scenario.ts';

export default defineScenario({
  name: 'ramp-to-saturation',
  description: 'The rate rises in steps until the cluster no longer keeps up: at which rate that is, and what happens beyond it.',
  cluster: { nodes: 3 },
  operationTimeout: '4s',
  warmup: '2s',
  loads: {
    registers: {
      executor: 'ramping-arrival-rate',
      startRate: 300,
      stages: [
        // Nothing is judged while the nodes warm up.
        { target: 300, duration: '2s' },
        ...steps({ from: 300, to: 4_500, by: 300, duration: '5s' }),
      ],
      preAllocatedVUs: 200,
      maxVUs: 1_000,
      workload: { kind: 'registers', keys: 1_000, mix: { read: 3, write: 1 } },
    },
  },
  saturation: { p99: '500ms' },
  thresholds: {
    knee: ['>=300'],
  },
});
