import { expect, test } from 'vitest';
import { validateScenario } from './validate.ts';

function scenario(workload: unknown, more: Readonly<Record<string, unknown>> = {}) {
  const load = { executor: 'constant-vus', vus: 1, duration: '10s' };
  return { name: 'test', description: 'A test.', cluster: { nodes: 3 }, loads: { a: { ...load, workload }, ...more } };
}

const validated = (workload: unknown) => validateScenario(scenario(workload), 'test').loads['a']?.workload;

test.each<[unknown, unknown]>([
  [{ kind: 'append' }, { kind: 'append', keys: 10, mix: { append: 1, read: 1 }, appendsPerKey: 50, distribution: 'uniform' }],
  [
    { kind: 'bank', mix: { transfer: 1 } },
    { kind: 'bank', accounts: 10, initialBalance: 100, maxTransfer: 5, mix: { transfer: 1, read: 0 } },
  ],
  [
    {
      kind: 'sql',
      statements: [{ sql: 'select 1' }, { name: 'put', sql: 'x', params: [{ unique: true }, 1, 'a', null], weight: 2 }],
    },
    {
      kind: 'sql',
      setup: [],
      statements: [
        { name: 'sql1', sql: 'select 1', params: [], weight: 1 },
        { name: 'put', sql: 'x', params: [{ unique: true }, 1, 'a', null], weight: 2 },
      ],
    },
  ],
  [
    { kind: 'http', url: '/query', body: { query: 'select 1' } },
    {
      kind: 'http',
      url: '/query',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"select 1"}',
      expectStatus: undefined,
    },
  ],
  [
    { kind: 'http', url: '/', method: 'PUT', body: [1], headers: { 'Content-Type': 'text/x' } },
    { kind: 'http', url: '/', method: 'PUT', headers: { 'Content-Type': 'text/x' }, body: '[1]', expectStatus: undefined },
  ],
  [
    { kind: 'http', url: '/', body: 'text' },
    { kind: 'http', url: '/', method: 'POST', headers: {}, body: 'text', expectStatus: undefined },
  ],
  [
    { kind: 'http', url: 'http://a/b' },
    { kind: 'http', url: 'http://a/b', method: 'GET', headers: {}, body: undefined },
  ],
  [
    { kind: 'grpc', proto: 'x.proto', method: 'a.b.C/D' },
    { kind: 'grpc', proto: 'x.proto', method: 'a.b.C/D', request: {}, metadata: {} },
  ],
  // The function itself is no data.
  [{ kind: 'function', run: async () => {} }, { kind: 'function' }],
])('%j has its defaults', (workload, expected) => {
  expect(validated(workload)).toEqual(expected);
});

test.each<[unknown, string]>([
  [{ kind: 'appendd' }, "did you mean 'append'?"],
  [{ kind: 'append', mix: { append: 0 } }, 'loads.a.workload.mix must have a weight > 0, not all 0'],
  [{ kind: 'append', appendsPerKey: 0 }, 'loads.a.workload.appendsPerKey must be a whole number from 1 to 10,000, not 0'],
  [{ kind: 'bank', accounts: 1 }, 'loads.a.workload.accounts must be a whole number from 2 to 1,000, not 1'],
  [{ kind: 'bank', mix: { transfer: 0, read: 0 } }, 'loads.a.workload.mix must have a weight > 0, not all 0'],
  [{ kind: 'sql', statements: [] }, 'loads.a.workload.statements must be a list of at least one statement, not []'],
  [
    { kind: 'sql', statements: [{ sql: 'select ?', params: [{ integer: [2, 1] }] }] },
    'loads.a.workload.statements[0].params[0] must be a number, text, null, { integer: [low, high] } or { unique: true }',
  ],
  [{ kind: 'sql', statements: [{ sql: ' ' }] }, 'loads.a.workload.statements[0].sql must be an SQL statement'],
  [{ kind: 'http', url: 'query' }, "loads.a.workload.url must be a path such as '/query' or a URL"],
  [{ kind: 'http', url: '/', body: () => 5 }, 'loads.a.workload.body must be text or JSON, not a function'],
  [{ kind: 'http', url: 'http://a:port/' }, "loads.a.workload.url must be a URL, not 'http://a:port/'"],
  [
    { kind: 'http', url: '/', headers: { 'Content-Length': '5' } },
    "loads.a.workload.headers must not have 'Content-Length': it follows from the body",
  ],
  [
    { kind: 'http', url: '/', headers: { 'two words': 'x' } },
    "loads.a.workload.headers['two words'] must be a header that HTTP allows, not 'x'",
  ],
  [
    { kind: 'http', url: '/', headers: { a: 'x\r\nb: y' } },
    "loads.a.workload.headers['a'] must be a header that HTTP allows, not 'x\r\nb: y'",
  ],
  [
    { kind: 'http', url: '/', expectStatus: [99] },
    'loads.a.workload.expectStatus[0] must be a whole number from 100 to 599, not 99',
  ],
  [
    { kind: 'grpc', proto: 'x', method: 'D' },
    "loads.a.workload.method must be a method such as 'package.Service/Method', not 'D'",
  ],
  [
    { kind: 'grpc', proto: 'x', method: 'a.B/D', metadata: { Upper: 'x' } },
    "loads.a.workload.metadata['Upper'] must be a key of lower case letters",
  ],
  [
    { kind: 'grpc', proto: 'x', method: 'a.B/D', metadata: { 'a-bin': '?' } },
    "loads.a.workload.metadata['a-bin'] must be bytes in base64, not '?'",
  ],
  [
    { kind: 'grpc', proto: 'x', method: 'a.B/D', metadata: { a: 'ü' } },
    "loads.a.workload.metadata['a'] must be printable ASCII, not 'ü'",
  ],
  [{ kind: 'function', run: 5 }, 'loads.a.workload.run must be a function that returns a promise, not 5'],
])('%j is refused', (workload, message) => {
  expect(() => validated(workload)).toThrow(message);
});

test('all loads of a bank agree on what is in it', () => {
  const bank = (more: object) => ({ executor: 'constant-vus', vus: 1, duration: '10s', workload: { kind: 'bank', ...more } });
  const loads = (b: object, c: object) => () => validateScenario(scenario({ kind: 'set' }, { b: bank(b), c: bank(c) }), 'test');
  expect(loads({ accounts: 5 }, { accounts: 5, mix: { read: 1 } })).not.toThrow();
  expect(loads({ accounts: 5 }, { accounts: 6 })).toThrow(
    'test: loads.c.workload.accounts must be that of loads.b (5), not 6: there is one bank',
  );
  expect(loads({}, { initialBalance: 7 })).toThrow('loads.c.workload.initialBalance must be that of loads.b (100), not 7');
});

test.each<[unknown, string]>([
  [{ kind: 'proces' }, "did you mean 'process'?"],
  [{ kind: 'external', endpoints: ['here'] }, "target.endpoints[0] must be an address such as '127.0.0.1:7401', not 'here'"],
  [{ kind: 'etcd', binary: '' }, "target.binary must be a program, not ''"],
])('the target %j is refused', (target, message) => {
  expect(() => validateScenario({ ...scenario({ kind: 'set' }), target }, 'test')).toThrow(message);
});

test('a path needs a target with HTTP endpoints', () => {
  const on = (target: object) => () => validateScenario({ ...scenario({ kind: 'http', url: '/a' }), target }, 'test');
  expect(on({ kind: 'process' })).not.toThrow();
  expect(on({ kind: 'external', httpEndpoints: ['127.0.0.1:80'] })).not.toThrow();
  expect(on({ kind: 'external', endpoints: ['127.0.0.1:80'] })).toThrow(
    "test: loads.a.workload.url must be a whole URL, or the target have httpEndpoints (--http-endpoint host:port) that the path '/a' is on",
  );
});

test('a method needs a target with endpoints', () => {
  const target = { kind: 'external', httpEndpoints: ['127.0.0.1:80'] };
  expect(() => validateScenario({ ...scenario({ kind: 'grpc', proto: 'x', method: 'a.B/C' }), target }, 'test')).toThrow(
    "test: loads.a.workload is called on the target's endpoints: target.endpoints must have at least one, not []",
  );
});
