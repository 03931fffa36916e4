// `windtunnel run SCENARIO...`: single scenarios, shipped or the user's own.

import { parseDuration } from '../runtime/duration.ts';
import { freshSeed } from '../runtime/random.ts';
import { EXIT } from '../harness/report/exit.ts';
import { listScenarios, loadScenarios } from '../harness/scenario/discover.ts';
import { withOverrides } from '../harness/scenario/validate.ts';
import { choice, type Command, flag, text, UsageError, wholeNumber } from './command.ts';
import { packageFolder, resultsFolder } from './folders.ts';
import { GENERATORS_OPTION, generatorsOf, RESULTS_OPTION, SEED_OPTION, UI_OPTION, uiPortOf } from './measure-options.ts';
import { METRICS_OPTION, metricsAddressOf } from './metrics-option.ts';
import { scenarioList } from './scenario-list.ts';
import { TARGET_OPTIONS, targetOf } from './target-options.ts';
import { wantsColour, widthOf } from './terminal.ts';
import { TRACE_OPTIONS, tracesOf } from './trace-options.ts';

export const run: Command = {
  name: 'run',
  summary: 'Run load scenarios',
  arguments: 'SCENARIO...',
  options: {
    list: { type: 'boolean', short: 'l', description: 'list the scenarios that come with windtunnel, and run nothing' },
    ...TARGET_OPTIONS,
    nodes: { type: 'string', short: 'n', placeholder: 'N', description: 'how many nodes, 1 to 9', defaultText: "the scenario's" },
    duration: {
      type: 'string',
      short: 'd',
      placeholder: 'D',
      description: "how long every load lasts: '30s', '5m'",
      defaultText: "the scenario's",
    },
    links: {
      type: 'string',
      placeholder: 'on|off',
      description: 'whether traffic goes through links, which faults of the network need',
      defaultText: "the scenario's",
    },
    generators: GENERATORS_OPTION,
    ...TRACE_OPTIONS,
    'metrics-port': METRICS_OPTION,
    seed: SEED_OPTION,
    results: RESULTS_OPTION,
    ui: UI_OPTION,
  },
  notes: `A scenario is a name from --list, or the path of a module; windtunnel init writes one to begin with.

Examples:
  windtunnel run leader-crash
  windtunnel run steady --nodes 5 --duration 1m
  windtunnel run leader-crash --target etcd
  windtunnel run steady --target compose
  windtunnel run steady --target external --endpoint 127.0.0.1:7401 --endpoint 127.0.0.1:7402
  windtunnel run ./my.scenario.ts --seed 42`,
  async run(invocation) {
    const folder = packageFolder('scenarios');
    if (flag(invocation, 'list')) {
      const out = process.stdout;
      out.write(await scenarioList(folder, { width: widthOf(out), colour: wantsColour(out) }));
      return EXIT.passed;
    }
    if (invocation.positionals.length === 0) {
      throw new UsageError(`run takes a scenario; there are ${(await listScenarios(folder)).join(', ')}, and a path works too`);
    }
    const duration = text(invocation, 'duration');
    const target = targetOf(invocation);
    if ((target?.kind === 'external' || target?.kind === 'compose') && invocation.options['nodes'] !== undefined)
      throw new UsageError(`--nodes goes with a target that is launched; ${target.kind} has the nodes it has`);
    const overrides = {
      durationMs: duration === undefined ? undefined : parseDuration(duration),
      nodes: wholeNumber(invocation, 'nodes', 1, 9),
      links: text(invocation, 'links') === undefined ? undefined : choice(invocation, 'links', ['on', 'off'], 'on') === 'on',
      generators: generatorsOf(invocation),
      target,
    };
    const metricsAddress = metricsAddressOf(invocation);
    const scenarios = await loadScenarios(invocation.positionals, folder);
    const { measure } = await import('./measure.ts');
    return measure({
      seed: wholeNumber(invocation, 'seed', 0, Number.MAX_SAFE_INTEGER) ?? freshSeed(),
      scenarios: scenarios.map((scenario) => withOverrides(scenario, overrides)),
      traces: tracesOf(invocation, process.env),
      results: text(invocation, 'results') ?? resultsFolder(),
      metricsAddress,
      uiPort: uiPortOf(invocation),
    });
  },
};
