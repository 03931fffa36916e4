// What a person sees while something long runs: on a terminal one line that is redrawn in place, elsewhere (a log, CI) one
// line a second.

import type { Cancel, Clock } from '../../runtime/clock.ts';
import { formatDuration } from '../../runtime/duration.ts';
import { formatCount, formatRate } from './numbers.ts';
import { fit, type Paint, plain, type Style, styleOf } from './text.ts';

const REDRAW_MS = 200;
const LINE_MS = 1_000;
const DEFAULT_COLUMNS = 80;
const LONGEST_BAR = 24;
const SHORTEST_BAR = 6;

const CLEAR_LINE = '\r\u001b[2K';

/** What progress is written to: process.stderr has this shape. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface ProgressOptions {
  readonly stream: ProgressStream;
  readonly clock: Clock;
  readonly colour: boolean;
}

export interface ProgressState {
  readonly elapsedMs: number;
  readonly ratePerSecond?: number;
  readonly p99Ms?: number;
  /** Operations that failed, so far. */
  readonly failed?: number;
  /** Operations that found no free virtual user, so far. */
  readonly dropped?: number;
  readonly phase?: string;
  /** The fault that is active, such as 'crash n2'. */
  readonly fault?: string;
}

export interface Progress {
  /** A new stretch of work; what was shown before is gone. @param totalMs how long it will take, 0 when nobody knows. */
  begin(title: string, totalMs: number): void;
  /** As often as one likes; it is shown at most five times a second. Before `begin` it does nothing. */
  update(state: ProgressState): void;
  /** A line that stays, above what is being shown. */
  note(text: string): void;
  /** Takes the live line away. May be called again, and before anything began. */
  end(): void;
}

/** Progress for a terminal or for a log, depending on what the stream says it is. */
export function createProgress(options: ProgressOptions): Progress {
  return options.stream.isTTY === true ? new LiveProgress(options) : new LoggedProgress(options);
}

class LiveProgress implements Progress {
  readonly #stream: ProgressStream;
  readonly #clock: Clock;
  readonly #style: Style;
  #work: { readonly title: string; readonly totalMs: number } | undefined;
  #state: ProgressState = { elapsedMs: 0 };
  #drawnAtMs = -Infinity;
  #isShown = false;
  #cancelRedraw: Cancel | undefined;

  constructor({ stream, clock, colour }: ProgressOptions) {
    this.#stream = stream;
    this.#clock = clock;
    this.#style = styleOf(colour);
  }

  begin(title: string, totalMs: number): void {
    this.#work = { title: plain(title), totalMs };
    this.#state = { elapsedMs: 0 };
    this.#draw();
  }

  update(state: ProgressState): void {
    if (this.#work === undefined) return;
    this.#state = state;
    const waitMs = this.#drawnAtMs + REDRAW_MS - this.#clock.now();
    if (waitMs <= 0) this.#draw();
    // The last of many updates is shown too, when its turn comes.
    else this.#cancelRedraw ??= this.#clock.scheduleBackground(waitMs, () => this.#draw());
  }

  note(text: string): void {
    this.#clear();
    this.#stream.write(`${plain(text)}\n`);
    if (this.#work !== undefined) this.#draw();
  }

  end(): void {
    this.#work = undefined;
    this.#clear();
  }

  #draw(): void {
    this.#cancelRedraw?.();
    this.#cancelRedraw = undefined;
    if (this.#work === undefined) return;
    this.#drawnAtMs = this.#clock.now();
    this.#isShown = true;
    // The last column stays free: a full line would make some terminals scroll.
    const columns = (this.#stream.columns ?? DEFAULT_COLUMNS) - 1;
    this.#stream.write(CLEAR_LINE + liveLine(this.#work.title, this.#work.totalMs, this.#state, this.#style, columns));
  }

  #clear(): void {
    this.#cancelRedraw?.();
    this.#cancelRedraw = undefined;
    if (this.#isShown) this.#stream.write(CLEAR_LINE);
    this.#isShown = false;
  }
}

class LoggedProgress implements Progress {
  readonly #stream: ProgressStream;
  readonly #clock: Clock;
  readonly #style: Style;
  #work: { readonly title: string; readonly totalMs: number } | undefined;
  #printedAtMs = -Infinity;

  constructor({ stream, clock, colour }: ProgressOptions) {
    this.#stream = stream;
    this.#clock = clock;
    this.#style = styleOf(colour);
  }

  begin(title: string, totalMs: number): void {
    this.#work = { title: plain(title), totalMs };
    this.#printedAtMs = -Infinity;
  }

  update(state: ProgressState): void {
    const nowMs = this.#clock.now();
    if (this.#work === undefined || nowMs - this.#printedAtMs < LINE_MS) return;
    this.#printedAtMs = nowMs;
    const { title, totalMs } = this.#work;
    const facts = factsOf(state, this.#style).map(({ text, paint }) => paint?.(text) ?? text);
    this.#stream.write(`${[title, timeOf(state, totalMs), ...facts].join('  ')}\n`);
  }

  note(text: string): void {
    this.#stream.write(`${plain(text)}\n`);
  }

  end(): void {
    this.#work = undefined;
  }
}

interface Fact {
  readonly text: string;
  readonly paint?: Paint;
}

/** 'leader-crash ━━━━━━──────  12.0s/25.0s  512/s  p99 12.3ms ...', cut to `columns`; the bar gives way first. */
function liveLine(title: string, totalMs: number, state: ProgressState, style: Style, columns: number): string {
  const facts: Fact[] = [{ text: timeOf(state, totalMs) }, ...factsOf(state, style)];
  const factsLength = facts.reduce((sum, { text }) => sum + text.length + 2, 0);
  const room = Math.min(LONGEST_BAR, columns - title.length - 1 - factsLength);
  const pieces: Fact[] = [{ text: title, paint: style.strong }];
  if (totalMs > 0 && room >= SHORTEST_BAR) {
    const done = Math.round(room * Math.min(1, Math.max(0, state.elapsedMs / totalMs)));
    pieces.push(
      { text: ' ' },
      { text: '━'.repeat(done), paint: style.good },
      { text: '─'.repeat(room - done), paint: style.faint },
    );
  }
  for (const fact of facts) pieces.push({ text: '  ' }, fact);
  return cut(pieces, columns);
}

function cut(pieces: readonly Fact[], columns: number): string {
  let left = columns;
  let line = '';
  for (const { text, paint } of pieces) {
    if (left <= 0) break;
    const shown = fit(text, left);
    line += paint?.(shown) ?? shown;
    left -= shown.length;
  }
  return line;
}

function timeOf({ elapsedMs }: ProgressState, totalMs: number): string {
  return totalMs > 0 ? `${formatDuration(elapsedMs)}/${formatDuration(totalMs)}` : formatDuration(elapsedMs);
}

function factsOf({ ratePerSecond, p99Ms, failed, dropped, phase, fault }: ProgressState, style: Style): Fact[] {
  const facts: Fact[] = [];
  if (ratePerSecond !== undefined) facts.push({ text: `${formatRate(ratePerSecond)}/s` });
  if (p99Ms !== undefined) facts.push({ text: `p99 ${formatDuration(p99Ms)}` });
  if (failed !== undefined) facts.push({ text: `failed ${formatCount(failed)}`, paint: failed > 0 ? style.bad : style.faint });
  if (dropped !== undefined)
    facts.push({ text: `dropped ${formatCount(dropped)}`, paint: dropped > 0 ? style.doubtful : style.faint });
  // The fault says more than that there is one.
  if (fault !== undefined) facts.push({ text: plain(fault), paint: style.bad });
  else if (phase !== undefined) facts.push({ text: plain(phase), paint: style.faint });
  return facts;
}
