// The price of a circuit breaker around a call that does nothing else: closed (the usual case), timed, and refusing.

import type { PreparedSuite, Suite } from '../src/harness/micro/benchmark.ts';
import { assert, known } from '../src/runtime/assert.ts';
import { CircuitBreaker } from '../src/system/breaker/circuit-breaker.ts';

const CONSECUTIVE = { failureThreshold: 5, resetTimeoutMs: 30_000 };
const RATE = { failureRate: { threshold: 0.5, windowMs: 10_000, minimumCalls: 20 }, resetTimeoutMs: 30_000 };

function prepare(): PreparedSuite {
  const byCount = new CircuitBreaker(CONSECUTIVE);
  const byRate = new CircuitBreaker(RATE);
  const timed = new CircuitBreaker({ ...CONSECUTIVE, callTimeoutMs: 5_000 });
  const open = new CircuitBreaker(CONSECUTIVE);
  open.open();
  let answer = 0;
  const call = async () => ++answer;
  return {
    benchmarks: [
      // The floor: what a call costs that nothing guards.
      { name: 'bare-call', kind: 'async', operation: () => call() },
      { name: 'execute-closed', kind: 'async', operation: () => byCount.execute(call) },
      { name: 'execute-closed-failure-rate', kind: 'async', operation: () => byRate.execute(call) },
      { name: 'execute-closed-call-timeout', kind: 'async', operation: () => timed.execute(call) },
      {
        name: 'permit-closed',
        kind: 'sync',
        operation: () => {
          const permit = known(byCount.tryAcquire(), 'a closed breaker refused a call');
          permit.success();
          return ++answer;
        },
      },
      {
        name: 'permit-open',
        kind: 'sync',
        operation: () => {
          assert(open.tryAcquire() === undefined, 'an open breaker let a call through');
          return ++answer;
        },
      },
    ],
  };
}

export default { name: 'breaker', prepare } satisfies Suite;
