// What consensus itself costs: three cores in one process, with a disk and a network that take no time.

import type { Counts, PreparedSuite, Suite } from '../src/harness/micro/benchmark.ts';
import { assert, known } from '../src/runtime/assert.ts';
import { Random } from '../src/runtime/random.ts';
import { RaftCore } from '../src/system/raft/core.ts';
import type { Effect, Input, Message, NodeId, Proposal } from '../src/system/raft/protocol.ts';

const PEERS: readonly NodeId[] = ['a', 'b', 'c'];
/** The log is kept in memory: begin a new cluster before it fills it. */
const MOST_ENTRIES = 200_000;
/** Enough for what happens every few times only. */
const COUNTED_TIMES = 100;

class Cluster {
  readonly #cores: ReadonlyMap<NodeId, RaftCore>;
  readonly #messages: Message[] = [];
  /** Of the leader. */
  appliedIndex = 0;
  readsReady = 0;
  /** Of all three, since the leader was elected. */
  messages = 0;
  appends = 0;

  constructor() {
    this.#cores = new Map(
      PEERS.map((id, at) => {
        const stored = { hardState: { term: 0, votedFor: undefined }, entries: [], appliedIndex: 0 };
        return [id, new RaftCore({ id, peers: PEERS, random: new Random(at), ...stored })];
      }),
    );
    while (this.core('a').status.role !== 'leader') this.leaderDoes({ type: 'tick' });
    this.messages = this.appends = 0;
  }

  core(id: NodeId): RaftCore {
    return known(this.#cores.get(id), 'one of three');
  }

  /** Steps the leader, and then everybody until nothing is left to do. */
  leaderDoes(input: Input): void {
    this.#step('a', input);
    for (let at = 0; at < this.#messages.length; at++) {
      const message = known(this.#messages[at], 'inside the queue');
      this.#step(message.to, { type: 'message', message });
    }
    this.#messages.length = 0;
  }

  #step(id: NodeId, input: Input): void {
    for (const effect of this.core(id).step(input)) this.#perform(id, effect);
  }

  #perform(id: NodeId, effect: Effect): void {
    if (effect.type === 'persist') {
      this.appends++;
      this.#step(id, { type: 'persisted', sequence: effect.sequence });
    } else if (effect.type === 'send') {
      this.messages++;
      this.#messages.push(effect.message);
    } else if (effect.type === 'read-ready') this.readsReady++;
    else if (effect.type === 'apply') {
      const { index } = known(effect.entries.at(-1), 'entries to apply');
      if (id === 'a') this.appliedIndex = index;
      this.#step(id, { type: 'applied', index });
    }
  }
}

/** What a fixed number of times of the same amounts to, on a cluster of its own. */
function count(times: number, operationsEach: number, once: (cluster: Cluster) => void): Counts {
  const cluster = new Cluster();
  for (let time = 0; time < times; time++) once(cluster);
  const { messages, appends } = cluster;
  return { operations: times * operationsEach, counted: { messages, appends } };
}

function prepare(): PreparedSuite {
  let cluster = new Cluster();
  const data = new Uint8Array(128);

  const propose = (on: Cluster, size: number) => {
    const before = on.appliedIndex;
    const proposals: Proposal[] = [];
    for (let id = 1; id <= size; id++) proposals.push({ id, data });
    on.leaderDoes({ type: 'propose', proposals });
    assert(on.appliedIndex === before + size, `applied ${on.appliedIndex - before} of ${size}`);
    return on.appliedIndex;
  };
  const proposeToApplied = (size: number) => ({
    operationsPerCall: size,
    operation: () => {
      if (cluster.appliedIndex > MOST_ENTRIES) cluster = new Cluster();
      return propose(cluster, size);
    },
    count: () => count(COUNTED_TIMES, size, (own) => propose(own, size)),
  });
  const readIndex = (on: Cluster) => {
    const before = on.readsReady;
    on.leaderDoes({ type: 'read-index', id: 1 });
    assert(on.readsReady === before + 1, 'the read was not confirmed');
    return on.readsReady;
  };
  // Fifty milliseconds of an idle cluster's leader: five ticks, one broadcast, two answers.
  const idle = (on: Cluster) => {
    for (let tick = 0; tick < 5; tick++) on.leaderDoes({ type: 'tick' });
    return on.core('a').status.term;
  };

  return {
    benchmarks: [
      { name: 'propose-to-applied', kind: 'sync', ...proposeToApplied(1) },
      { name: 'propose-to-applied-batch-64', kind: 'sync', ...proposeToApplied(64) },
      {
        name: 'read-index-round',
        kind: 'sync',
        operation: () => readIndex(cluster),
        count: () => count(COUNTED_TIMES, 1, readIndex),
      },
      {
        name: 'idle-heartbeat-round',
        kind: 'sync',
        operation: () => idle(cluster),
        count: () => count(COUNTED_TIMES, 1, idle),
      },
    ],
  };
}

export default { name: 'raft', prepare } satisfies Suite;
