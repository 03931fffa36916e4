import { describe, expect, test } from 'vitest';
import type { SpanName } from '../../telemetry/catalogue.ts';
import { addRead, addWrite, TraceBuilder } from './testing/trace-builder.ts';

/** What is missing of a write when these spans did not arrive. */
function missingWithout(...lost: readonly (SpanName | `${SpanName} of ${string}`)[]): readonly string[] {
  const builder = new TraceBuilder();
  const root = addWrite(builder, { network: 1, mailbox: 1, append: 1, fsync: 1, peerNetwork: 1, peerFsync: 1, apply: 1 });
  const left = builder.spans.filter(
    ({ name, instance }) => !lost.some((each) => each === name || each === `${name} of ${instance}`),
  );
  builder.spans.splice(0, Infinity, ...left);
  return builder.assemble(root).missing;
}

describe('a trace', () => {
  test('of a write or a read of which everything arrived is complete, with its batch', () => {
    expect(missingWithout()).toEqual([]);
    const builder = new TraceBuilder();
    const root = addRead(builder, { index: 1, readerWait: 1, read: 1, network: 1 });
    expect(builder.assemble(root)).toMatchObject({ root: { spanId: root.spanId }, missing: [] });
    const write = builder.assemble(addWrite(builder, { append: 1 }));
    const batch = [...write.linked.values()].flat().map(({ name, instance }) => `${name} of ${instance}`);
    const wanted = [
      'batch of n1',
      'append of n1',
      'fsync of n1',
      'replicate of n1',
      'replicate of n1',
      'append of n2',
      'fsync of n2',
    ];
    expect(batch.toSorted()).toEqual(wanted.map((name) => `raft.${name}`).toSorted());
  });

  test.each<[string, readonly (SpanName | `${SpanName} of ${string}`)[], readonly string[]]>([
    ['the root', ['load.operation'], ['the root', 'the parent of client.execute of 1']],
    [
      'the node',
      ['rpc.server', 'raft.mailbox', 'raft.quorum', 'store.apply', 'raft.batch', 'raft.append', 'raft.fsync', 'raft.replicate'],
      ["the node's side of retry.attempt of 1"],
    ],
    ['the batch', ['raft.batch', 'raft.append', 'raft.fsync', 'raft.replicate'], ['what raft.quorum of n1 links to']],
    [
      'the root of the batch',
      ['raft.batch'],
      ['the parent of raft.append of n1', 'the parent of raft.replicate of n1', 'the root of what raft.quorum of n1 links to'],
    ],
    [
      'a parent in another process',
      ['raft.append of n2'],
      ['the parent of raft.fsync of n2', 'appends of raft.batch of n1: 1 of 3 disks are there'],
    ],
    [
      'what a majority of the disks did',
      ['raft.append of n2', 'raft.fsync of n2'],
      ['appends of raft.batch of n1: 1 of 3 disks are there'],
    ],
  ])('is incomplete without %s, and says so', (_, lost, missing) => {
    expect([...missingWithout(...lost)].sort()).toEqual([...missing].sort());
  });

  test('of a batch that was given up needs no majority of disks', () => {
    const builder = new TraceBuilder();
    const root = addWrite(builder, { append: 1 });
    const left = builder.spans
      .filter(({ name }) => name !== 'raft.append' && name !== 'raft.fsync')
      .map((span) =>
        span.name === 'raft.batch' ? { ...span, events: [{ name: 'leadership-lost', timeMs: 1, attributes: {} }] } : span,
      );
    builder.spans.splice(0, Infinity, ...left);
    expect(builder.assemble(root).missing).toEqual([]);
  });

  test('of a failed attempt needs no node', () => {
    const builder = new TraceBuilder();
    const root = builder.add('load.operation', '1', 0, 10);
    const execute = builder.add('client.execute', '1', 0, 10, root);
    builder.add('retry.attempt', '1', 0, 10, execute, { error: 'unavailable' });
    expect(builder.assemble(root).missing).toEqual([]);
  });

  test('of which nothing arrived lacks every span', () => {
    expect(new TraceBuilder().assemble({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) })).toMatchObject({
      spans: [],
      missing: ['every span'],
    });
  });
});
