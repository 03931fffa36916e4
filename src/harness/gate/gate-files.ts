// results/<UTC>-<commit>-gate/gate.json and gate.md.

import { join } from 'node:path';
import { assert } from '../../runtime/assert.ts';
import { renderGateMarkdown } from '../report/gate-markdown.ts';
import { createResultFolder } from '../result/files.ts';
import { type Gate, GATE_FILE, gateSchema } from '../result/gate.ts';
import { layOut } from '../result/layout.ts';
import { writeWhole } from '../result/whole-file.ts';

/** Both files appear complete or not at all. Resolves with the path of gate.json, and the gate under the name of its folder. */
export async function writeGate(results: string, gate: Gate): Promise<{ readonly path: string; readonly gate: Gate }> {
  const { id, folder } = await createResultFolder(results, gate.id);
  const named = { ...gate, id };
  const checked = gateSchema.safeParse(named);
  assert(checked.success, `the gate does not fit its schema: ${checked.error?.message ?? ''}`);
  const path = join(folder, GATE_FILE);
  await writeWhole(path, (file) => file.writeFile(layOut(named)));
  await writeWhole(join(folder, 'gate.md'), (file) => file.writeFile(renderGateMarkdown(named)));
  return { path, gate: named };
}
