import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { settle, VirtualClock } from '../../runtime/virtual-clock.ts';
import { RaftCore } from '../raft/core.ts';
import type { Message, RaftEvent } from '../raft/protocol.ts';
import type { RpcError } from '../rpc/errors.ts';
import type { StatementOutcome } from '../store/outcome.ts';
import { type HostMessage, RaftHost } from './raft-host.ts';

const OK: StatementOutcome = { ok: true, results: [] };

/** One node with hand-operated disk and state machine; its peers are the test. */
function hostOf(peers: readonly string[] = ['n1']) {
  const clock = new VirtualClock();
  const mailbox: HostMessage[] = [];
  const sent: { to: string; messages: readonly Message[] }[] = [];
  const events: RaftEvent[] = [];
  const saidRoles: string[] = [];
  const proposals: string[] = [];
  const fatal: Error[] = [];
  const appends: { entries: number; done: PromiseWithResolvers<void> }[] = [];
  const applies: { indexes: number[]; done: PromiseWithResolvers<StatementOutcome[]> }[] = [];
  const core = new RaftCore({
    id: 'n1',
    peers,
    random: new Random(1),
    hardState: { term: 0, votedFor: undefined },
    entries: [],
    appliedIndex: 0,
  });
  const host = new RaftHost(core, {
    log: {
      append(batch) {
        const done = Promise.withResolvers<void>();
        appends.push({ entries: batch.reduce((sum, each) => sum + each.entries.length, 0), done });
        return done.promise;
      },
    },
    store: {
      apply(entries) {
        const done = Promise.withResolvers<StatementOutcome[]>();
        applies.push({ indexes: entries.map((entry) => entry.index), done });
        return done.promise;
      },
    },
    send: (to, messages) => sent.push({ to, messages }),
    tell: (message) => mailbox.push(message),
    recordRecovery: async () => {},
    endpointOf: (node) => `${node}:1`,
    onEvent: (event) => events.push(event),
    onDurableRole: ({ role, term }) => saidRoles.push(`${role} ${term}`),
    meter: { onProposals: (result, count) => proposals.push(`${result} ${count}`), onAppended() {}, onApplied() {} },
    onFatal: (error) => fatal.push(error),
    clock,
  });
  /** Handles the mailbox, as the actor would, until nothing waits. */
  const turn = async (...messages: HostMessage[]) => {
    mailbox.push(...messages);
    while (mailbox.length > 0) {
      host.receive(mailbox.splice(0));
      await settle();
    }
  };
  const finishDisk = async () => {
    for (const { done } of appends.splice(0)) done.resolve();
    await settle();
    await turn();
  };
  const finishStore = async () => {
    for (const { indexes, done } of applies.splice(0)) done.resolve(indexes.map(() => OK));
    await settle();
    await turn();
  };
  const lead = async () => {
    for (let tick = 0; tick < 40 && host.status.role === 'follower'; tick++)
      await turn({ type: 'input', input: { type: 'tick' } });
    for (const peer of peers.slice(1))
      await turn(fromPeer(peer, { term: host.status.term + 1, type: 'pre-vote-response', granted: true }));
    await finishDisk();
    for (const peer of peers.slice(1))
      await turn(fromPeer(peer, { term: host.status.term, type: 'vote-response', granted: true }));
    await finishDisk();
    await finishStore();
  };
  return { host, clock, turn, lead, finishDisk, finishStore, sent, events, saidRoles, proposals, fatal, appends, applies };
}

type Body<M> = M extends unknown ? Omit<M, 'from' | 'to'> : never;

function fromPeer(from: string, body: Body<Message>): HostMessage {
  return { type: 'input', input: { type: 'message', message: { ...body, from, to: 'n1' } as Message } };
}

function request(type: 'write' | 'read', deadlineMs = Number.POSITIVE_INFINITY) {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const state: { value?: unknown; error?: RpcError } = {};
  promise.then(
    (value) => (state.value = value ?? 'granted'),
    (error: RpcError) => (state.error = error),
  );
  const message = (type === 'write'
    ? { type, command: new Uint8Array([1]), deadlineMs, resolve, reject }
    : { type, deadlineMs, resolve, reject }) as unknown as HostMessage;
  return { message, state };
}

describe('a write', () => {
  test('is answered only when it is on disk and applied', async () => {
    const { turn, lead, finishDisk, finishStore, proposals } = hostOf();
    await lead();
    const write = request('write');
    await turn(write.message);
    expect(write.state).toEqual({});
    await finishDisk();
    expect(write.state).toEqual({});
    await finishStore();
    expect(write.state).toEqual({ value: OK });
    expect(proposals).toEqual(['applied 1']);
  });

  test('shares one append and one transaction with all that waited with it', async () => {
    const { turn, lead, finishDisk, finishStore, appends, applies } = hostOf();
    await lead();
    const writes = Array.from({ length: 50 }, () => request('write'));
    await turn(...writes.map((write) => write.message));
    expect(appends.map((append) => append.entries)).toEqual([50]);
    // What arrives while the disk is busy waits, and shares the next append.
    const late = Array.from({ length: 7 }, () => request('write'));
    for (const write of late) await turn(write.message);
    expect(appends.length).toBe(1);
    await finishDisk();
    expect(appends.map((append) => append.entries)).toEqual([7]);
    expect(applies.map((apply) => apply.indexes.length)).toEqual([50]);
    await finishDisk();
    await finishStore();
    await finishStore();
    for (const write of [...writes, ...late]) expect(write.state).toEqual({ value: OK });
  });

  test('whose deadline has passed is not started', async () => {
    const { turn, lead, clock, appends } = hostOf();
    await lead();
    clock.advance(100);
    const write = request('write', 100);
    await turn(write.message);
    expect(write.state.error).toMatchObject({ code: 'expired', maybeApplied: false });
    expect(appends).toEqual([]);
  });

  test('on a follower is refused with the leader, if there is one', async () => {
    const { turn, proposals } = hostOf(['n1', 'n2', 'n3']);
    const lonely = request('write');
    await turn(lonely.message);
    expect(lonely.state.error).toMatchObject({ code: 'no-leader', maybeApplied: false });
    await turn(
      fromPeer('n2', {
        term: 1,
        type: 'append-request',
        previousIndex: 0,
        previousTerm: 0,
        entries: [],
        commitIndex: 0,
        round: 1,
      }),
    );
    const write = request('write');
    await turn(write.message);
    expect(write.state.error).toMatchObject({ code: 'not-leader', maybeApplied: false, leader: { id: 'n2', endpoint: 'n2:1' } });
    expect(proposals).toEqual(['refused 1', 'refused 1']);
  });

  test('is uncertain when its leader is replaced before it was committed', async () => {
    const { turn, lead, host, proposals } = hostOf(['n1', 'n2', 'n3']);
    await lead();
    expect(host.status.role).toBe('leader');
    const write = request('write');
    await turn(write.message);
    await turn(
      fromPeer('n2', {
        term: 9,
        type: 'append-request',
        previousIndex: 0,
        previousTerm: 0,
        entries: [],
        commitIndex: 0,
        round: 1,
      }),
    );
    expect(write.state.error).toMatchObject({ code: 'leadership-lost', maybeApplied: true });
    expect(proposals).toEqual(['lost 1']);
    expect(host.waitingWrites).toBe(0);
  });

  test('is uncertain when the node shuts down, a read is not', async () => {
    const { turn, lead, host } = hostOf(['n1', 'n2', 'n3']);
    await lead();
    const [write, read] = [request('write'), request('read')];
    await turn(write.message, read.message);
    const { RpcError } = await import('../rpc/errors.ts');
    host.close((maybeApplied) => new RpcError(maybeApplied ? 'leadership-lost' : 'shutting-down', 'bye'));
    await settle();
    expect(write.state.error).toMatchObject({ maybeApplied: true });
    expect(read.state.error).toMatchObject({ code: 'shutting-down', maybeApplied: false });
  });
});

describe('reads', () => {
  test('that arrive together share one read index and one broadcast', async () => {
    const { turn, lead, finishStore, sent, host } = hostOf(['n1', 'n2', 'n3']);
    await lead();
    const { term, lastIndex } = host.status;
    // The noop of its term must be committed before a leader may answer reads.
    await turn(fromPeer('n2', { term, type: 'append-response', accepted: true, round: 0, matchIndex: lastIndex }));
    sent.splice(0);
    const reads = Array.from({ length: 20 }, () => request('read'));
    await turn(...reads.map((read) => read.message));
    const rounds = sent.flatMap(({ to, messages }) => (to === 'n2' ? messages : []));
    expect(rounds.map((message) => message.type)).toEqual(['append-request']);
    expect(reads.some((read) => read.state.value !== undefined)).toBe(false);
    const round = rounds[0]?.type === 'append-request' ? rounds[0].round : -1;
    await turn(fromPeer('n2', { term, type: 'append-response', accepted: true, round, matchIndex: lastIndex }));
    // The quorum is there; the state machine has yet to apply the noop.
    expect(reads.some((read) => read.state.value !== undefined)).toBe(false);
    await finishStore();
    expect(reads.every((read) => read.state.value === 'granted')).toBe(true);
  });

  test('are granted when what they must see is applied', async () => {
    const { turn, lead, finishDisk, finishStore } = hostOf();
    await lead();
    const write = request('write');
    await turn(write.message);
    await finishDisk();
    const read = request('read');
    await turn(read.message);
    expect(read.state).toEqual({});
    await finishStore();
    expect(read.state).toEqual({ value: 'granted' });
  });
});

test('messages of one turn to one peer leave in one frame', async () => {
  const { turn, lead, sent, host } = hostOf(['n1', 'n2', 'n3']);
  await lead();
  const { term, lastIndex } = host.status;
  for (const peer of ['n2', 'n3'])
    await turn(fromPeer(peer, { term, type: 'append-response', accepted: true, round: 0, matchIndex: lastIndex }));
  sent.splice(0);
  await turn(...Array.from({ length: 10 }, () => request('write').message));
  expect(sent.map(({ to }) => to).sort()).toEqual(['n2', 'n3']);
});

describe('what cannot be survived', () => {
  test('a failed write to the log is fatal, and nothing is appended or acknowledged after it', async () => {
    const { turn, lead, finishStore, appends, fatal } = hostOf();
    await lead();
    const write = request('write');
    await turn(write.message);
    appends.splice(0)[0]?.done.reject(new Error('no space left on device'));
    await settle();
    expect(fatal.map((error) => error.message)).toEqual(['no space left on device']);
    await turn(request('write').message);
    expect(appends).toEqual([]);
    await finishStore();
    expect(write.state.value).toBeUndefined();
  });

  test('so is a state machine that fails', async () => {
    const { turn, lead, finishDisk, applies, fatal } = hostOf();
    await lead();
    await turn(request('write').message);
    await finishDisk();
    applies.splice(0)[0]?.done.reject(new Error('database disk image is malformed'));
    await settle();
    expect(fatal.map((error) => error.message)).toEqual(['database disk image is malformed']);
  });
});

describe('a role', () => {
  test('is said only when its term is on disk: a node that is killed before it would deny it', async () => {
    const { turn, finishDisk, events, saidRoles, appends } = hostOf(['n1', 'n2', 'n3']);
    const roles = () => events.flatMap((event) => (event.type === 'role' ? [`${event.role} ${event.term}`] : []));
    const heartbeat = {
      type: 'append-request',
      previousIndex: 0,
      previousTerm: 0,
      entries: [],
      commitIndex: 0,
      round: 1,
    } as const;
    await turn(fromPeer('n2', { ...heartbeat, term: 5 }));
    expect(roles()).toContain('follower 5');
    expect(appends.length).toBe(1);
    expect(saidRoles).toEqual([]);
    // The next term comes while the disk is still busy with the last one.
    await turn(fromPeer('n3', { ...heartbeat, term: 6 }));
    expect(saidRoles).toEqual([]);
    await finishDisk();
    expect(saidRoles).toEqual([]);
    await finishDisk();
    expect(saidRoles).toEqual(roles());
    expect(saidRoles.at(-1)).toBe('follower 6');
  });

  test('in a term that is on disk is said at once', async () => {
    const { turn, lead, saidRoles, host } = hostOf(['n1', 'n2', 'n3']);
    await lead();
    expect(saidRoles.at(-1)).toBe(`leader ${host.status.term}`);
    // Nobody answers it any more: check-quorum makes it step down in its own term.
    for (let tick = 0; tick < 60 && host.status.role === 'leader'; tick++) await turn({ type: 'input', input: { type: 'tick' } });
    expect(saidRoles.at(-1)).toBe(`follower ${host.status.term}`);
  });
});
