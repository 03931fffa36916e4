import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { windtunnel } from './testing/windtunnel.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-usage-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function scenarioFile(name: string, options: string): string {
  const path = join(folder, `${name}.ts`);
  writeFileSync(path, `export default { name: '${name}', description: 'x', cluster: { nodes: 3 }, ${options} };`);
  return path;
}

const LOAD = "executor: 'constant-arrival-rate', duration: '5s', preAllocatedVUs: 1, workload: { kind: 'set' }";

const COMMANDS = [
  'bench',
  'micro',
  'run',
  'init',
  'cluster',
  'query',
  'check',
  'report',
  'compare',
  'gate',
  'history',
  'gate',
  'image',
  'doctor',
];

describe('help', () => {
  test.each(COMMANDS)('%s explains itself', async (name) => {
    const help = await windtunnel(name, '--help');
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain(`Usage: windtunnel ${name}`);
  });

  test('the overview lists the commands, and help NAME is NAME --help', async () => {
    const overview = await windtunnel('--help');
    expect(overview).toMatchObject({ code: 0, err: '' });
    for (const name of COMMANDS) expect(overview.out).toContain(`\n  ${name} `);
    expect(overview.out).not.toContain('\n  node ');
    expect((await windtunnel('help', 'run')).out).toBe((await windtunnel('run', '--help')).out);
  });

  test('run --list says what each scenario takes and teaches, and every one of them is valid', async () => {
    const { code, out } = await windtunnel('run', '--list');
    expect(code).toBe(0);
    expect(out).toMatch(/^leader-crash  18\.0s · 3 nodes\n  The leader is killed/m);
    expect(out).toMatch(/^random-nemesis  1m00s · 3 nodes · needs links, fault control\n  Random faults/m);
    expect(out).not.toContain('broken');
  });

  test('the version names the runtime', async () => {
    const { code, out } = await windtunnel('--version');
    expect(code).toBe(0);
    expect(out).toMatch(/^windtunnel \d+\.\d+\.\d+ \(Node v\d+/);
  });
});

describe('usage errors: exit 1, one line that says what to do', () => {
  test.each([
    [['benhc'], /unknown command 'benhc'; did you mean 'bench'\?/],
    [['bench', '--profil', 'quick'], /unknown option '--profil'; did you mean '--profile'\?/],
    [['bench', '--profile', 'slow'], /--profile takes one of quick, full, not 'slow'/],
    [['bench', 'steady'], /bench takes no arguments, not 'steady'/],
    [['bench', '--seed', '-1'], /--seed needs a value; one that begins with '-' is written --seed=-/],
    [['bench', '--seed=-1'], /--seed takes a whole number from 0 to \d+, not '-1'/],
    [['run'], /run takes a scenario; there are (.+, )?leader-crash, .*steady/],
    [['run', 'steady', '--target', 'ectd'], /--target takes one of process, docker, compose, etcd, external, not 'ectd'/],
    [['run', 'steady', '--cpus', '1'], /--cpus goes with --target docker, not without it/],
    [['run', 'steady', '--target', 'etcd', '--net-admin'], /--net-admin goes with --target docker, not etcd/],
    [['run', 'steady', '--target', 'process=node'], /--target process takes no '=node'/],
    [['run', 'steady', '--endpoint', '127.0.0.1:1'], /--endpoint goes with --target external, not without it/],
    [['run', 'steady', '--target', 'etcd', '--protocol', 'etcd'], /--protocol goes with --target external, not etcd/],
    [['run', 'steady', '--target', 'external', '--protocol', 'http'], /--protocol takes one of windtunnel, etcd, not 'http'/],
    [['run', 'steady', '--target', 'external', '--nodes', '3'], /--nodes goes with a target that is launched; external has the/],
    [['run', 'steady', '--target', 'compose', '--nodes', '3'], /--nodes goes with a target that is launched; compose has the/],
    [['run', 'steady', '--target', 'compose', '--endpoint', 'a:1'], /--endpoint goes with --target external, not compose/],
    [['run', 'steady', '--metrics-port', 'somewhere'], /--metrics-port takes \[HOST:\]PORT with a port .* not 'somewhere'/],
    [['bench', '--target', 'cloud'], /--target takes one of process, docker, compose, etcd, external, not 'cloud'/],
    [['bench', '--metrics-port', '65536'], /--metrics-port takes \[HOST:\]PORT with a port from 0 to 65535, not '65536'/],
    [['bench', '--observer-cost', '--target', 'etcd'], /--target does not go with --observer-cost/],
    [['run', 'steady', '--nodes', '0'], /--nodes takes a whole number from 1 to 9, not '0'/],
    [['init'], /init takes the file to write: windtunnel init my\.scenario\.ts/],
    [['init', 'a.ts', 'b.ts'], /init takes one file, not also 'b\.ts'/],
    [['init', 'notes.md'], /init writes a module such as my\.scenario\.ts, not 'notes\.md'/],
    [['init', 'types.d.ts'], /init writes a module such as my\.scenario\.ts, not 'types\.d\.ts'/],
    [['init', './---.ts'], /'\.\/---\.ts' must have a letter or digit in its name/],
    [['init', '/nonexistent/my.ts'], /there is no folder \/nonexistent to write my\.ts into/],
    [['micro', 'no-such-benchmark'], /no microbenchmark matches 'no-such-benchmark'; the suites are actor/],
    [['image', 'steady'], /image takes no arguments, not 'steady'/],
    [['cluster'], /cluster takes 'up'/],
    [['cluster', 'down'], /cluster takes 'up', not 'down'/],
    [['query'], /query takes SQL/],
    [['query', '--endpoints', 'nowhere', 'select 1'], /'nowhere'/],
    [['query', '--data', '/nonexistent', 'select 1'], /no cluster is running here/],
    [['check'], /check takes at least one history/],
    [['check', '/nonexistent/history.jsonl'], /no such file: \/nonexistent\/history.jsonl/],
    [['check', '--model', 'queue', 'x'], /--model takes one of .*not 'queue'/],
    [['report', 'no-such-result', '--results', '/nonexistent'], /no-such-result/],
    [['compare', 'latest'], /compare takes two results, not 'latest'/],
    [['compare', 'a', 'b', 'c'], /compare takes two results, not 'a b c'/],
    [['compare', 'a', 'b', '--format', 'xml'], /--format takes one of text, json, markdown, not 'xml'/],
    [['gate'], /gate needs --base REF/],
    [['gate', 'main'], /gate takes no arguments, not 'main'/],
    [['gate', '--base', 'no-such-ref'], /--base 'no-such-ref' is no commit of /],
    [['gate', '--base', 'HEAD', '--head', 'no-such-ref'], /--head 'no-such-ref' is no commit of /],
    [['gate', '--base', 'HEAD', '--inject', '20'], /--inject takes a share such as 20% or .*, not '20'/],
    [['gate', '--base', 'HEAD', '--inject', 'sleep:20%'], /--inject takes a share .*, not 'sleep:20%'/],
    [['gate', '--base', 'HEAD', '--budget', '0s'], /--budget takes a time in which something can be measured, not 0/],
    [['gate', '--base', 'HEAD', '--format', 'xml'], /--format takes one of text, json, markdown, not 'xml'/],
    [['gate', '--base', 'HEAD', '--gates', '3'], /--gates goes with --validate/],
    [['gate', '--validate', '--base', 'HEAD'], /--validate measures HEAD against itself: it takes no --base/],
    [['gate', '--validate', '--from', '/nonexistent/x.json'], /no recorded validation at \/nonexistent\/x\.json/],
    [['history', 'x'], /history takes no arguments, not 'x'/],
    [['history', '--results', '/nonexistent'], /no results in \/nonexistent yet/],
    [['node'], /node needs --id/],
  ])('windtunnel %j', async (words, message) => {
    const { code, out, err } = await windtunnel(...words);
    expect(err).toMatch(message);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(out).toBe('');
    expect(code).toBe(1);
  });
});

describe('invalid configurations: exit 104, the option named', () => {
  test.each([
    [['steady', '--target', 'docker', '--cpus', 'two'], /steady: --target: cpus must be a number > 0, not NaN/],
    [['steady', '--target', 'docker', '--memory', '1MB'], /steady: --target: memory must be a size such as '512MiB'.*not '1MB'/],
    [['steady', '--target', 'docker', '--memory', '1MiB'], /at least 64MiB, not '1MiB'/],
    [['container-network', '--target', 'docker'], /faults\[0\] \(drop-packets\) needs the capability NET_ADMIN \(--net-admin\)/],
    [
      ['container-network', '--target', 'process'],
      /faults\[2\] \(disconnect\) needs nodes in containers \(--target docker\), not process/,
    ],
  ])('%j', async (words, problem) => {
    const { code, err } = await windtunnel('run', ...words);
    expect(err).toMatch(problem);
    expect(code).toBe(104);
  });

  test('an unknown scenario', async () => {
    const { code, err } = await windtunnel('run', 'stedy');
    expect(err).toMatch(/no scenario is called 'stedy'; there are .*leader-crash, .*; did you mean 'steady'\?/);
    expect(code).toBe(104);
  });

  test('a negative rate', async () => {
    const { code, err } = await windtunnel('run', scenarioFile('negative', `loads: { a: { ${LOAD}, rate: -5 } }`));
    expect(err).toMatch(/loads\.a\.rate .*-5/);
    expect(code).toBe(104);
  });

  test('a misspelt option', async () => {
    const { code, err } = await windtunnel('run', scenarioFile('misspelt', `loads: { a: { ${LOAD}, rate: 5, maxVus: 3 } }`));
    expect(err).toMatch(/maxVus.*maxVUs/);
    expect(code).toBe(104);
  });

  test.each([
    ['first_writ', /no metric is called 'first_writ'; did you mean 'first_write'\?/],
    [
      'errors{code:deadline-exceded}',
      /names the code 'deadline-exceded', which no error has; did you mean 'deadline-exceeded'\?/,
    ],
    ['errors{operation:ad}', /names the operation 'ad', but there are add; did you mean 'add'\?/],
    ['recovered', /thresholds\['recovered'\] is measured of faults, and the scenario has none/],
  ])('a threshold on %s', async (metric, message) => {
    const expression = metric.startsWith('errors') ? 'count<1' : 'max<1';
    const more = `loads: { a: { ${LOAD}, rate: 5 } }, thresholds: { '${metric}': ['${expression}'] }`;
    const path = scenarioFile('unmeasured', more);
    const { code, err } = await windtunnel('run', path);
    expect(err).toMatch(message);
    expect(code).toBe(104);
  });

  test('a fault behind the end of a shortened run', async () => {
    const { code, err } = await windtunnel('run', 'leader-crash', '--duration', '7s');
    expect(err).toMatch(/leader-crash/);
    expect(code).toBe(104);
  });

  test('a fault of the network without links', async () => {
    const { code, err } = await windtunnel('run', 'partition-leader', '--links', 'off');
    expect(err).toContain('partition-leader: faults[0] (partition) needs links');
    expect(code).toBe(104);
    expect(await windtunnel('run', 'steady', '--links', 'maybe')).toMatchObject({
      code: 1,
      err: "windtunnel: --links takes one of on, off, not 'maybe'\n",
    });
  });

  test('a duration that cannot be read', async () => {
    const { code, err } = await windtunnel('run', 'steady', '--duration', '10');
    expect(err).toMatch(/cannot read '10' as a duration/);
    expect(code).toBe(104);
  });

  test('a module that does not load', async () => {
    const path = join(folder, 'broken.ts');
    writeFileSync(path, 'export default {{');
    const { code, err } = await windtunnel('run', path);
    expect(err).toContain('broken.ts');
    expect(code).toBe(104);
  });
});

test('a port in use is named, and nothing is left running', async () => {
  const holder = createServer();
  await new Promise<void>((listening) => holder.listen(0, '127.0.0.1', listening));
  const { port } = holder.address() as AddressInfo;
  try {
    const { code, err } = await windtunnel('cluster', 'up', '--port', String(port), '--data', join(folder, 'port'));
    expect(err).toContain(`cannot listen on 127.0.0.1:${port}`);
    expect(code).toBe(1);
  } finally {
    holder.close();
  }
});

test('a data folder that is not one of ours is refused', async () => {
  const { code, err } = await windtunnel(
    'node',
    '--id',
    'n1',
    '--cluster',
    'c',
    '--listen',
    '127.0.0.1:0',
    '--http',
    '127.0.0.1:0',
    '--data',
    folder,
  );
  expect(err).toContain(folder);
  expect(code).toBe(1);
});

test('check reads a recorded history and answers with its exit code', async () => {
  const header = JSON.stringify({ windtunnel: 'history', version: 1, model: 'register' });
  const event = (index: number, process: number, type: string, f: string, value: unknown) =>
    JSON.stringify({ index, process, type, f, value, timeNs: index });
  const write = (name: string, events: string[]) => {
    const path = join(folder, name);
    writeFileSync(path, `${[header, ...events].join('\n')}\n`);
    return path;
  };
  const written = [event(0, 1, 'invoke', 'write', 1), event(1, 1, 'ok', 'write', 1), event(2, 1, 'invoke', 'read', null)];
  const good = write('good.jsonl', [...written, event(3, 1, 'ok', 'read', 1)]);
  const bad = write('bad.jsonl', [...written, event(3, 1, 'ok', 'read', 2)]);
  const empty = write('empty.jsonl', []);
  const torn = write('torn.jsonl', ['{"index": 0, "process"']);
  expect(await windtunnel('check', good)).toMatchObject({ code: 0 });
  const violated = await windtunnel('check', good, bad);
  expect(violated.code).toBe(95);
  expect(violated.out).toContain('violated');
  expect(await windtunnel('check', empty)).toMatchObject({ code: 96 });
  const malformed = await windtunnel('check', torn);
  expect(malformed).toMatchObject({ code: 1 });
  expect(malformed.err).toContain('torn.jsonl:2');
  const recorded = resolve(import.meta.dirname, 'command.ts');
  expect(await windtunnel('check', recorded)).toMatchObject({ code: 1 });
});
