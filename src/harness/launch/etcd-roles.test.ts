// Who leads, out of what the servers of an etcd say of themselves.

import { expect, test } from 'vitest';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import type { StatusResponse } from '../etcd/etcd-api.ts';
import type { ClusterEvent } from './cluster.ts';
import { EtcdRoles } from './etcd-roles.ts';

/** n1, n2, n3 have the ids 11, 12, 13. */
const idOf = (node: string) => `1${node.slice(1)}`;

function watched() {
  const clock = new VirtualClock();
  const said = new Map<string, StatusResponse>();
  const told: string[] = [];
  const endpoints = new Map(
    ['n1', 'n2', 'n3'].map((node) => {
      const status = () => {
        const answer = said.get(node);
        return answer === undefined ? Promise.reject(new Error('nobody listens')) : Promise.resolve(answer);
      };
      return [node, { status }];
    }),
  );
  const onEvent = (event: Extract<ClusterEvent, { type: 'role' }>) => told.push(`${event.node} ${event.role} ${event.term}`);
  const roles = new EtcdRoles({ endpoints, clock, onEvent });
  return {
    roles,
    /** What the node says from now on: whom it takes for the leader, and in which term. */
    says: (node: string, leader: string | undefined, term: number) =>
      said.set(node, {
        header: { memberId: idOf(node) },
        raftTerm: String(term),
        ...(leader !== undefined && { leader: idOf(leader) }),
      }),
    silent: (node: string) => said.delete(node),
    /** What was told since the last time. */
    hear: async () => {
      await clock.advanceAsync(300);
      return told.splice(0);
    },
  };
}

test('changes are told once, and silence is none', async () => {
  const { roles, says, silent, hear } = watched();
  says('n1', undefined, 1);
  expect(await hear()).toEqual(['n1 candidate 1']);
  for (const node of ['n1', 'n2', 'n3']) says(node, 'n2', 2);
  expect((await hear()).sort()).toEqual(['n1 follower 2', 'n2 leader 2', 'n3 follower 2']);
  expect(await hear()).toEqual([]);
  silent('n3');
  expect(await hear()).toEqual([]);
  says('n3', 'n2', 2);
  expect(await hear()).toEqual([]);
  // It had ended meanwhile.
  roles.forget('n3');
  expect(await hear()).toEqual(['n3 follower 2']);
  await roles.stop();
});

test('a new leader is told when it says its own term, not while it still says that of the one before', async () => {
  const { roles, says, silent, hear } = watched();
  for (const node of ['n1', 'n2', 'n3']) says(node, 'n2', 2);
  await hear();
  silent('n2');
  // Elected, but its first entry is not applied yet.
  says('n1', 'n1', 2);
  expect(await hear()).toEqual([]);
  says('n1', 'n1', 3);
  expect(await hear()).toEqual(['n1 leader 3']);
  // The old one goes on and does not know.
  says('n2', 'n2', 2);
  expect(await hear()).toEqual([]);
  says('n2', 'n1', 3);
  expect(await hear()).toEqual(['n2 follower 3']);
  await roles.stop();
});
