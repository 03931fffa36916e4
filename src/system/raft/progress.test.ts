import { describe, expect, test } from 'vitest';
import { AssertionError } from '../../runtime/assert.ts';
import { Persistence } from './persistence.ts';
import { Progress } from './progress.ts';
import type { Effect } from './protocol.ts';

describe('progress', () => {
  test('probes with one request at a time and pipelines once an answer confirmed where the logs agree', () => {
    const progress = new Progress(10, 2, 0);
    expect(progress.canSend).toBe(true);
    progress.sent(12);
    expect([progress.state, progress.nextIndex, progress.canSend]).toEqual(['probe', 10, false]);
    expect(() => progress.sent(13)).toThrow(AssertionError);
    expect(progress.accepted(12)).toBe(true);
    expect([progress.state, progress.matchIndex, progress.nextIndex]).toEqual(['replicate', 12, 13]);
    progress.sent(13);
    progress.sent(15);
    expect([progress.nextIndex, progress.canSend, progress.inflight]).toEqual([16, false, 2]);
    expect(progress.accepted(14)).toBe(true);
    expect([progress.canSend, progress.inflight]).toEqual([true, 1]);
    expect(progress.accepted(14)).toBe(false);
  });

  test('a late answer never moves the match index back', () => {
    const progress = new Progress(10, 2, 0);
    progress.accepted(9);
    expect(progress.accepted(4)).toBe(false);
    expect([progress.matchIndex, progress.nextIndex]).toEqual([9, 10]);
  });

  test('a rejection moves back to where the logs can agree, and its repetition does nothing', () => {
    const progress = new Progress(10, 4, 0);
    progress.accepted(3);
    progress.sent(20);
    progress.sent(30);
    expect(progress.rejected(20, 7)).toBe(true);
    expect([progress.state, progress.nextIndex, progress.inflight]).toEqual(['probe', 8, 0]);
    // The request behind the lost one is rejected too, and so is a heartbeat behind that.
    expect(progress.rejected(30, 7)).toBe(false);
    expect(progress.rejected(20, 7)).toBe(false);
    expect(progress.nextIndex).toBe(8);
    // Never below what the follower has confirmed.
    expect(progress.rejected(7, 0)).toBe(true);
    expect(progress.nextIndex).toBe(4);
    expect(progress.rejected(3, 0)).toBe(false);
  });
});

describe('persistence', () => {
  const entries = () => [];

  test('a confirmation counts only for what was not replaced since', () => {
    const persistence = new Persistence(2);
    const effects: Effect[] = [];
    persistence.entriesChanged(effects, 3, false);
    persistence.finish(0, 6, entries);
    persistence.entriesChanged(effects, 5, true);
    persistence.finish(0, 5, entries);
    persistence.confirm(1);
    expect(persistence.durableIndex).toBe(4);
    persistence.confirm(2);
    expect(persistence.durableIndex).toBe(5);
    persistence.confirm(1);
    expect(persistence.durableIndex).toBe(5);
  });

  test('replacing what is durable makes it not durable', () => {
    const persistence = new Persistence(6);
    persistence.entriesChanged([], 4, true);
    persistence.finish(0, 4, entries);
    expect(persistence.durableIndex).toBe(3);
    persistence.confirm(1);
    expect(persistence.durableIndex).toBe(4);
  });

  test('the hard state is durable when its latest change is', () => {
    const persistence = new Persistence(0);
    const effects: Effect[] = [];
    persistence.hardStateChanged(effects, { term: 1, votedFor: undefined });
    expect(persistence.hardStateIsDurable).toBe(false);
    persistence.hardStateChanged(effects, { term: 1, votedFor: 'b' });
    persistence.finish(0, 0, entries);
    persistence.hardStateChanged(effects, { term: 2, votedFor: undefined });
    persistence.finish(0, 0, entries);
    expect(effects).toEqual([
      { type: 'persist', sequence: 1, hardState: { term: 1, votedFor: 'b' }, entries: [] },
      { type: 'persist', sequence: 2, hardState: { term: 2, votedFor: undefined }, entries: [] },
    ]);
    persistence.confirm(1);
    expect(persistence.hardStateIsDurable).toBe(false);
    persistence.confirm(2);
    expect(persistence.hardStateIsDurable).toBe(true);
  });
});
