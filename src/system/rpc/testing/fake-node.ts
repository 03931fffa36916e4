// A gRPC node without a cluster behind it: the real server, with a backend that tests write.

import { systemClock } from '../../../runtime/clock.ts';
import type { Message } from '../../raft/protocol.ts';
import type { QueryBackend } from '../backend.ts';
import { type RpcServer, startRpcServer } from '../server.ts';
import type { Query, QueryAnswer } from '../wire.ts';

export interface FakeNode {
  readonly endpoint: string;
  readonly server: RpcServer;
  /** Every query, in the order of arrival. */
  readonly queries: Query[];
  readonly received: Message[];
  close(): Promise<void>;
}

export async function startFakeNode(
  execute: (query: Query, signal: AbortSignal) => Promise<Partial<QueryAnswer>>,
  options: { address?: string } = {},
): Promise<FakeNode> {
  const queries: Query[] = [];
  const received: Message[] = [];
  const backend: QueryBackend = {
    async execute(query, { signal }) {
      queries.push(query);
      return { results: [], executionTimeMs: 0, nodeId: 'fake', ...(await execute(query, signal)) };
    },
    health: () => ({ clusterId: 'test', nodeId: 'fake', role: 'leader', term: 1, leaderId: 'fake', ready: true }),
  };
  const server = await startRpcServer({
    address: options.address ?? '127.0.0.1:0',
    query: backend,
    peer: { clusterId: 'test', nodeId: 'fake', peers: ['n2'], receive: (messages) => received.push(...messages) },
    clock: systemClock,
  });
  return { endpoint: `127.0.0.1:${server.port}`, server, queries, received, close: () => server.close(0) };
}
