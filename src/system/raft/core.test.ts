// The edges of the core that transcripts show badly: what it refuses, ignores, draws and counts.

import { describe, expect, test } from 'vitest';
import { AssertionError } from '../../runtime/assert.ts';
import { Random } from '../../runtime/random.ts';
import { RaftCore } from './core.ts';
import { RaftOptionsError } from './options.ts';
import type { RaftOptions } from './options.ts';
import type { Effect, Entry, Input, Message } from './protocol.ts';

const PEERS = ['a', 'b', 'c'];

function options(overrides: Partial<RaftOptions> = {}): RaftOptions {
  const stored = { hardState: { term: 0, votedFor: undefined }, entries: [], appliedIndex: 0 };
  return { id: 'a', peers: PEERS, random: new Random(1), ...stored, ...overrides };
}

const entry = (index: number, term: number, size = 1): Entry => ({ index, term, kind: 'command', data: new Uint8Array(size) });

/** Steps, with a disk and a state machine that answer at once. */
function run(core: RaftCore, input: Input): Effect[] {
  const effects = core.step(input);
  const all = [...effects];
  for (const effect of effects) {
    if (effect.type === 'persist') all.push(...run(core, { type: 'persisted', sequence: effect.sequence }));
    if (effect.type === 'apply') all.push(...run(core, { type: 'applied', index: effect.entries.at(-1)?.index ?? 0 }));
  }
  return all;
}

const sent = (effects: readonly Effect[]): Message[] =>
  effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []));

function receive(core: RaftCore, message: Message): Effect[] {
  return run(core, { type: 'message', message });
}

function tickUntilCandidate(core: RaftCore): number {
  for (let ticks = 1; ticks < 1_000; ticks++) {
    run(core, { type: 'tick' });
    if (core.status.role !== 'follower' || core.status.term > 0) return ticks;
  }
  throw new Error('never stood for election');
}

/** Leader of term 1 with its noop at index 1, known to nobody yet. */
function leader(overrides: Partial<RaftOptions> = {}): RaftCore {
  const core = new RaftCore(options(overrides));
  tickUntilCandidate(core);
  const { term } = core.status;
  receive(core, { type: 'pre-vote-response', from: 'b', to: 'a', term: term + 1, granted: true });
  for (const from of core.status.role === 'leader' ? [] : PEERS.slice(1)) {
    receive(core, { type: 'vote-response', from, to: 'a', term: core.status.term, granted: true });
  }
  expect(core.status.role).toBe('leader');
  return core;
}

function acknowledge(core: RaftCore, from: string, matchIndex: number, round = 0): Effect[] {
  return receive(core, { type: 'append-response', from, to: 'a', term: core.status.term, round, accepted: true, matchIndex });
}

/** What a leader of `term` would send. */
function append(term: number, entries: readonly Entry[], previous: { index: number; term: number }, commitIndex = 0): Message {
  const { index: previousIndex, term: previousTerm } = previous;
  return { type: 'append-request', from: 'b', to: 'a', term, previousIndex, previousTerm, entries, commitIndex, round: 1 };
}

describe('options', () => {
  test.each<[string, Partial<RaftOptions>]>([
    ["'x' is not among", { id: 'x' }],
    ['["a","a"]', { peers: ['a', 'a'] }],
    ['tickMs must be above 0, not 0', { tickMs: 0 }],
    ['min 300 is above max 150', { electionTimeoutMs: { min: 300, max: 150 } }],
    ['electionTimeoutMs.min must be above 0, not -1', { electionTimeoutMs: { min: -1, max: 150 } }],
    ['15 ticks against 15', { heartbeatMs: 150 }],
    ['maxEntriesPerMessage must be an integer >= 1, not 0', { maxEntriesPerMessage: 0 }],
    ['maxBytesPerMessage must be an integer >= 1, not 1.5', { maxBytesPerMessage: 1.5 }],
    ['maxInflightMessages must be an integer >= 1, not NaN', { maxInflightMessages: Number.NaN }],
    ['hardState.term must be an integer >= 0, not -1', { hardState: { term: -1, votedFor: undefined } }],
    ["from 0 to the log's last index 0, not 1", { appliedIndex: 1 }],
    ['position 1 has index 2', { entries: [entry(2, 1)], hardState: { term: 1, votedFor: undefined } }],
    ['index 2 has 1 after 2', { entries: [entry(1, 2), entry(2, 1)], hardState: { term: 2, votedFor: undefined } }],
    ['last term 2 is above hardState.term 1', { entries: [entry(1, 2)], hardState: { term: 1, votedFor: undefined } }],
  ])('%s', (message, overrides) => {
    expect(() => new RaftCore(options(overrides))).toThrow(RaftOptionsError);
    expect(() => new RaftCore(options(overrides))).toThrow(message);
  });

  test('what was applied before a restart counts as committed and is not applied again', () => {
    const entries = [entry(1, 1), entry(2, 1), entry(3, 1)];
    const core = new RaftCore(options({ entries, appliedIndex: 2, hardState: { term: 1, votedFor: undefined } }));
    expect(core.status).toMatchObject({ commitIndex: 2, appliedIndex: 2, lastIndex: 3, durableIndex: 3, role: 'follower' });
    const effects = receive(core, append(1, [], { index: 3, term: 1 }, 3));
    expect(effects.filter(({ type }) => type === 'apply')).toEqual([{ type: 'apply', entries: [entries[2]] }]);
  });
});

describe('election timeouts', () => {
  test('are drawn anew each time, from the whole range and nothing else', () => {
    const core = new RaftCore(options({ preVote: false }));
    const seen = new Set<number>();
    let ticks = 0;
    for (let elections = 0; elections < 500;) {
      const { term } = core.status;
      run(core, { type: 'tick' });
      ticks++;
      if (core.status.term === term) continue;
      elections++;
      seen.add(ticks);
      ticks = 0;
    }
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, at) => 15 + at));
  });

  test('start anew when a vote is granted', () => {
    const core = new RaftCore(options({ electionTimeoutMs: { min: 150, max: 150 } }));
    for (let tick = 0; tick < 14; tick++) run(core, { type: 'tick' });
    const request = { type: 'vote-request', from: 'b', to: 'a', term: 1, lastLogIndex: 0, lastLogTerm: 0 } as const;
    expect(sent(receive(core, request))).toMatchObject([{ type: 'vote-response', granted: true }]);
    for (let tick = 0; tick < 14; tick++) run(core, { type: 'tick' });
    expect(core.status.role).toBe('follower');
    run(core, { type: 'tick' });
    expect(core.status.role).toBe('pre-candidate');
  });

  test('differ between nodes with different seeds', () => {
    const timeouts = [1, 2, 3, 4, 5].map((seed) => tickUntilCandidate(new RaftCore(options({ random: new Random(seed) }))));
    expect(new Set(timeouts).size).toBeGreaterThan(1);
  });
});

describe('messages', () => {
  test('of strangers and for others are ignored', () => {
    const core = new RaftCore(options());
    const message = append(7, [entry(1, 7)], { index: 0, term: 0 });
    expect(receive(core, { ...message, from: 'z' })).toEqual([]);
    expect(receive(core, { ...message, to: 'c' })).toEqual([]);
    expect(core.status.term).toBe(0);
    expect(receive(core, message)).not.toEqual([]);
  });

  test('of the node itself, or of a second leader in one term, are bugs', () => {
    const core = new RaftCore(options());
    const message = append(7, [], { index: 0, term: 0 });
    expect(() => receive(core, { ...message, from: 'a' })).toThrow(AssertionError);
    receive(core, message);
    expect(() => receive(core, { ...message, from: 'c' })).toThrow('two leaders in term 7: b and c');
    expect(() => receive(leader(), { ...message, term: 1 })).toThrow('two leaders in term 1: a and b');
  });

  test('that would replace a committed entry, or leave a gap, are bugs', () => {
    const core = new RaftCore(options());
    receive(core, append(1, [entry(1, 1), entry(2, 1)], { index: 0, term: 0 }, 2));
    expect(core.status.commitIndex).toBe(2);
    expect(() => receive(core, append(2, [entry(2, 2)], { index: 1, term: 1 }))).toThrow('would replace a committed one');
    const other = new RaftCore(options());
    expect(() => receive(other, append(1, [entry(1, 1), entry(3, 1)], { index: 0, term: 0 }))).toThrow(
      'appended index 3 where 2 was due',
    );
  });

  test('of a term that is over are refused with the current one, and the refusal says nothing else', () => {
    const core = new RaftCore(options({ hardState: { term: 5, votedFor: undefined } }));
    const answers = sent([
      ...receive(core, append(4, [entry(1, 4)], { index: 0, term: 0 })),
      ...receive(core, { type: 'vote-request', from: 'b', to: 'a', term: 4, lastLogIndex: 9, lastLogTerm: 4 }),
      ...receive(core, { type: 'pre-vote-request', from: 'b', to: 'a', term: 5, lastLogIndex: 9, lastLogTerm: 4 }),
      ...receive(core, { type: 'read-index-request', from: 'b', to: 'a', term: 4, requestId: 3 }),
      ...receive(core, { type: 'vote-response', from: 'b', to: 'a', term: 4, granted: true }),
    ]);
    const envelope = { from: 'a', to: 'b', term: 5 };
    expect(answers).toEqual([
      { ...envelope, type: 'append-response', round: 0, accepted: false, rejectedIndex: 0, hintIndex: 0, hintTerm: 0 },
      { ...envelope, type: 'vote-response', granted: false },
      { ...envelope, type: 'pre-vote-response', granted: false },
      { ...envelope, type: 'read-index-response', requestId: 3, readIndex: undefined },
    ]);
    // Were its receiver the leader of term 5 by now, it must neither move what it believes nor confirm its reads.
    const now = leader();
    acknowledge(now, 'b', 1);
    run(now, { type: 'read-index', id: 1 });
    const before = now.status;
    const refusal = { ...(answers[0] as Message), from: 'b', to: 'a', term: 1 } as Message;
    expect(receive(now, refusal)).toEqual([]);
    expect(now.status).toEqual(before);
  });

  test('about the disk and the state machine cannot run ahead of what was asked', () => {
    const core = new RaftCore(options());
    expect(() => core.step({ type: 'persisted', sequence: 1 })).toThrow(AssertionError);
    expect(() => core.step({ type: 'applied', index: 1 })).toThrow(AssertionError);
  });
});

describe('proposals', () => {
  test('of one input travel together: one write, one message a follower', () => {
    const core = leader();
    acknowledge(core, 'b', 1);
    acknowledge(core, 'c', 1);
    const proposals = Array.from({ length: 64 }, (_, at) => ({ id: at, data: new Uint8Array([at]) }));
    const effects = core.step({ type: 'propose', proposals });
    expect(effects.filter(({ type }) => type === 'proposed')).toEqual(
      proposals.map(({ id }) => ({ type: 'proposed', id, term: 1, index: id + 2 })),
    );
    expect(effects.filter(({ type }) => type === 'persist').length).toBe(1);
    expect(sent(effects).map((message) => [message.to, message.type === 'append-request' && message.entries.length])).toEqual([
      ['b', 64],
      ['c', 64],
    ]);
    expect(core.step({ type: 'propose', proposals: [] })).toEqual([]);
  });

  test('are cut into messages by count and by bytes; an entry above the limit travels alone', () => {
    const core = leader({ maxEntriesPerMessage: 3, maxBytesPerMessage: 10 });
    acknowledge(core, 'b', 1);
    const sizes = [1, 1, 1, 1, 6, 6, 99, 1];
    const effects = core.step({ type: 'propose', proposals: sizes.map((size, id) => ({ id, data: new Uint8Array(size) })) });
    const toB = sent(effects).filter(({ to }) => to === 'b');
    expect(toB.map((message) => message.type === 'append-request' && message.entries.map(({ data }) => data.length))).toEqual([
      [1, 1, 1],
      [1, 6],
      [6],
      [99],
      [1],
    ]);
  });

  test('are rejected by who does not lead, naming who does', () => {
    const core = new RaftCore(options());
    const propose: Input = { type: 'propose', proposals: [{ id: 5, data: new Uint8Array() }] };
    expect(core.step(propose)).toEqual([{ type: 'proposal-rejected', id: 5, leader: undefined }]);
    receive(core, append(1, [], { index: 0, term: 0 }));
    expect(core.step(propose)).toEqual([{ type: 'proposal-rejected', id: 5, leader: 'b' }]);
  });
});

describe('reads', () => {
  test('do not take the answer to an earlier run of the node for their own', () => {
    const ask = (seed: number) => {
      const core = new RaftCore(options({ random: new Random(seed) }));
      receive(core, append(1, [], { index: 0, term: 0 }));
      const request = sent(core.step({ type: 'read-index', id: 1 }))[0];
      if (request?.type !== 'read-index-request') throw new Error('no request');
      return { core, requestId: request.requestId };
    };
    const first = ask(1);
    const second = ask(2);
    const answer = { type: 'read-index-response', from: 'b', to: 'a', term: 1, readIndex: 0 } as const;
    expect(receive(second.core, { ...answer, requestId: first.requestId })).toEqual([]);
    expect(second.core.status.pendingReads).toBe(1);
    expect(receive(second.core, { ...answer, requestId: second.requestId })).toEqual([{ type: 'read-ready', id: 1 }]);
    expect(second.core.status.pendingReads).toBe(0);
  });

  test('whose index this node has not committed are rejected with their leader, also when answers came out of order', () => {
    const core = new RaftCore(options());
    receive(core, append(1, [entry(1, 1)], { index: 0, term: 0 }, 1));
    const requests = [1, 2, 3].flatMap((id) => sent(core.step({ type: 'read-index', id })));
    [1, 9, 1].forEach((readIndex, at) => {
      const { requestId } = requests[at] as Extract<Message, { type: 'read-index-request' }>;
      const answer = receive(core, { type: 'read-index-response', from: 'b', to: 'a', term: 1, requestId, readIndex });
      expect(answer).toEqual(at === 0 ? [{ type: 'read-ready', id: 1 }] : []);
    });
    const effects = receive(core, { ...append(2, [], { index: 1, term: 1 }, 1), from: 'c' });
    expect(effects.filter(({ type }) => type.startsWith('read'))).toEqual([
      { type: 'read-rejected', id: 2, leader: 'c' },
      { type: 'read-rejected', id: 3, leader: 'c' },
    ]);
    expect(core.status.pendingReads).toBe(0);
  });

  test('are confirmed by a quorum of answers to the broadcast that followed them, accepting or rejecting', () => {
    const core = leader({ peers: ['a', 'b', 'c', 'd', 'e'], preVote: false, hardState: { term: 0, votedFor: undefined } });
    acknowledge(core, 'b', 1);
    acknowledge(core, 'c', 1);
    const [request] = sent(core.step({ type: 'read-index', id: 1 }));
    if (request?.type !== 'append-request') throw new Error('no broadcast');
    const { round } = request;
    expect(acknowledge(core, 'b', 1, round - 1)).toEqual([]);
    expect(acknowledge(core, 'c', 1, round - 1)).toEqual([]);
    expect(acknowledge(core, 'b', 1, round)).toEqual([]);
    expect(acknowledge(core, 'b', 1, round)).toEqual([]);
    const rejection = { type: 'append-response', from: 'd', to: 'a', term: 1, round, accepted: false } as const;
    const effects = receive(core, { ...rejection, rejectedIndex: 0, hintIndex: 0, hintTerm: 0 });
    expect(effects).toEqual([{ type: 'read-ready', id: 1 }]);
  });
});

describe('a leader whose own disk stalls', () => {
  /** The followers answer everything, and have on disk up to `matchIndex`; the leader's own disk says nothing. Ticks until it steps down. */
  function ticksOfLeading(matchIndex: number, overrides: Partial<RaftOptions> = {}): number | undefined {
    const core = leader(overrides);
    for (const from of ['b', 'c']) acknowledge(core, from, 1);
    core.step({ type: 'propose', proposals: [{ id: 1, data: new Uint8Array([1]) }] });
    for (let ticks = 1; ticks <= 1_000; ticks++) {
      core.step({ type: 'tick' });
      for (const from of ['b', 'c']) {
        const answer = { type: 'append-response', from, to: 'a', term: core.status.term, round: ticks, accepted: true } as const;
        core.step({ type: 'message', message: { ...answer, matchIndex } });
      }
      if (core.status.role !== 'leader') return ticks;
    }
    return undefined;
  }

  test('steps down after three of the longest election timeouts, when a majority of others has what it lacks', () => {
    expect(ticksOfLeading(2)).toBe(91);
  });

  test('goes on when nobody has more than it has: all disks may stall alike', () => {
    expect(ticksOfLeading(1)).toBeUndefined();
  });

  test('goes on without check-quorum', () => {
    expect(ticksOfLeading(2, { checkQuorum: false })).toBeUndefined();
  });

  test('goes on when its disk is only slow', () => {
    const core = leader();
    for (const from of ['b', 'c']) acknowledge(core, from, 1);
    for (let write = 1; write <= 10; write++) {
      const effects = core.step({ type: 'propose', proposals: [{ id: write, data: new Uint8Array([1]) }] });
      for (const from of ['b', 'c']) core.step({ type: 'message', message: answerOf(core, from, write + 1) });
      for (let ticks = 0; ticks < 80; ticks++) {
        core.step({ type: 'tick' });
        for (const from of ['b', 'c']) core.step({ type: 'message', message: answerOf(core, from, write + 1) });
      }
      const persist = effects.find((effect) => effect.type === 'persist');
      core.step({ type: 'persisted', sequence: persist?.sequence ?? 0 });
      expect(core.status).toMatchObject({ role: 'leader', durableIndex: write + 1 });
    }
  });

  const answerOf = (core: RaftCore, from: string, matchIndex: number): Message => {
    return { type: 'append-response', from, to: 'a', term: core.status.term, round: 0, accepted: true, matchIndex };
  };
});
