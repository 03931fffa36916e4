// What a remote call costs, client and server in one process over loopback: a unary call, a request on a session, and many
// requests of one turn, which a session puts into one frame. `client` is the smart client: retry, breaker, pool and session.

import { promisify } from 'node:util';
import { Client, credentials, Metadata, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import type { Counts, Suite } from '../src/harness/micro/benchmark.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { createClient } from '../src/system/rpc/client.ts';
import {
  queryService,
  type RequestFrame,
  type ResponseFrame,
  type WireQueryRequest,
  type WireQueryResponse,
} from '../src/system/rpc/contract.ts';
import { startRpcServer } from '../src/system/rpc/server.ts';
import { openSession } from '../src/system/rpc/session.ts';
import { readQuery, writeQuery } from '../src/system/rpc/wire.ts';

const CONCURRENT = 64;

const QUERY = {
  sql: 'select value from registers where key = ?',
  params: [42],
  timeoutMs: 5_000,
  clientId: '',
  sequence: 0,
  oldestPending: 0,
};

/** How many frames requests of one turn travel in, a few times over, to a server that only counts. */
async function countFrames(): Promise<Counts> {
  const times = 4;
  let frames = 0;
  const server = new Server();
  server.addService(queryService, {
    Session: (call: ServerDuplexStream<RequestFrame, ResponseFrame>) => {
      call.on('data', ({ requests = [] }: RequestFrame) => {
        frames++;
        call.write({ responses: requests.map(({ id = 0 }) => ({ id, response: {} })) });
      });
      call.on('end', () => call.end());
    },
  });
  const port = await promisify(server.bindAsync.bind(server))('127.0.0.1:0', ServerCredentials.createInsecure());
  const session = await openSession(`127.0.0.1:${port}`, { clock: systemClock, timeoutMs: 5_000 });
  for (let time = 0; time < times; time++)
    await Promise.all(Array.from({ length: CONCURRENT }, () => session.submit(writeQuery(QUERY), 60_000)));
  session.close();
  server.forceShutdown();
  return { operations: times * CONCURRENT, counted: { frames } };
}

export default {
  name: 'rpc',
  async prepare() {
    const answer = { results: [{ columns: ['value'], rows: [[7]], rowsAffected: 0 }], executionTimeMs: 0.1, nodeId: 'n1' };
    const server = await startRpcServer({
      address: '127.0.0.1:0',
      query: { execute: async () => answer, health: () => ({}) },
      peer: { clusterId: 'bench', nodeId: 'n1', peers: [], receive: () => {} },
      clock: systemClock,
    });
    const endpoint = `127.0.0.1:${server.port}`;
    const client = new Client(endpoint, credentials.createInsecure());
    const session = await openSession(endpoint, { clock: systemClock, timeoutMs: 5_000 });
    const smart = await createClient({ endpoints: [endpoint] }).connect();
    const { path, requestSerialize, requestDeserialize, responseDeserialize } = queryService.ExecuteQuery;
    const request: WireQueryRequest = writeQuery(QUERY);
    const unary = () =>
      new Promise<WireQueryResponse | undefined>((resolve, reject) => {
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, new Metadata(), (error, response) =>
          error ? reject(error) : resolve(response),
        );
      });
    const submit = () => session.submit(request, 60_000);
    const execute = () => smart.execute(QUERY.sql, QUERY.params);
    const concurrently = (call: () => Promise<unknown>) => () => Promise.all(Array.from({ length: CONCURRENT }, call));
    return {
      benchmarks: [
        {
          name: 'encode-decode-request',
          kind: 'sync',
          operation: () => readQuery(requestDeserialize(requestSerialize(writeQuery(QUERY)))),
          count: () => ({ operations: 1, counted: { bytes: requestSerialize(writeQuery(QUERY)).byteLength } }),
        },
        { name: 'unary', kind: 'async', operation: unary },
        { name: 'unary-64-concurrent', kind: 'async', operation: concurrently(unary), operationsPerCall: CONCURRENT },
        { name: 'session', kind: 'async', operation: submit },
        {
          name: 'session-64-concurrent',
          kind: 'async',
          operation: concurrently(submit),
          operationsPerCall: CONCURRENT,
          count: countFrames,
        },
        { name: 'client', kind: 'async', operation: execute },
        { name: 'client-64-concurrent', kind: 'async', operation: concurrently(execute), operationsPerCall: CONCURRENT },
      ],
      async close() {
        await smart.disconnect();
        session.close();
        client.close();
        await server.close(0);
      },
    };
  },
} satisfies Suite;
