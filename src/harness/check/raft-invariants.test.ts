import { describe, expect, test } from 'vitest';
import type { NodeEvent } from './raft-invariants.ts';
import { checkRaftInvariants } from './raft-invariants.ts';

/** '<node> <role> <term>', '<node> applied <index> <term> <checksum>', '<node> started', one a line, a second apart. */
function events(text: string): NodeEvent[] {
  return text.split(/\s*\n\s*/).map((line, at) => {
    const [node, what, ...rest] = line.trim().split(' ') as [string, string, ...string[]];
    const base = { node, wallMs: 1_000_000 + at * 1_000 };
    if (what === 'started' || what === 'exited') return { ...base, type: what };
    if (what !== 'applied') return { ...base, type: 'role', role: what, term: Number(rest[0]) };
    return { ...base, type: 'applied', index: Number(rest[0]), term: Number(rest[1]), checksum: rest[2] as string };
  });
}

const HEALTHY = `n1 started
  n1 leader 1
  n2 follower 1
  n1 applied 1000 1 aa
  n2 applied 1000 1 aa
  n1 exited
  n2 candidate 2
  n2 leader 2
  n1 started
  n1 follower 2
  n1 applied 500 1 99
  n1 applied 1000 1 aa
  n2 applied 2000 2 bb
  n2 leader 2`;

describe('what nodes say about themselves', () => {
  test('a change of leaders, a restart and a replay of the log are valid', () => {
    expect(checkRaftInvariants(events(HEALTHY))).toEqual({
      checker: 'raft-invariants',
      verdict: 'valid',
      counts: { nodes: 2, terms: 2, roles: 6, applied: 5 },
    });
  });

  test.each([
    ['two leaders in a term', 'n1 leader 2', 'two leaders in term 2: n2 and n1', '7.000 s, n2: leader in term 2'],
    [
      'a term that falls, over a restart too',
      'n2 exited \n n2 started \n n2 follower 1',
      'the term of n2 fell from 2 to 1',
      '16.000 s, n2: follower in term 1',
    ],
    [
      'an applied index that falls',
      'n2 applied 1500 2 cc',
      'the applied index of n2 fell from 2000 to 1500',
      'n2: applied up to 1500',
    ],
    ['another entry at an index', 'n1 applied 2000 2 ff', 'n2 and n1 applied different entries up to 2000', 'checksum ff'],
    ['another term at an index', 'n1 applied 2000 3 bb', 'the entry at 2000 has term 2 on n2 and 3 on n1', 'of term 3'],
    [
      'a term that falls along the log',
      'n2 applied 3000 1 cc',
      'the entry at 3000 is of an earlier term than the one at 2000',
      'of term 1',
    ],
  ])('%s is violated', (_, appended, reason, line) => {
    const result = checkRaftInvariants(events(`${HEALTHY}\n${appended}`));
    expect(result).toMatchObject({ verdict: 'violated', reason });
    expect(result.verdict === 'violated' && result.explanation.join('\n')).toContain(line);
  });

  test('an applied index may fall when the node was restarted', () => {
    expect(checkRaftInvariants(events(`${HEALTHY}\n n2 exited \n n2 started \n n2 applied 1000 1 aa`))).toMatchObject({
      verdict: 'valid',
    });
  });

  test.each([[[]], [events('n1 started \n n1 exited')]])('without a word about Raft it is unknown', (said) => {
    expect(checkRaftInvariants(said)).toMatchObject({
      verdict: 'unknown',
      reason: 'no node reported a role or an applied entry',
    });
  });
});
