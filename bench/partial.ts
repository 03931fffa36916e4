// The price of asking several nodes at once when the nodes themselves take no time.

import type { PreparedSuite, Suite } from '../src/harness/micro/benchmark.ts';
import { fanOut } from '../src/system/partial/fan-out.ts';
import { quorumOf } from '../src/system/partial/partial-result.ts';

function prepare(): PreparedSuite {
  const three = ['n1', 'n2', 'n3'];
  const five = ['n1', 'n2', 'n3', 'n4', 'n5'];
  const down = new Error('down');
  let answer = 0;
  const call = async () => ++answer;
  const firstIsDown = async (node: string) => {
    if (node === 'n1') throw down;
    return ++answer;
  };
  return {
    benchmarks: [
      // The floor: the same calls with no timeout, no quorum and no names.
      { name: 'promise-all-three', kind: 'async', operation: () => Promise.all(three.map(call)) },
      {
        name: 'complete-three',
        kind: 'async',
        operation: () => fanOut(three, call, { quorum: quorumOf(3), timeoutMs: 5_000 }),
      },
      {
        name: 'partial-three',
        kind: 'async',
        operation: () => fanOut(three, firstIsDown, { quorum: quorumOf(3), timeoutMs: 5_000 }),
      },
      {
        name: 'return-early-five',
        kind: 'async',
        operation: () => fanOut(five, call, { quorum: quorumOf(5), timeoutMs: 5_000, returnEarly: true }),
      },
    ],
  };
}

export default { name: 'partial', prepare } satisfies Suite;
