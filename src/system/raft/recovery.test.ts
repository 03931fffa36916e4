// What a node that lost its disk may not do, and what it takes until it may. The simulation has the rest: see `losses` there.

import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { RaftCore } from './core.ts';
import type { RaftOptions } from './options.ts';
import type { Effect, Entry, Input, Message } from './protocol.ts';

const INCARNATION = 7;
const RECOVERING = { incarnation: INCARNATION, over: false };
const RECOVERED = { incarnation: INCARNATION, over: true };

function core(overrides: Partial<RaftOptions> = {}): RaftCore {
  const stored = { hardState: { term: 0, votedFor: undefined }, entries: [], appliedIndex: 0 };
  return new RaftCore({ id: 'a', peers: ['a', 'b', 'c'], random: new Random(1), ...stored, ...overrides });
}

/** Steps, with a disk that answers at once. */
function run(core: RaftCore, input: Input): Effect[] {
  const effects = core.step(input);
  const all = [...effects];
  for (const effect of effects) {
    if (effect.type === 'persist') all.push(...run(core, { type: 'persisted', sequence: effect.sequence }));
  }
  return all;
}

type Body = Message extends infer M ? (M extends unknown ? Omit<M, 'to'> : never) : never;
const receive = (core: RaftCore, message: Body) => run(core, { type: 'message', message: { ...message, to: 'a' } as Message });
const sent = (effects: readonly Effect[]) => effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []));
const entry = (index: number, term: number): Entry => ({ index, term, kind: 'command', data: new Uint8Array(1) });

function append(
  term: number,
  entries: readonly Entry[],
  upTo?: number,
  incarnation = INCARNATION,
): Extract<Body, { type: 'append-request' }> {
  const recovery = upTo === undefined ? {} : { recovery: { incarnation, upTo } };
  return {
    type: 'append-request',
    from: 'b',
    term,
    previousIndex: (entries[0]?.index ?? 1) - 1,
    previousTerm: 0,
    entries,
    commitIndex: 0,
    round: 1,
    ...recovery,
  };
}

describe('a node that recovers', () => {
  test('does not stand for election, and refuses votes and pre-votes', () => {
    const node = core({ recovery: RECOVERING });
    for (let tick = 0; tick < 1_000; tick++) expect(sent(run(node, { type: 'tick' }))).toEqual([]);
    expect(node.status).toMatchObject({ role: 'follower', term: 0, recovers: true });
    const request = { from: 'b', term: 4, lastLogIndex: 9, lastLogTerm: 3 } as const;
    expect(sent(receive(node, { ...request, type: 'pre-vote-request' }))).toMatchObject([{ granted: false }]);
    expect(sent(receive(node, { ...request, type: 'vote-request' }))).toMatchObject([{ granted: false }]);
    expect(node.status.votedFor).toBeUndefined();
  });

  test('gives up a leader that is silent, without a word', () => {
    const node = core({ recovery: RECOVERING });
    receive(node, append(1, [entry(1, 1)]));
    expect(node.status.leader).toBe('b');
    for (let tick = 0; tick < 31; tick++) expect(sent(run(node, { type: 'tick' }))).toEqual([]);
    expect(node.status).toMatchObject({ role: 'follower', leader: undefined, term: 1 });
  });

  test('says so in every answer, also in refusals', () => {
    const node = core({ recovery: RECOVERING });
    expect(sent(receive(node, append(2, [entry(1, 2)])))).toMatchObject([{ accepted: true, recovery: RECOVERING }]);
    expect(sent(receive(node, append(2, [entry(5, 2)])))).toMatchObject([{ accepted: false, recovery: RECOVERING }]);
    expect(sent(receive(node, append(1, [])))).toMatchObject([{ accepted: false, recovery: RECOVERING }]);
  });

  test('is done when it has the log up to the goal and its vote for the leader on disk, and votes for nobody else in that term', () => {
    const node = core({ recovery: RECOVERING });
    const recovered = (effects: readonly Effect[]) => effects.some((effect) => effect.type === 'recovered');
    expect(recovered(receive(node, append(3, [entry(1, 3)], 2)))).toBe(false);
    const effects = node.step({ type: 'message', message: { ...append(3, [], 2), to: 'a' } as Message });
    expect(recovered(effects)).toBe(false);
    // The last entry, on a disk that takes its time.
    const second = { ...append(3, [entry(2, 3)], 2), previousTerm: 3, to: 'a' } as Message;
    const appended = node.step({ type: 'message', message: second });
    expect(recovered(appended)).toBe(false);
    const durable = node.step({ type: 'persisted', sequence: sequenceOf(appended) });
    expect(durable).toContainEqual({
      type: 'persist',
      sequence: sequenceOf(durable),
      hardState: { term: 3, votedFor: 'b' },
      entries: [],
    });
    expect(recovered(durable)).toBe(false);
    expect(node.step({ type: 'persisted', sequence: sequenceOf(durable) })).toContainEqual({ type: 'recovered', index: 2 });
    // Nothing changes before the host has recorded it, and it is told once.
    expect(node.status.recovers).toBe(true);
    expect(recovered(receive(node, append(3, [], 2)))).toBe(false);
    run(node, { type: 'recovery-recorded' });
    expect(node.status.recovers).toBe(false);
    for (let tick = 0; tick < 20; tick++) run(node, { type: 'tick' });
    const request = { type: 'vote-request', from: 'c', term: 3, lastLogIndex: 9, lastLogTerm: 3 } as const;
    expect(sent(receive(node, request)).at(-1)).toMatchObject({ granted: false });
    expect(sent(receive(node, { ...request, term: 4 })).at(-1)).toMatchObject({ granted: true, term: 4 });
  });

  test('has no use for the goal of another incarnation, or of a former leader', () => {
    const node = core({ recovery: RECOVERING });
    expect(receive(node, append(3, [entry(1, 3)], 1, INCARNATION - 1)).map(({ type }) => type)).not.toContain('recovered');
    receive(node, append(3, [], 9));
    receive(node, { ...append(4, []), from: 'c', previousIndex: 1, previousTerm: 3 });
    expect(node.status).toMatchObject({ term: 4, votedFor: undefined, recovers: true });
  });

  test('that is over is one like the others, and goes on to say which disk it has', () => {
    const node = core({ recovery: RECOVERED });
    expect(sent(receive(node, append(2, [entry(1, 2)])))).toMatchObject([{ accepted: true, recovery: RECOVERED }]);
    for (let tick = 0; tick < 100; tick++) run(node, { type: 'tick' });
    expect(node.status.role).toBe('pre-candidate');
  });
});

describe('the leader of a node that recovers', () => {
  const PEERS = ['a', 'b', 'c', 'd', 'e'];

  function leader(peers: readonly string[]): RaftCore {
    const node = core({ peers, preVote: false });
    for (let tick = 0; tick < 40 && node.status.role === 'follower'; tick++) run(node, { type: 'tick' });
    for (const from of peers.slice(1)) receive(node, { type: 'vote-response', from, term: 1, granted: true });
    expect(node.status.role).toBe('leader');
    return node;
  }

  const answer = (node: RaftCore, from: string, matchIndex: number, round: number, recovery?: typeof RECOVERING) =>
    receive(node, {
      type: 'append-response',
      from,
      term: 1,
      accepted: true,
      matchIndex,
      round,
      ...(recovery && { recovery }),
    });

  const propose = (node: RaftCore, id: number) => run(node, { type: 'propose', proposals: [{ id, data: new Uint8Array(1) }] });

  function heartbeat(node: RaftCore): Message[] {
    for (let tick = 0; tick < 10; tick++) {
      const messages = sent(run(node, { type: 'tick' }));
      if (messages.length > 0) return messages;
    }
    throw new Error('no heartbeat');
  }

  const toB = (messages: readonly Message[]) =>
    messages.find((message) => message.to === 'b' && message.type === 'append-request');
  const roundOf = (messages: readonly Message[]) => {
    const [first] = messages;
    if (first?.type !== 'append-request') throw new Error('no append-request');
    return first.round;
  };

  test('names a goal only when every other node has answered a broadcast of after the loss', () => {
    const node = leader(PEERS);
    propose(node, 1);
    for (const from of ['c', 'd', 'e']) answer(node, from, 2, 0);
    const asked = sent(answer(node, 'b', 0, 0, RECOVERING));
    const round = roundOf(asked);
    expect(asked.map(({ to }) => to)).toEqual(expect.arrayContaining(['b', 'c', 'd', 'e']));
    propose(node, 2);
    for (const from of ['c', 'd']) answer(node, from, 3, round);
    // A majority without b: a, c, d. Who is missing may have had the vote of the former b.
    expect(toB(heartbeat(node))).not.toHaveProperty('recovery');
    answer(node, 'e', 3, round - 1);
    expect(toB(heartbeat(node))).not.toHaveProperty('recovery');
    answer(node, 'e', 3, round);
    // The end of the log when it asked, not later: the node would run after it for ever.
    expect(toB(heartbeat(node))).toMatchObject({ recovery: { incarnation: INCARNATION, upTo: 2 } });
    for (const message of heartbeat(node)) if (message.to !== 'b') expect(message).not.toHaveProperty('recovery');
    answer(node, 'b', 3, round, RECOVERED);
    expect(toB(heartbeat(node))).not.toHaveProperty('recovery');
  });

  test('does not take the word of another one that recovers', () => {
    const node = leader(PEERS);
    const first = roundOf(sent(answer(node, 'b', 0, 0, RECOVERING)));
    const second = roundOf(sent(answer(node, 'c', 0, 0, RECOVERING)));
    expect(second).toBeGreaterThan(first);
    for (const from of ['c', 'd', 'e']) answer(node, from, 1, second, from === 'c' ? RECOVERING : undefined);
    expect(toB(heartbeat(node))).not.toHaveProperty('recovery');
  });

  test('does not count it: not for a commit, not for a read, not for its own leadership', () => {
    const node = leader(['a', 'b', 'c']);
    answer(node, 'c', 1, 0);
    expect(node.status.commitIndex).toBe(1);
    propose(node, 1);
    answer(node, 'b', 2, 0, RECOVERING);
    expect(node.status.commitIndex).toBe(1);
    const round = roundOf(sent(node.step({ type: 'read-index', id: 9 })));
    expect(answer(node, 'b', 2, round, RECOVERING).map(({ type }) => type)).not.toContain('read-ready');
    expect(node.status.pendingReads).toBe(1);
    for (let tick = 0; tick < 31; tick++) {
      run(node, { type: 'tick' });
      answer(node, 'b', 2, round, RECOVERING);
    }
    expect(node.status.role).toBe('follower');
  });

  test('counts it again when it has recovered', () => {
    const node = leader(['a', 'b', 'c']);
    answer(node, 'b', 1, 0, RECOVERING);
    expect(node.status.commitIndex).toBe(0);
    answer(node, 'b', 1, 0, RECOVERED);
    expect(node.status.commitIndex).toBe(1);
    // An answer that was overtaken does not make it recover again.
    propose(node, 1);
    answer(node, 'b', 1, 0, RECOVERING);
    answer(node, 'b', 2, 0, RECOVERED);
    expect(node.status.commitIndex).toBe(2);
  });

  test('forgets what the lost disk acknowledged, and does not hear of it again', () => {
    const node = leader(['a', 'b', 'c']);
    propose(node, 1);
    answer(node, 'b', 2, 0);
    expect(node.status.followers.get('b')).toMatchObject({ matchIndex: 2 });
    answer(node, 'b', 0, 0, RECOVERING);
    expect(node.status.followers.get('b')).toMatchObject({ matchIndex: 0 });
    answer(node, 'b', 2, 0);
    expect(node.status.followers.get('b')).toMatchObject({ matchIndex: 0 });
  });
});

function sequenceOf(effects: readonly Effect[]): number {
  const persist = effects.find((effect) => effect.type === 'persist');
  if (persist === undefined) throw new Error('nothing to persist');
  return persist.sequence;
}
