import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import { settle, VirtualClock } from '../../runtime/virtual-clock.ts';
import { type ConnectedClient, createClient, type DisconnectedClient, type UninitializedClient } from './client.ts';
import { RpcError } from './errors.ts';
import { type FakeNode, startFakeNode } from './testing/fake-node.ts';
import { WriteSessions } from './write-sessions.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function fakeNode(...args: Parameters<typeof startFakeNode>): Promise<FakeNode> {
  const node = await startFakeNode(...args);
  cleanups.push(() => node.close());
  return node;
}

async function clientOf(
  endpoints: readonly string[],
  options: Partial<Parameters<typeof createClient>[0]> = {},
): Promise<ConnectedClient> {
  const client = await createClient({ endpoints, random: new Random(1), ...options }).connect();
  cleanups.push(() => client.disconnect());
  return client;
}

/** A write that is refused, and runs out of time while it waits to try again: no attempt is under way when the deadline comes. */
async function refusedUntilDeadline(node: FakeNode): Promise<{ client: ConnectedClient; error: unknown }> {
  const clock = new VirtualClock(systemClock.wallTime());
  const { promise: refused, resolve } = Promise.withResolvers<void>();
  const client = await clientOf([node.endpoint], { clock, timeoutMs: 60_000, onRetry: () => resolve() });
  const pending = client.execute('insert into t values (1)').catch((error: unknown) => error);
  await refused;
  await settle();
  clock.advance(60_000);
  return { client, error: await pending };
}

const notLeader = (leader?: FakeNode) =>
  new RpcError(leader ? 'not-leader' : 'no-leader', 'not me', { leader: leader && { id: 'x', endpoint: leader.endpoint } });

const answering = (value: number) => async () => ({ results: [{ columns: ['v'], rows: [[value]], rowsAffected: 1 }] });

describe('finding the leader', () => {
  test('a write refused by a follower goes to the leader it names, and the next one goes there directly', async () => {
    const leader = await fakeNode(answering(1));
    const follower = await fakeNode(async () => {
      throw notLeader(leader);
    });
    const client = await clientOf([follower.endpoint, leader.endpoint]);
    await client.execute('insert into t values (1)');
    await client.execute('insert into t values (2)');
    expect(follower.queries.length).toBe(1);
    expect(leader.queries.map((query) => query.sql)).toEqual(['insert into t values (1)', 'insert into t values (2)']);
  });

  test('a leader that was not among the endpoints is followed all the same', async () => {
    const leader = await fakeNode(answering(1));
    const follower = await fakeNode(async () => {
      throw notLeader(leader);
    });
    const client = await clientOf([follower.endpoint]);
    await client.execute('insert into t values (1)');
    expect(leader.queries.length).toBe(1);
  });

  test('while nobody leads it keeps trying, and every attempt of a write has the same sequence', async () => {
    let calls = 0;
    const node = await fakeNode(async () => {
      if (++calls <= 3) throw notLeader();
      return {};
    });
    const client = await clientOf([node.endpoint]);
    await client.execute('insert into t values (1)');
    expect(new Set(node.queries.map((query) => query.sequence))).toEqual(new Set([1]));
    expect(new Set(node.queries.map((query) => query.clientId)).size).toBe(1);
  });

  test('reads with `any` are spread over the nodes, and carry no sequence', async () => {
    const nodes = await Promise.all([fakeNode(answering(1)), fakeNode(answering(2)), fakeNode(answering(3))]);
    const client = await clientOf(
      nodes.map((node) => node.endpoint),
      { reads: 'any' },
    );
    for (let i = 0; i < 9; i++) await client.execute('select 1');
    expect(nodes.map((node) => node.queries.length)).toEqual([3, 3, 3]);
    expect(nodes[0]?.queries[0]).toMatchObject({ clientId: '', sequence: 0 });
  });
});

describe('failures', () => {
  test('a node that died is left for another, and the caller does not notice', async () => {
    const dying = await fakeNode(answering(1));
    const living = await fakeNode(answering(2));
    const client = await clientOf([dying.endpoint, living.endpoint]);
    await client.execute('insert into t values (1)');
    await dying.close();
    const answer = await client.execute('insert into t values (2)');
    expect(answer.results[0]?.rows).toEqual([[2]]);
  });

  test('a node that does not answer costs one attempt, and its breaker opens', async () => {
    const silent = await fakeNode(() => new Promise(() => {}));
    const living = await fakeNode(answering(2));
    const client = await clientOf([silent.endpoint, living.endpoint], { reads: 'any', attemptTimeoutMs: 200, timeoutMs: 30_000 });
    for (let i = 0; i < 60; i++) expect((await client.execute('select 1')).results[0]?.rows).toEqual([[2]]);
    // Five attempts opened its breaker; probes later cost one more each. Without it every second read would go there first.
    expect(silent.queries.length).toBeGreaterThanOrEqual(5);
    expect(silent.queries.length).toBeLessThan(20);
  });

  test('a node whose breaker opened is used again when it is back', async () => {
    const first = await fakeNode(answering(1));
    const client = await clientOf([first.endpoint]);
    await client.execute('select 1');
    await first.close();
    await expect(client.execute('select 1', [], { timeoutMs: 1_000 })).rejects.toMatchObject({ maybeApplied: false });
    await fakeNode(answering(7), { address: first.endpoint });
    expect((await client.execute('select 1', [], { timeoutMs: 10_000 })).results[0]?.rows).toEqual([[7]]);
  });

  test('a write that got no answer in time may have been applied, a read may not', async () => {
    const silent = await fakeNode(() => new Promise(() => {}));
    const client = await clientOf([silent.endpoint], { timeoutMs: 100 });
    await expect(client.execute('insert into t values (1)')).rejects.toMatchObject({
      code: 'deadline-exceeded',
      maybeApplied: true,
    });
    await expect(client.execute('select 1')).rejects.toMatchObject({ code: 'deadline-exceeded', maybeApplied: false });
  });

  test('a write that was only ever refused is certainly not applied', async () => {
    const node = await fakeNode(async () => {
      throw notLeader();
    });
    const { error } = await refusedUntilDeadline(node);
    expect(error).toMatchObject({ code: 'deadline-exceeded', maybeApplied: false });
  });

  test('one lost attempt makes the whole operation uncertain, unless the state machine answered a later one', async () => {
    let calls = 0;
    let then: () => RpcError = () => notLeader();
    const node = await fakeNode(async () => {
      if (++calls === 1) throw new RpcError('leadership-lost', 'gone');
      throw then();
    });
    const client = await clientOf([node.endpoint], { timeoutMs: 300 });
    await expect(client.execute('insert into t values (1)')).rejects.toMatchObject({ maybeApplied: true });
    calls = 0;
    then = () => new RpcError('constraint', 'taken');
    const settled = client.execute('insert into t values (1)', [], { timeoutMs: 30_000 });
    await expect(settled).rejects.toMatchObject({ code: 'constraint', maybeApplied: false });
  });

  test('a dead leader that the others still name does not make a storm of retries', async () => {
    const dead = await fakeNode(answering(1));
    await dead.close();
    const follower = await fakeNode(async () => {
      throw notLeader(dead);
    });
    const client = await clientOf([follower.endpoint, dead.endpoint], { timeoutMs: 500 });
    await expect(client.execute('insert into t values (1)')).rejects.toThrow(RpcError);
    // Backoff of 10 to 200 ms allows for some ten attempts; going back and forth without a pause makes hundreds.
    expect(follower.queries.length).toBeLessThan(60);
  });

  test('bad SQL is not tried again', async () => {
    const node = await fakeNode(async () => {
      throw new RpcError('sql-error', 'no such table: t');
    });
    const client = await clientOf([node.endpoint]);
    await expect(client.execute('select * from t')).rejects.toMatchObject({ code: 'sql-error', message: 'no such table: t' });
    expect(node.queries.length).toBe(1);
  });

  test('aborting ends the call', async () => {
    const node = await fakeNode(() => new Promise(() => {}));
    const client = await clientOf([node.endpoint]);
    const controller = new AbortController();
    const pending = client.execute('select 1', [], { signal: controller.signal }).catch((error: unknown) => error);
    controller.abort();
    expect(await pending).toMatchObject({ code: 'cancelled' });
  });

  test('the oldest unanswered sequence travels along', async () => {
    const gate = Promise.withResolvers<void>();
    const node = await fakeNode(async (query) => {
      if (query.sequence === 1) await gate.promise;
      return {};
    });
    const client = await clientOf([node.endpoint], { attemptTimeoutMs: 10_000 });
    const first = client.execute('insert into t values (1)');
    await client.execute('insert into t values (2)');
    await client.execute('insert into t values (3)');
    gate.resolve();
    await first;
    await client.execute('insert into t values (4)');
    expect(node.queries.map((query) => [query.sequence, query.oldestPending])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 4],
    ]);
  });
});

test('a session whose first write never arrived is not taken for one that was forgotten', async () => {
  let leading = false;
  const node = await fakeNode(async () => {
    if (!leading) throw notLeader();
    return {};
  });
  const { client } = await refusedUntilDeadline(node);
  leading = true;
  await client.execute('insert into t values (2)');
  await client.execute('insert into t values (3)');
  const places = node.queries.map((query) => [query.sequence, query.oldestPending]);
  expect(places.slice(-2)).toEqual([
    [2, 1],
    [3, 3],
  ]);
});

test('a session that the cluster has forgotten is left for a new one', async () => {
  let forgotten = '';
  const node = await fakeNode(async (query) => {
    if (query.clientId === forgotten) throw new RpcError('session-expired', 'who?');
    return {};
  });
  const client = await clientOf([node.endpoint]);
  await client.execute('insert into t values (1)');
  forgotten = node.queries[0]?.clientId as string;
  await expect(client.execute('insert into t values (2)')).rejects.toMatchObject({ code: 'session-expired', maybeApplied: true });
  await client.execute('insert into t values (3)');
  expect(node.queries.at(-1)).toMatchObject({ sequence: 1, oldestPending: 1 });
});

test('more unanswered writes than the cluster remembers are spread over several sessions', () => {
  const sessions = new WriteSessions();
  const tickets = Array.from({ length: 2_500 }, () => sessions.begin());
  for (const ticket of tickets) ticket.acknowledge();
  expect(new Set(tickets.map((ticket) => ticket.clientId)).size).toBe(3);
  expect(new Set(tickets.map((ticket) => `${ticket.clientId} ${ticket.sequence}`)).size).toBe(2_500);
  for (const ticket of tickets) expect(ticket.sequence - ticket.oldestPending).toBeLessThan(1_000);
  tickets[0]?.end();
  expect(tickets[1]?.oldestPending).toBe(2);
  expect(sessions.begin()).toMatchObject({ clientId: tickets[0]?.clientId, sequence: 1_001, oldestPending: 2 });
});

describe('typestate', () => {
  test('a client is connected, then disconnected with a reason, and can connect again', async () => {
    const node = await fakeNode(answering(1));
    const connected = await createClient({ endpoints: [node.endpoint] }).connect();
    const pending = connected.execute('select 1');
    await pending;
    const disconnected = await connected.disconnect('enough');
    expect(disconnected).toMatchObject({ state: 'disconnected', reason: 'enough' });
    await expect(connected.execute('select 1')).rejects.toMatchObject({ code: 'disconnected' });
    const again = await disconnected.connect();
    cleanups.push(() => again.disconnect());
    await again.execute('select 1');
  });

  test('disconnecting fails what is under way', async () => {
    const node = await fakeNode(() => new Promise(() => {}));
    const client = await clientOf([node.endpoint]);
    const pending = client.execute('insert into t values (1)').catch((error: unknown) => error);
    await client.disconnect();
    expect(await pending).toMatchObject({ code: 'disconnected' });
  });

  test('nobody to connect to is an error that says who was tried', async () => {
    const node = await fakeNode(answering(1));
    await node.close();
    await expect(createClient({ endpoints: [node.endpoint] }).connect()).rejects.toThrow(node.endpoint);
  });

  test.each([
    [{ endpoints: [] }, 'endpoints'],
    [{ endpoints: ['nowhere'] }, "'nowhere'"],
    [{ endpoints: ['h:1'], timeoutMs: 0 }, 'timeoutMs'],
    [{ endpoints: ['h:1'], attemptTimeoutMs: -5 }, '-5'],
  ])('%o is refused by name', (options, named) => expect(() => createClient(options)).toThrow(named));

  test('misuse does not compile', () => {
    // Never called: the compiler is what tests it, through `npm run typecheck`.
    const misuse = (uninitialized: UninitializedClient, connected: ConnectedClient, disconnected: DisconnectedClient) => {
      // @ts-expect-error a client that has not connected cannot execute
      void uninitialized.execute('select 1');
      // @ts-expect-error nor disconnect
      void uninitialized.disconnect();
      // @ts-expect-error a connected client does not connect again
      void connected.connect();
      // @ts-expect-error a disconnected client cannot execute
      void disconnected.execute('select 1');
      // @ts-expect-error a connected client has no reason for its end
      void connected.reason;
    };
    expect(misuse).toBeTypeOf('function');
  });
});
