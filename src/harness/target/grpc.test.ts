// Unary gRPC calls over real sockets: which failures are certain, and what servers that misbehave come to.

import { join } from 'node:path';
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status as grpcStatus } from '@grpc/grpc-js';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { known } from '../../runtime/assert.ts';
import { systemClock } from '../../runtime/clock.ts';
import { startFakeNode } from '../../system/rpc/testing/fake-node.ts';
import type { Answer, PlannedOperation } from '../load/operation.ts';
import { scenarioOf } from '../load/testing/fake-server.ts';
import type { Load } from '../scenario/loads.ts';
import type { GrpcWorkload } from '../scenario/workloads.ts';
import type { ValidGrpc } from '../scenario/valid-scenario.ts';
import { closedPort, rawServer, targetOf } from './testing/servers.ts';

const PROTO = join(import.meta.dirname, '../scenario/testing/calls.proto');
const METHOD = 'windtunnel.test.Calls/Unary';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Call = ServerUnaryCall<{ readonly text?: string }, Buffer>;

/** A server of Calls; its replies are bytes. Resolves with its address. */
async function serverOf(unary: (call: Call, reply: sendUnaryData<Buffer>) => void): Promise<string> {
  const { Unary } = loadSync(PROTO)['windtunnel.test.Calls'] as ServiceDefinition;
  const server = new Server();
  server.addService(
    { Unary: { ...known(Unary, 'the method'), responseSerialize: (bytes: object) => bytes as Buffer } },
    {
      Unary: unary as never,
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  cleanups.push(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

type Send = (options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number }) => Promise<Answer>;

async function caller(workload: Partial<GrpcWorkload>, ...endpoints: string[]): Promise<Send> {
  const grpc = { kind: 'grpc', proto: PROTO, method: METHOD, ...workload } as const;
  const target = await targetOf(grpc, { endpoints });
  cleanups.push(() => target.close());
  const load = { executor: 'constant-vus', vus: 1, duration: '1s', workload: grpc } as Load;
  const request = known(scenarioOf({ a: load }).loads['a'], 'the load').workload as ValidGrpc;
  const operation: PlannedOperation = { load: 'a', kind: 'grpc', operation: request.method, request };
  return ({ signal = new AbortController().signal, timeoutMs } = {}) => target.invoke(operation, signal, timeoutMs);
}

test('request and metadata arrive as they were given, at the endpoints in turn, with the deadline', async () => {
  const seen: unknown[] = [];
  const answering = (at: number) =>
    serverOf((call, reply) => {
      const { metadata } = call;
      seen.push([at, call.request.text, metadata.get('own'), metadata.get('own-bin')]);
      const leftMs = Number(call.getDeadline()) - systemClock.wallTime();
      // To the second: what is sent is a duration, and clocks of different kinds are compared here.
      expect(leftMs > 0 && leftMs <= 31_000).toBe(true);
      reply(null, Buffer.alloc(0));
    });
  const send = await caller(
    { request: { text: 'hello' }, metadata: { own: 'v', 'own-bin': 'AAE=' } },
    await answering(0),
    await answering(1),
  );
  for (let call = 0; call < 3; call++) expect(await send()).toEqual({ outcome: 'ok' });
  expect(seen).toEqual([0, 1, 0].map((at) => [at, 'hello', ['v'], [Buffer.from([0, 1])]]));
});

test.each<[keyof typeof grpcStatus, 'fail' | 'info']>([
  ['INVALID_ARGUMENT', 'fail'],
  ['FAILED_PRECONDITION', 'fail'],
  ['UNAUTHENTICATED', 'fail'],
  ['UNAVAILABLE', 'info'],
  ['INTERNAL', 'info'],
  ['ABORTED', 'info'],
  ['RESOURCE_EXHAUSTED', 'info'],
])('a server that says %s: %s', async (code, outcome) => {
  const address = await serverOf((_, reply) => reply({ code: grpcStatus[code] as number, details: 'no' }));
  expect(await (await caller({}, address))()).toEqual({ outcome, code });
});

test('a method that the server does not have', async () => {
  const address = await serverOf((_, reply) => reply(null, Buffer.alloc(0)));
  const method = 'windtunnel.test.Calls/Nothing';
  expect(await (await caller({ method }, address))()).toEqual({ outcome: 'fail', code: 'UNIMPLEMENTED' });
});

test("any service: Windtunnel's own contract, from its .proto file", async () => {
  const node = await startFakeNode(async () => ({ results: [{ columns: ['a'], rows: [[1]], rowsAffected: 0 }] }));
  cleanups.push(() => node.close());
  const workload = {
    proto: 'src/system/rpc/query.proto',
    method: 'windtunnel.v1.QueryService/ExecuteQuery',
    request: { query: 'select ?', params: [{ integer_value: 7 }], timeout_ms: 1_000 },
  };
  expect(await (await caller(workload, node.endpoint))()).toEqual({ outcome: 'ok' });
  expect(node.queries).toMatchObject([{ sql: 'select ?', params: [7] }]);
});

describe('what got no answer', () => {
  test('nobody listens: not sent', async () => {
    const send = await caller({}, await closedPort());
    expect(await send()).toEqual({ outcome: 'fail', code: 'UNAVAILABLE' });
  });

  test('the deadline, when it was sent and when there was not even a connection', async () => {
    const asked = vi.fn<(call: Call) => void>();
    const send = await caller({}, await serverOf(asked));
    expect(await send({ timeoutMs: 300 })).toEqual({ outcome: 'info', code: 'DEADLINE_EXCEEDED' });
    expect(asked).toHaveBeenCalledOnce();
    const silent = await rawServer(() => {});
    cleanups.push(() => silent.close());
    expect(await (await caller({}, silent.address))({ timeoutMs: 300 })).toEqual({ outcome: 'fail', code: 'DEADLINE_EXCEEDED' });
  });

  test('an abort cancels the call, at the server too', async () => {
    const abort = new AbortController();
    const cancelled = vi.fn<() => void>();
    const send = await caller(
      {},
      await serverOf((call) => {
        call.on('cancelled', cancelled);
        abort.abort();
      }),
    );
    expect(await send({ signal: abort.signal })).toEqual({ outcome: 'info', code: 'CANCELLED' });
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledOnce());
    expect(await send({ signal: AbortSignal.abort() })).toMatchObject({ code: 'CANCELLED' });
  });

  test('a connection that breaks under the call', async () => {
    const address = await serverOf((call) => {
      (
        call as unknown as { readonly call: { readonly stream: { readonly session: { destroy(): void } } } }
      ).call.stream.session.destroy();
    });
    expect(await (await caller({}, address))()).toMatchObject({ outcome: 'info' });
  });
});

describe('a server that misbehaves', () => {
  test.each<[string, string, Answer]>([
    ['speaks something else', 'HTTP/1.1 400 Bad Request\r\n\r\n', { outcome: 'fail', code: 'UNAVAILABLE' }],
    ['sends garbage', '\u0000\u0001\u0002'.repeat(1_000), { outcome: 'fail', code: 'UNAVAILABLE' }],
  ])('%s', async (_, text, answer) => {
    const server = await rawServer((socket) => socket.write(text));
    cleanups.push(() => server.close());
    expect(await (await caller({}, server.address))({ timeoutMs: 5_000 })).toEqual(answer);
  });

  test('replies with what is no such message', async () => {
    const address = await serverOf((_, reply) => reply(null, Buffer.from([0x0a, 0xff, 0xff])));
    expect(await (await caller({}, address))()).toEqual({ outcome: 'info', code: 'INTERNAL' });
  });

  test('replies with more than a client takes, and the next call is none the worse', async () => {
    let size = 8 << 20;
    const address = await serverOf((_, reply) => {
      reply(null, Buffer.alloc(size));
      size = 0;
    });
    const send = await caller({}, address);
    expect(await send()).toEqual({ outcome: 'info', code: 'RESOURCE_EXHAUSTED' });
    expect(await send()).toEqual({ outcome: 'ok' });
  });
});

test('a workload without endpoints is refused', async () => {
  await expect(caller({})).rejects.toThrow("loads.a.workload is called on the target's endpoints, but it has none");
});
