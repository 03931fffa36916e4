import { expect, test } from 'vitest';
import { arrivals, scenarioOf } from '../load/testing/fake-server.ts';
import { codeProblems } from './error-codes.ts';

const loads = { own: arrivals(10, '5s', { workload: { kind: 'http', url: '/query' } }), registers: arrivals(10, '5s') };
const problemsOf = (metric: string) => codeProblems(scenarioOf(loads, { thresholds: { [metric]: ['count==0'] } }));

test.each(['errors', 'errors{load:registers,code:deadline-exceeded}', 'errors{load:own,code:503}', 'errors{code:503}'])(
  '%s may be measured',
  (metric) => expect(problemsOf(metric)).toEqual([]),
);

test('a code that no error of the loads has is refused, with a suggestion', () => {
  expect(problemsOf('errors{load:registers,code:deadline-exceded}')).toEqual([
    "test: thresholds['errors{load:registers,code:deadline-exceded}'] names the code 'deadline-exceded', which no error has; did you mean 'deadline-exceeded'?",
  ]);
  // An answer that is no error.
  expect(problemsOf('errors{load:registers,code:cas-mismatch}').join()).toContain('which no error has; there are not-leader, ');
});
