// Teaches why closed-loop numbers mislead. autocannon sends over HTTP as fast as the nodes answer; then all of them stand still for
// two seconds, as in a long garbage collection or the migration of a virtual machine. Its connections wait politely, so that it has
// sixteen slow samples among many thousands, and hardly one that began meanwhile: its p99 knows of nothing. The probe sends the same
// request at an even pace whatever happens, as users do. Look at the rows of the two loads: at how many operations each has while the
// fault lasts, at the probe's response time then, which is what users waited, and at the p99 of both over everything. For
// capacity believe autocannon's rate. A few of the probe's requests may end with ECONNRESET: the nodes, awake again, close connections
// that seem to them to have idled too long.

import { defineScenario } from '../src/harness/scenario/scenario.ts';

const read = { kind: 'http', url: '/query', body: { query: 'select 1' }, method: 'POST' } as const;

export default defineScenario({
  name: 'http-saturation',
  description:
    'autocannon reads over HTTP in a closed loop while the nodes stall for two seconds, and an even pace of the same requests shows what it leaves out.',
  cluster: { nodes: 3, links: false },
  operationTimeout: '10s',
  warmup: '2s',
  recovery: '3s',
  loads: {
    saturation: {
      executor: 'autocannon',
      connections: 16,
      duration: '16s',
      workload: read,
    },
    probe: {
      executor: 'constant-arrival-rate',
      rate: 100,
      duration: '16s',
      preAllocatedVUs: 50,
      maxVUs: 500,
      workload: read,
    },
  },
  faults: [{ kind: 'pause', target: 'all', at: '7s', duration: '2s' }],
  thresholds: {
    operations_failed: ['rate<0.05'],
    'response_time{load:probe,phase:after}': ['p(95)<1000'],
  },
});
