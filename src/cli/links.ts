// `windtunnel links`: the links between the nodes of a cluster and to its clients, in a process of their own, so that neither
// the nodes' nor the generator's time is spent on them.

import { EXIT } from '../harness/report/exit.ts';
import { LinkTable } from '../harness/links/link-table.ts';
import { serveLinks } from '../harness/links/serve-links.ts';
import { systemClock } from '../runtime/clock.ts';
import { freshSeed, Random } from '../runtime/random.ts';
import { type Command, wholeNumber } from './command.ts';

export const links: Command = {
  name: 'links',
  summary: 'Carry the traffic of a cluster, and disturb it as told on standard input',
  arguments: '',
  internal: true,
  options: {
    cluster: { type: 'string', placeholder: 'ID', description: 'name of the cluster, for those who list processes' },
    seed: { type: 'string', placeholder: 'N', description: 'of jitter and loss', defaultText: 'a fresh one' },
  },
  async run(invocation) {
    const seed = wholeNumber(invocation, 'seed', 0, Number.MAX_SAFE_INTEGER) ?? freshSeed();
    const table = new LinkTable(systemClock, new Random(seed));
    // Standard input ends with the process that holds its other end, however that process came to its end.
    await serveLinks(table, process.stdin, process.stdout);
    await table.close();
    return EXIT.passed;
  },
};
