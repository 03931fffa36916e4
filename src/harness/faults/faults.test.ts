import { describe, expect, test } from 'vitest';
import { settle } from '../../runtime/virtual-clock.ts';
import { chooseNodes } from './choose-node.ts';
import { beginClockSkew } from './clock-skew.ts';
import { beginCrash } from './crash.ts';
import type { NodeInjection } from './fault.ts';
import { beginFullDisk } from './full-disk.ts';
import { beginPause } from './pause.ts';
import { beginRestart } from './restart.ts';
import { beginSlowDisk } from './slow-disk.ts';
import { world } from './testing/world.ts';
import { beginWipe } from './wipe.ts';

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

describe('which nodes', () => {
  test.each([
    ['all', 3, ['n1', 'n2', 'n3']],
    ['leader', 3, ['n2']],
    ['n3', 3, ['n3']],
    ['all', 1, ['n1']],
  ])('%s of %i', (wanted, nodes, chosen) => {
    expect(chooseNodes(wanted, world({ leader: 'n2', nodes }).context)).toEqual(chosen);
  });

  test.each([
    [1, 1, undefined],
    [2, 2, undefined],
    [3, 2, 1],
    [5, 3, 2],
    [9, 5, 4],
  ])('of %i a majority is %i with the leader, a minority %s', (nodes, majority, minority) => {
    const leader = `n${nodes}`;
    const { context } = world({ leader, nodes });
    const drawn = new Set<string>();
    for (let draw = 0; draw < 100; draw++) {
      const chosen = chooseNodes('majority', context);
      expect(new Set(chosen).size).toBe(majority);
      expect(chosen).toContain(leader);
      for (const node of chosen) drawn.add(node);
      if (minority === undefined) expect(() => chooseNodes('minority', context)).toThrow(/no minority/);
      else expect(new Set(chooseNodes('minority', context)).size).toBe(minority);
      expect(chooseNodes('follower', world({ leader: 'n1', nodes: 3 }).context)).not.toContain('n1');
    }
    expect(drawn.size).toBe(nodes);
  });

  test('a majority needs no leader, a fault on the leader does', () => {
    expect(chooseNodes('majority', world({}).context)).toHaveLength(2);
    expect(() => chooseNodes('leader', world({}).context)).toThrow(/only while there is one/);
    expect(() => chooseNodes('n4', world({}).context)).toThrow(/no such node: n4/);
  });

  test('random is any of them', () => {
    const { context } = world({});
    expect(new Set(Array.from({ length: 50 }, () => chooseNodes('random', context)[0]))).toEqual(new Set(['n1', 'n2', 'n3']));
  });
});

describe('several nodes', () => {
  test('are killed together and come back together, and each has to', async () => {
    const { context, calls } = world({ leader: 'n1' });
    const fault = await beginCrash('all', context);
    await fault.end();
    expect(calls).toEqual(['crash n1', 'crash n2', 'crash n3', 'restart n1', 'restart n2', 'restart n3']);
    // Nobody is left who could be elected meanwhile.
    expect(fault.proof()).toMatchObject({ proven: true });
    expect(fault.proof().observations).toContain('the process of n3 ended by SIGKILL');
    expect(fault.proof().observations).toContain('n3 came back on its data');
  });

  test('a minority with the leader in it is replaced, or nothing is proven', async () => {
    const { context, state } = world({ leader: 'n1', nodes: 1 });
    const alone = await beginPause('leader', context);
    await alone.end();
    expect(alone.proof().proven).toBe(true);
    const five = world({ leader: 'n1', nodes: 5 });
    let fault = await beginPause('minority', five.context);
    while (!fault.nodes.includes('n1')) {
      await fault.end();
      fault = await beginPause('minority', five.context);
    }
    await fault.end();
    expect(fault.nodes).toHaveLength(2);
    expect(fault.proof().proven).toBe(false);
    five.state.term = 4;
    expect(fault.proof().proven).toBe(true);
    expect(state.term).toBe(3);
  });

  test('when one cannot be paused, the others go on', async () => {
    const { context, calls } = world({ leader: 'n1', refuses: ['n2'] });
    await expect(beginPause('all', context)).rejects.toThrow('n2 refuses');
    expect(calls).toEqual(['pause n1', 'pause n2', 'pause n3', 'resume n1', 'resume n3']);
  });

  test('when one does not come back, the others do', async () => {
    const refuses: string[] = [];
    const { context, calls } = world({ refuses });
    const fault = await beginCrash('all', context);
    refuses.push('n2');
    await expect(fault.end()).rejects.toThrow('n2 refuses');
    expect(calls.filter((call) => call.startsWith('restart'))).toHaveLength(3);
    expect(fault.proof().proven).toBe(false);
    expect(fault.proof().observations).toContain('n2 did not come back');
    expect(fault.proof().observations).toContain('n3 came back on its data');
  });
});

describe('restart', () => {
  test('is proven by exit code 0, another leader and the return', async () => {
    const { context, calls, state } = world({ leader: 'n2' });
    const fault = await beginRestart('leader', context);
    state.term = 4;
    await fault.end();
    expect(calls).toEqual(['shut down n2', 'restart n2']);
    expect(fault.proof()).toEqual({
      proven: true,
      observations: [
        '10 operations had succeeded before',
        'n2, the leader, ended in good order when it was asked to',
        'a new leader in term 4, after term 3',
        'n2 came back on its data',
      ],
    });
  });

  test.each(['SIGKILL', 'exit code 1', 'exit code 0, the disk is full'])('is not proven by %s', async (how) => {
    const { context } = world({ leader: 'n2', how });
    const fault = await beginRestart('n1', context);
    await fault.end();
    expect(fault.proof().proven).toBe(false);
  });
});

describe('clock-skew', () => {
  const ahead = (offsetMs: number) => (_: string, injection: NodeInjection, when: 'before' | 'after') =>
    (injection.inject === 'none') === (when === 'before') ? { wallMs: 1_000_000 + offsetMs } : {};

  test.each([
    [30_000, 30_000, true],
    [30_000, 14_000, false],
    [-2_000, -1_900, true],
    [-2_000, 1_900, false],
    [500, 0, false],
  ])('by %i ms: a clock that is %i ms ahead proves it: %s', async (offsetMs, seenMs, proven) => {
    const { context, calls } = world({ leader: 'n1', measures: ahead(seenMs) });
    const fault = await beginClockSkew('leader', { offsetMs, drift: 1 }, context);
    await fault.end();
    expect(calls).toEqual(['inject clock-skew n1', 'inject none n1']);
    expect(fault.proof().proven).toBe(proven);
  });

  test('a clock that is still wrong afterwards is not proven', async () => {
    const { context } = world({ measures: () => ({ wallMs: 1_030_000 }) });
    const fault = await beginClockSkew('n1', { offsetMs: 30_000, drift: 1 }, context);
    await fault.end();
    expect(fault.proof()).toMatchObject({ proven: false });
    expect(fault.proof().observations).toContain('afterwards the clock of n1 was 30.0s ahead');
  });

  test.each([
    [0.5, 0.5, true],
    [0.5, 0.9, false],
    [2, 1.95, true],
    [2, 0.5, false],
  ])('at %s times the rate: a clock at %s times proves it: %s', async (drift, seen, proven) => {
    const { context, clock } = world({ measures: () => ({ monotonicMs: clock.now() * seen }) });
    const fault = await beginClockSkew('n1', { offsetMs: 0, drift }, context);
    clock.advance(4_000);
    await fault.end();
    expect(fault.proof().proven).toBe(proven);
  });

  test('is not proven before it was read at the end', async () => {
    const { context } = world({ measures: ahead(30_000) });
    const fault = await beginClockSkew('n1', { offsetMs: 30_000, drift: 1 }, context);
    expect(fault.proof().proven).toBe(false);
  });
});

describe('slow-disk', () => {
  test.each([
    ['writes that took as long', { syncs: 4, shortestSyncMs: 501, longestSyncMs: 530 }, true],
    ['a write that did not', { syncs: 4, shortestSyncMs: 3, longestSyncMs: 530 }, false],
    ['no writes', { syncs: 0 }, false],
  ])('with %s', async (_name, measured, proven) => {
    const { context, calls } = world({ leader: 'n1', measures: () => measured });
    const fault = await beginSlowDisk('n1', 500, context);
    expect(fault.proof().proven).toBe(false);
    await fault.end();
    expect(calls).toEqual(['inject slow-disk n1', 'inject none n1']);
    expect(fault.proof().proven).toBe(proven);
  });

  test('when one node refuses, the disks of the others are as before', async () => {
    const { context, calls } = world({ refuses: ['n3'] });
    await expect(beginSlowDisk('all', 500, context)).rejects.toThrow('n3 refuses');
    expect(calls.slice(3)).toEqual(['inject none n1', 'inject none n2']);
  });
});

describe('full-disk', () => {
  const ENDED = 'exit code 1, the disk is full: cannot write the log (ENOSPC: no space left on device, write)';

  test('is proven by a node that ended by itself for it, and came back', async () => {
    const { context, calls, state, end } = world({ leader: 'n1' });
    const fault = await beginFullDisk('leader', context);
    end('n1', ENDED);
    state.term = 4;
    await settle();
    await fault.end();
    expect(calls).toEqual(['inject full-disk n1', 'restart n1']);
    expect(fault.proof()).toEqual({
      proven: true,
      observations: [
        '10 operations had succeeded before',
        'n1, the leader, ended by itself when its disk was full',
        'a new leader in term 4, after term 3',
        'n1 came back on its data',
      ],
    });
  });

  test.each(['SIGKILL', 'exit code 0', 'exit code 1, the store failed'])('is not proven by %s', async (how) => {
    const { context, end } = world({});
    const fault = await beginFullDisk('n1', context);
    end('n1', how);
    await settle();
    await fault.end();
    expect(fault.proof().proven).toBe(false);
  });

  test('of a node that wrote nothing is taken back, and not proven', async () => {
    const { context, calls } = world({});
    const fault = await beginFullDisk('n1', context);
    await fault.end();
    expect(calls).toEqual(['inject full-disk n1', 'inject none n1']);
    expect(fault.proof()).toMatchObject({ proven: false });
    expect(fault.proof().observations).toContain('n1 wrote nothing to its disk while it was full');
  });

  test('of a node that ended before it could answer counts', async () => {
    const { context, end } = world({ refuses: ['n1'] });
    end('n1', ENDED);
    await expect(beginFullDisk('n1', context)).resolves.toMatchObject({ nodes: ['n1'] });
  });
});

describe('wipe', () => {
  test('is proven by SIGKILL, another leader, and a node that has caught up', async () => {
    const { context, calls, state } = world({ leader: 'n1' });
    const fault = await beginWipe('leader', context);
    state.term = 4;
    await fault.end();
    expect(calls).toEqual(['wipe n1', 'restart n1', 'wait for n1']);
    expect(fault.proof()).toEqual({
      proven: true,
      observations: [
        '10 operations had succeeded before',
        'the process of n1, the leader, ended by SIGKILL, and its data was deleted',
        'a new leader in term 4, after term 3',
        'n1 caught up from nothing and votes again',
      ],
    });
  });

  test('is not proven when the node does not catch up', async () => {
    const { context } = world({ neverRejoins: true });
    const fault = await beginWipe('n2', context);
    await expect(fault.end()).rejects.toThrow('did not catch up');
    expect(fault.proof()).toMatchObject({ proven: false });
  });

  test('of several nodes is refused', async () => {
    const { context, calls } = world({});
    await expect(beginWipe('all', context)).rejects.toThrow('one node can be wiped at a time');
    expect(calls).toEqual([]);
  });
});
