// Somebody reads the first lines and goes: the run goes on to its end, its result is written, and nothing is left behind.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processesNaming } from '../harness/launch/testing/processes.ts';
import { scenarioFolder } from './testing/scenario-folder.ts';

const folder = scenarioFolder('closed');

test.each([[['stdout']], [['stderr']], [['stdout', 'stderr']]] as const)(
  'a run outlives the readers of its %s',
  async (closed) => {
    const results = join(folder.path, 'results');
    const running = folder.start(['run', folder.write({ duration: '2s' }), '--results', results]);
    await running.printed(/starting 3 nodes/);
    for (const name of closed) running.child[name]?.destroy();
    const { code, signal } = await running.ended;
    expect(processesNaming(`${folder.scenario}-`)).toEqual([]);
    const { id, status, exit, scenarios } = await folder.resultOf(results);
    // On a busy machine a run may be invalid; it ends as its result says, whatever that is.
    expect([signal, code, status, scenarios.length]).toEqual([null, exit.code, 'complete', 1]);
    expect(readFileSync(join(results, id, 'report.html'), 'utf8')).toContain('</html>');
    // Who still reads is still told.
    if (!closed.some((name) => name === 'stdout')) expect(running.out()).toContain(`exit code ${exit.code}`);
  },
  60_000,
);
