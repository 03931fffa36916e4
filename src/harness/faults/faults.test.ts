import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { beginCrash } from './crash.ts';
import { beginPause } from './pause.ts';
import type { FaultContext } from './fault.ts';

function world(
  options: {
    leader?: string;
    how?: string;
    succeeded?: number;
    nodes?: number;
    keepsRunning?: boolean;
    staysStopped?: boolean;
  } = {},
) {
  const calls: string[] = [];
  const state = { term: 3, paused: false };
  const nodes = Array.from({ length: options.nodes ?? 3 }, (_, at) => ({ id: `n${at + 1}` }));
  const context: FaultContext = {
    target: {
      nodes,
      links: undefined,
      leader: () => options.leader,
      async crash(node) {
        calls.push(`crash ${node}`);
        return options.how ?? 'SIGKILL';
      },
      async restart(node) {
        calls.push(`restart ${node}`);
      },
      async pause(node) {
        calls.push(`pause ${node}`);
        state.paused = !options.keepsRunning;
      },
      async resume(node) {
        calls.push(`resume ${node}`);
        if (!options.staysStopped) state.paused = false;
      },
      isPaused: () => state.paused,
    },
    witness: { operationsSucceeded: () => options.succeeded ?? 10, highestLeaderTerm: () => state.term },
    random: new Random(1),
  };
  return { context, calls, state };
}

describe('crash', () => {
  test('of the leader is proven by SIGKILL, another leader and the return', async () => {
    const { context, calls, state } = world({ leader: 'n2' });
    const fault = await beginCrash('leader', context);
    state.term = 4;
    await fault.end();
    expect(calls).toEqual(['crash n2', 'restart n2']);
    expect(fault.nodes).toEqual(['n2']);
    expect(fault.proof()).toEqual({
      proven: true,
      observations: [
        '10 operations had succeeded before',
        'the process of n2, the leader, ended by SIGKILL',
        'a new leader in term 4, after term 3',
        'n2 came back on its data',
      ],
    });
  });

  test('of a follower takes one that does not lead', async () => {
    const { context, calls } = world({ leader: 'n1' });
    const fault = await beginCrash('follower', context);
    await fault.end();
    expect(calls[0]).toMatch(/crash n[23]/);
    expect(fault.proof().proven).toBe(true);
  });

  test.each([
    ['the process ended by itself', { leader: 'n1', how: 'exit code 1' }],
    ['nothing had succeeded before', { leader: 'n1', succeeded: 0 }],
    ['no new leader came', { leader: 'n1' }],
  ])('is not proven when %s', async (_name, options) => {
    const { context, state } = world(options);
    const fault = await beginCrash('leader', context);
    if (_name !== 'no new leader came') state.term = 4;
    await fault.end();
    expect(fault.proof().proven).toBe(false);
  });

  test('is not proven before the node is back', async () => {
    const { context } = world({ leader: 'n1' });
    const fault = await beginCrash('n2', context);
    expect(fault.proof().proven).toBe(false);
    expect(fault.proof().observations).toContain('n2 did not come back');
  });

  test('of the only node needs no other leader', async () => {
    const { context } = world({ leader: 'n1', nodes: 1 });
    const fault = await beginCrash('leader', context);
    await fault.end();
    expect(fault.proof().proven).toBe(true);
  });
});

describe('pause', () => {
  test('of the leader is proven by the state of its process and a new leader', async () => {
    const { context, calls, state } = world({ leader: 'n2' });
    const fault = await beginPause('leader', context);
    state.term = 4;
    await fault.end();
    expect(calls).toEqual(['pause n2', 'resume n2']);
    expect(fault.proof()).toEqual({
      proven: true,
      observations: [
        '10 operations had succeeded before',
        'the process of n2 was stopped at the beginning and at the end',
        'a new leader in term 4, after term 3',
        'n2 runs again',
      ],
    });
  });

  test('of a follower needs no election', async () => {
    const { context } = world({ leader: 'n1' });
    const fault = await beginPause('follower', context);
    await fault.end();
    expect(fault.proof().proven).toBe(true);
  });

  test.each([
    ['the process did not stay stopped', { leader: 'n1', keepsRunning: true }],
    ['it does not run again', { leader: 'n1', staysStopped: true }],
    ['nothing had succeeded before', { leader: 'n1', succeeded: 0 }],
  ])('is not proven when %s', async (_name, options) => {
    const { context } = world(options);
    const fault = await beginPause('n2', context);
    await fault.end();
    expect(fault.proof().proven).toBe(false);
  });

  test('of a leader that nobody replaced is not proven', async () => {
    const { context } = world({ leader: 'n1' });
    const fault = await beginPause('leader', context);
    await fault.end();
    expect(fault.proof().proven).toBe(false);
  });
});
