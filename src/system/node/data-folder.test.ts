import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataFolderError, openDataFolder } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';

let base: string;
const opened: DataFolder[] = [];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'windtunnel-folder-'));
});
afterEach(async () => {
  for (const folder of opened.splice(0)) await folder.release();
  rmSync(base, { recursive: true });
});

async function open(name = 'data', clusterId = 'c1', nodeId = 'n1'): Promise<DataFolder> {
  const folder = await openDataFolder({ path: join(base, name), clusterId, nodeId });
  opened.push(folder);
  return folder;
}

async function refusal(...args: Parameters<typeof open>): Promise<DataFolderError> {
  const error = await open(...args).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(DataFolderError);
  return error as DataFolderError;
}

describe('identity', () => {
  test('a new folder is made with all above it, and found again', async () => {
    const folder = await open('a/b/c');
    expect(folder.path).toBe(join(base, 'a/b/c'));
    expect(JSON.parse(readFileSync(join(folder.path, 'identity.json'), 'utf8'))).toEqual({
      format: 1,
      clusterId: 'c1',
      nodeId: 'n1',
    });
    await folder.release();
    await folder.release();
    expect(readdirSync(folder.path)).toEqual(['identity.json']);
    writeFileSync(join(folder.path, 'store.db'), '');
    await open('a/b/c');
  });

  test('another cluster or node is refused by both names, and the folder stays free', async () => {
    await (await open()).release();
    expect(await refusal('data', 'c2')).toMatchObject({
      code: 'other-cluster',
      message: expect.stringMatching(/'c1'.*'c2'/) as string,
    });
    expect(await refusal('data', 'c1', 'n2')).toMatchObject({
      code: 'other-node',
      message: expect.stringMatching(/'n1'.*'n2'/) as string,
    });
    await open();
  });

  test('a folder with other things in it is refused and left as it is', async () => {
    mkdirSync(join(base, 'data'));
    writeFileSync(join(base, 'data', 'thesis.tex'), 'x');
    expect(await refusal()).toMatchObject({ code: 'not-ours', message: expect.stringContaining('thesis.tex') as string });
    expect(readdirSync(join(base, 'data'))).toEqual(['thesis.tex']);
  });

  test('what a crash left behind before there was an identity is no obstacle', async () => {
    mkdirSync(join(base, 'data'));
    writeFileSync(join(base, 'data', 'identity.json.tmp'), '{"form');
    await open();
    expect(existsSync(join(base, 'data', 'identity.json.tmp'))).toBe(false);
  });

  test.each([
    ['{"format":1,"clus', 'identity.json'],
    ['[]', 'identity.json'],
    ['{"format":2,"clusterId":"c1","nodeId":"n1"}', 'format 2'],
  ])('an identity that reads %s is refused', async (text, message) => {
    await (await open()).release();
    writeFileSync(join(base, 'data', 'identity.json'), text);
    expect(await refusal()).toMatchObject({ code: 'damaged-identity', message: expect.stringContaining(message) as string });
  });

  test('a path that cannot be a folder is refused', async () => {
    writeFileSync(join(base, 'file'), '');
    expect(await refusal('file')).toMatchObject({ code: 'unusable' });
    expect(await refusal('file/below')).toMatchObject({ code: 'unusable' });
  });
});

describe('lock', () => {
  test('this process cannot open it twice, also not through a link', async () => {
    const folder = await open();
    expect(await refusal()).toMatchObject({ code: 'in-use', message: expect.stringContaining(String(process.pid)) as string });
    symlinkSync(folder.path, join(base, 'link'));
    expect(await refusal('link')).toMatchObject({ code: 'in-use' });
    await folder.release();
    await open('link');
  });

  /** Another process that opens the folder, says so and waits. */
  async function openElsewhere(): Promise<{ pid: number; output: string; kill: () => Promise<void> }> {
    const program = `
      import { openDataFolder } from ${JSON.stringify(new URL('./data-folder.ts', import.meta.url).href)};
      await openDataFolder({ path: ${JSON.stringify(join(base, 'data'))}, clusterId: 'c1', nodeId: 'n1' })
        .then(() => console.log('opened'), (error) => console.log(error.code));
      process.stdin.resume();`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [output] = (await once(child.stdout, 'data')) as [Buffer];
    return {
      pid: child.pid ?? 0,
      output: output.toString().trim(),
      kill: async () => {
        child.kill('SIGKILL');
        await once(child, 'exit');
      },
    };
  }

  test('a process that lives keeps others out; when it was killed the next takes over', async () => {
    const other = await openElsewhere();
    expect(other.output).toBe('opened');
    expect(await refusal()).toMatchObject({ code: 'in-use', message: expect.stringContaining(String(other.pid)) as string });
    await other.kill();
    expect(readdirSync(join(base, 'data')).some((name) => name.startsWith(`lock-${other.pid}-`))).toBe(true);
    const folder = await open();
    expect(readdirSync(folder.path).filter((name) => name.startsWith('lock-'))).toHaveLength(1);
    const late = await openElsewhere();
    expect(late.output).toBe('in-use');
    await late.kill();
  });

  if (process.platform !== 'linux')
    process.stderr.write(
      `\n!!! SKIPPED: reused process ids were NOT tested: only Linux tells when a process started, and this is ${process.platform}\n\n`,
    );
  test.skipIf(process.platform !== 'linux')(
    'a process id that was given to another process does not keep the folder locked',
    async () => {
      await (await open()).release();
      // Process 1 lives, but did not start at tick 987654321.
      writeFileSync(join(base, 'data', 'lock-1-987654321'), '');
      const folder = await open();
      expect(readdirSync(folder.path)).not.toContain('lock-1-987654321');
    },
  );

  test('of many processes that come at once at most one gets in', async () => {
    for (let round = 0; round < 3; round++) {
      const all = await Promise.all([openElsewhere(), openElsewhere(), openElsewhere()]);
      expect(all.filter(({ output }) => output === 'opened').length).toBeLessThanOrEqual(1);
      await Promise.all(all.map((other) => other.kill()));
    }
    await open();
  });
});
