// From what a scenario module exported to a scenario that can run, or to a list of everything that is wrong with it.

import { z } from 'zod';
import { consistencyProblems } from './consistency.ts';
import {
  byteSize,
  duration,
  integer,
  matching,
  notNegative,
  oneOf,
  options,
  positive,
  problemsOf,
  ScenarioError,
  text,
  trueOrFalse,
  variants,
} from './options.ts';
import type { TargetSpec } from './scenario.ts';
import type { SqlParameter } from './workloads.ts';
import { fault, validFault } from './fault-options.ts';
import { nemesis, validNemesis } from './nemesis-options.ts';
import { liveProblem, parseExpression, parseMetric, ThresholdError } from './thresholds.ts';
import type { Threshold } from './thresholds.ts';
import type { ScenarioData, ValidLoad, ValidSaturation, ValidScenario, ValidStage, ValidWorkload } from './valid-scenario.ts';

const MAX_VIRTUAL_USERS = 100_000;
/** Of threads that issue load. */
export const MAX_GENERATORS = 16;
const MAX_CONNECTIONS = 10_000;
const MAX_ITERATIONS = 1_000_000_000;

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

const append = options({
  kind: z.literal('append'),
  keys: integer(1, 10_000).default(10),
  mix: options({ append: notNegative().default(0), read: notNegative().default(0) }).default({ append: 1, read: 1 }),
  appendsPerKey: integer(1, 10_000).default(50),
  distribution: oneOf('uniform', 'zipfian').default('uniform'),
});

const bank = options({
  kind: z.literal('bank'),
  accounts: integer(2, 1_000).default(10),
  initialBalance: integer(0, 1_000_000_000).default(100),
  maxTransfer: integer(1, 1_000_000_000).default(5),
  mix: options({ transfer: notNegative().default(0), read: notNegative().default(0) }).default({ transfer: 4, read: 1 }),
});

const parameter = z.custom<SqlParameter>(
  isParameter,
  'must be a number, text, null, { integer: [low, high] } or { unique: true }',
);
const statement = options(
  {
    name: text("a name such as 'lookup'").optional(),
    sql: text('an SQL statement'),
    params: z.array(parameter).default([]),
    weight: positive().default(1),
  },
  "a statement such as { sql: 'select 1' }",
);
const sql = options({
  kind: z.literal('sql'),
  setup: z.array(text('an SQL statement'), 'must be a list of SQL statements').default([]),
  statements: z.array(statement, 'must be a list of statements').min(1, 'must be a list of at least one statement'),
});

const texts = z.record(z.string(), z.string('must be text'), 'must be an object of texts').default({});
const http = options({
  kind: z.literal('http'),
  url: matching(/^(\/|https?:\/\/)/, "a path such as '/query' or a URL that begins with http:// or https://").refine(
    (url) => URL.canParse(url, 'http://localhost'),
    'must be a URL',
  ),
  method: oneOf('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE').optional(),
  headers: texts,
  body: z
    .unknown()
    .refine((body) => body === undefined || isJson(body), 'must be text or JSON')
    .optional(),
  expectStatus: z
    .array(integer(100, 599), 'must be a list of HTTP statuses')
    .min(1, 'must be a list of HTTP statuses')
    .optional(),
});

const grpc = options({
  kind: z.literal('grpc'),
  proto: text('the path of a .proto file'),
  method: matching(/^[\w.]+\/\w+$/, "a method such as 'package.Service/Method'"),
  request: z.record(z.string(), z.unknown(), 'must be an object').default({}),
  metadata: texts,
});

const userFunction = options({
  kind: z.literal('function'),
  run: z.custom((value) => typeof value === 'function', 'must be a function that returns a promise'),
});

const workload = variants(
  'kind',
  ['registers', 'set', 'append', 'bank', 'sql', 'http', 'grpc', 'function'],
  [registers, set, append, bank, sql, http, grpc, userFunction],
  "a workload such as { kind: 'registers' }",
);

const addresses = z.array(matching(/^.+:\d+$/, "an address such as '127.0.0.1:7401'"), 'must be a list of addresses').default([]);
const target = variants(
  'kind',
  ['process', 'docker', 'compose', 'etcd', 'external'],
  [
    options({ kind: z.literal('process') }),
    options({
      kind: z.literal('docker'),
      image: text('the name of an image').optional(),
      cpus: positive().optional(),
      memory: byteSize(64 * 2 ** 20).optional(),
      netAdmin: trueOrFalse().default(false),
    }),
    options({ kind: z.literal('compose'), project: text('the name of a compose project').optional() }),
    options({ kind: z.literal('etcd'), binary: text('a program').default('etcd') }),
    options({
      kind: z.literal('external'),
      endpoints: addresses,
      httpEndpoints: addresses,
      protocol: oneOf('windtunnel', 'etcd').default('windtunnel'),
    }),
  ],
  "a target such as { kind: 'process' }",
);

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

const autocannon = options({
  executor: z.literal('autocannon'),
  ...loadBase,
  ...lasting,
  connections: integer(1, MAX_CONNECTIONS),
  pipelining: integer(1, 1_000).default(1),
  amount: integer(1, MAX_ITERATIONS).optional(),
});

const load = variants(
  'executor',
  ['constant-arrival-rate', 'ramping-arrival-rate', 'constant-vus', 'ramping-vus', 'shared-iterations', 'autocannon'],
  [constantArrivalRate, rampingArrivalRate, constantVus, rampingVus, sharedIterations, autocannon],
  "a load such as { executor: 'constant-arrival-rate', ... }",
);

const thresholdOptions = options({
  threshold: text("an expression such as 'p(99)<500'"),
  abortOnFail: trueOrFalse().default(false),
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
          const never = abortOnFail ? liveProblem(selector, expression) : undefined;
          if (never !== undefined) throw new ThresholdError(`'${threshold}' cannot have abortOnFail: ${never}`);
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
    target: target.default({ kind: 'process' }),
    cluster: options({ nodes: integer(1, 9), reads: oneOf('leader', 'any').default('any'), links: trueOrFalse().default(true) }),
    generators: integer(1, MAX_GENERATORS).default(1),
    operationTimeout: duration({ zero: 'refused' }).default(2_000),
    warmup: duration({ zero: 'allowed' }).default(2_000),
    recovery: duration({ zero: 'allowed' }).default(3_000),
    loads: z.record(z.string(), load, 'must be an object with a name for each load'),
    faults: z.array(fault, 'must be a list of faults').default([]),
    nemesis: nemesis.optional(),
    saturation: options({
      p99: duration({ zero: 'refused' }),
      load: text('the name of a load').optional(),
      operation: text("the name of an operation such as 'write'").optional(),
    }).optional(),
    thresholds: thresholds.default([]),
  },
  'a scenario, made with defineScenario',
);

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

function isParameter(value: unknown): value is SqlParameter {
  if (typeof value !== 'object' || value === null) return value === null || typeof value === 'string' || Number.isFinite(value);
  const [[option, given] = [], ...others] = Object.entries(value) as [string, unknown][];
  if (others.length > 0) return false;
  if (option === 'unique') return given === true;
  if (option !== 'integer' || !Array.isArray(given) || given.length !== 2) return false;
  const [low, high] = given as unknown[];
  return Number.isSafeInteger(low) && Number.isSafeInteger(high) && (low as number) <= (high as number);
}

/**
 * Checks what a scenario module exported and fills in every default.
 * @param origin names it in messages: a file, or the scenario's name.
 * @param module the file it was loaded from, which function workloads need.
 * Throws ScenarioError with every problem that was found.
 */
export function validateScenario(value: unknown, origin: string, module?: string): ValidScenario {
  const parsed = scenario.safeParse(value, { reportInput: true });
  if (!parsed.success) throw new ScenarioError(problemsOf(parsed.error, origin));
  const { operationTimeout, warmup, recovery, faults, nemesis: drawn, saturation, loads, ...same } = parsed.data;
  const validLoads = Object.fromEntries(Object.entries(loads).map(([name, input]) => [name, validLoad(input)]));
  return checked(
    {
      ...same,
      module,
      operationTimeoutMs: operationTimeout,
      warmupMs: warmup,
      recoveryMs: recovery,
      loads: validLoads,
      faults: faults.map(validFault),
      ...(drawn && { nemesis: validNemesis(drawn) }),
      ...(saturation && { saturation: validSaturation(saturation, validLoads) }),
      totalDurationMs: totalDurationMs(validLoads),
    },
    origin,
  );
}

/** What the command line may change of a scenario. */
export interface ScenarioOverrides {
  /**
   * How long every load lasts, milliseconds, > 0. The stages of a ramp are stretched or shrunk in proportion, with the same
   * targets; of shared iterations it is the most time they may take, not their number. The nemesis goes on as long as the loads.
   */
  readonly durationMs?: number | undefined;
  /** How many nodes the cluster has, 1 to 9. */
  readonly nodes?: number | undefined;
  /** Whether the traffic goes through links. Without them there are no faults of the network. */
  readonly links?: boolean | undefined;
  /** How many threads issue the load, 1 to 16. */
  readonly generators?: number | undefined;
  /** What is put under load. */
  readonly target?: TargetSpec | undefined;
}

/** The scenario with some options changed. Throws ScenarioError when it cannot run that way: when a fault no longer fits. */
export function withOverrides(scenario: ValidScenario, overrides: ScenarioOverrides): ValidScenario {
  const { durationMs, nodes, links, generators = scenario.generators } = overrides;
  const parsed = overrides.target === undefined ? undefined : target.safeParse(overrides.target, { reportInput: true });
  const problems: string[] = [];
  if (durationMs !== undefined && !(durationMs > 0 && Number.isFinite(durationMs)))
    problems.push(`${scenario.name}: --duration must be > 0, not ${durationMs}`);
  if (nodes !== undefined && !(Number.isInteger(nodes) && nodes >= 1 && nodes <= 9))
    problems.push(`${scenario.name}: --nodes must be a whole number from 1 to 9, not ${nodes}`);
  if (!(Number.isInteger(generators) && generators >= 1 && generators <= MAX_GENERATORS))
    problems.push(`${scenario.name}: --generators must be a whole number from 1 to ${MAX_GENERATORS}, not ${generators}`);
  if (parsed?.success === false) problems.push(...problemsOf(parsed.error, `${scenario.name}: --target`));
  if (problems.length > 0) throw new ScenarioError(problems);
  const loads = Object.fromEntries(
    Object.entries(scenario.loads).map(([name, load]) => [
      name,
      durationMs === undefined ? load : withDuration(load, durationMs),
    ]),
  );
  const cluster = { ...scenario.cluster, ...(nodes !== undefined && { nodes }), ...(links !== undefined && { links }) };
  return checked(
    { ...scenario, target: parsed?.data ?? scenario.target, cluster, generators, loads, totalDurationMs: totalDurationMs(loads) },
    scenario.name,
  );
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
  const { startTime: startTimeMs, gracefulStop: gracefulStopMs, workload: inputWorkload, ...rest } = input;
  const times = { startTimeMs, gracefulStopMs, workload: validWorkload(inputWorkload) };
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
    case 'autocannon': {
      const { duration: durationMs, amount, ...same } = rest;
      return { ...same, ...times, durationMs, amount };
    }
  }
}

function validSaturation(
  {
    p99: p99Ms,
    load,
    operation,
  }: { readonly p99: number; readonly load?: string | undefined; readonly operation?: string | undefined },
  loads: Readonly<Record<string, ValidLoad>>,
): ValidSaturation {
  const names = Object.keys(loads);
  // Where there is no ramp, what is wrong with the first load says it best.
  const ramp = names.find((name) => loads[name]?.executor === 'ramping-arrival-rate') ?? names[0] ?? '';
  return { p99Ms, load: load ?? ramp, operation };
}

function validWorkload(input: z.output<typeof workload>): ValidWorkload {
  switch (input.kind) {
    case 'sql': {
      const statements = input.statements.map(({ name, ...rest }, at) => ({ ...rest, name: name ?? `sql${at + 1}` }));
      return { ...input, statements };
    }
    case 'http': {
      const { body, method, expectStatus, headers, ...same } = input;
      const asJson = body !== undefined && typeof body !== 'string';
      const hasType = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
      return {
        ...same,
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: asJson && !hasType ? { ...headers, 'content-type': 'application/json' } : headers,
        body: asJson ? JSON.stringify(body) : body,
        expectStatus,
      };
    }
    case 'function':
      return { kind: 'function' };
    default:
      return input;
  }
}

function validStages(input: readonly { readonly target: number; readonly duration: number }[]) {
  const stages = input.map(({ target, duration: durationMs }): ValidStage => ({ target, durationMs }));
  return { stages, durationMs: stages.reduce((sum, { durationMs }) => sum + durationMs, 0) };
}

function totalDurationMs(loads: Readonly<Record<string, ValidLoad>>): number {
  return Math.max(0, ...Object.values(loads).map((load) => load.startTimeMs + load.durationMs));
}
