// Whether two runs of a scenario asked for the same: the same name may stand for another load.

import type { ScenarioResult } from '../result/schema.ts';

/** They judge or explain what was measured, and do not change it. */
const WITHOUT_INFLUENCE = new Set(['name', 'description', 'thresholds']);

/** What of a scenario's configuration its times depend on. */
export function loadOf({ configuration, target, nodes, seed }: ScenarioResult): Record<string, unknown> {
  const kept = Object.entries(configuration).filter(([key]) => !WITHOUT_INFLUENCE.has(key));
  // The faults of a nemesis are drawn from the seed.
  const drawn = configuration['nemesis'] === undefined ? {} : { seed };
  return { ...Object.fromEntries(kept), target, nodes: nodes.length, ...drawn };
}

/** 'loads.registers.rate: 200, and 400', for each place in which they differ. */
export function configurationDifferences(base: unknown, head: unknown, path = ''): string[] {
  if (isObject(base) && isObject(head)) {
    const keys = [...new Set([...Object.keys(base), ...Object.keys(head)])].sort();
    return keys.flatMap((key) => configurationDifferences(base[key], head[key], path === '' ? key : `${path}.${key}`));
  }
  const [one, other] = [shown(base), shown(head)];
  return one === other ? [] : [`${path}: ${one}, and ${other}`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
