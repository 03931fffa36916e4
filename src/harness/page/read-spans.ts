// The spans of the kept traces, from the files beside run.json.

import { join } from 'node:path';
import type { Run } from '../result/schema.ts';
import { readTraces } from '../traces/trace-file.ts';
import { isBelow } from './file-link.ts';
import type { ScenarioSpans } from './trace-part.ts';

/**
 * Scenario by scenario; undefined where there is no such file, or none that can be read: a result without its files still
 * makes a page, which says that they are not there.
 */
export async function readSpans(run: Run, resultFolder: string): Promise<(ScenarioSpans | undefined)[]> {
  return Promise.all(
    run.scenarios.map(async ({ traces }) => {
      if (traces?.file === undefined || !isBelow(traces.file)) return undefined;
      return readTraces(join(resultFolder, traces.file)).catch(() => undefined);
    }),
  );
}
