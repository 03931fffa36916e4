// What must hold of the options of a saturation.

import { didYouMean } from './did-you-mean.ts';
import { rateStepsOf } from './rate-steps.ts';
import { operationNames, type ScenarioData } from './valid-scenario.ts';

export function saturationProblems(scenario: ScenarioData): string[] {
  const { saturation, loads } = scenario;
  if (saturation === undefined) return [];
  const load = loads[saturation.load];
  const names = Object.keys(loads);
  if (load === undefined)
    return [`saturation.load must be one of ${names.join(', ')}, not '${saturation.load}'${didYouMean(saturation.load, names)}`];
  if (load.executor !== 'ramping-arrival-rate')
    return [`saturation needs a load with the executor 'ramping-arrival-rate'; loads.${saturation.load} is '${load.executor}'`];
  const problems: string[] = [];
  const found = rateStepsOf(load, scenario).length;
  if (found < 2)
    problems.push(
      `loads.${saturation.load}.stages must have at least two steps of constant rate behind the warmup, as steps() makes them, not ${found}: saturation looks for the highest one that holds`,
    );
  const operations = operationNames(load.workload);
  if (saturation.operation !== undefined && !operations.includes(saturation.operation))
    problems.push(
      `saturation.operation must be one of ${operations.join(', ')}, not '${saturation.operation}'${didYouMean(saturation.operation, operations)}`,
    );
  return problems;
}
