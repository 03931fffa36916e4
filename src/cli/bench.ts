// `windtunnel bench`: the main job. Microbenchmarks, then the standard scenarios.

import { freshSeed } from '../runtime/random.ts';
import { loadScenarios } from '../harness/scenario/discover.ts';
import { withOverrides } from '../harness/scenario/validate.ts';
import { choice, type Command, flag, type Invocation, text, UsageError, wholeNumber } from './command.ts';
import { packageFolder, resultsFolder } from './folders.ts';
import type { Plan } from './measure.ts';
import { GENERATORS_OPTION, generatorsOf, RESULTS_OPTION, SEED_OPTION, UI_OPTION, uiPortOf } from './measure-options.ts';
import { METRICS_OPTION, metricsAddressOf } from './metrics-option.ts';
import { TARGET_OPTIONS, targetOf } from './target-options.ts';
import { TRACE_OPTIONS, tracesOf } from './trace-options.ts';

/** quick: the whole job in under two minutes on two cores. full: long enough for a stable p99.9. */
const PROFILES = {
  quick: { timeBudgetMs: 300, durationMs: undefined },
  full: { timeBudgetMs: 2_000, durationMs: 60_000 },
} as const;

/** In this order. */
const STANDARD_SCENARIOS = ['steady', 'leader-crash'] as const;

/** Gives intervals of 96.9 %. */
const OBSERVER_ROUNDS = 6;

export const bench: Command = {
  name: 'bench',
  summary: 'Run the microbenchmarks and the standard scenarios',
  arguments: '',
  options: {
    profile: {
      type: 'string',
      placeholder: 'NAME',
      description: 'quick (under two minutes) or full (several)',
      defaultText: 'quick',
    },
    ...TARGET_OPTIONS,
    generators: GENERATORS_OPTION,
    'observer-cost': {
      type: 'boolean',
      description: 'measure what tracing costs instead: the same load without, with 1 % and with 100 %, in turns; minutes',
    },
    rounds: {
      type: 'string',
      placeholder: 'N',
      description: 'with --observer-cost: how often each is measured, 3 to 50',
      defaultText: String(OBSERVER_ROUNDS),
    },
    ...TRACE_OPTIONS,
    'metrics-port': METRICS_OPTION,
    seed: SEED_OPTION,
    results: RESULTS_OPTION,
    ui: UI_OPTION,
  },
  notes: `The standard scenarios: ${STANDARD_SCENARIOS.join(', ')}. They run on the target; the microbenchmarks in this process. Ctrl-C keeps what has been measured.`,
  async run(invocation) {
    if (invocation.positionals.length > 0) {
      throw new UsageError(
        `bench takes no arguments, not '${invocation.positionals.join(' ')}'; single scenarios are run with 'windtunnel run NAME'`,
      );
    }
    const rounds = wholeNumber(invocation, 'rounds', 3, 50);
    if (flag(invocation, 'observer-cost')) return carryOut(observerPlan(invocation, rounds ?? OBSERVER_ROUNDS));
    if (rounds !== undefined) throw new UsageError('--rounds goes with --observer-cost');
    const profile = choice(invocation, 'profile', ['quick', 'full'], 'quick');
    const { timeBudgetMs, durationMs } = PROFILES[profile];
    const overrides = { durationMs, generators: generatorsOf(invocation), target: targetOf(invocation) };
    const scenarios = await loadScenarios(STANDARD_SCENARIOS, packageFolder('scenarios'));
    return carryOut({
      profile,
      seed: wholeNumber(invocation, 'seed', 0, Number.MAX_SAFE_INTEGER) ?? freshSeed(),
      scenarios: scenarios.map((scenario) => withOverrides(scenario, overrides)),
      micro: { timeBudgetMs },
      traces: tracesOf(invocation, process.env),
      results: text(invocation, 'results') ?? resultsFolder(),
      metricsAddress: metricsAddressOf(invocation),
      uiPort: uiPortOf(invocation),
    });
  },
};

async function carryOut(plan: Plan): Promise<number> {
  const { measure } = await import('./measure.ts');
  return measure(plan);
}

/** @throws UsageError for flags that have no say in it. */
function observerPlan(invocation: Invocation, observerRounds: number): Plan {
  const stray = ['profile', 'generators', 'traces', 'sample', 'metrics-port', ...Object.keys(TARGET_OPTIONS)].find(
    (name) => invocation.options[name] !== undefined,
  );
  if (stray !== undefined)
    throw new UsageError(
      `--${stray} does not go with --observer-cost, which compares ways of tracing on processes of this machine`,
    );
  return {
    seed: wholeNumber(invocation, 'seed', 0, Number.MAX_SAFE_INTEGER) ?? freshSeed(),
    scenarios: [],
    observerRounds,
    results: text(invocation, 'results') ?? resultsFolder(),
    uiPort: uiPortOf(invocation),
  };
}
