// Clusters that are wrong in one way each. The simulation must find every one of them, or its silence about the real core means
// nothing. They are broken from outside: disks that lie, hosts that forget, wrapped cores, rewritten messages.

import type { Tampering } from '../simulation.ts';
import type { Effect, Entry, Input, Message } from '../protocol.ts';
import type { RaftCore } from '../core.ts';
import type { RaftOptions } from '../options.ts';
import type { InvariantName } from './invariants.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import { storeWrite } from './simulated-disk.ts';
import type { Core } from './simulated-node.ts';

export interface Canary {
  readonly name: string;
  readonly tampering: Tampering;
  /** What must be found. */
  readonly found: readonly InvariantName[];
  /** Whether only the consequences count, not the lie itself. */
  readonly byConsequence?: boolean;
  /** Looked for in election storms only. */
  readonly storm?: boolean;
  /** Looked for where disks are lost. */
  readonly losses?: boolean;
}

export const CANARIES: readonly Canary[] = [
  {
    name: 'a follower answers appends before they are durable',
    tampering: { reportsEarly: ({ role }) => role === 'follower' },
    found: ['said when durable'],
  },
  {
    name: 'a leader counts its own entries before they are durable',
    tampering: { reportsEarly: ({ role }) => role === 'leader' },
    found: ['committed is durable'],
  },
  {
    name: 'a candidate asks for votes and counts its own before it is durable',
    tampering: { reportsEarly: ({ role }) => role === 'candidate' },
    found: ['said when durable'],
  },
  {
    name: 'every disk reports writes as durable when it has only received them',
    tampering: { reportsEarly: () => true },
    found: [
      'state machine safety',
      'leader completeness',
      'hard state never regresses',
      'one vote per term',
      'log matching',
      'assertion',
    ],
    byConsequence: true,
  },
  {
    name: 'a vote is forgotten at a restart',
    tampering: { restoreHardState: ({ term }) => ({ term, votedFor: undefined }) },
    found: ['one vote per term', 'election safety'],
    storm: true,
  },
  {
    name: 'the term is forgotten at a restart',
    tampering: { restoreHardState: ({ term }) => ({ term: Math.max(0, term - 1), votedFor: undefined }) },
    found: ['hard state never regresses', 'assertion'],
  },
  {
    name: 'a node that lost its disk votes at once',
    tampering: { forgetsLoss: true },
    found: ['leader completeness', 'state machine safety', 'one vote per term', 'election safety', 'assertion'],
    losses: true,
  },
  {
    name: 'a disk keeps what conflicts and adds the new behind it',
    tampering: { storeWrite: keepConflicts },
    found: ['committed is durable', 'said when durable'],
  },
  {
    name: 'a disk keeps what conflicts, found by what comes of it',
    tampering: { storeWrite: keepConflicts },
    found: ['state machine safety', 'leader completeness', 'log matching', 'assertion'],
    byConsequence: true,
  },
  {
    name: 'a follower appends without looking at the entry before',
    tampering: { onDelivery: hidePrevious },
    found: ['log matching', 'said when durable'],
  },
  {
    name: 'votes go to anybody, however short the log',
    tampering: { onDelivery: praiseCandidate },
    found: ['leader completeness', 'state machine safety'],
  },
  {
    name: 'a leader commits entries of older terms by counting',
    tampering: { wrapCore: (core, options) => new OldTermCommitter(core, options) },
    found: ['commits its own term'],
  },
  {
    name: 'a leader serves reads without asking whether it still leads',
    tampering: { wrapCore: serveUnconfirmed },
    found: ['linearizable reads'],
  },
  {
    name: 'an answer to an old broadcast confirms new reads',
    tampering: { onDelivery: confirmEverything },
    found: ['linearizable reads'],
  },
  {
    name: 'a read does not wait for the state machine',
    tampering: { wrapCore: skipApplied },
    found: ['linearizable reads'],
  },
  {
    name: 'clients are told of success before the write is committed',
    tampering: { acknowledgesEarly: true },
    found: ['acknowledged write kept'],
  },
];

function keepConflicts(disk: SimulatedDisk, write: Parameters<typeof storeWrite>[1], entryCount: number): void {
  const first = write.entries[0];
  const kept = first === undefined ? [] : disk.entries.slice(first.index - 1);
  storeWrite(disk, write, entryCount);
  if (first === undefined || entryCount === 0) return;
  kept.forEach((entry, at) => {
    disk.entries[first.index - 1 + at] = entry;
  });
}

/** Makes every request seem to continue the receiver's log. */
function hidePrevious(message: Message, receiver: { readonly disk: SimulatedDisk }): Message {
  if (message.type !== 'append-request') return message;
  const previousTerm = receiver.disk.entries[message.previousIndex - 1]?.term ?? message.previousTerm;
  return previousTerm > message.previousTerm ? message : { ...message, previousTerm };
}

function praiseCandidate(message: Message): Message {
  if (message.type !== 'vote-request' && message.type !== 'pre-vote-request') return message;
  return { ...message, lastLogIndex: Number.MAX_SAFE_INTEGER, lastLogTerm: Number.MAX_SAFE_INTEGER };
}

function confirmEverything(message: Message): Message {
  return message.type === 'append-response' ? { ...message, round: Number.MAX_SAFE_INTEGER } : message;
}

function serveUnconfirmed(core: RaftCore): Core {
  return {
    get status() {
      return core.status;
    },
    step(input) {
      const { role, appliedIndex, commitIndex } = core.status;
      const serves = input.type === 'read-index' && role === 'leader' && appliedIndex === commitIndex;
      return serves ? [{ type: 'read-ready', id: input.id }] : core.step(input);
    },
  };
}

/** Answers as soon as the read index is known, by pretending that everything committed is applied while it handles a message. */
function skipApplied(core: RaftCore): Core {
  let handedIndex = 0;
  return {
    get status() {
      return core.status;
    },
    step(input) {
      const effects = core.step(input);
      for (const effect of effects) if (effect.type === 'apply') handedIndex = effect.entries.at(-1)?.index ?? handedIndex;
      return handedIndex > core.status.appliedIndex
        ? [...effects, ...core.step({ type: 'applied', index: handedIndex })]
        : effects;
    },
  };
}

/** Reports what a majority holds as committed, whatever its term. */
class OldTermCommitter implements Core {
  readonly #core: RaftCore;
  readonly #quorum: number;
  readonly #log: Entry[];
  #committed = 0;

  constructor(core: RaftCore, options: RaftOptions) {
    this.#core = core;
    this.#quorum = Math.floor(options.peers.length / 2) + 1;
    this.#log = [...options.entries];
  }

  get status(): RaftCore['status'] {
    return this.#core.status;
  }

  step(input: Input): Effect[] {
    const effects = this.#core.step(input);
    for (const effect of effects) {
      const first = effect.type === 'persist' ? effect.entries[0] : undefined;
      if (first !== undefined && effect.type === 'persist') {
        this.#log.length = first.index - 1;
        this.#log.push(...effect.entries);
      }
    }
    const { role, durableIndex, commitIndex, followers } = this.#core.status;
    if (role !== 'leader') return effects;
    const holders = [durableIndex, ...[...followers.values()].map(({ matchIndex }) => matchIndex)].sort((a, b) => b - a);
    const index = holders[this.#quorum - 1] ?? 0;
    const term = this.#log[index - 1]?.term;
    if (index <= Math.max(this.#committed, commitIndex) || term === undefined) return effects;
    this.#committed = index;
    return [...effects, { type: 'event', event: { type: 'commit', index, term } }];
  }
}
