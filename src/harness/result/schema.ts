// run.json: the one artefact of a run. The schema is the single source of its TypeScript type, of results/schema.json and
// of the check that every file written or read must pass.

import { z } from 'zod';
import { Distribution } from './distribution.ts';

/** Grows when a reader of the old shape would misread the new one. */
export const SCHEMA_VERSION = 1;

const count = z.int().min(0);
const ms = z.number().min(0);
const timestamp = z.iso.datetime({ precision: 3 });

/** The phases of a scenario, in their order. Every statistic is split by them. */
export const PHASES = ['warmup', 'baseline', 'fault', 'recovery', 'after'] as const;
const phase = z.enum(PHASES).describe('Every statistic is split by phase');
export type Phase = z.infer<typeof phase>;

/** ok: done. fail: definitely not applied. info: maybe applied. Jepsen's words. */
const outcome = z.enum(['ok', 'fail', 'info']).describe('ok: done. fail: definitely not applied. info: maybe applied.');
export type Outcome = z.infer<typeof outcome>;

export const environment = z.strictObject({
  cpuModel: z.string(),
  cores: z.int().min(1).describe('Cores this process may use'),
  architecture: z.string(),
  platform: z.string(),
  kernel: z.string(),
  nodeVersion: z.string(),
  memoryBytes: count,
  loadAverage: z.tuple([z.number(), z.number(), z.number()]).describe('1, 5 and 15 minute load averages when the run began'),
  hostname: z.string(),
  governor: z.string().optional(),
  containerised: z.boolean(),
  ci: z.boolean(),
  harnessVersion: z.string(),
  git: z.strictObject({ commit: z.string(), branch: z.string().optional(), dirty: z.boolean() }).optional(),
});
export type Environment = z.infer<typeof environment>;

const microbenchmark = z.strictObject({
  id: z.string().describe('suite/name'),
  status: z.enum(['ok', 'failed']),
  error: z.string().optional(),
  nanoseconds: z
    .strictObject({
      median: z.number().min(0),
      mean: z.number().min(0),
      min: z.number().min(0),
      max: z.number().min(0),
      p75: z.number().min(0),
      p99: z.number().min(0).optional().describe('Absent when fewer than 10 samples lie above it'),
      mad: z.number().min(0).describe('Median absolute deviation'),
      interval95: z
        .tuple([z.number().min(0), z.number().min(0)])
        .describe('Of the median, from order statistics, no distribution assumed'),
    })
    .optional()
    .describe('Every number is nanoseconds per operation, over samples that are each a batch. Absent when it failed.'),
  samples: count,
  operationsPerSample: count,
  operationsPerSecond: z.number().min(0).optional().describe('1 / median'),
  heapBytesPerOperation: z
    .number()
    .optional()
    .describe('Bytes allocated on the JavaScript heap per operation, collected or not. Absent when not measurable.'),
  counts: z
    .strictObject({ operations: z.int().min(1), counted: z.record(z.string(), count) })
    .optional()
    .describe(
      'What so many operations amounted to, such as { messages: 4 }: the same on every machine and in every run of the same code. Absent when the benchmark counts nothing.',
    ),
});
export type Microbenchmark = z.infer<typeof microbenchmark>;

const percentile = ms.optional().describe('Absent when fewer than 10 samples lie above it');

/** Milliseconds. */
const latency = z.strictObject({
  min: ms,
  mean: ms,
  max: ms,
  p50: percentile,
  p90: percentile,
  p95: percentile,
  p99: percentile,
  p999: percentile,
  histogram: z.string().describe('HdrHistogram, microseconds, base64 of the compressed V2 encoding'),
});
export type Latency = z.infer<typeof latency>;

const statistic = z.strictObject({
  load: z.string(),
  operation: z.string(),
  outcome,
  phase,
  count,
  responseTime: latency.describe('From the scheduled instant to the answer, milliseconds'),
  serviceTime: latency.describe('From the actual send to the answer, milliseconds'),
});
export type Statistic = z.infer<typeof statistic>;

const second = z.strictObject({
  atMs: ms.describe('Start of the second, milliseconds from the start of the scenario'),
  phase,
  scheduled: count.describe('Operations that the schedule wanted to start'),
  started: count,
  ok: count,
  fail: count,
  info: count,
  dropped: count,
  p50: ms
    .optional()
    .describe('Response time, milliseconds, of operations that ended in this second. Absent when there were none.'),
  p99: ms.optional(),
  max: ms.optional(),
  serviceP99: ms.optional().describe('Service time at p99, milliseconds'),
  distribution: z
    .array(z.int())
    .refine(isDistribution, 'must be a bucket, then counts of it and the buckets behind it')
    .optional()
    .describe(
      'How many of the operations that ended in this second had which response time. Bucket n reaches from 10^(n/10) to 10^((n+1)/10) microseconds, n from 0 to 95. The first number is a bucket; then come the counts of it and of the buckets behind it, where -n stands for n empty ones: [30, 2, 1, -28, 1] is 2 from 1 to 1.26 ms, 1 from 1.26 to 1.58 ms and 1 from 1 to 1.26 s. Absent when none ended.',
    ),
  lagMax: ms.optional().describe('How late the generator itself was: actual start minus scheduled start, maximum, milliseconds'),
});
export type Second = z.infer<typeof second>;

const faultWindow = z.strictObject({
  kind: z.string(),
  target: z.string().describe('What the scenario asked for, such as leader'),
  nodes: z.array(z.string()),
  startMs: ms.describe('Milliseconds from the start of the scenario'),
  endMs: ms,
  proof: z.strictObject({ proven: z.boolean(), observations: z.array(z.string()) }),
  electionMs: ms.optional().describe('Milliseconds from the start of the fault to a new leader; absent when none came'),
  firstWriteMs: ms
    .optional()
    .describe(
      'Milliseconds from the start of the fault to the first write that was sent when it had been carried out, and succeeded',
    ),
  longestWriteGapMs: ms
    .optional()
    .describe('The longest time without a successful write between the start of the fault and the end of recovery'),
  windowEndMs: ms
    .optional()
    .describe('The end of recovery, or of the run: what happened between the start of the fault and here is its doing'),
  overlaps: z
    .boolean()
    .optional()
    .describe('Whether another fault lasted or was recovered from in the same window: the figures are then those of both'),
  operations: count.optional().describe('Operations that were due in the window'),
  errors: count.optional().describe('Those of them that failed, fails that are no errors left out'),
  unavailableMs: ms
    .optional()
    .describe(
      'Milliseconds of the window in which operations were due and none succeeded: the sum of stretches beyond unavailableGapMs',
    ),
  unavailableGapMs: ms.optional().describe('Stretches up to this long are not counted, those that are longer are counted whole'),
  recoveredMs: ms
    .optional()
    .describe('Milliseconds from the end of the fault until p99 of the response time was, for 2 s, not beyond recoveryLimitMs'),
  recoveryLimitMs: ms.optional().describe('1.2 times p99 of the response time before the first fault'),
  notRecovered: z.literal(true).optional().describe('p99 did not come back until the next fault or the end of the run'),
  recoveryUnknown: z.string().optional().describe('Why it cannot be said whether it came back'),
});
export type FaultWindow = z.infer<typeof faultWindow>;

const skippedFault = z.strictObject({
  kind: z.string(),
  target: z.string(),
  atMs: ms.describe('When it was its turn, milliseconds from the start of the scenario'),
  reason: z.string(),
});
export type SkippedFault = z.infer<typeof skippedFault>;

const saturation = z.strictObject({
  load: z.string(),
  operation: z.string().optional().describe('Whose response times these are; absent: of all operations of the load'),
  limitMs: ms.describe('Of the response time at p99'),
  outcome: z
    .enum(['found', 'not-reached', 'generator-limited', 'below-first-step', 'not-measured'])
    .describe(
      'found: the step above the knee did not hold. not-reached: the highest step held. generator-limited: above the knee, if there is one, the generator was in trouble.',
    ),
  knee: z
    .number()
    .min(0)
    .optional()
    .describe('The highest rate per second that held; absent when none did. Unless found, it is at least that'),
  steps: z.array(
    z.strictObject({
      rate: z.number().min(0).describe('Per second, as the scenario has it'),
      startMs: ms,
      endMs: ms,
      offered: z.number().min(0).describe('Arrivals per second'),
      achieved: z.number().min(0).describe('Operations per second that were answered in the step without an error'),
      p50: percentile.describe('Response time, milliseconds'),
      p99: percentile,
      max: ms.optional(),
      errors: count,
      dropped: count,
      held: z.boolean(),
      reasons: z.array(z.string()).describe('Why it did not hold'),
      generator: z.string().optional().describe('What trouble the generator was in; absent when it was in none'),
    }),
  ),
});
export type Saturation = z.infer<typeof saturation>;

const roleChange = z.strictObject({
  atMs: z.number(),
  node: z.string(),
  role: z.enum(['leader', 'follower', 'candidate', 'pre-candidate', 'down']),
  term: count,
});
export type RoleChange = z.infer<typeof roleChange>;

const checkResult = z.strictObject({
  checker: z.string(),
  verdict: z.enum(['valid', 'violated', 'unknown']),
  reason: z.string().optional(),
  operations: count,
  durationMs: ms,
  counts: z.record(z.string(), z.number()).describe('What the checker counted, such as { acknowledged: 812, lost: 0 }'),
  explanation: z.string().optional().describe('Text for people, on a violation'),
  explanationFile: z.string().optional().describe('The same as a file, relative to the folder of run.json'),
});
export type CheckResult = z.infer<typeof checkResult>;

const thresholdResult = z.strictObject({
  metric: z.string().describe('Such as response_time{phase:recovery}'),
  threshold: z.string().describe('Such as p(99)<500'),
  observed: z.number().optional().describe('Absent when nothing was measured; the threshold then failed'),
  passed: z.boolean(),
  aborted: z.boolean(),
});
export type ThresholdResult = z.infer<typeof thresholdResult>;

const lag = z.strictObject({ p50: ms.optional(), p99: ms.optional(), max: ms });
const eventLoopDelay = z.strictObject({ p99: ms, max: ms });

const generatorMoment = z.strictObject({
  atMs: ms.describe('Start of what the numbers are of, milliseconds from the start of the scenario; it lasts to the next one'),
  started: count,
  dropped: count,
  lagMax: ms.optional().describe('Milliseconds; absent when nothing started'),
  eventLoopDelay,
  cpu: z.number().min(0),
});
export type GeneratorMoment = z.infer<typeof generatorMoment>;

const generatorInstrument = z.strictObject({
  generator: z.int().min(1),
  started: count,
  lag: lag.describe('As that of the whole instrument, of the operations of this generator'),
  eventLoopDelay,
  cpu: z.number().min(0),
  dropped: count,
  moments: z
    .array(generatorMoment)
    .describe('Second by second, the warm-up too; in a long run two, four, ... seconds together, maxima kept'),
});
export type GeneratorInstrument = z.infer<typeof generatorInstrument>;

const instrument = z.strictObject({
  lag: lag.describe('Actual start minus scheduled start of operations behind the warm-up, milliseconds'),
  eventLoopDelay: eventLoopDelay.describe(
    'How late the event loop of the generator was behind the warm-up, milliseconds; of several the worst',
  ),
  cpu: z
    .number()
    .min(0)
    .describe('CPU seconds the generator used per second behind the warm-up: 1 is one full core; of several the busiest'),
  dropped: count.describe('Operations that the schedule wanted and no virtual user was free for'),
  generators: z
    .array(generatorInstrument)
    .optional()
    .describe('Each thread that issued load; absent in results of older versions'),
});
export type Instrument = z.infer<typeof instrument>;

/** Where the time of a request can go, in the order in which a request passes through. */
export const PATH_PARTS = [
  'generator wait',
  'retry pause',
  'failed attempts',
  'pool wait',
  'network',
  'server',
  'mailbox',
  'append',
  'fsync',
  'peer network',
  'peer append',
  'peer fsync',
  'quorum',
  'apply',
  'read-index',
  'reader wait',
  'read',
  'other',
] as const;
export type PathPart = (typeof PATH_PARTS)[number];

/** Requests that are looked at together: those nearest a percentile, and the slowest. */
export const PATH_BUCKETS = ['p50', 'p90', 'p99', 'p99.9', 'slowest'] as const;
export type PathBucket = (typeof PATH_BUCKETS)[number];

const keptTrace = z.strictObject({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  keptFor: z.array(z.enum([...PATH_BUCKETS, 'fail', 'info'])).describe('Why it was kept'),
  load: z.string(),
  operation: z.string(),
  phase,
  outcome,
  startMs: z.number().describe('When the schedule wanted it to start, milliseconds from the start of the scenario'),
  responseMs: ms,
  serviceMs: ms,
  missing: z.array(z.string()).optional().describe('What is not there of it, and why where that is known; absent when complete'),
});
export type KeptTrace = z.infer<typeof keptTrace>;

const criticalPath = z.strictObject({
  load: z.string(),
  phase,
  bucket: z.enum(PATH_BUCKETS),
  traces: z.int().min(1).describe('Complete traces that the shares are the means of'),
  responseMs: ms.describe('Their mean, milliseconds'),
  shares: z
    .array(z.strictObject({ part: z.enum(PATH_PARTS), share: z.number().min(0).max(1) }))
    .describe('Of the time from the scheduled instant to the end; parts that took none are left out'),
});
export type CriticalPath = z.infer<typeof criticalPath>;

const scenarioTraces = z.strictObject({
  file: z.string().optional().describe('The spans, relative to the folder of run.json: OTLP as JSON, a trace a line'),
  kept: count,
  incomplete: count.describe('Those of the kept ones of which something is missing'),
  spansReceived: count,
  spansDropped: count.describe('Spans of wanted traces that the receiver had no room for'),
  spansLost: count.describe('Spans that the processes lost before anybody could ask for them'),
  list: z.array(keptTrace),
  criticalPaths: z.array(criticalPath).describe('Where the time went'),
});
export type ScenarioTraces = z.infer<typeof scenarioTraces>;

const scenarioResult = z.strictObject({
  name: z.string(),
  description: z.string(),
  target: z.enum(['process', 'docker', 'compose', 'simulated', 'external', 'etcd']),
  status: z.enum(['complete', 'interrupted', 'aborted', 'failed']),
  statusReason: z.string().optional().describe('Why, when it is not complete'),
  seed: count,
  nodes: z.array(z.string()),
  configuration: z
    .record(z.string(), z.unknown())
    .refine(isPlainJson, 'must be plain JSON: finite numbers, text, booleans, null, lists and objects of them')
    .describe('The scenario as it ran, defaults filled in'),
  startedAt: timestamp,
  durationMs: ms,
  phases: z.array(z.strictObject({ phase, startMs: ms, endMs: ms })),
  totals: z.strictObject({
    scheduled: count,
    started: count,
    ok: count,
    fail: count,
    info: count,
    dropped: count,
    okPerSecond: z.number().min(0),
  }),
  statistics: z.array(statistic),
  timeline: z.array(second),
  faults: z.array(faultWindow),
  skippedFaults: z
    .array(skippedFault)
    .optional()
    .describe(
      'What the nemesis had planned and could not carry out at that moment, and what the target could not have; absent without either',
    ),
  saturation: saturation.optional().describe('Of a scenario that looks for the knee'),
  roles: z.array(roleChange),
  errors: z.array(z.strictObject({ code: z.string(), outcome, count })),
  errorsByPhase: z
    .array(z.strictObject({ phase, code: z.string(), outcome, count }))
    .optional()
    .describe('The errors, by the phase in which an operation was due'),
  operationsLost: count
    .optional()
    .describe('Operations that were acknowledged and did not survive; absent when no check could tell'),
  instrument,
  traces: scenarioTraces.optional().describe('Absent when the run was not traced'),
  thresholds: z.array(thresholdResult),
  checks: z.array(checkResult),
  invalid: z.array(z.string()).describe('Why the numbers of this run must not be used; empty when they may'),
  verdicts: z.strictObject({
    fast: z.enum(['passed', 'failed', 'unchecked', 'invalid']),
    correct: z.enum(['valid', 'violated', 'unknown', 'unchecked']),
    explained: z.enum(['complete', 'partial']),
    changed: z.enum(['unchecked', 'same', 'faster', 'slower', 'inconclusive', 'incomparable']),
  }),
  historyFiles: z.array(z.string()).describe('The operation histories, relative to the folder of run.json'),
  metricsFile: z
    .string()
    .optional()
    .describe(
      'The metrics of nodes and harness, second by second, relative to the folder of run.json; absent in results of older versions',
    ),
});
export type ScenarioResult = z.infer<typeof scenarioResult>;

/** How the load is watched: not at all; as every run is; with this share of the requests exported as well. */
export const OBSERVERS = ['off', 'kept', '1 %', '100 %'] as const;
export type Observer = (typeof OBSERVERS)[number];
/** For people. */
export const OBSERVER_WORDS: Readonly<Record<Observer, string>> = {
  off: 'no traces',
  kept: 'as always',
  '1 %': '1% exported',
  '100 %': '100% exported',
};

const ratioEstimate = z.strictObject({
  ratio: z.number().positive().describe('To the runs without traces, of the same rounds: Hodges-Lehmann estimate of the ratio'),
  low: z.number().positive(),
  high: z.number().positive(),
  confidence: z.number().min(0).max(1).describe('Of the interval from low to high, by the signed-rank test'),
});
export type RatioEstimate = z.infer<typeof ratioEstimate>;

const observerCost = z.strictObject({
  rounds: z.int().min(1).describe('How often each was measured, in random order within a round'),
  invalidRuns: count.describe('Runs in which the instrument was late'),
  observers: z.array(
    z.strictObject({
      observer: z.enum(OBSERVERS),
      okPerSecond: z.array(z.number()).describe('Of each round'),
      p50Ms: z.array(ms).describe('Of the service time, of each round'),
      p99Ms: z.array(ms),
      toOff: z
        .strictObject({ okPerSecond: ratioEstimate, p50Ms: ratioEstimate, p99Ms: ratioEstimate })
        .optional()
        .describe('Absent for the one without traces'),
    }),
  ),
});
export type ObserverCost = z.infer<typeof observerCost>;

export const runSchema = z.strictObject({
  schema: z.literal('windtunnel-run'),
  schemaVersion: z.literal(SCHEMA_VERSION),
  id: z.string().describe('The name of the result folder: <UTC>-<commit>'),
  status: z.enum(['complete', 'interrupted']),
  startedAt: timestamp,
  finishedAt: timestamp,
  command: z.array(z.string()).describe('The arguments of the windtunnel command'),
  profile: z.string().optional(),
  environment,
  microbenchmarks: z.array(microbenchmark),
  scenarios: z.array(scenarioResult),
  observerCost: observerCost.optional().describe('What tracing costs; only when it was asked for'),
  exit: z.strictObject({
    code: z
      .int()
      .describe(
        '0 passed, 1 unexpected error, 94 regression, 95 correctness violated, 96 invalid, 99 thresholds, 105 interrupted',
      ),
    reasons: z.array(z.string()),
  }),
});
export type Run = z.infer<typeof runSchema>;

/** NaN and Infinity would silently become null in the file. A property that is undefined is left out of it, which is fine. */
function isPlainJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isPlainJson);
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isPlainJson);
  return value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean';
}

function isDistribution(numbers: readonly number[]): boolean {
  try {
    Distribution.decode(numbers);
    return true;
  } catch {
    return false;
  }
}
