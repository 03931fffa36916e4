// A load of calls that cannot work must not start; one whose requests lack what was meant must not either.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadScenarios } from './discover.ts';
import { loadGrpcMethod } from './grpc-method.ts';
import { ScenarioError } from './options.ts';

const CALLS = join(import.meta.dirname, 'testing/calls.proto');

function loaded(
  request: Readonly<Record<string, unknown>> = {},
  more: { readonly proto?: string; readonly method?: string } = {},
) {
  const workload = { proto: CALLS, method: 'windtunnel.test.Calls/Unary', ...more };
  return loadGrpcMethod('a', { kind: 'grpc', metadata: {}, request, ...workload });
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-proto-'));
  writeFileSync(join(folder, 'broken.proto'), 'syntax = "proto3"; message {');
  writeFileSync(join(folder, 'importing.proto'), 'syntax = "proto3"; import "lost.proto"; message A { B b = 1; }');
  writeFileSync(join(folder, 'empty.proto'), 'syntax = "proto3"; message A {}');
  const scenario = (workload: string) =>
    `export default { name: 'calls', description: 'For a test.', cluster: { nodes: 1 }, warmup: 0,
      loads: { a: { executor: 'constant-vus', vus: 1, duration: '1s', workload: { kind: 'grpc', ${workload} } } } };`;
  writeFileSync(join(folder, 'good.ts'), scenario(`proto: '${CALLS}', method: 'windtunnel.test.Calls/Unary'`));
  writeFileSync(
    join(folder, 'bad.ts'),
    scenario(`proto: '${CALLS}', method: 'windtunnel.test.Calls/Unary', request: { txt: 'x' }`),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a request is encoded as it was meant, by either name of a field', async () => {
  const request = {
    text: 'ü',
    small_number: 7,
    inners: [{ large: '9007199254740993', someBytes: 'AAEC', deeper: { flag: true } }, {}],
    colours: { sky: 'BLUE', rose: 0 },
    ratio: null,
  };
  const { path, request: bytes } = await loaded(request);
  expect(path).toBe('/windtunnel.test.Calls/Unary');
  const service = loadSync(CALLS, { longs: String, enums: String, bytes: String })['windtunnel.test.Calls'];
  const { requestDeserialize } = (service as unknown as { Unary: { requestDeserialize: (bytes: Buffer) => unknown } }).Unary;
  expect(requestDeserialize(bytes)).toEqual({
    text: 'ü',
    smallNumber: 7,
    inners: [{ large: '9007199254740993', someBytes: 'AAEC', deeper: { flag: true } }, {}],
    colours: { sky: 'BLUE', rose: 'RED' },
  });
});

describe('a request that is not of its type is refused, with all that is wrong', () => {
  const at = 'loads.a.workload.request';
  test.each<[Readonly<Record<string, unknown>>, string]>([
    [
      { txt: 'x' },
      `${at} has no field 'txt': windtunnel.test.Request has text, smallNumber, inners, colours, flag, ratio; did you mean 'text'?`,
    ],
    [
      { inners: [{}, { lage: 1 }] },
      `${at}.inners[1] has no field 'lage': windtunnel.test.Request.Inner has large, someBytes, deeper; did you mean 'large'?`,
    ],
    [{ inners: [{ deeper: { nothing: 1 } }] }, `${at}.inners[0].deeper has no field 'nothing'`],
    [{ text: 5 }, `${at}.text must be text, not 5`],
    [{ small_number: -1 }, `${at}.small_number must be a whole number from 0 to 4294967295, not -1`],
    [{ small_number: 1.5 }, `${at}.small_number must be a whole number from 0 to 4294967295, not 1.5`],
    [{ inners: [{ large: '9223372036854775808' }] }, `${at}.inners[0].large must be a whole number from`],
    [{ inners: [{ some_bytes: 'no base64!' }] }, `${at}.inners[0].some_bytes must be bytes in base64, not 'no base64!'`],
    [{ inners: { large: 1 } }, `${at}.inners must be a list, not { large: 1 }`],
    [{ inners: ['x'] }, `${at}.inners[0] must be an object, a windtunnel.test.Request.Inner, not 'x'`],
    [{ colours: { sky: 'GREEN' } }, `${at}.colours.sky must be 'RED' or 'BLUE', not 'GREEN'`],
    [{ colours: ['RED'] }, `${at}.colours must be an object, a map, not [ 'RED' ]`],
    [{ flag: 'yes' }, `${at}.flag must be true or false, not 'yes'`],
    [{ ratio: '1' }, `${at}.ratio must be a number, not '1'`],
    [{ txt: 1, text: 2 }, `not 2`],
  ])('%j', async (request, message) => {
    await expect(loaded(request)).rejects.toThrow(ScenarioError);
    await expect(loaded(request)).rejects.toThrow(message);
  });
});

test.each<[string, string, string]>([
  ['lost.proto', 'a.B/C', "loads.a.workload.proto: 'lost.proto' cannot be loaded: there is no file "],
  ['FOLDER/importing.proto', 'a.B/C', 'lost.proto'],
  ['FOLDER/broken.proto', 'a.B/C', "illegal type name '{'"],
  ['FOLDER/empty.proto', 'a.B/C', "there is no service 'a.B' in FOLDER/empty.proto; there is no service"],
  [
    CALLS,
    'windtunnel.test.Call/Unary',
    "there is no service 'windtunnel.test.Call' in CALLS; there is windtunnel.test.Calls; did you mean 'windtunnel.test.Calls'?",
  ],
  [CALLS, 'windtunnel.test.Request/Unary', "there is no service 'windtunnel.test.Request'"],
  [
    CALLS,
    'windtunnel.test.Calls/Unry',
    "windtunnel.test.Calls has no method 'Unry'; it has Unary, Nothing, Streaming; did you mean 'Unary'?",
  ],
  [CALLS, 'windtunnel.test.Calls/toString', "has no method 'toString'"],
  [
    CALLS,
    'windtunnel.test.Calls/Streaming',
    "'windtunnel.test.Calls/Streaming' is a streaming method; only unary ones can be called",
  ],
])('%s and %s', async (proto, method, message) => {
  const failure = loaded({}, { proto: proto.replace('FOLDER', folder), method });
  await expect(failure).rejects.toThrow(ScenarioError);
  await expect(failure).rejects.toThrow(message.replace('FOLDER', folder).replace('CALLS', CALLS));
});

test('a message without fields takes none', async () => {
  const method = 'windtunnel.test.Calls/Nothing';
  expect((await loaded({}, { method })).request).toHaveLength(0);
  await expect(loaded({ x: 1 }, { method })).rejects.toThrow("has no field 'x': google.protobuf.Empty has none");
});

test('a scenario file is checked when it is loaded', async () => {
  expect(await loadScenarios([join(folder, 'good.ts')], folder)).toHaveLength(1);
  await expect(loadScenarios([join(folder, 'bad.ts')], folder)).rejects.toThrow(
    `bad.ts: loads.a.workload.request has no field 'txt'`,
  );
});
