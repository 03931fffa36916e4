// Runs the command line as a user does: a process of its own, its output, its exit code.

import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

const PROGRAM = resolve(import.meta.dirname, '../../../bin/windtunnel.js');

export interface Running {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves when the process has ended and its output has been read. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Resolves when standard output or error matches; rejects when the process ends first. */
  readonly printed: (pattern: RegExp) => Promise<void>;
}

export function start(
  words: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; program?: string } = {},
): Running {
  const child = spawn(process.execPath, [options.program ?? PROGRAM, ...words], {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  const watchers = new Set<() => void>();
  const collect = (stream: 'out' | 'err') => (chunk: Buffer) => {
    text[stream] += chunk.toString();
    for (const watcher of watchers) watcher();
  };
  child.stdout?.on('data', collect('out'));
  child.stderr?.on('data', collect('err'));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((settle) => {
    child.on('close', (code, signal) => settle({ code, signal }));
  });
  const printed = (pattern: RegExp) =>
    new Promise<void>((found, missed) => {
      const watcher = () => {
        if (!pattern.test(text.out) && !pattern.test(text.err)) return;
        watchers.delete(watcher);
        found();
      };
      watchers.add(watcher);
      watcher();
      void ended.then(() => missed(new Error(`ended without printing ${pattern}:\n${text.out}\n${text.err}`)));
    });
  return { child, out: () => text.out, err: () => text.err, ended, printed };
}

/** Runs a command to its end. */
export async function windtunnel(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const running = start(words);
  const { code } = await running.ended;
  return { code, out: running.out(), err: running.err() };
}
