import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { makeTemporaryFolder } from '../runtime/temporary-folder.ts';
import { start } from './testing/windtunnel.ts';

test('doctor tells what killed runs have left in the temporary folder, and --clean removes that and nothing else', async () => {
  const place = mkdtempSync(join(tmpdir(), 'doctor-'));
  vi.stubEnv('TMPDIR', place);
  try {
    const inUse = makeTemporaryFolder('data');
    // As if its process had started in another moment, so that it is gone.
    const left = join(place, basename(inUse).replace(/(?<=data-\d+-)\d+/, '1'));
    mkdirSync(join(left, 'n1'), { recursive: true });
    const doctor = async (...words: string[]) => {
      const running = start(['doctor', ...words], { env: { DOCKER_HOST: `unix://${place}/no-engine` } });
      return { ...(await running.ended), out: running.out(), err: running.err() };
    };
    expect((await doctor()).out).toMatch(
      /^! temporary folder .*: killed runs have left a folder in it; windtunnel doctor --clean/m,
    );
    const cleaned = await doctor('--clean');
    expect(cleaned.code, cleaned.err).toBe(0);
    expect(cleaned.out).toContain(`removed the folder ${left}\n`);
    expect([existsSync(left), existsSync(inUse)]).toEqual([false, true]);
    expect((await doctor()).out).toMatch(/^ {2}temporary folder +\S+$/m);
  } finally {
    vi.unstubAllEnvs();
    rmSync(place, { recursive: true });
  }
});
