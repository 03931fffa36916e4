// `windtunnel micro [PATTERN]`: the microbenchmarks only.

import { parseDuration } from '../runtime/duration.ts';
import { type Command, text, UsageError } from './command.ts';
import { resultsFolder } from './folders.ts';
import { RESULTS_OPTION } from './measure-options.ts';

export const micro: Command = {
  name: 'micro',
  summary: 'Run microbenchmarks only',
  arguments: '[PATTERN]',
  options: {
    time: { type: 'string', short: 't', placeholder: 'D', description: 'how long each benchmark is measured', defaultText: '1s' },
    results: RESULTS_OPTION,
  },
  notes: `PATTERN is text that 'suite/name' contains.

Examples:
  windtunnel micro
  windtunnel micro raft/
  windtunnel micro breaker --time 3s`,
  async run(invocation) {
    const [filter, ...more] = invocation.positionals;
    if (more.length > 0) throw new UsageError(`micro takes one pattern, not '${invocation.positionals.join(' ')}'`);
    const timeBudgetMs = parseDuration(text(invocation, 'time') ?? '1s');
    if (timeBudgetMs <= 0) throw new UsageError('--time must be above 0');
    const { measure } = await import('./measure.ts');
    return measure({
      seed: 0,
      scenarios: [],
      micro: { timeBudgetMs, ...(filter !== undefined && { filter }) },
      results: text(invocation, 'results') ?? resultsFolder(),
    });
  },
};
