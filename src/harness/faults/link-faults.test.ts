// The faults of the network, on links that only count: what they ask for, and what they take for a proof.

import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { CLIENT } from '../links/rule.ts';
import type { ValidLinkFault, ValidPartition } from '../scenario/valid-scenario.ts';
import { beginBandwidth } from './bandwidth.ts';
import type { FaultContext } from './fault.ts';
import { beginHold } from './hold.ts';
import { beginLatency } from './latency.ts';
import { beginLoss } from './loss.ts';
import { beginPartition } from './partition.ts';
import { beginReset } from './reset.ts';
import { beginSlowClose } from './slow-close.ts';
import { fakeLinks } from './testing/fake-links.ts';

const never = () => Promise.reject(new Error('a fault of the network leaves processes alone'));

/** A cluster of three, led by n1, that has been under load. */
function world(options: { succeeded?: number; demand?: number; leader?: string } = {}) {
  const links = fakeLinks(['n1', 'n2', 'n3', CLIENT]);
  for (const count of links.counts.values())
    Object.assign(count, { bytesForwarded: options.demand ?? 100, connectionsOpen: 1, connectionsTotal: 1 });
  const state = { term: 3 };
  const context: FaultContext = {
    clock: new VirtualClock(),
    target: {
      nodes: [{ id: 'n1' }, { id: 'n2' }, { id: 'n3' }],
      links,
      leader: () => options.leader ?? 'n1',
      crash: never,
      restart: never,
      pause: never,
      resume: never,
      isPaused: () => Promise.resolve(false),
      shutDown: never,
      ended: never,
      inject: never,
      wipe: never,
      waitForRejoin: never,
    },
    witness: { operationsSucceeded: () => options.succeeded ?? 10, highestLeaderTerm: () => state.term },
    random: new Random(1),
  };
  const change = (direction: string, counts: object) => Object.assign(links.counts.get(direction) as object, counts);
  return { context, links, state, change };
}

const times = { atMs: 0, durationMs: 1_000 };
const partition = (options: Partial<ValidPartition> = {}): ValidPartition => ({
  kind: 'partition',
  ...times,
  shape: 'isolate-leader',
  mode: 'hold',
  target: 'leader',
  clients: false,
  ...options,
});
type LinkFault<Kind extends ValidLinkFault['kind']> = Extract<ValidLinkFault, { kind: Kind }>;
const onLinks = { ...times, target: 'n2', links: 'peers' } as const;

describe('a partition', () => {
  test('is proven by traffic before, none during it, pressure, and a new leader', async () => {
    const { context, links, state, change } = world();
    const fault = await beginPartition(partition(), context);
    expect(links.calls).toEqual(['n1->n2', 'n2->n1', 'n1->n3', 'n3->n1'].map((key) => `apply ${key} {"block":"hold"}`));
    change('n1->n2', { bytesHeld: 40 });
    change('n3->n1', { bytesHeld: 2, connectionsTotal: 2 });
    // Not blocked.
    change('n2->n3', { bytesForwarded: 5_000 });
    state.term = 4;
    await fault.end();
    expect(links.calls.at(-1)).toBe('lift');
    expect(fault).toMatchObject({ kind: 'partition', wanted: 'isolate-leader', nodes: ['n1'] });
    expect(fault.proof()).toEqual({
      proven: true,
      observations: [
        '10 operations had succeeded before',
        'n1 cut off from n2, n3',
        '400 bytes had gone there before',
        'not one byte passed during it',
        '42 bytes waited, 1 connection was tried',
        'a new leader in term 4, after term 3',
      ],
    });
  });

  test('that cuts is proven by the connections that broke, too', async () => {
    const { context, links, state, change } = world();
    const apply = links.apply.bind(links);
    // Cutting breaks connections in the moment in which it comes into force.
    links.apply = (rules) => {
      change('n1->n2', { resets: 2 });
      return apply(rules);
    };
    const fault = await beginPartition(partition({ mode: 'cut' }), context);
    change('n1->n2', { connectionsTotal: 5, connectionsRefused: 4 });
    state.term = 4;
    await fault.end();
    expect(fault.proof().proven).toBe(true);
    expect(fault.proof().observations).toContain('2 connections broke');
  });

  test.each<[string, (change: ReturnType<typeof world>['change'], state: { term: number }) => void, string]>([
    ['a byte passed', (change) => change('n2->n1', { bytesForwarded: 101 }), '1 byte passed during it'],
    ['nobody tried', (change) => change('n1->n2', { bytesHeld: 0 }), 'nobody tried to get through during it'],
    ['no leader came', (_, state) => (state.term = 3), 'no new leader after term 3'],
  ])('is not proven when %s', async (_name, spoil, observation) => {
    const { context, state, change } = world();
    const fault = await beginPartition(partition(), context);
    change('n1->n2', { bytesHeld: 40 });
    state.term = 4;
    spoil(change, state);
    await fault.end();
    expect(fault.proof().proven).toBe(false);
    expect(fault.proof().observations).toContain(observation);
  });

  test.each([
    ['nothing had gone there before', { demand: 0 }],
    ['no operation had succeeded before, so nothing was disturbed', { succeeded: 0 }],
  ])('is not proven when %s', async (observation, options) => {
    const { context, state, change } = world(options);
    const fault = await beginPartition(partition(), context);
    change('n1->n2', { bytesHeld: 40 });
    state.term = 4;
    await fault.end();
    expect(fault.proof().proven).toBe(false);
    expect(fault.proof().observations).toContain(observation);
  });

  test('that leaves the leader its majority needs no election', async () => {
    const { context, change } = world();
    const fault = await beginPartition(partition({ shape: 'majority' }), context);
    change('n1->n2', { bytesHeld: 1 });
    change('n1->n3', { bytesHeld: 1 });
    await fault.end();
    expect(fault.proof().proven).toBe(true);
  });

  test('that is one-way befalls the target', async () => {
    const { context, links } = world();
    const fault = await beginPartition(partition({ shape: 'one-way', target: 'n3' }), context);
    expect(links.calls).toEqual(['n3->n1', 'n3->n2'].map((key) => `apply ${key} {"block":"hold"}`));
    expect(fault.wanted).toBe('one-way from n3');
  });
});

test('a hold keeps everything from everybody, and is proven like a partition', async () => {
  const { context, links, change } = world();
  const fault = await beginHold({ kind: 'hold', ...onLinks, links: 'all' }, context);
  expect(links.calls.length).toBe(6);
  expect(links.calls).toContain('apply client->n2 {"block":"hold"}');
  expect(fault.proof().proven).toBe(false);
  change('client->n2', { bytesHeld: 7 });
  await fault.end();
  expect(fault.proof()).toMatchObject({ proven: true });
});

describe('latency', () => {
  const latency: LinkFault<'latency'> = { kind: 'latency', ...onLinks, delayMs: 100, jitterMs: 50 };

  async function proofWith(probeMs: ReturnType<typeof fakeLinks>['probeMs'], delayed = 5) {
    const { context, links, change } = world();
    links.probeMs = probeMs;
    const fault = await beginLatency(latency, context);
    change('n2->n1', { chunksDelayed: delayed });
    await fault.end();
    return { proof: fault.proof(), links };
  }

  test('is proven by probes of every direction', async () => {
    const { proof, links } = await proofWith((_, rules) => (rules.length > 0 ? 110 : 0.3));
    expect(links.calls[0]).toBe('apply n2->n1 {"delayMs":100,"jitterMs":50}');
    expect(proof.proven).toBe(true);
    expect(proof.observations).toContain('n3->n2 took 300us before and 110ms during it');
    expect(proof.observations).toContain("5 chunks of the cluster's own came later");
  });

  test('is not proven when one direction is as fast as before, slow by itself, or silent', async () => {
    const fast = await proofWith(({ from }, rules) => (rules.length > 0 && from !== 'n3' ? 110 : 0.3));
    expect(fast.proof.proven).toBe(false);
    const slow = await proofWith(({ from }, rules) => (rules.length > 0 || from === 'n3' ? 110 : 0.3));
    expect(slow.proof.proven).toBe(false);
    const silent = await proofWith((_, rules) => (rules.length > 0 ? undefined : 0.3));
    expect(silent.proof.proven).toBe(false);
    expect(silent.proof.observations).toContain('n2->n1: the probe did not arrive');
  });

  test('is not proven when nothing of the cluster was delayed', async () => {
    const { proof } = await proofWith((_, rules) => (rules.length > 0 ? 110 : 0.3), 0);
    expect(proof.proven).toBe(false);
  });
});

describe('bandwidth', () => {
  const bandwidth: LinkFault<'bandwidth'> = { kind: 'bandwidth', ...onLinks, bytesPerSecond: 1_000 };

  test.each([
    ['within the limit, with something waiting', 2_000, 3, true],
    ['above the limit', 2_500, 3, false],
    ['with nothing waiting', 500, 0, false],
  ])('%s', async (_name, bytes, chunksThrottled, proven) => {
    const { context, links, change } = world();
    const fault = await beginBandwidth(bandwidth, context);
    expect(links.calls[0]).toBe('apply n2->n1 {"bytesPerSecond":1000}');
    links.nowMs = 2_000;
    change('n1->n2', { bytesForwarded: 100 + bytes, chunksThrottled });
    await fault.end();
    expect(fault.proof().proven).toBe(proven);
  });
});

test('loss is proven by what was lost', async () => {
  const { context, links, change } = world();
  const fault = await beginLoss({ kind: 'loss', ...onLinks, probability: 0.1, retransmitMs: 200 }, context);
  expect(links.calls[0]).toBe('apply n2->n1 {"lossProbability":0.1,"retransmitMs":200}');
  change('n2->n1', { chunksDelayed: 5 });
  await fault.end();
  expect(fault.proof().proven).toBe(false);
  change('n2->n1', { chunksLost: 2 });
  await fault.end();
  expect(fault.proof()).toMatchObject({ proven: true });
  expect(fault.proof().observations).toContain('2 chunks lost a packet, 5 came late');
});

describe('a reset', () => {
  test('happens once, and is proven by the connections that it broke', async () => {
    const { context, links } = world();
    const fault = await beginReset({ kind: 'reset', ...onLinks }, context);
    expect(links.calls.filter((call) => call.startsWith('reset'))).toEqual(['reset n2->n1', 'reset n2->n3']);
    await fault.end();
    expect(fault.proof()).toMatchObject({ proven: true });
    expect(fault.proof().observations).toContain('2 connections reset, 0 made anew');
  });

  test('again and again is left to the links', async () => {
    const { context, links, change } = world();
    const fault = await beginReset({ kind: 'reset', ...onLinks, everyMs: 100 }, context);
    expect(links.calls).toEqual(['n2->n1', 'n2->n3'].map((key) => `apply ${key} {"resetEveryMs":100}`));
    await fault.end();
    expect(fault.proof().proven).toBe(false);
    change('n2->n3', { resets: 1, connectionsTotal: 2 });
    await fault.end();
    expect(fault.proof()).toMatchObject({ proven: true });
  });

  test('that fails leaves no rule behind', async () => {
    const { context, links } = world();
    links.reset = () => Promise.reject(new Error('the process of the links has ended'));
    await expect(beginReset({ kind: 'reset', ...onLinks }, context)).rejects.toThrow('the process of the links has ended');
    expect(links.calls.at(-1)).toBe('lift');
  });
});

test('a slow close is proven by connections that broke and ends that came late', async () => {
  const { context, links, change } = world();
  const fault = await beginSlowClose({ kind: 'slow-close', ...onLinks, delayMs: 500 }, context);
  expect(links.calls).toEqual([
    ...['n2->n1', 'n1->n2', 'n2->n3', 'n3->n2'].map((key) => `apply ${key} {"closeDelayMs":500}`),
    'reset n2->n1',
    'reset n2->n3',
  ]);
  await fault.end();
  expect(fault.proof().proven).toBe(false);
  change('n2->n1', { closesDelayed: 2 });
  await fault.end();
  expect(fault.proof()).toMatchObject({ proven: true });
});

test('the rules are lifted also when the counters cannot be read any more', async () => {
  const { context, links } = world();
  const fault = await beginPartition(partition(), context);
  links.counters = () => Promise.reject(new Error('gone'));
  await expect(fault.end()).rejects.toThrow('gone');
  expect(links.calls.at(-1)).toBe('lift');
});

test('a cluster without links cannot be disturbed', async () => {
  const { context } = world();
  const without = { ...context, target: { ...context.target, links: undefined } };
  await expect(beginPartition(partition(), without)).rejects.toThrow('a fault of the network needs links');
});
