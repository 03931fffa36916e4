import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import type { Entry, Message } from '../raft/protocol.ts';
import type { SqlValue } from '../store/bytes.ts';
import { peerService, queryService, type WireRaftMessage } from './contract.ts';
import { ERRORS, type ErrorCode, RpcError, toRpcError } from './errors.ts';
import { PeerFrameError, readMessage, writeMessage } from './peer-wire.ts';
import { readAnswer, readError, readQuery, writeAnswer, writeError, writeQuery } from './wire.ts';

function throughRequest(params: readonly SqlValue[]): readonly SqlValue[] {
  const { requestSerialize, requestDeserialize } = queryService.ExecuteQuery;
  const wire = writeQuery({ sql: 'select 1', params, timeoutMs: 10, clientId: '', sequence: 0, oldestPending: 0 });
  return readQuery(requestDeserialize(requestSerialize(wire))).params;
}

describe('values', () => {
  const values: SqlValue[] = [
    null,
    0,
    1,
    -1,
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    1.5,
    -0,
    1e300,
    Number.MIN_VALUE,
    2n ** 63n - 1n,
    -(2n ** 63n),
    2n ** 53n,
    '',
    'text',
    'ünï\u0000code 💨',
    new Uint8Array(0),
    new Uint8Array([0, 255, 1]),
  ];
  test.each(values.map((value) => [value]))('%s survives the wire', (value) => {
    const [back] = throughRequest([value]);
    // A blob comes back as Node's Buffer, which is a Uint8Array of another class.
    expect(back instanceof Uint8Array ? new Uint8Array(back) : back).toStrictEqual(value);
  });

  test('infinite numbers stay infinite, integers beyond 64 bits are refused', () => {
    expect(throughRequest([Number.POSITIVE_INFINITY])).toEqual([Number.POSITIVE_INFINITY]);
    expect(() => throughRequest([2n ** 63n])).toThrow('9223372036854775808');
  });

  test('results survive the wire', () => {
    const { responseSerialize, responseDeserialize } = queryService.ExecuteQuery;
    const answer = {
      results: [
        {
          columns: ['a', 'b'],
          rows: [
            [1, 'x'],
            [null, 2n ** 60n],
          ] as SqlValue[][],
          rowsAffected: 2,
        },
      ],
      executionTimeMs: 1.25,
      nodeId: 'n1',
    };
    expect(readAnswer(responseDeserialize(responseSerialize(writeAnswer(answer))))).toEqual(answer);
    const empty = { results: [], executionTimeMs: 0, nodeId: '' };
    expect(readAnswer(responseDeserialize(responseSerialize(writeAnswer(empty))))).toEqual(empty);
  });
});

describe('requests', () => {
  test.each([
    ['an empty query', { query: '  ' }, 'empty'],
    ['a huge query', { query: 'x'.repeat(2 ** 20 + 1) }, '1048577'],
    ['a timeout beyond an hour', { query: 'x', timeoutMs: 3_600_001 }, '3600001'],
    ['a long client id', { query: 'x', clientId: 'c'.repeat(65), sequence: 1 }, '65'],
    ['a client without a sequence', { query: 'x', clientId: 'c' }, 'sequence'],
    ['a sequence beyond 2^53', { query: 'x', sequence: '9007199254740992' }, '9007199254740992'],
    ['an oldest pending above its sequence', { query: 'x', clientId: 'c', sequence: 3, oldestPending: 4 }, '4'],
  ])('%s is refused by name', (_name, wire, named) => {
    expect(() => readQuery(wire)).toThrow(named);
    expect(() => readQuery(wire)).toThrow(RpcError);
  });

  test('a missing timeout becomes five seconds', () => {
    expect(readQuery({ query: 'select 1' }).timeoutMs).toBe(5_000);
  });
});

describe('errors', () => {
  test.each(Object.keys(ERRORS) as ErrorCode[])('%s keeps code and certainty on the wire', (code) => {
    const error = new RpcError(code, 'why', { leader: { id: 'n1', endpoint: 'h:1' } });
    const back = readError(writeError(error));
    expect(back).toMatchObject({
      code,
      message: 'why',
      maybeApplied: ERRORS[code].certainty === 'maybe',
      leader: { id: 'n1', endpoint: 'h:1' },
    });
  });

  test('a code from a newer server keeps its certainty', () => {
    expect(readError({ code: 'brand-new', message: 'm', maybeApplied: true })).toMatchObject({
      code: 'internal',
      maybeApplied: true,
    });
    expect(readError({ code: 'brand-new', message: 'm' })).toMatchObject({ code: 'internal', maybeApplied: false });
    expect(toRpcError('thrown text')).toMatchObject({ code: 'internal', message: 'thrown text', maybeApplied: true });
  });
});

describe('raft messages', () => {
  const { requestSerialize, requestDeserialize } = peerService.Exchange;
  const through = (message: Message) => {
    const frame = requestDeserialize(requestSerialize({ messages: [writeMessage(message)] }));
    return readMessage((frame.messages as readonly WireRaftMessage[])[0] as WireRaftMessage, message.from, message.to);
  };

  test('every kind survives the wire, seeded', () => {
    const random = new Random(11);
    const number = () => random.pick([0, 1, random.integer(0, 1_000), 2 ** 40]);
    for (let round = 0; round < 500; round++) {
      const envelope = { from: 'n1', to: 'n2', term: random.integer(1, 100) };
      const previousIndex = number();
      const entries: Entry[] = Array.from({ length: random.integer(0, 3) }, (_, at) => ({
        term: envelope.term,
        index: previousIndex + 1 + at,
        kind: random.pick(['command', 'noop'] as const),
        data: new Uint8Array(0),
      })).map((entry) => (entry.kind === 'noop' ? entry : { ...entry, data: Buffer.from([1, 2, 3]) }));
      const messages: Message[] = [
        { ...envelope, type: 'pre-vote-request', lastLogIndex: number(), lastLogTerm: number() },
        { ...envelope, type: 'vote-request', lastLogIndex: number(), lastLogTerm: number() },
        { ...envelope, type: 'pre-vote-response', granted: random.chance(0.5) },
        { ...envelope, type: 'vote-response', granted: random.chance(0.5) },
        { ...envelope, type: 'append-request', previousIndex, previousTerm: 1, entries, commitIndex: number(), round: number() },
        { ...envelope, type: 'append-response', accepted: true, round: number(), matchIndex: number() },
        {
          ...envelope,
          type: 'append-response',
          accepted: false,
          round: number(),
          rejectedIndex: number(),
          hintIndex: number(),
          hintTerm: number(),
        },
        {
          ...envelope,
          type: 'append-request',
          previousIndex,
          previousTerm: 1,
          entries,
          commitIndex: number(),
          round: number(),
          recovery: { incarnation: random.integer(1, 2 ** 45), upTo: number() },
        },
        {
          ...envelope,
          type: 'append-response',
          accepted: true,
          round: number(),
          matchIndex: number(),
          recovery: { incarnation: random.integer(1, 2 ** 45), over: random.chance(0.5) },
        },
        {
          ...envelope,
          type: 'append-response',
          accepted: false,
          round: number(),
          rejectedIndex: number(),
          hintIndex: number(),
          hintTerm: number(),
          recovery: { incarnation: random.integer(1, 2 ** 45), over: random.chance(0.5) },
        },
        { ...envelope, type: 'read-index-request', requestId: number() },
        { ...envelope, type: 'read-index-response', requestId: number(), readIndex: random.pick([undefined, number()]) },
      ];
      for (const message of messages) expect(through(message)).toEqual(message);
    }
  });

  test.each<[string, WireRaftMessage, string]>([
    ['no body', { term: 1 }, 'without a body'],
    ['term 0', { voteRequest: {} }, 'term 0'],
    ['a negative index', { term: 1, voteRequest: { lastLogIndex: -1 } }, '-1'],
    ['a fractional term', { term: 1.5, voteRequest: {} }, '1.5'],
    ['an entry of a later term than its leader', { term: 2, appendRequest: { entries: [{ term: 3 }] } }, 'term 3'],
    ['entry terms that fall', { term: 5, appendRequest: { entries: [{ term: 4 }, { term: 3 }] } }, 'term 3'],
    ['an entry below the previous term', { term: 5, appendRequest: { previousTerm: 4, entries: [{ term: 3 }] } }, 'term 3'],
    ['a recovery of no incarnation', { term: 1, appendAccepted: { recovery: { over: true } } }, 'incarnation 0'],
    ['an index beyond 2^53', { term: 1, appendRequest: { commitIndex: 2 ** 53 } }, String(2 ** 53)],
  ])('%s is refused', (_name, wire, named) => {
    expect(() => readMessage(wire, 'n1', 'n2')).toThrow(PeerFrameError);
    expect(() => readMessage(wire, 'n1', 'n2')).toThrow(named);
  });
});
