// Whether two results come from the same kind of machine: times of different ones are not comparable.

import type { Difference } from '../result/comparison.ts';
import type { Environment } from '../result/schema.ts';

const GIB = 2 ** 30;

/**
 * What times depend on, as text. The host's name is not among it: a container gets a new one with every run. Memory is rounded,
 * because kernels of one build keep a few pages more or less to themselves.
 */
export function fingerprintOf(environment: Environment): Readonly<Record<string, string>> {
  return {
    CPU: environment.cpuModel,
    cores: String(environment.cores),
    architecture: environment.architecture,
    platform: environment.platform,
    kernel: environment.kernel,
    Node: environment.nodeVersion,
    governor: environment.governor ?? 'unknown',
    memory: `${(environment.memoryBytes / GIB).toFixed(1)} GiB`,
    container: environment.containerised ? 'yes' : 'no',
  };
}

export function environmentDifferences(base: Environment, head: Environment): Difference[] {
  const other = fingerprintOf(head);
  return Object.entries(fingerprintOf(base))
    .map(([what, value]) => ({ what, base: value, head: other[what] as string }))
    .filter((each) => each.base !== each.head);
}
