// From what a scenario module exported to a scenario that can run, or to a list of everything that is wrong with it.

import { z } from 'zod';
import { consistencyProblems } from './consistency.ts';
import {
  between,
  duration,
  integer,
  matching,
  notNegative,
  oneOf,
  options,
  positive,
  problemsOf,
  ScenarioError,
  signedDuration,
  text,
  variants,
} from './options.ts';
import { parseExpression, parseMetric, ThresholdError } from './thresholds.ts';
import type { Threshold } from './thresholds.ts';
import type { ScenarioData, ValidFault, ValidLoad, ValidScenario, ValidStage } from './valid-scenario.ts';

const MAX_VIRTUAL_USERS = 100_000;
const MAX_ITERATIONS = 1_000_000_000;
const MAX_OFFSET_MS = 24 * 3_600_000;

const registers = options({
  kind: z.literal('registers'),
  keys: integer(1, 1_000_000).default(100),
  mix: options({ read: notNegative().default(0), write: notNegative().default(0), cas: notNegative().default(0) }).default({
    read: 5,
    write: 4,
    cas: 1,
  }),
  distribution: oneOf('uniform', 'zipfian').default('uniform'),
});

const set = options({ kind: z.literal('set') });
const workload = variants('kind', ['registers', 'set'], [registers, set], "a workload such as { kind: 'registers' }");

const loadBase = {
  workload,
  startTime: duration({ zero: 'allowed' }).default(0),
  gracefulStop: duration({ zero: 'allowed' }).default(5_000),
};
const lasting = { duration: duration({ zero: 'refused' }) };

const arrivalRate = {
  timeUnit: duration({ zero: 'refused' }).default(1_000),
  preAllocatedVUs: integer(1, MAX_VIRTUAL_USERS),
  maxVUs: integer(1, MAX_VIRTUAL_USERS).optional(),
  arrivals: oneOf('even', 'poisson').default('even'),
};

function stages(target: z.ZodNumber, example: number) {
  const stage = options(
    { target, duration: duration({ zero: 'allowed' }) },
    `a stage such as { target: ${example}, duration: '30s' }`,
  );
  const message = `must be a list of at least one stage such as { target: ${example}, duration: '30s' }`;
  return z.array(stage, message).min(1, message);
}

const constantArrivalRate = options({
  executor: z.literal('constant-arrival-rate'),
  ...loadBase,
  ...lasting,
  ...arrivalRate,
  rate: positive(),
});

const rampingArrivalRate = options({
  executor: z.literal('ramping-arrival-rate'),
  ...loadBase,
  ...arrivalRate,
  startRate: notNegative().default(0),
  stages: stages(notNegative(), 500),
});

const constantVus = options({
  executor: z.literal('constant-vus'),
  ...loadBase,
  ...lasting,
  vus: integer(1, MAX_VIRTUAL_USERS),
});

const rampingVus = options({
  executor: z.literal('ramping-vus'),
  ...loadBase,
  startVUs: integer(0, MAX_VIRTUAL_USERS).default(1),
  stages: stages(integer(0, MAX_VIRTUAL_USERS), 20),
  gracefulRampDown: duration({ zero: 'allowed' }).default(30_000),
});

const sharedIterations = options({
  executor: z.literal('shared-iterations'),
  ...loadBase,
  vus: integer(1, MAX_VIRTUAL_USERS),
  iterations: integer(1, MAX_ITERATIONS),
  maxDuration: duration({ zero: 'refused' }).default(600_000),
});

const load = variants(
  'executor',
  ['constant-arrival-rate', 'ramping-arrival-rate', 'constant-vus', 'ramping-vus', 'shared-iterations'],
  [constantArrivalRate, rampingArrivalRate, constantVus, rampingVus, sharedIterations],
  "a load such as { executor: 'constant-arrival-rate', ... }",
);

const faultBase = {
  at: duration({ zero: 'allowed' }),
  duration: duration({ zero: 'refused' }),
  target: text("'leader', 'follower', 'random', 'all', 'majority', 'minority' or the name of a node such as 'n1'"),
};
const crash = options({ kind: z.literal('crash'), ...faultBase });
const pause = options({ kind: z.literal('pause'), ...faultBase });
const restart = options({ kind: z.literal('restart'), ...faultBase });
const wipe = options({ kind: z.literal('wipe'), ...faultBase });
const clockSkew = options({
  kind: z.literal('clock-skew'),
  ...faultBase,
  offset: signedDuration(MAX_OFFSET_MS).default(0),
  drift: between(0.5, 2).default(1),
});
const slowDisk = options({ kind: z.literal('slow-disk'), ...faultBase, delay: duration({ zero: 'refused' }) });
const fullDisk = options({ kind: z.literal('full-disk'), ...faultBase });
const fault = variants(
  'kind',
  ['crash', 'pause', 'restart', 'wipe', 'clock-skew', 'slow-disk', 'full-disk'],
  [crash, pause, restart, wipe, clockSkew, slowDisk, fullDisk],
  "a fault such as { kind: 'crash', ... }",
);

const thresholdOptions = options({
  threshold: text("an expression such as 'p(99)<500'"),
  abortOnFail: z.boolean('must be true or false').default(false),
  delayAbortEval: duration({ zero: 'allowed' }).default(0),
});
const thresholdInput = z.preprocess((input) => (typeof input === 'string' ? { threshold: input } : input), thresholdOptions);

const thresholds = z
  .record(z.string(), z.array(thresholdInput, "must be a list such as ['p(99)<500']"), 'must be an object')
  .transform((metrics, context): Threshold[] => {
    const parsed: Threshold[] = [];
    for (const [metric, inputs] of Object.entries(metrics)) {
      for (const [at, input] of inputs.entries()) {
        try {
          const selector = parseMetric(metric);
          const expression = parseExpression(input.threshold, selector.name);
          const { threshold, abortOnFail, delayAbortEval: delayAbortEvalMs } = input;
          parsed.push({ metric, threshold, selector, expression, abortOnFail, delayAbortEvalMs });
        } catch (error) {
          if (!(error instanceof ThresholdError)) throw error;
          context.issues.push({ code: 'custom', message: error.message, path: [metric, at], input });
        }
      }
    }
    return parsed;
  });

const scenario = options(
  {
    name: matching(/^[a-z0-9-]+$/, "a name of lower case letters, digits and '-'"),
    description: text('a sentence or two'),
    cluster: options({ nodes: integer(1, 9), reads: oneOf('leader', 'any').default('any') }),
    operationTimeout: duration({ zero: 'refused' }).default(2_000),
    warmup: duration({ zero: 'allowed' }).default(2_000),
    recovery: duration({ zero: 'allowed' }).default(3_000),
    loads: z.record(z.string(), load, 'must be an object with a name for each load'),
    faults: z.array(fault, 'must be a list of faults').default([]),
    thresholds: thresholds.default([]),
  },
  'a scenario, made with defineScenario',
);

/**
 * Checks what a scenario module exported and fills in every default.
 * @param origin names it in messages: a file, or the scenario's name.
 * Throws ScenarioError with every problem that was found.
 */
export function validateScenario(value: unknown, origin: string): ValidScenario {
  const parsed = scenario.safeParse(value, { reportInput: true });
  if (!parsed.success) throw new ScenarioError(problemsOf(parsed.error, origin));
  const { operationTimeout, warmup, recovery, faults, loads, ...same } = parsed.data;
  const validLoads = Object.fromEntries(Object.entries(loads).map(([name, input]) => [name, validLoad(input)]));
  return checked(
    {
      ...same,
      operationTimeoutMs: operationTimeout,
      warmupMs: warmup,
      recoveryMs: recovery,
      loads: validLoads,
      faults: faults.map(validFault),
      totalDurationMs: totalDurationMs(validLoads),
    },
    origin,
  );
}

/** What the command line may change of a scenario. */
export interface ScenarioOverrides {
  /**
   * How long every load lasts, milliseconds, > 0. The stages of a ramp are stretched or shrunk in proportion, with the same
   * targets; of shared iterations it is the most time they may take, not their number.
   */
  readonly durationMs?: number | undefined;
  /** How many nodes the cluster has, 1 to 9. */
  readonly nodes?: number | undefined;
}

/** The scenario with some options changed. Throws ScenarioError when it cannot run that way: when a fault no longer fits. */
export function withOverrides(scenario: ValidScenario, { durationMs, nodes }: ScenarioOverrides): ValidScenario {
  const problems: string[] = [];
  if (durationMs !== undefined && !(durationMs > 0 && Number.isFinite(durationMs)))
    problems.push(`${scenario.name}: --duration must be > 0, not ${durationMs}`);
  if (nodes !== undefined && !(Number.isInteger(nodes) && nodes >= 1 && nodes <= 9))
    problems.push(`${scenario.name}: --nodes must be a whole number from 1 to 9, not ${nodes}`);
  if (problems.length > 0) throw new ScenarioError(problems);
  const loads = Object.fromEntries(
    Object.entries(scenario.loads).map(([name, load]) => [
      name,
      durationMs === undefined ? load : withDuration(load, durationMs),
    ]),
  );
  const cluster = nodes === undefined ? scenario.cluster : { ...scenario.cluster, nodes };
  return checked({ ...scenario, cluster, loads, totalDurationMs: totalDurationMs(loads) }, scenario.name);
}

function checked(data: ScenarioData, origin: string): ValidScenario {
  const problems = consistencyProblems(data);
  if (problems.length > 0) throw new ScenarioError(problems.map((problem) => `${origin}: ${problem}`));
  return data as ValidScenario;
}

function withDuration(load: ValidLoad, durationMs: number): ValidLoad {
  if (!('stages' in load)) return { ...load, durationMs };
  const scale = durationMs / load.durationMs;
  const stages = load.stages.map((stage) => ({ ...stage, durationMs: stage.durationMs * scale }));
  return { ...load, stages, durationMs };
}

function validLoad(input: z.output<typeof load>): ValidLoad {
  const { startTime: startTimeMs, gracefulStop: gracefulStopMs, ...rest } = input;
  const times = { startTimeMs, gracefulStopMs };
  switch (rest.executor) {
    case 'constant-arrival-rate': {
      const { duration: durationMs, timeUnit: timeUnitMs, maxVUs, ...same } = rest;
      return { ...same, ...times, durationMs, timeUnitMs, maxVUs: maxVUs ?? same.preAllocatedVUs };
    }
    case 'ramping-arrival-rate': {
      const { stages, timeUnit: timeUnitMs, maxVUs, ...same } = rest;
      return { ...same, ...times, ...validStages(stages), timeUnitMs, maxVUs: maxVUs ?? same.preAllocatedVUs };
    }
    case 'constant-vus': {
      const { duration: durationMs, ...same } = rest;
      return { ...same, ...times, durationMs };
    }
    case 'ramping-vus': {
      const { stages, gracefulRampDown: gracefulRampDownMs, ...same } = rest;
      return { ...same, ...times, ...validStages(stages), gracefulRampDownMs };
    }
    case 'shared-iterations': {
      const { maxDuration: durationMs, ...same } = rest;
      return { ...same, ...times, durationMs };
    }
  }
}

function validFault(input: z.output<typeof fault>): ValidFault {
  const { at: atMs, duration: durationMs, ...rest } = input;
  const times = { atMs, durationMs };
  switch (rest.kind) {
    case 'clock-skew': {
      const { offset: offsetMs, ...same } = rest;
      return { ...same, ...times, offsetMs };
    }
    case 'slow-disk': {
      const { delay: delayMs, ...same } = rest;
      return { ...same, ...times, delayMs };
    }
    default:
      return { ...rest, ...times };
  }
}

function validStages(input: readonly { readonly target: number; readonly duration: number }[]) {
  const stages = input.map(({ target, duration: durationMs }): ValidStage => ({ target, durationMs }));
  return { stages, durationMs: stages.reduce((sum, { durationMs }) => sum + durationMs, 0) };
}

function totalDurationMs(loads: Readonly<Record<string, ValidLoad>>): number {
  return Math.max(0, ...Object.values(loads).map((load) => load.startTimeMs + load.durationMs));
}
