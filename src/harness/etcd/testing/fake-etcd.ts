// An etcd of one server in the test's process: as much of its store as Windtunnel uses, and failures at the test's will.

import { fileURLToPath } from 'node:url';
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, type status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

interface Stored {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly modRevision: string;
}

interface Range {
  readonly key: Buffer;
  readonly rangeEnd?: Buffer;
  readonly limit?: string;
  readonly revision?: string;
}
interface Put {
  readonly key: Buffer;
  readonly value?: Buffer;
}
interface Compare {
  readonly key: Buffer;
  readonly target?: 'VALUE' | 'MOD';
  readonly value?: Buffer;
  readonly modRevision?: string;
}
interface Txn {
  readonly compare?: readonly Compare[];
  readonly success?: readonly { readonly requestRange?: Range; readonly requestPut?: Put }[];
}

/** What a call is to fail with: a status and a text, as etcd would. */
export interface Failure {
  readonly code: status;
  readonly details: string;
  /** Whether it is done all the same. Default false. */
  readonly applied?: boolean;
}

export interface FakeEtcd {
  readonly address: string;
  /** The names of the calls that came, in order, with what each demanded of a leader. */
  readonly calls: readonly string[];
  /** The next calls fail with these, one after the other. */
  failNext(...failures: Failure[]): void;
  /** Called before a call is carried out, for those that come in between. */
  onCall: (name: string) => void;
  put(key: string, value: string): void;
  get(key: string): string | undefined;
  keys(): readonly string[];
  close(): Promise<void>;
}

export async function startFakeEtcd(): Promise<FakeEtcd> {
  const store = new Map<string, Stored>();
  const failures: Failure[] = [];
  const calls: string[] = [];
  let revision = 1;
  const put = ({ key, value = Buffer.of() }: Put) => {
    store.set(key.toString('latin1'), { key, value, modRevision: String(++revision) });
    return {};
  };
  const range = ({ key, rangeEnd, limit = '0', revision: at }: Range) => {
    const below = (one: Buffer) =>
      rangeEnd === undefined ? one.equals(key) : one.compare(key) >= 0 && one.compare(rangeEnd) < 0;
    const found = [...store.values()]
      .filter(({ key: one, modRevision }) => below(one) && (at === undefined || Number(modRevision) <= Number(at)))
      .sort((a, b) => a.key.compare(b.key));
    const kvs = limit === '0' ? found : found.slice(0, Number(limit));
    return { header: { revision: String(revision), memberId: '1' }, kvs, more: kvs.length < found.length };
  };
  const holds = ({ key, target, value = Buffer.of(), modRevision = '0' }: Compare) => {
    const stored = store.get(key.toString('latin1'));
    return target === 'MOD' ? (stored?.modRevision ?? '0') === modRevision : stored?.value.equals(value) === true;
  };
  const txn = ({ compare = [], success = [] }: Txn) => {
    const succeeded = compare.every(holds);
    const responses = (succeeded ? success : []).map(({ requestRange, requestPut }) =>
      requestRange ? { responseRange: range(requestRange) } : { responsePut: put(requestPut as Put) },
    );
    return { succeeded, responses };
  };
  const fake: { onCall: FakeEtcd['onCall'] } = { onCall: () => {} };
  const serve =
    <Ask>(name: string, carryOut: (ask: Ask) => object) =>
    ({ request, metadata }: ServerUnaryCall<Ask, object>, answer: sendUnaryData<object>) => {
      calls.push(`${name}${metadata.get('hasleader')[0] === 'true' ? ' with a leader' : ''}`);
      fake.onCall(name);
      const failure = failures.shift();
      const result = failure === undefined || failure.applied === true ? carryOut(request) : undefined;
      if (failure) answer(failure);
      else answer(null, result);
    };
  const definitions = loadSync(fileURLToPath(new URL('../etcd.proto', import.meta.url)), { longs: String, enums: String });
  const server = new Server();
  server.addService(definitions['etcdserverpb.KV'] as never, {
    Range: serve('Range', range),
    Put: serve('Put', put),
    Txn: serve('Txn', txn),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return Object.assign(fake, {
    address: `127.0.0.1:${port}`,
    calls,
    failNext: (...next: Failure[]) => void failures.push(...next),
    put: (key: string, value: string) => void put({ key: Buffer.from(key), value: Buffer.from(value) }),
    get: (key: string) => store.get(key)?.value.toString(),
    keys: () => [...store.keys()].sort(),
    close: async () => server.forceShutdown(),
  });
}
