import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { PATH_PARTS } from '../result/schema.ts';
import { criticalPath } from './critical-path.ts';
import { addRead, addWrite, EPOCH_MS, TraceBuilder, type WriteTimes } from './testing/trace-builder.ts';

/** Milliseconds by part. */
function pathOf(builder: TraceBuilder, root: { traceId: string; spanId: string }): Record<string, number> {
  return Object.fromEntries([...criticalPath(builder.assemble(root))].map(([part, us]) => [part, us / 1_000]));
}

function pathOfWrite(times: WriteTimes, skewMs: Record<string, number> = {}): Record<string, number> {
  const builder = new TraceBuilder(1, skewMs);
  return pathOf(builder, addWrite(builder, times));
}

const PEER_BOUND: WriteTimes = {
  generatorWait: 3,
  failedAttempt: 5,
  pause: 7,
  poolWait: 2,
  network: 4,
  mailbox: 1,
  append: 1,
  fsync: 2,
  peerNetwork: 6,
  peerAppend: 1.5,
  peerFsync: 8,
  quorum: 0.25,
  apply: 0.5,
  server: 0.75,
  other: 0.125,
};
const PEER_BOUND_PATH = {
  'generator wait': 3,
  'failed attempts': 5,
  'retry pause': 7,
  'pool wait': 2,
  network: 4,
  mailbox: 1,
  'peer network': 6,
  'peer append': 1.5,
  'peer fsync': 8,
  quorum: 0.25,
  apply: 0.5,
  server: 0.75,
  other: 0.125,
};

describe('the critical path', () => {
  test('of a write whose peer completed the majority names every part', () => {
    expect(pathOfWrite(PEER_BOUND)).toEqual(PEER_BOUND_PATH);
  });

  test("of a write whose leader's own disk did, follows the disk", () => {
    const path = pathOfWrite({ mailbox: 1, append: 2, fsync: 30, peerNetwork: 4, peerAppend: 1, peerFsync: 5 });
    expect(path).toEqual({ mailbox: 1, append: 2, fsync: 30 });
  });

  test('a sync that is recorded beside its append is a part of it', () => {
    const builder = new TraceBuilder();
    const root = addWrite(builder, { mailbox: 1, append: 2, fsync: 30, peerNetwork: 4 });
    const batch = builder.spans.find(({ name }) => name === 'raft.batch');
    const at = builder.spans.findIndex(({ name, traceId }) => name === 'raft.fsync' && traceId === batch?.traceId);
    builder.spans[at] = { ...builder.spans[at], parentSpanId: batch?.spanId } as (typeof builder.spans)[number];
    expect(pathOf(builder, root)).toEqual({ mailbox: 1, append: 2, fsync: 30 });
  });

  test('of a peer that is sent to only when the leader has appended, has both', () => {
    const builder = new TraceBuilder();
    const root = builder.add('load.operation', '1', 0, 20);
    const execute = builder.add('client.execute', '1', 0, 20, root);
    const attempt = builder.add('retry.attempt', '1', 0, 20, execute);
    const service = builder.add('rpc.server', 'n1', 0, 20, attempt);
    const batch = builder.add('raft.batch', 'n1', 0, 20);
    builder.add('raft.append', 'n1', 0, 8, batch);
    builder.add('raft.replicate', 'n1', 9, 20, batch);
    builder.add('raft.replicate', 'n1', 9, 30, batch);
    builder.add('raft.quorum', 'n1', 0, 20, service, { links: [batch] });
    expect(pathOf(builder, root)).toEqual({ append: 8, quorum: 1, 'peer network': 11 });
  });

  test('of a read has the confirmation, the wait for a reader and the reading', () => {
    const builder = new TraceBuilder();
    const root = addRead(builder, { index: 3, readerWait: 2, read: 5, network: 1 });
    expect(pathOf(builder, root)).toEqual({ network: 1, 'read-index': 3, 'reader wait': 2, read: 5 });
  });

  test('of an operation that failed is its failed attempts and the pauses between them', () => {
    const builder = new TraceBuilder();
    const root = builder.add('load.operation', '1', 0, 100);
    const execute = builder.add('client.execute', '1', 10, 100, root, { error: 'unavailable' });
    for (const [fromMs, toMs] of [
      [10, 30],
      [40, 60],
      [80, 99],
    ] as const)
      builder.add('retry.attempt', '1', fromMs, toMs, execute, { attributes: { 'error.type': 'unavailable' } });
    expect(pathOf(builder, root)).toEqual({ 'generator wait': 10, 'failed attempts': 59, 'retry pause': 30, other: 1 });
  });

  test('without its batch keeps the time of the quorum together', () => {
    const builder = new TraceBuilder();
    const root = addWrite(builder, { mailbox: 1, append: 2, fsync: 3 });
    const batch = builder.spans.find(({ name }) => name === 'raft.batch')?.traceId;
    builder.spans.splice(0, Infinity, ...builder.spans.filter(({ traceId }) => traceId !== batch));
    expect(pathOf(builder, root)).toEqual({ mailbox: 1, quorum: 5 });
  });

  test.each([-3, 2.5, 40, -3_000])(
    'when the clock of the leader is %d ms off, and the one of the peer too, is the same',
    (skewMs) => {
      expect(pathOfWrite(PEER_BOUND, { n1: skewMs })).toEqual(PEER_BOUND_PATH);
      // The network is divided otherwise between there and back, which nobody can know.
      expect(pathOfWrite(PEER_BOUND, { n1: skewMs, n2: -skewMs })).toEqual(PEER_BOUND_PATH);
    },
  );

  test('of a system that is not ours tells servers and the network between them', () => {
    const builder = new TraceBuilder();
    const root = builder.add('client.execute', 'shop', 0, 30);
    const server = builder.add('rpc.server', 'n-cart', 5, 25, root);
    for (const span of [root, server]) Object.assign(span, { name: `GET /${span.name}` });
    expect(pathOf(builder, root)).toEqual({ network: 10, server: 20 });
  });

  test('always adds up to the duration, whatever the times and the clocks, and has no part below zero', () => {
    const random = new Random(7);
    const most = () => (random.chance(0.2) ? 0 : random.exponential(random.pick([0.01, 1, 200])));
    for (let round = 0; round < 400; round++) {
      const builder = new TraceBuilder(round, { n1: random.float() * 8 - 4, n2: random.float() * 8 - 4 });
      const times = Object.fromEntries(Object.keys(PEER_BOUND).map((part) => [part, most()])) as WriteTimes;
      const root = addWrite(builder, times, random.float() * 1e6);
      // Ill-formed traces too: spans that are lost, that overlap, and that lie outside their parents.
      const damaged = builder.spans.filter((span) => span === root || !random.chance(0.1));
      for (const span of damaged) {
        if (span === root || !random.chance(0.2)) continue;
        const startMs = EPOCH_MS + random.float() * 1e6;
        Object.assign(span, random.chance(0.5) ? { startMs, endMs: startMs + most() } : { endMs: span.endMs + most() });
      }
      builder.spans.splice(0, Infinity, ...damaged);
      const path = criticalPath(builder.assemble(root));
      const sum = [...path.values()].reduce((all, us) => all + us, 0);
      expect(sum, `round ${round}`).toBe(Math.round((root.endMs - root.startMs) * 1_000));
      for (const [part, us] of path) {
        expect(us).toBeGreaterThan(0);
        expect(Number.isInteger(us)).toBe(true);
        expect(PATH_PARTS).toContain(part);
      }
    }
  });

  test('of a trace without a root is empty', () => {
    const builder = new TraceBuilder();
    const root = addWrite(builder, { mailbox: 1 });
    builder.spans.splice(0, Infinity, ...builder.spans.filter((span) => span !== root));
    expect(pathOf(builder, root)).toEqual({});
  });
});
