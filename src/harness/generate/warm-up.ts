// Load before the clock of a scenario starts, on tables of its own, that nobody records. Processes that were just started compile
// what they need while they are first asked. An arrival rate does not wait for that: on a small machine its requests piled up for
// seconds, attempts timed out and the generator itself was late. A closed loop takes what it gets.

import { systemClock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import { runLoads } from '../load/generator.ts';
import type { Share } from '../load/share.ts';
import { validateScenario } from '../scenario/validate.ts';
import type { ValidScenario } from '../scenario/valid-scenario.ts';
import type { connectTarget, TargetAddresses } from '../target/connect.ts';

/** What its tables and keys are called after, so that the load finds none of them. */
export const WARM_UP_NAMESPACE = '_warm_up';

/**
 * All generators together. On 2 cores these take about a second, after which the slowest of the first two seconds took 0.3 to 0.5 s, against
 * 1.1 to 1.4 s without; three times as many took a second more, and were no better behind the warm-up of the scenario itself. The limit is
 * for a cluster that does not get that far: its load tells why.
 */
const EACH = { executor: 'shared-iterations', vus: 8, maxDuration: '10s' };
const { loads } = validateScenario(
  {
    name: 'warm-up',
    description: 'A little of what scenarios ask of a cluster.',
    cluster: { nodes: 1 },
    loads: {
      registers: { ...EACH, iterations: 100, workload: { kind: 'registers', keys: 20 } },
      elements: { ...EACH, iterations: 25, workload: { kind: 'set' } },
    },
  },
  'the warm-up',
);

export interface WarmUpOptions {
  readonly scenario: ValidScenario;
  readonly addresses: TargetAddresses;
  readonly share: Share;
  readonly random: Random;
  readonly connect: typeof connectTarget;
  readonly signal: AbortSignal;
}

/** What it is answered does not matter: a cluster that does not serve tells so under the load. @throws what connecting throws */
export async function warmUp({ scenario, addresses, share, random, connect, signal }: WarmUpOptions): Promise<void> {
  const before = { ...scenario, loads };
  const namespace = `${addresses.namespace ?? ''}${WARM_UP_NAMESPACE}`;
  const target = await connect({ ...addresses, namespace, scenario: before, clock: systemClock, random });
  try {
    const { invoke } = target;
    const recorder = { record() {}, scheduled() {}, dropped() {} };
    await runLoads({ scenario: before, share, random, recorder, invoke, signal });
  } finally {
    await target.close();
  }
}
