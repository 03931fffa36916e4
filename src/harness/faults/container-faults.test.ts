import { describe, expect, test } from 'vitest';
import { beginDisconnect } from './disconnect.ts';
import { beginDropPackets } from './drop-packets.ts';
import { world } from './testing/world.ts';

describe('disconnect', () => {
  test('of the leader is proven by its absence at both ends, another leader and its return', async () => {
    const { context, calls, state } = world({ leader: 'n2' });
    const fault = await beginDisconnect('leader', context);
    state.term = 4;
    await fault.end();
    expect(calls).toEqual(['disconnect n2', 'reconnect n2']);
    expect(fault.proof()).toEqual({
      proven: true,
      observations: [
        '10 operations had succeeded before',
        'n2 was on no network at the beginning and at the end',
        'a new leader in term 4, after term 3',
        'n2 is on the network again',
      ],
    });
  });

  test.each([
    ['the node was on the network at the beginning', { onNetworkAtAsking: 1 }],
    ['the node was on the network at the end', { onNetworkAtAsking: 2 }],
    ['the node stays off', { staysOff: true }],
    ['nothing had succeeded before', { succeeded: 0 }],
  ])('is not proven when %s', async (_, options) => {
    const { context } = world({ leader: 'n1', ...options });
    const fault = await beginDisconnect('n3', context);
    await fault.end();
    expect(fault.proof().proven).toBe(false);
  });

  test('of several nodes is undone for the others when one refuses', async () => {
    const { context, calls } = world({ leader: 'n1', refuses: ['n2'] });
    await expect(beginDisconnect('all', context)).rejects.toThrow('n2 refuses');
    expect(calls.slice(3)).toEqual(['reconnect n1', 'reconnect n3']);
  });

  test('needs containers', async () => {
    const { context } = world({ leader: 'n1' });
    const without = { ...context, target: { ...context.target, containers: undefined } };
    await expect(beginDisconnect('n1', without)).rejects.toThrow('this fault needs nodes in containers');
  });
});

describe('drop-packets', () => {
  test('is proven by what the kernel counted, and of a leader that nothing reaches by another one', async () => {
    const { context, calls, state } = world({ leader: 'n1', drops: 1_234 });
    const fault = await beginDropPackets('leader', 1, context);
    state.term = 4;
    await fault.end();
    expect(calls).toEqual(['drop 1 of the packets of n1', 'lift n1']);
    expect(fault.proof()).toEqual({
      proven: true,
      observations: [
        '10 operations had succeeded before',
        '1,234 packets to and from n1 dropped by iptables',
        'a new leader in term 4, after term 3',
      ],
    });
  });

  test('a leader may stay when only some of its packets are lost', async () => {
    const { context } = world({ leader: 'n1', drops: 5 });
    const fault = await beginDropPackets('leader', 0.2, context);
    await fault.end();
    expect(fault.proof().proven).toBe(true);
  });

  test.each([
    ['nothing was dropped', 0.2, { drops: 0 }],
    ['nothing passed, and no new leader came', 1, { drops: 5 }],
  ])('is not proven when %s', async (_, probability, options) => {
    const { context } = world({ leader: 'n1', ...options });
    const fault = await beginDropPackets('leader', probability, context);
    await fault.end();
    expect(fault.proof().proven).toBe(false);
  });
});
