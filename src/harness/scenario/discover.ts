// Finds scenario modules by name or path and loads them.

import { readdir } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { didYouMean } from './did-you-mean.ts';
import { ScenarioError } from './options.ts';
import type { Scenario } from './scenario.ts';
import type { FunctionWorkload } from './workloads.ts';
import { validateScenario } from './validate.ts';
import type { ValidScenario } from './valid-scenario.ts';

/** A module's file: TypeScript in a checkout, JavaScript where the package was built. Not declarations, not tests. */
const MODULE = /^(?!.*\.(?:d|test)\.[cm]?[jt]s$)(.+)\.[jt]s$/;

/** The names of the scenarios in a folder, sorted. Throws ScenarioError when the folder cannot be read. */
export async function listScenarios(folder: string): Promise<string[]> {
  const files = await filesByName(folder);
  return [...files.keys()].sort();
}

/**
 * Loads and validates scenarios, in the order given. A name stands for a module in `folder`; what contains a '/' or ends in
 * .ts, .js or the like is a path, relative to the working directory.
 * Throws ScenarioError: for a name that there is not (with those there are), a module that fails to load, one without a
 * default export, an invalid scenario, a grpc workload whose .proto file, method or request is not right, and two scenarios of the
 * same name.
 */
export async function loadScenarios(names: readonly string[], folder: string): Promise<ValidScenario[]> {
  const scenarios: ValidScenario[] = [];
  for (const name of names) {
    const scenario = await (isPath(name) ? loadFile(resolve(name), name) : loadNamed(name, folder));
    if (scenarios.some((other) => other.name === scenario.name))
      throw new ScenarioError([`two scenarios are called '${scenario.name}'; their results could not be told apart`]);
    scenarios.push(scenario);
  }
  return scenarios;
}

async function loadNamed(name: string, folder: string): Promise<ValidScenario> {
  const files = await filesByName(folder);
  const file = files.get(name);
  if (file === undefined) {
    const known = [...files.keys()].sort();
    const there = known.length === 0 ? `there are none in ${folder}` : `there are ${known.join(', ')}`;
    throw new ScenarioError([`no scenario is called '${name}'; ${there}${didYouMean(name, known)}`]);
  }
  const scenario = await loadFile(join(resolve(folder), file), name);
  if (scenario.name !== name)
    throw new ScenarioError([`${join(folder, file)}: name must be that of its file ('${name}'), not '${scenario.name}'`]);
  return scenario;
}

async function loadFile(path: string, origin: string): Promise<ValidScenario> {
  const scenario = validateScenario(await importDefault(path, origin), origin, path);
  await checkMethods(scenario, origin);
  return scenario;
}

/** What only the .proto files can say: that there are such methods, and that the requests are theirs. */
async function checkMethods(scenario: ValidScenario, origin: string): Promise<void> {
  const problems: string[] = [];
  for (const [name, { workload }] of Object.entries(scenario.loads)) {
    if (workload.kind !== 'grpc') continue;
    // Only then, because what reads .proto files takes a while to load.
    const { loadGrpcMethod } = await import('./grpc-method.ts');
    await loadGrpcMethod(name, workload).catch((error: unknown) => {
      if (!(error instanceof ScenarioError)) throw error;
      problems.push(...error.problems.map((problem) => `${origin}: ${problem}`));
    });
  }
  if (problems.length > 0) throw new ScenarioError(problems);
}

/**
 * The functions of the function workloads, by load; from the scenario's module, which is loaded again where it has not been.
 * Throws ScenarioError when that fails, or when it is not the module it was.
 */
export async function functionsOf(scenario: ValidScenario): Promise<ReadonlyMap<string, FunctionWorkload['run']>> {
  const names = Object.entries(scenario.loads).flatMap(([name, { workload }]) => (workload.kind === 'function' ? [name] : []));
  if (names.length === 0) return new Map();
  const { module } = scenario;
  if (module === undefined)
    throw new ScenarioError([`${scenario.name}: a function workload needs a scenario that is a module of its own`]);
  const { loads } = (await importDefault(module, module)) as Scenario;
  return new Map(
    names.map((name) => {
      const workload = loads[name]?.workload;
      if (workload?.kind !== 'function') throw new ScenarioError([`${module}: loads.${name} has no function any more`]);
      return [name, workload.run];
    }),
  );
}

async function importDefault(path: string, origin: string): Promise<unknown> {
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  } catch (error) {
    throw new ScenarioError([`${origin}: cannot be loaded: ${error instanceof Error ? error.message : String(error)}`], {
      cause: error,
    });
  }
  if (module.default === undefined)
    throw new ScenarioError([`${origin}: ${basename(path)} must have a default export, made with defineScenario`]);
  return module.default;
}

async function filesByName(folder: string): Promise<Map<string, string>> {
  let files: string[];
  try {
    files = await readdir(folder);
  } catch (error) {
    throw new ScenarioError([`cannot read the folder of scenarios ${folder}: ${(error as Error).message}`], { cause: error });
  }
  return new Map(
    files.flatMap((file) => {
      const name = MODULE.exec(file)?.[1];
      return name === undefined ? [] : [[name, file] as const];
    }),
  );
}

function isPath(name: string): boolean {
  return isAbsolute(name) || name.includes('/') || /\.[cm]?[jt]s$/.test(name);
}
