import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { createProgress, type Progress, type ProgressState } from './progress.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** A stream that remembers. */
function screen(isTTY: boolean, columns?: number) {
  const writes: string[] = [];
  return { isTTY, columns, writes, write: (text: string) => writes.push(text) };
}

/** What a terminal would show: escapes to clear the line carried out. */
function shown(writes: readonly string[]): string[] {
  const lines = [''];
  // oxlint-disable-next-line no-control-regex -- a terminal obeys them
  for (const part of writes.join('').split(/(\r\u001b\[2K|\n)/)) {
    if (part === '\n') lines.push('');
    else if (part.startsWith('\r')) lines[lines.length - 1] = '';
    else lines[lines.length - 1] += part;
  }
  return lines;
}

const state = (elapsedMs: number, more: Partial<ProgressState> = {}): ProgressState => ({
  elapsedMs,
  ratePerSecond: 512.34,
  p99Ms: 12.34,
  failed: 0,
  dropped: 0,
  phase: 'baseline',
  ...more,
});

describe('on a terminal', () => {
  const live = (columns = 100) => {
    const stream = screen(true, columns);
    return { stream, progress: createProgress({ stream, clock, colour: false }) };
  };

  test('one line is redrawn in place', () => {
    const { stream, progress } = live();
    progress.begin('leader-crash', 25_000);
    clock.advance(1_000);
    progress.update(state(12_500));
    expect(shown(stream.writes)).toHaveLength(1);
    expect(shown(stream.writes)[0]).toMatchInlineSnapshot(
      `"leader-crash ━━━━━━━━━━━──────────  12.5s/25.0s  512.3/s  p99 12.3ms  failed 0  dropped 0  baseline"`,
    );
  });

  test('an active fault takes the place of the phase', () => {
    const { stream, progress } = live();
    progress.begin('leader-crash', 25_000);
    clock.advance(1_000);
    progress.update(state(12_500, { phase: 'fault', fault: 'crash n2', failed: 1_234 }));
    expect(shown(stream.writes)[0]).toMatchInlineSnapshot(
      `"leader-crash ━━━━━━━━━────────  12.5s/25.0s  512.3/s  p99 12.3ms  failed 1,234  dropped 0  crash n2"`,
    );
  });

  test('at most five times a second, and the last state is not lost', () => {
    const { stream, progress } = live();
    progress.begin('steady', 10_000);
    const before = stream.writes.length;
    for (let elapsedMs = 0; elapsedMs < 1_000; elapsedMs += 10) {
      progress.update(state(elapsedMs));
      clock.advance(10);
    }
    expect(stream.writes.length - before).toBe(5);
    progress.update(state(995, { phase: 'after' }));
    expect(shown(stream.writes)[0]).not.toContain('after');
    clock.advance(200);
    expect(shown(stream.writes)[0]).toContain('after');
    expect(clock.pendingTimers).toBe(0);
  });

  test('a note stays above the line, and the end leaves only notes', () => {
    const { stream, progress } = live();
    progress.note('starting the cluster');
    progress.begin('steady', 10_000);
    progress.note('leader is n2');
    progress.update(state(100));
    expect(shown(stream.writes).slice(0, 2)).toEqual(['starting the cluster', 'leader is n2']);
    expect(shown(stream.writes)[2]).toContain('steady');
    progress.end();
    progress.end();
    expect(shown(stream.writes)).toEqual(['starting the cluster', 'leader is n2', '']);
    clock.advance(10_000);
    progress.update(state(200));
    expect(shown(stream.writes)).toEqual(['starting the cluster', 'leader is n2', '']);
    expect(clock.pendingTimers).toBe(0);
  });

  test.each([120, 80, 60, 30, 10])('%d columns are never filled, whatever the state', (columns) => {
    const { stream, progress } = live(columns);
    progress.begin('a-scenario-with-a-rather-long-name', 3_600_000);
    clock.advance(1_000);
    progress.update(state(3_000_000, { failed: 123_456, dropped: 7_890, fault: 'crash n2', p99Ms: 12_345 }));
    expect(shown(stream.writes)).toHaveLength(1);
    expect(shown(stream.writes)[0]?.length).toBeLessThan(columns);
    expect(shown(stream.writes)[0]).toContain('a-scena');
  });

  test('work of unknown length has no bar, and time beyond the total does not overflow it', () => {
    const { stream, progress } = live();
    progress.begin('waiting', 0);
    expect(shown(stream.writes)).toEqual(['waiting  0']);
    progress.begin('late', 1_000);
    clock.advance(1_000);
    progress.update({ elapsedMs: 5_000 });
    expect(shown(stream.writes)).toEqual([`late ${'━'.repeat(24)}  5.0s/1.0s`]);
  });

  test('with colour it says the same', () => {
    const stream = screen(true, 100);
    const progress = createProgress({ stream, clock, colour: true });
    progress.begin('steady', 10_000);
    expect(shown(stream.writes)[0]).toContain('\u001b[1msteady\u001b[22m');
    // oxlint-disable-next-line no-control-regex -- takes the colours out again
    expect(shown(stream.writes)[0]?.replaceAll(/\u001b\[\d+m/g, '')).toBe(`steady ${'─'.repeat(24)}  0/10.0s`);
  });
});

describe('elsewhere', () => {
  const logged = (): { writes: string[]; progress: Progress } => {
    const stream = screen(false);
    return { writes: stream.writes, progress: createProgress({ stream, clock, colour: false }) };
  };

  test('there is one line a second, and nothing that moves the cursor', () => {
    const { writes, progress } = logged();
    progress.begin('steady', 10_000);
    for (let elapsedMs = 0; elapsedMs < 3_000; elapsedMs += 100) {
      progress.update(state(elapsedMs));
      clock.advance(100);
    }
    progress.end();
    expect(writes).toEqual([
      'steady  0/10.0s  512.3/s  p99 12.3ms  failed 0  dropped 0  baseline\n',
      'steady  1.0s/10.0s  512.3/s  p99 12.3ms  failed 0  dropped 0  baseline\n',
      'steady  2.0s/10.0s  512.3/s  p99 12.3ms  failed 0  dropped 0  baseline\n',
    ]);
  });

  test('notes are lines; before begin and after end there is nothing else', () => {
    const { writes, progress } = logged();
    progress.update(state(0));
    progress.note('starting');
    progress.begin('steady', 0);
    progress.end();
    progress.update(state(0));
    expect(writes).toEqual(['starting\n']);
  });

  test.each([true, false])('no name can carry an escape into it (terminal: %s)', (isTTY) => {
    const stream = screen(isTTY, 100);
    const progress = createProgress({ stream, clock, colour: false });
    progress.note('a\u001b[2Jb\nc');
    progress.begin('evil\u001b]0;title\u0007\u001b[31m', 1_000);
    clock.advance(1_000);
    progress.update(state(0, { phase: '\u001b[5mblink', fault: 'x\u001b[?25l' }));
    // oxlint-disable-next-line no-control-regex -- what remains when our own escapes are taken out
    expect(stream.writes.join('').replaceAll('\r\u001b[2K', '')).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(stream.writes.join('')).toContain('ab c\n');
  });
});
