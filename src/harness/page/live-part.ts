// What the page says on top while its run is under way, and when it has just ended.

import { formatDuration } from '../../runtime/duration.ts';
import type { Phase } from '../result/schema.ts';
import { type Markup, markup, type Part } from './markup.ts';

export interface RunningState {
  readonly kind: 'running';
  /** 'leader-crash: checking the history'. */
  readonly step: string;
  /** While a scenario's load runs; the scenario is the last one of the run. */
  readonly load?: {
    readonly elapsedMs: number;
    readonly totalMs: number;
    readonly phase: Phase;
    readonly fault?: string;
  };
  /** Whether the last scenario of the run has not ended. */
  readonly isUnderWay: boolean;
}

export interface OverState {
  readonly kind: 'over';
  /** Where the page is now, if it could be written. */
  readonly page: string | undefined;
}

export type LiveState = RunningState | OverState;

export function runningBoard({ step, load }: RunningState): Markup {
  const happening =
    load === undefined ? step : `${step}, phase ${load.phase}${load.fault === undefined ? '' : `, fault ${load.fault}`}`;
  // What changes every second is not read out every second.
  return markup`<div class="outcome running"><p><strong><span aria-hidden="true">●</span> running</strong> <span role="status">${happening}</span></p>
${load !== undefined && progressOf(load)}</div>`;
}

function progressOf({ elapsedMs, totalMs }: NonNullable<RunningState['load']>): Markup {
  const words = `${formatDuration(elapsedMs)} of ${formatDuration(totalMs)}`;
  return markup`<p><progress max="${totalMs}" value="${Math.min(totalMs, Math.round(elapsedMs))}" aria-label="Time since the start of the scenario"></progress> <span class="note">${words}</span></p>`;
}

export function overNote({ page }: OverState): Part {
  const where = page === undefined ? 'Its page could not be written.' : markup`Its page stays as <code>${page}</code>.`;
  return markup`<div class="over" role="alert"><p><strong>The run is over</strong> and this address with it. ${where}</p></div>`;
}
