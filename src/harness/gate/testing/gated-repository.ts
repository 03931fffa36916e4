// A git repository with one suite of benchmarks whose speed, counts and names are what a test says.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface GatedSuite {
  /** Steps of arithmetic in one operation of `work/loop`. */
  readonly steps: number;
  /** What `work/loop` counts. */
  readonly messages: number;
  /** Benchmarks besides it, by their code: 'return 1'. */
  readonly more?: Readonly<Record<string, string>>;
}

export class GatedRepository implements Disposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'windtunnel-gated-')));

  constructor() {
    this.git('init', '--quiet', '--initial-branch', 'main');
    mkdirSync(join(this.folder, 'bench'));
  }

  get bench(): string {
    return join(this.folder, 'bench');
  }

  write({ steps, messages, more = {} }: GatedSuite): void {
    const others = Object.entries(more).map(([name, code]) => `{ name: '${name}', kind: 'sync', operation() { ${code} } },`);
    writeFileSync(
      join(this.bench, 'work.ts'),
      `let state = 1;
export default {
  name: 'work',
  prepare: () => ({
    benchmarks: [
      {
        name: 'loop',
        kind: 'sync',
        operation() {
          for (let step = 0; step < ${steps}; step++) state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + step;
          return state;
        },
        count: () => ({ operations: 10, counted: { messages: ${messages} } }),
      },
      ${others.join('\n      ')}
    ],
  }),
};
`,
    );
  }

  /** Resolves with the commit. */
  commit(suite: GatedSuite): string {
    this.write(suite);
    this.git('add', '--all');
    this.git('-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '--quiet', '--no-gpg-sign', '--allow-empty', '-m', 'x');
    return this.git('rev-parse', 'HEAD');
  }

  git(...words: string[]): string {
    return execFileSync('git', words, { cwd: this.folder, encoding: 'utf8' }).trim();
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
