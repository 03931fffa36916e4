// How links are controlled from another process, or another host: one JSON object a line each way, answers in any order.

import type { LinkPlan, SocksPlan } from './link-table.ts';
import type { DirectedRule, Direction, DirectionCounters } from './rule.ts';

/** By name: what is asked, and what is answered. */
export interface LinkCommands {
  readonly open: { readonly ask: { readonly links: readonly (LinkPlan | SocksPlan)[] }; readonly answer: readonly string[] };
  readonly apply: { readonly ask: { readonly name: string; readonly rules: readonly DirectedRule[] }; readonly answer: null };
  readonly lift: { readonly ask: { readonly name: string }; readonly answer: null };
  readonly reset: { readonly ask: { readonly directions: readonly Direction[] }; readonly answer: number };
  readonly counters: { readonly ask: object; readonly answer: readonly DirectionCounters[] };
  readonly probe: {
    readonly ask: { readonly direction: Direction; readonly messages: number; readonly timeoutMs: number };
    readonly answer: readonly number[];
  };
}

export type LinkRequest = {
  [name in keyof LinkCommands]: { readonly id: number; readonly command: name } & LinkCommands[name]['ask'];
}[keyof LinkCommands];

export type LinkResponse = { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: string };
