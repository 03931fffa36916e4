import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import {
  HEADERS,
  type PeerFrame,
  peerService,
  queryService,
  type RequestFrame,
  type ResponseFrame,
  type WireQueryResponse,
} from './contract.ts';
import { RpcError } from './errors.ts';
import { ListenError } from './server.ts';
import { openSession } from './session.ts';
import { type FakeNode, startFakeNode } from './testing/fake-node.ts';
import { readStatus } from './wire.ts';

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function fakeNode(...args: Parameters<typeof startFakeNode>): Promise<FakeNode> {
  const node = await startFakeNode(...args);
  cleanups.push(() => node.close());
  return node;
}

function clientOf(node: FakeNode): Client {
  const client = new Client(node.endpoint, credentials.createInsecure());
  cleanups.push(() => client.close());
  return client;
}

function executeQuery(client: Client, query: string, deadline?: number): Promise<WireQueryResponse> {
  const { path, requestSerialize, responseDeserialize } = queryService.ExecuteQuery;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { query },
      new Metadata(),
      deadline ? { deadline } : {},
      (error, answer) => (error ? reject(error) : resolve(answer as WireQueryResponse)),
    );
  });
}

async function session(node: FakeNode) {
  const opened = await openSession(node.endpoint, { clock: systemClock, timeoutMs: 5_000 });
  cleanups.push(() => opened.close());
  return opened;
}

test('a unary call is answered, and its failure carries the registry in its trailers', async () => {
  const node = await fakeNode(async (query) => {
    if (query.sql === 'fail') throw new RpcError('not-leader', 'ask n2', { leader: { id: 'n2', endpoint: '10.0.0.2:1' } });
    return { results: [{ columns: ['a'], rows: [[1]], rowsAffected: 0 }] };
  });
  const client = clientOf(node);
  expect(await executeQuery(client, 'select 1')).toMatchObject({ nodeId: 'fake' });
  const error = (await executeQuery(client, 'fail').catch((reason: unknown) => reason)) as ServiceError;
  expect(error.code).toBe(status.FAILED_PRECONDITION);
  expect(readStatus(error)).toMatchObject({
    code: 'not-leader',
    maybeApplied: false,
    leader: { id: 'n2', endpoint: '10.0.0.2:1' },
  });
  const invalid = (await executeQuery(client, ' ').catch((reason: unknown) => reason)) as ServiceError;
  expect(invalid.code).toBe(status.INVALID_ARGUMENT);
});

test('the deadline of the call shortens the deadline of the query', async () => {
  const node = await fakeNode(async () => ({}));
  await executeQuery(clientOf(node), 'select 1', systemClock.wallTime() + 2_000);
  expect(node.queries[0]?.timeoutMs).toBeGreaterThan(0);
  expect(node.queries[0]?.timeoutMs).toBeLessThanOrEqual(2_000);
});

test('answers come in any order', async () => {
  const gate = Promise.withResolvers<void>();
  const node = await fakeNode(async (query) => {
    if (query.sql === 'slow') await gate.promise;
    return { results: [{ columns: [query.sql], rows: [], rowsAffected: 0 }] };
  });
  const opened = await session(node);
  const order: string[] = [];
  const ask = async (sql: string) => {
    const answer = await opened.submit({ query: sql }, 10_000);
    order.push(answer.results[0]?.columns[0] as string);
    if (order.length === 2) gate.resolve();
  };
  await Promise.all([ask('slow'), ask('a'), ask('b')]);
  expect(order.slice(0, 2).sort()).toEqual(['a', 'b']);
  expect(order[2]).toBe('slow');
  expect(opened.inFlight).toBe(0);
});

test('requests issued in one turn of the event loop travel in one frame', async () => {
  const frames: number[] = [];
  const server = new Server();
  server.addService(queryService, {
    Session: (call: ServerDuplexStream<RequestFrame, ResponseFrame>) => {
      call.on('data', ({ requests = [] }: RequestFrame) => {
        frames.push(requests.length);
        call.write({ responses: requests.map(({ id = 0 }) => ({ id, response: {} })) });
      });
    },
  });
  cleanups.push(() => server.forceShutdown());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const opened = await openSession(`127.0.0.1:${port}`, { clock: systemClock, timeoutMs: 5_000 });
  cleanups.push(() => opened.close());
  await Promise.all(Array.from({ length: 64 }, () => opened.submit({ query: 'x' }, 10_000)));
  await Promise.all(Array.from({ length: 3 }, () => opened.submit({ query: 'y' }, 10_000)));
  expect(frames).toEqual([64, 3]);
});

test('a request that is not answered in time fails as maybe applied, and its work is cancelled at the server', async () => {
  const aborted = vi.fn<() => void>();
  const node = await fakeNode(
    (_query, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted();
          reject(new Error('aborted'));
        });
      }),
  );
  const opened = await session(node);
  await expect(opened.submit({ query: 'x' }, 1_000)).rejects.toMatchObject({ code: 'attempt-timeout', maybeApplied: true });
  await vi.waitFor(() => expect(aborted).toHaveBeenCalledTimes(1));
});

test('aborting before the request left is certain, after it left is not', async () => {
  const node = await fakeNode(() => new Promise(() => {}));
  const opened = await session(node);
  const early = new AbortController();
  const unsent = opened.submit({ query: 'x' }, 10_000, early.signal);
  early.abort();
  await expect(unsent).rejects.toMatchObject({ code: 'cancelled', maybeApplied: false });
  const late = new AbortController();
  const sent = opened.submit({ query: 'y' }, 10_000, late.signal);
  await vi.waitFor(() => expect(node.queries.map((query) => query.sql)).toEqual(['y']));
  late.abort();
  await expect(sent).rejects.toMatchObject({ code: 'cancelled', maybeApplied: true });
});

test('a broken connection fails what was sent as maybe applied, and the session is dead', async () => {
  const node = await fakeNode(() => new Promise(() => {}));
  const opened = await session(node);
  const pending = opened.submit({ query: 'x' }, 60_000);
  // Looked at from the start, so that it is never an unhandled rejection.
  const failure = pending.catch((error: unknown) => error);
  await vi.waitFor(() => expect(node.queries.length).toBe(1));
  await node.close();
  expect(await failure).toMatchObject({ code: 'connection-lost', maybeApplied: true });
  expect(opened.alive).toBe(false);
  await expect(opened.submit({ query: 'y' }, 1_000)).rejects.toMatchObject({ code: 'connect-failed', maybeApplied: false });
});

test('connecting to nothing fails at once and is certain', async () => {
  const node = await fakeNode(async () => ({}));
  await node.close();
  await expect(openSession(node.endpoint, { clock: systemClock, timeoutMs: 60_000 })).rejects.toMatchObject({
    code: 'connect-failed',
    maybeApplied: false,
  });
});

test('hostile session frames are answered, not obeyed: repeated ids, empty requests, unknown cancellations', async () => {
  const node = await fakeNode(() => new Promise(() => {}));
  const { path, requestSerialize, responseDeserialize } = queryService.Session;
  const stream = clientOf(node).makeBidiStreamRequest<RequestFrame, ResponseFrame>(path, requestSerialize, responseDeserialize);
  cleanups.push(() => stream.cancel());
  stream.on('error', () => {});
  const codes: (string | undefined)[] = [];
  stream.on('data', (frame: ResponseFrame) => codes.push(...(frame.responses ?? []).map(({ error }) => error?.code)));
  stream.write({
    requests: [{ id: 1, request: { query: 'x' } }, { id: 1, request: { query: 'y' } }, { id: 2 }],
    cancelled: [99],
  });
  await vi.waitFor(() => expect(codes).toEqual(['invalid-request', 'invalid-request']));
  expect(node.queries.map((query) => query.sql)).toEqual(['x']);
});

test('peers of another cluster, strangers and damaged messages are refused; a peer is heard', async () => {
  const node = await fakeNode(async () => ({}));
  const client = clientOf(node);
  const open = (cluster: string, from: string) => {
    const metadata = new Metadata();
    metadata.set(HEADERS.cluster, cluster);
    metadata.set(HEADERS.node, from);
    const { path, requestSerialize, responseDeserialize } = peerService.Exchange;
    const stream = client.makeBidiStreamRequest<PeerFrame, PeerFrame>(path, requestSerialize, responseDeserialize, metadata);
    cleanups.push(() => stream.cancel());
    const refused = new Promise<string>((resolve) => {
      stream.on('error', (error) => resolve(error.message));
    });
    stream.on('data', () => {});
    return { stream, refused };
  };
  expect(await open('other', 'n2').refused).toContain("'other' is another cluster");
  expect(await open('test', 'n9').refused).toContain("'n9' is not a peer");
  expect(await open('test', 'fake').refused).toContain('not a peer');
  const damaged = open('test', 'n2');
  damaged.stream.write({ messages: [{ term: 1 }] });
  expect(await damaged.refused).toContain('without a body');
  const good = open('test', 'n2');
  good.stream.write({ messages: [{ term: 1, voteResponse: { granted: true } }] });
  await vi.waitFor(() =>
    expect(node.received).toEqual([{ from: 'n2', to: 'fake', term: 1, type: 'vote-response', granted: true }]),
  );
});

test('grpc.health.v1 says what setServing said, and reflection lists the services', async () => {
  const node = await fakeNode(async () => ({}));
  const client = clientOf(node);
  const health = () =>
    new Promise<number>((resolve, reject) => {
      client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        () => Buffer.alloc(0),
        (bytes: Buffer) => bytes[1] ?? 0,
        {},
        (error, value) => (error ? reject(error) : resolve(value as number)),
      );
    });
  expect(await health()).toBe(2);
  node.server.setServing(true);
  expect(await health()).toBe(1);

  const listed = await new Promise<string>((resolve, reject) => {
    const stream = client.makeBidiStreamRequest<Buffer, Buffer>(
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      (bytes) => bytes,
      (bytes) => bytes,
    );
    stream.on('error', reject);
    stream.on('data', (bytes: Buffer) => {
      resolve(bytes.toString('latin1'));
      stream.end();
    });
    // list_services = 7, the empty text.
    stream.write(Buffer.from([0x3a, 0x00]));
  });
  expect(listed).toContain('windtunnel.v1.QueryService');
});

test('an address in use is an error that names it', async () => {
  const node = await fakeNode(async () => ({}));
  const second = startFakeNode(async () => ({}), { address: node.endpoint });
  await expect(second).rejects.toThrow(ListenError);
  await expect(second).rejects.toThrow(node.endpoint);
});
