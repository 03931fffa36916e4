// Joins the pure Raft core with disk, network and state machine. Takes everything that waits in its mailbox in one turn:
// one batch of proposals, one append and one fsync, one frame per peer, one transaction.

import { assert, known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { RaftCore } from '../raft/core.ts';
import type { Effect, Entry, HardState, Input, Message, NodeId, Proposal, RaftEvent } from '../raft/protocol.ts';
import { type Leader, RpcError } from '../rpc/errors.ts';
import type { EntriesTrace } from '../rpc/peer-wire.ts';
import type { StatementOutcome } from '../store/outcome.ts';
import type { AppendTrace, ProposalTrace, RaftTracing, RequestTrace } from './raft-tracing.ts';
import type { Sync } from './log.ts';

export interface WriteRequest {
  readonly type: 'write';
  readonly command: Uint8Array;
  /** Clock time; the write is not started after it. */
  readonly deadlineMs: number;
  readonly resolve: (outcome: StatementOutcome) => void;
  readonly reject: (error: RpcError) => void;
  readonly trace?: RequestTrace | undefined;
}

/** Asks for permission to read the local state machine: granted when a read of it is linearizable. */
export interface ReadRequest {
  readonly type: 'read';
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (error: RpcError) => void;
  readonly trace?: RequestTrace | undefined;
}

export interface InputMessage {
  readonly type: 'input';
  readonly input: Input;
  /** What a peer sent along with it. */
  readonly traces?: readonly EntriesTrace[] | undefined;
}

export type HostMessage = InputMessage | WriteRequest | ReadRequest;

/** What the host needs of disk, network and state machine; real and simulated ones fit. */
export interface HostPorts {
  readonly log: {
    append(batch: readonly { hardState: HardState | undefined; entries: readonly Entry[] }[]): Promise<Sync | void>;
  };
  readonly store: { apply(entries: readonly Entry[]): Promise<StatementOutcome[]> };
  /** Sends a frame of messages to one peer. May lose them. */
  readonly send: (to: NodeId, messages: readonly Message[], traces?: readonly EntriesTrace[]) => void;
  /** Puts a message into the host's own mailbox. */
  readonly tell: (message: HostMessage) => void;
  /** Records durably that this node has recovered from the loss of its disk. */
  readonly recordRecovery: (index: number) => Promise<void>;
  readonly endpointOf: (node: NodeId) => string;
  readonly onEvent: (event: RaftEvent) => void;
  /** Told of roles, too, but only when their term is on disk: what others hold the node to must survive a restart of it. */
  readonly onDurableRole: (event: RoleEvent) => void;
  readonly meter: HostMeter;
  readonly tracing?: RaftTracing | undefined;
  /** Disk or state machine failed: this node can promise nothing any more and must stop. */
  readonly onFatal: (error: Error) => void;
  readonly clock: Clock;
}

export type RoleEvent = Extract<RaftEvent, { type: 'role' }>;

/** Told what happened, for the metrics. */
export interface HostMeter {
  readonly onProposals: (result: 'applied' | 'refused' | 'lost', count: number) => void;
  readonly onAppended: (entries: number, seconds: number) => void;
  readonly onApplied: (entries: number, seconds: number) => void;
}

interface WaitingWrite {
  readonly term: number;
  readonly request: WriteRequest;
  readonly trace: ProposalTrace | undefined;
}

interface WaitingRead {
  readonly request: ReadRequest;
  readonly drainedMs: number;
}

type Persist = Extract<Effect, { type: 'persist' }>;

/** One transaction of the store takes at most this many entries, so that reads of fresh data do not wait for a huge one. */
const MOST_ENTRIES_PER_APPLY = 1_024;

export class RaftHost {
  readonly #core: RaftCore;
  readonly #ports: HostPorts;
  #nextId = 1;
  readonly #proposed = new Map<number, WriteRequest>();
  /** By log index. */
  readonly #waiting = new Map<number, WaitingWrite>();
  readonly #reads = new Map<number, readonly WaitingRead[]>();
  #persists: { readonly effect: Persist; readonly trace: AppendTrace | undefined }[] = [];
  #persisting = false;
  #toApply: Entry[] = [];
  #applying = false;
  readonly #outbox = new Map<NodeId, Message[]>();
  /** As far as was told. */
  #commitIndex: number;
  /** In a term that may not be on disk yet. */
  #unsaidRoles: RoleEvent[] = [];

  constructor(core: RaftCore, ports: HostPorts) {
    this.#core = core;
    this.#ports = ports;
    this.#commitIndex = core.status.commitIndex;
  }

  get status(): RaftCore['status'] {
    return this.#core.status;
  }

  /** Writes that were proposed and are not applied. */
  get waitingWrites(): number {
    return this.#waiting.size;
  }

  /** Handles everything that waited in the mailbox. */
  receive(messages: readonly HostMessage[]): void {
    const { tracing } = this.#ports;
    const proposals: Proposal[] = [];
    const traced: RequestTrace[] = [];
    const reads: WaitingRead[] = [];
    const nowMs = this.#ports.clock.now();
    for (const message of messages) {
      if (message.type === 'input') {
        this.#stepInput(message);
      } else if (message.deadlineMs <= nowMs) {
        message.reject(new RpcError('expired', 'the deadline passed while the request waited in the mailbox'));
      } else if (message.type === 'write') {
        const id = this.#nextId++;
        this.#proposed.set(id, message);
        proposals.push({ id, data: message.command });
        if (tracing && message.trace) {
          tracing.drained(message.trace);
          traced.push(message.trace);
        }
      } else {
        reads.push({ request: message, drainedMs: (tracing && message.trace && tracing.drained(message.trace)) ?? 0 });
      }
    }
    if (proposals.length > 0) {
      tracing?.beginProposing(traced);
      this.#step({ type: 'propose', proposals });
      tracing?.endProposing();
    }
    if (reads.length > 0) {
      // One read index serves every read that had arrived when it was asked for.
      const id = this.#nextId++;
      this.#reads.set(id, reads);
      this.#step({ type: 'read-index', id });
    }
    this.#flush();
  }

  /** Fails everything that waits. The host must not be given messages afterwards. */
  close(error: (maybeApplied: boolean) => RpcError): void {
    for (const { request } of this.#waiting.values()) request.reject(error(true));
    for (const reads of this.#reads.values()) for (const { request } of reads) request.reject(error(false));
    this.#waiting.clear();
    this.#reads.clear();
  }

  #stepInput({ input, traces }: InputMessage): void {
    const { tracing } = this.#ports;
    if (tracing && input.type === 'message') {
      tracing.received(input.message);
      tracing.beginReceiving(traces ?? []);
      this.#step(input);
      tracing.endReceiving();
    } else this.#step(input);
  }

  #step(input: Input): void {
    for (const effect of this.#core.step(input)) this.#perform(effect);
    if (this.#unsaidRoles.length === 0 || !this.#core.termIsDurable) return;
    for (const role of this.#unsaidRoles) this.#ports.onDurableRole(role);
    this.#unsaidRoles = [];
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'persist':
        this.#persists.push({
          effect,
          trace: this.#ports.tracing?.appending(effect.entries.length, effect.entries.at(-1)?.index ?? 0),
        });
        break;
      case 'send': {
        const { to } = effect.message;
        const waiting = this.#outbox.get(to);
        if (waiting) waiting.push(effect.message);
        else this.#outbox.set(to, [effect.message]);
        break;
      }
      case 'apply':
        // Not push(...): a restart replays a log that may be longer than an argument list can be.
        for (const entry of effect.entries) this.#toApply.push(entry);
        break;
      case 'proposed': {
        const request = this.#takeProposal(effect.id);
        const trace = this.#ports.tracing?.proposed(effect.index, request.trace);
        this.#waiting.set(effect.index, { term: effect.term, request, trace });
        break;
      }
      case 'proposal-rejected':
        this.#takeProposal(effect.id).reject(this.#notLeader(effect.leader));
        this.#ports.meter.onProposals('refused', 1);
        break;
      case 'read-ready':
        for (const { request, drainedMs } of this.#takeReads(effect.id)) {
          if (request.trace) this.#ports.tracing?.readReady(request.trace, drainedMs);
          request.resolve();
        }
        break;
      case 'read-rejected':
        for (const { request } of this.#takeReads(effect.id)) request.reject(this.#notLeader(effect.leader));
        break;
      case 'recovered':
        void this.#recordRecovery(effect.index);
        break;
      case 'event':
        if (effect.event.type === 'role') {
          if (effect.event.role !== 'leader') this.#abandonWrites();
          this.#unsaidRoles.push(effect.event);
        } else this.#traceCommit(effect.event.index);
        this.#ports.tracing?.happened(effect.event);
        this.#ports.onEvent(effect.event);
        break;
    }
  }

  #traceCommit(index: number): void {
    const { tracing } = this.#ports;
    const from = this.#commitIndex + 1;
    this.#commitIndex = index;
    if (tracing === undefined) return;
    for (let at = from; at <= index; at++) {
      const trace = this.#waiting.get(at)?.trace;
      if (trace) tracing.quorum(trace, at);
    }
  }

  /** No longer the leader: what was proposed may still be committed by the next one, and nobody here will know. */
  #abandonWrites(): void {
    if (this.#waiting.size > 0) this.#ports.meter.onProposals('lost', this.#waiting.size);
    for (const { request } of this.#waiting.values()) {
      request.reject(new RpcError('leadership-lost', 'this node stopped being leader before the write was committed'));
    }
    this.#waiting.clear();
  }

  #takeProposal(id: number): WriteRequest {
    const request = known(this.#proposed.get(id), `the core answered proposal ${id}, which was never made`);
    this.#proposed.delete(id);
    return request;
  }

  #takeReads(id: number): readonly WaitingRead[] {
    const reads = known(this.#reads.get(id), `the core answered read ${id}, which was never asked`);
    this.#reads.delete(id);
    return reads;
  }

  #notLeader(leader: NodeId | undefined): RpcError {
    if (leader === undefined)
      return new RpcError('no-leader', 'no leader is known: an election is under way, or there is no majority');
    const named: Leader = { id: leader, endpoint: this.#ports.endpointOf(leader) };
    return new RpcError('not-leader', `this node is not the leader; the leader is ${leader}`, {
      leader: named,
    });
  }

  #flush(): void {
    const { tracing } = this.#ports;
    for (const [to, messages] of this.#outbox) this.#ports.send(to, messages, tracing?.sending(to, messages));
    this.#outbox.clear();
    if (this.#persists.length > 0 && !this.#persisting) void this.#persist();
    if (this.#toApply.length > 0 && !this.#applying) void this.#apply();
  }

  /** Everything that waits goes to disk in one append; what arrives meanwhile waits for the next. */
  async #persist(): Promise<void> {
    this.#persisting = true;
    try {
      while (this.#persists.length > 0) {
        const batch = this.#persists;
        this.#persists = [];
        const startMs = this.#ports.clock.now();
        const sync = await this.#ports.log.append(batch.map(({ effect }) => effect));
        this.#ports.tracing?.appended(
          batch.map(({ trace }) => trace),
          sync?.seconds ?? 0,
          sync?.bytes ?? 0,
        );
        const entries = batch.reduce((sum, { effect }) => sum + effect.entries.length, 0);
        this.#ports.meter.onAppended(entries, (this.#ports.clock.now() - startMs) / 1_000);
        this.#ports.tell({
          type: 'input',
          input: { type: 'persisted', sequence: known(batch.at(-1), 'a batch is not empty').effect.sequence },
        });
      }
      this.#persisting = false;
    } catch (error) {
      // Stays `persisting`: after a failed write nothing may be promised to be on disk again.
      this.#ports.onFatal(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #recordRecovery(index: number): Promise<void> {
    try {
      await this.#ports.recordRecovery(index);
      this.#ports.tell({ type: 'input', input: { type: 'recovery-recorded' } });
    } catch (error) {
      this.#ports.onFatal(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #apply(): Promise<void> {
    this.#applying = true;
    try {
      while (this.#toApply.length > 0) {
        const batch = this.#toApply.splice(0, MOST_ENTRIES_PER_APPLY);
        const startMs = this.#ports.clock.now();
        const outcomes = await this.#ports.store.apply(batch);
        this.#ports.meter.onApplied(batch.length, (this.#ports.clock.now() - startMs) / 1_000);
        batch.forEach((entry, at) => this.#answer(entry, known(outcomes[at], 'the store answers every entry'), batch.length));
        this.#ports.tell({ type: 'input', input: { type: 'applied', index: (batch.at(-1) as Entry).index } });
      }
      this.#applying = false;
    } catch (error) {
      this.#ports.onFatal(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #answer(entry: Entry, outcome: StatementOutcome, applied: number): void {
    const waiting = this.#waiting.get(entry.index);
    if (waiting === undefined) return;
    this.#waiting.delete(entry.index);
    // Writes wait only while this node leads in the term in which it proposed them, and no other leader can fill that index then.
    assert(waiting.term === entry.term, `index ${entry.index} was proposed in term ${waiting.term} and applied in ${entry.term}`);
    this.#ports.meter.onProposals('applied', 1);
    if (waiting.trace) this.#ports.tracing?.applied(waiting.trace, entry.index, applied);
    waiting.request.resolve(outcome);
  }
}
