// The scenario that `windtunnel init` writes: it runs as it is, and says what else could be in it.

export interface TemplateOptions {
  readonly name: string;
  /** What is imported: a package's subpath or a relative path. */
  readonly module: string;
  /** As the user wrote it. */
  readonly file: string;
}

export function scenarioTemplate({ name, module, file }: TemplateOptions): string {
  return `// Run it: npx windtunnel run ${file.includes('/') ? file : `./${file}`}
// The words are k6's (loads, thresholds) and Jepsen's (faults, checkers). Wrong options are refused by name, and an editor knows
// them all: every type has its documentation. npx windtunnel run --list shows the scenarios that come with windtunnel.

import { defineScenario } from '${module.replaceAll(/[\\']/g, '\\$&')}';

export default defineScenario({
  // Names the folder of its histories and logs: lower case letters, digits and '-'.
  name: '${name}',
  description: 'What it teaches, and what one should see.',

  // 1 to 9 nodes, as processes on this machine, started for the run and stopped after it.
  cluster: { nodes: 3 },

  // The deadline of one operation, all retries included.
  operationTimeout: '5s',
  // The first part is measured apart: programs that have just started are slow. '0s' is for who wants to see just that.
  warmup: '2s',
  // How long after a fault the phase 'recovery' lasts.
  recovery: '3s',

  // Any number of loads, by names of your own; they run side by side.
  loads: {
    registers: {
      // Open loop: operations begin on schedule, whether or not earlier ones have been answered. Others: ramping-arrival-rate,
      // constant-vus, ramping-vus, shared-iterations.
      executor: 'constant-arrival-rate',
      rate: 50, // operations per second
      duration: '15s',
      // How many operations may be under way at once; arrivals that find no free user are dropped, and counted.
      preAllocatedVUs: 50,
      maxVUs: 1_000,
      // Reads, writes and compare-and-sets, checked for linearizability key by key. Others: set, append, bank, which are checked
      // too; sql, http, grpc and function, which are measured only.
      workload: { kind: 'registers', keys: 20, mix: { read: 5, write: 4, cas: 1 } },
    },
    elements: {
      // Closed loop: each of the users begins its next operation when its last one was answered.
      executor: 'constant-vus',
      vus: 2,
      duration: '15s',
      // Unique elements, all read back at the end: was an acknowledged one lost?
      workload: { kind: 'set' },
    },
  },

  // What goes wrong, and when. Every fault must prove that it happened, or the run is INVALID. Others: pause, restart, wipe,
  // partition, latency, loss, bandwidth, reset, hold, slow-close, clock-skew, slow-disk, full-disk.
  faults: [{ kind: 'crash', target: 'leader', at: '5s', duration: '3s' }],

  // Or let chance choose: faults from the mix, planned from the seed of the run.
  // nemesis: {
  //   mix: [{ kind: 'pause', target: 'leader' }, { kind: 'partition', shape: 'halves' }],
  //   every: ['8s', '12s'],
  //   lasts: ['2s', '4s'],
  // },

  // What must hold; a threshold that does not is exit code 99. Times are milliseconds, shares go from 0 to 1. The phases are
  // warmup, baseline, fault, recovery and after; without one, all but the warm-up count.
  thresholds: {
    operations_failed: ['rate<0.05'],
    'response_time{phase:recovery}': ['p(99)<5000'],
  },
});
`;
}
