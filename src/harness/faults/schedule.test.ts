import { describe, expect, test } from 'vitest';
import { sleep } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import type { PlannedFault } from '../scenario/nemesis.ts';
import type { ValidFault } from '../scenario/valid-scenario.ts';
import { type FaultsOutcome, runFaults } from './schedule.ts';

function schedule(
  faults: readonly ValidFault[],
  crash: (node: string) => Promise<string> = async () => 'SIGKILL',
  restart: (node: string) => Promise<void> = async () => {},
  by: PlannedFault['by'] = 'scenario',
) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const seen: string[] = [];
  const carriedOut: number[] = [];
  let outcome: FaultsOutcome | undefined;
  const state = { term: 1, leader: 'n1' as string | undefined };
  void runFaults({
    faults: faults.map((fault) => ({ fault, by })),
    impossible: ({ kind }) => (kind === 'wipe' ? 'nothing to wipe' : undefined),
    context: {
      clock,
      target: {
        nodes: [{ id: 'n1' }, { id: 'n2' }, { id: 'n3' }],
        links: undefined,
        leader: () => state.leader,
        crash: async (node) => {
          seen.push(`crash ${node}@${clock.now()}`);
          return crash(node);
        },
        restart: async (node) => {
          seen.push(`restart ${node}@${clock.now()}`);
          await restart(node);
        },
        pause: async (node) => {
          seen.push(`pause ${node}@${clock.now()}`);
        },
        resume: async (node) => {
          seen.push(`resume ${node}@${clock.now()}`);
        },
        isPaused: () => Promise.resolve(true),
        wipe: async () => 'SIGKILL',
        waitForRejoin: async () => {},
        shutDown: async () => 'exit code 0',
        ended: () => new Promise(() => {}),
        inject: () => Promise.reject(new Error('nothing can be injected')),
      },
      witness: { operationsSucceeded: () => 5, highestLeaderTerm: () => state.term },
      random: new Random(1),
    },
    clock,
    originMs: 0,
    onStart: (atMs) => seen.push(`start@${atMs}`),
    onCarriedOut: (atMs) => carriedOut.push(atMs),
    onEnd: (atMs) => seen.push(`end@${atMs}`),
    signal: stop.signal,
  }).then((done) => (outcome = done));
  return { clock, stop, seen, carriedOut, state, records: () => outcome?.faults, skipped: () => outcome?.skipped };
}

const crashAt = (atMs: number, durationMs: number, target = 'n2'): ValidFault => ({ kind: 'crash', atMs, durationMs, target });

test('faults begin and end at their times, also when they overlap', async () => {
  const { clock, seen, records } = schedule([crashAt(100, 300, 'n2'), crashAt(200, 50, 'n3')]);
  await clock.advanceAsync(1_000);
  expect(seen).toEqual([
    'start@100',
    'crash n2@100',
    'start@200',
    'crash n3@200',
    'restart n3@250',
    'end@250',
    'restart n2@400',
    'end@400',
  ]);
  expect(records()?.map((record) => [record.nodes, record.startMs, record.endMs, record.proof.proven])).toEqual([
    [['n2'], 100, 400, true],
    [['n3'], 200, 250, true],
  ]);
  expect(clock.pendingTimers).toBe(0);
});

test('that a fault is carried out is told when it is, and of none that cannot be', async () => {
  const killed = schedule([crashAt(100, 300)], async () => {
    await sleep(killed.clock, 30);
    return 'SIGKILL';
  });
  await killed.clock.advanceAsync(1_000);
  expect([killed.seen[0], killed.carriedOut]).toEqual(['start@100', [130]]);
  const impossible = schedule([crashAt(100, 100)], () => Promise.reject(new Error('no such process')));
  await impossible.clock.advanceAsync(1_000);
  expect(impossible.carriedOut).toEqual([]);
});

test('a pause is carried out as one', async () => {
  const { clock, seen } = schedule([{ kind: 'pause', atMs: 10, durationMs: 20, target: 'n3' }]);
  await clock.advanceAsync(100);
  expect(seen).toEqual(['start@10', 'pause n3@10', 'resume n3@30', 'end@30']);
});

test('an interrupt undoes what lasts and begins nothing more', async () => {
  const { clock, stop, seen, records } = schedule([crashAt(100, 60_000), crashAt(5_000, 100)]);
  await clock.advanceAsync(1_000);
  stop.abort();
  await clock.advanceAsync(0);
  expect(seen).toEqual(['start@100', 'crash n2@100', 'restart n2@1000', 'end@1000']);
  expect(records()?.length).toBe(1);
  expect(records()?.[0]?.proof.observations).toContain('the fault was cut short');
  expect(clock.pendingTimers).toBe(0);
});

test('a fault that cannot be carried out or undone is one without proof, not the end of the run', async () => {
  const impossible = schedule([crashAt(100, 100)], () => Promise.reject(new Error('no such process')));
  await impossible.clock.advanceAsync(1_000);
  expect(impossible.records()?.[0]?.proof).toEqual({
    proven: false,
    observations: ['the fault could not be carried out: no such process'],
  });
  expect(impossible.seen.at(-1)).toBe('end@100');

  const lasting = schedule([crashAt(100, 100)], undefined, () => Promise.reject(new Error('does not start')));
  await lasting.clock.advanceAsync(1_000);
  expect(lasting.records()?.[0]?.proof.proven).toBe(false);
  expect(lasting.records()?.[0]?.proof.observations).toContain('the fault could not be undone: does not start');
});

test('a fault on the leader needs one', async () => {
  const { clock, state, records } = schedule([crashAt(100, 100, 'leader')]);
  state.leader = undefined;
  await clock.advanceAsync(1_000);
  expect(records()?.[0]?.proof).toMatchObject({ proven: false });
});

describe('a fault of the nemesis is skipped, with the reason, and nothing else is', () => {
  const nemesis = (faults: readonly ValidFault[], restart?: (node: string) => Promise<void>) =>
    schedule(faults, undefined, restart, 'nemesis');

  test('when nobody leads whom it could befall', async () => {
    const { clock, state, seen, records, skipped } = nemesis([
      crashAt(100, 100, 'leader'),
      { kind: 'partition', shape: 'isolate-leader', mode: 'hold', clients: false, target: 'leader', atMs: 300, durationMs: 100 },
      crashAt(500, 100, 'n3'),
    ]);
    state.leader = undefined;
    await clock.advanceAsync(1_000);
    expect(skipped()).toEqual([
      { kind: 'crash', target: 'leader', atMs: 100, reason: 'nobody led at that moment' },
      { kind: 'partition', target: 'isolate-leader', atMs: 300, reason: 'nobody led at that moment' },
    ]);
    // The load never hears of what did not begin.
    expect(seen).toEqual(['start@500', 'crash n3@500', 'restart n3@600', 'end@600']);
    expect(records()).toMatchObject([{ target: 'n3', proof: { proven: true } }]);
  });

  test('when the target cannot have it', async () => {
    const { clock, seen, skipped } = nemesis([{ ...crashAt(100, 100), kind: 'wipe' }]);
    await clock.advanceAsync(1_000);
    expect(skipped()).toEqual([{ kind: 'wipe', target: 'n2', atMs: 100, reason: 'nothing to wipe' }]);
    expect(seen).toEqual([]);
  });

  test('when the one before it takes longer to be undone than planned', async () => {
    const comesBack = Promise.withResolvers<void>();
    const { clock, records, skipped } = nemesis([crashAt(100, 100, 'n2'), crashAt(500, 100, 'leader')], () => comesBack.promise);
    await clock.advanceAsync(700);
    comesBack.resolve();
    await clock.advanceAsync(100);
    expect(skipped()).toEqual([{ kind: 'crash', target: 'leader', atMs: 500, reason: 'the crash of n2 had not ended yet' }]);
    expect(records()).toMatchObject([{ target: 'n2', startMs: 100, endMs: 700 }]);
  });

  test('not when it cannot be carried out for a reason of its own: that is one without proof', async () => {
    const { clock, records, skipped } = nemesis([{ kind: 'slow-disk', target: 'n2', delayMs: 5, atMs: 100, durationMs: 100 }]);
    await clock.advanceAsync(1_000);
    expect(skipped()).toEqual([]);
    expect(records()?.[0]?.proof).toMatchObject({ proven: false });
  });
});
