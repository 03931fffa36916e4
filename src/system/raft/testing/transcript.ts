// Runs a cluster of cores from lines of text and tells what each did. The files in testdata/ are such lines, each followed by
// what happened, reviewed by a person. The form is that of etcd-io/raft's testdata.

import { assert, known } from '../../../runtime/assert.ts';
import { Random } from '../../../runtime/random.ts';
import { RaftCore } from '../core.ts';
import type { Effect, Entry, HardState, Input, Message, NodeId } from '../protocol.ts';
import { formatEffect, formatEntries, formatMessage } from './format.ts';

interface Node {
  readonly id: NodeId;
  core: RaftCore | undefined;
  starts: number;
  /** What is on disk. */
  hardState: HardState;
  entries: Entry[];
  appliedIndex: number;
  /** Handed to the disk and not yet durable. */
  unsynced: Extract<Effect, { type: 'persist' }>[];
  slowDisk: boolean;
  slowApply: boolean;
  unapplied: Entry[];
}

type Options = Partial<Record<'preVote' | 'checkQuorum', boolean>> &
  Partial<Record<'maxEntriesPerMessage' | 'maxInflightMessages', number>>;

/**
 * Commands, one a line. Disks and state machines answer at once unless they are made slow. Messages wait until delivered.
 * ```
 * cluster a b c [no-pre-vote] [no-check-quorum] [max-entries=N] [max-inflight=N]
 * stored a term=3 [vote=b] [log=1,1,2]    replaces the disk of a node and restarts it; log: the terms of its entries
 * tick a [N]                              until something happens, or exactly N times
 * deliver [a->b|->b|a->]...               what waits now on these ways, or everywhere; not what it causes
 * drop [a->b|->b|a->]...
 * duplicate [a->b|->b|a->]...             what waits now will be delivered twice
 * settle                                  delivers until nothing waits
 * elect a [b c]                           a stands and is elected by those named (others hear nothing), or by all; one
 *                                         heartbeat tells them the commit index. Says only who leads in the end
 * propose a x y                           read a 7
 * slow-disk a / sync a [N]                ends the disk's work on the oldest N writes, or all
 * slow-apply a / apply a
 * crash a / restart a                     a crash loses what was not synced
 * status / log
 * ```
 */
export class TranscriptCluster {
  readonly #nodes = new Map<NodeId, Node>();
  #waiting: Message[] = [];
  #options: Options = {};
  #output: string[] = [];
  #nextProposal = 1;

  /** Runs one line and returns what happened. */
  run(line: string): string[] {
    const [command, ...words] = line.split(/\s+/) as [string, ...string[]];
    this.#output = [];
    this.#perform(command, words);
    return this.#output;
  }

  #perform(command: string, words: string[]): void {
    const first = words[0] ?? '';
    switch (command) {
      case 'cluster':
        return this.#cluster(words);
      case 'stored':
        return this.#stored(first, words.slice(1));
      case 'tick':
        return this.#tick(first, words[1]);
      case 'deliver':
        return this.#take(words).forEach((message) => this.#deliver(message));
      case 'drop':
        return this.#take(words).forEach((message) => this.#say(`lost: ${formatMessage(message)}`));
      case 'settle':
        while (this.#waiting.length > 0) this.#deliver(known(this.#waiting.shift(), 'not empty'));
        return undefined;
      case 'duplicate':
        this.#waiting.push(...this.#take(words).flatMap((message) => [message, message]));
        return undefined;
      case 'elect':
        return this.#elect(first, words.slice(1));
      case 'propose': {
        const proposals = words.slice(1).map((word) => ({ id: this.#nextProposal++, data: Buffer.from(word) }));
        return this.#step(this.#node(first), { type: 'propose', proposals }, `${first} is asked to write`);
      }
      case 'read':
        return this.#step(this.#node(first), { type: 'read-index', id: Number(words[1]) }, `${first} is asked to read`);
      case 'slow-disk':
        this.#node(first).slowDisk = true;
        return undefined;
      case 'slow-apply':
        this.#node(first).slowApply = true;
        return undefined;
      case 'sync':
        return this.#sync(this.#node(first), Number(words[1] ?? Number.POSITIVE_INFINITY));
      case 'apply':
        return this.#apply(this.#node(first));
      case 'crash':
        this.#node(first).core = undefined;
        return undefined;
      case 'restart':
        return this.#start(this.#node(first));
      case 'status':
        return this.#nodes.forEach((node) => this.#say(statusOf(node)));
      case 'log':
        return this.#nodes.forEach((node) => this.#say(`${node.id} has on disk ${formatEntries(node.entries)}`));
      default:
        throw new Error(`unknown command '${command}'`);
    }
  }

  #cluster(words: string[]): void {
    this.#nodes.clear();
    this.#waiting = [];
    const limit = (name: string) => words.find((word) => word.startsWith(name))?.slice(name.length);
    this.#options = {
      preVote: !words.includes('no-pre-vote'),
      checkQuorum: !words.includes('no-check-quorum'),
      maxEntriesPerMessage: Number(limit('max-entries=') ?? 1_024),
      maxInflightMessages: Number(limit('max-inflight=') ?? 64),
    };
    for (const id of words.filter((word) => /^[a-z]$/.test(word))) {
      const hardState = { term: 0, votedFor: undefined };
      const disk = { hardState, entries: [], appliedIndex: 0, unsynced: [], unapplied: [] };
      this.#nodes.set(id, { id, core: undefined, starts: 0, ...disk, slowDisk: false, slowApply: false });
    }
    for (const node of this.#nodes.values()) this.#start(node);
    this.#output = [];
  }

  #stored(id: string, words: string[]): void {
    const node = this.#node(id);
    const settings = new Map(words.map((word) => word.split('=') as [string, string]));
    const terms = (settings.get('log') ?? '').split(',').filter((term) => term !== '');
    node.hardState = { term: Number(settings.get('term')), votedFor: settings.get('vote') };
    node.entries = terms.map((term, at) => ({
      index: at + 1,
      term: Number(term),
      kind: 'command',
      data: Buffer.from(`old${term}`),
    }));
    this.#start(node);
    this.#output = [];
  }

  #start(node: Node): void {
    node.unsynced = [];
    node.unapplied = [];
    node.slowDisk = false;
    node.slowApply = false;
    node.core = new RaftCore({
      id: node.id,
      peers: [...this.#nodes.keys()],
      random: new Random(++node.starts),
      hardState: node.hardState,
      entries: node.entries,
      appliedIndex: node.appliedIndex,
      // One fixed timeout of 15 ticks: in a transcript, who stands for election is said, not drawn.
      electionTimeoutMs: { min: 150, max: 150 },
      ...this.#options,
    });
    this.#say(statusOf(node));
  }

  #elect(id: string, voters: string[]): void {
    const isIn = (node: NodeId) => node === id || voters.length === 0 || voters.includes(node);
    const settle = () => {
      while (this.#waiting.length > 0) {
        const message = known(this.#waiting.shift(), 'not empty');
        if (isIn(message.from) && isIn(message.to)) this.#deliver(message);
      }
    };
    this.#tick(id, undefined);
    settle();
    this.#tick(id, undefined);
    settle();
    this.#output = [statusOf(this.#node(id))];
  }

  #tick(id: string, times: string | undefined): void {
    const node = this.#node(id);
    const most = Number(times ?? 1_000);
    for (let ticks = 1; ticks <= most; ticks++) {
      const said = this.#output.length;
      this.#step(node, { type: 'tick' }, `${id} ticks, number ${ticks}`);
      if (times === undefined && this.#output.length > said) return;
    }
  }

  /** Removes and returns the waiting messages on the given ways; all when none are given. */
  #take(ways: string[]): Message[] {
    const isOn = ({ from, to }: Message) =>
      ways.length === 0 ||
      ways.some((way) => {
        const [sender, receiver] = way.split('->');
        assert(receiver !== undefined, `a way is written a->b, ->b or a->, not '${way}'`);
        return (sender === '' || sender === from) && (receiver === '' || receiver === to);
      });
    const taken = this.#waiting.filter(isOn);
    this.#waiting = this.#waiting.filter((message) => !isOn(message));
    return taken;
  }

  #deliver(message: Message): void {
    const node = this.#node(message.to);
    if (node.core === undefined) this.#say(`lost: ${formatMessage(message)}`);
    else this.#step(node, { type: 'message', message }, `${message.to} receives ${message.type} of ${message.from}`, true);
  }

  #step(node: Node, input: Input, title: string, always = false): void {
    const effects = known(node.core, `${node.id} is down`).step(input);
    if (effects.length > 0 || always) this.#say(title);
    for (const effect of effects) {
      this.#say(`  ${formatEffect(effect).replace(`send ${node.id}->`, 'send ')}`);
      if (effect.type === 'send') this.#waiting.push(effect.message);
      else if (effect.type === 'persist') node.unsynced.push(effect);
      else if (effect.type === 'apply') node.unapplied.push(...effect.entries);
    }
    if (!node.slowDisk && effects.some(({ type }) => type === 'persist')) this.#sync(node, Number.POSITIVE_INFINITY);
    if (!node.slowApply && effects.some(({ type }) => type === 'apply')) this.#apply(node);
  }

  #sync(node: Node, most: number): void {
    const written = node.unsynced.splice(0, Math.min(most, node.unsynced.length));
    for (const { hardState, entries } of written) {
      if (hardState !== undefined) node.hardState = hardState;
      const first = entries[0];
      if (first !== undefined) node.entries = [...node.entries.slice(0, first.index - 1), ...entries];
    }
    const sequence = written.at(-1)?.sequence;
    if (sequence !== undefined) this.#step(node, { type: 'persisted', sequence }, `${node.id} has on disk #${sequence}`);
  }

  #apply(node: Node): void {
    const index = node.unapplied.at(-1)?.index;
    node.unapplied = [];
    if (index === undefined) return;
    node.appliedIndex = index;
    this.#step(node, { type: 'applied', index }, `${node.id} has applied ${index}`);
  }

  #node(id: string): Node {
    return known(this.#nodes.get(id), `no node '${id}'`);
  }

  #say(line: string): void {
    this.#output.push(line);
  }
}

function statusOf({ id, core }: Node): string {
  if (core === undefined) return `${id} is down`;
  const { role, term, leader, commitIndex, appliedIndex, lastIndex, durableIndex, followers } = core.status;
  const match = [...followers].map(([follower, { state, matchIndex }]) => `${follower}:${state}@${matchIndex}`);
  const progress = match.length === 0 ? '' : ` followers ${match.join(' ')}`;
  const durable = durableIndex === lastIndex ? '' : ` (durable ${durableIndex})`;
  return `${id} is ${role} in term ${term}, leader ${leader ?? 'unknown'}, last ${lastIndex}${durable}, commit ${commitIndex}, applied ${appliedIndex}${progress}`;
}

/**
 * Runs a transcript and returns it with what happened in place of what was expected. Blocks are command lines, a line of
 * four dashes, and what is expected, up to an empty line. Everything else is prose.
 */
export function replay(transcript: string): string {
  const cluster = new TranscriptCluster();
  const result: string[] = [];
  let commands: string[] = [];
  let skipping = false;
  for (const line of transcript.split('\n')) {
    if (skipping && line !== '') continue;
    skipping = false;
    result.push(line);
    if (line === '----') {
      const happened = commands.flatMap((command) => cluster.run(command));
      result.push(...(happened.length === 0 ? ['nothing'] : happened));
      commands = [];
      skipping = true;
    } else if (line !== '' && !line.startsWith('#')) {
      commands.push(line);
    }
  }
  assert(commands.length === 0, `no expectation after '${commands.at(-1)}'`);
  return result.join('\n');
}
