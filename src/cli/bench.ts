// `windtunnel bench`: the main job. Microbenchmarks, then the standard scenarios.

import { freshSeed } from '../runtime/random.ts';
import { loadScenarios } from '../harness/scenario/discover.ts';
import { withOverrides } from '../harness/scenario/validate.ts';
import { choice, type Command, text, UsageError, wholeNumber } from './command.ts';
import { UI_OPTION, uiPortOf } from './live-ui.ts';
import {
  GENERATORS_OPTION,
  generatorsOf,
  measure,
  packageFolder,
  RESULTS_OPTION,
  resultsFolder,
  SEED_OPTION,
  STANDARD_SCENARIOS,
} from './measure.ts';
import { TRACE_OPTIONS, tracesOf } from './trace-options.ts';

/** quick: the whole job in under two minutes on two cores. full: long enough for a stable p99.9. */
const PROFILES = {
  quick: { timeBudgetMs: 300, durationMs: undefined },
  full: { timeBudgetMs: 2_000, durationMs: 60_000 },
} as const;

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
    generators: GENERATORS_OPTION,
    ...TRACE_OPTIONS,
    seed: SEED_OPTION,
    results: RESULTS_OPTION,
    ui: UI_OPTION,
  },
  notes: `The standard scenarios: ${STANDARD_SCENARIOS.join(', ')}. Ctrl-C keeps what has been measured.`,
  async run(invocation) {
    if (invocation.positionals.length > 0) {
      throw new UsageError(
        `bench takes no arguments, not '${invocation.positionals.join(' ')}'; single scenarios are run with 'windtunnel run NAME'`,
      );
    }
    const profile = choice(invocation, 'profile', ['quick', 'full'], 'quick');
    const { timeBudgetMs, durationMs } = PROFILES[profile];
    const scenarios = await loadScenarios(STANDARD_SCENARIOS, packageFolder('scenarios'));
    return measure({
      profile,
      seed: wholeNumber(invocation, 'seed', 0, Number.MAX_SAFE_INTEGER) ?? freshSeed(),
      scenarios: scenarios.map((scenario) => withOverrides(scenario, { durationMs, generators: generatorsOf(invocation) })),
      micro: { timeBudgetMs },
      traces: tracesOf(invocation, process.env),
      results: text(invocation, 'results') ?? resultsFolder(),
      uiPort: uiPortOf(invocation),
    });
  },
};
