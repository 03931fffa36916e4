// A cluster of cores in virtual time, from one seed: clients write and read while messages are lost, late, doubled and out of
// order, links are cut one way or both, nodes crash, pause and tick at different rates, and disks lose what was not synced. All
// invariants are checked after every step; when the trouble ends, the cluster must serve again and all nodes must agree.

import { known } from '../../runtime/assert.ts';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import type { Effect, Input, Message, NodeId, Role } from './protocol.ts';
import { formatEffect, formatInput } from './testing/format.ts';
import { Invariants, InvariantViolation } from './testing/invariants.ts';
import type { InvariantName } from './testing/invariants.ts';
import { SimulatedDisk } from './testing/simulated-disk.ts';
import type { StoreWrite } from './testing/simulated-disk.ts';
import { SimulatedNetwork } from './testing/simulated-network.ts';
import { SimulatedNode } from './testing/simulated-node.ts';
import type { NodeTampering } from './testing/simulated-node.ts';

/** What a canary may break, from outside the core. */
export interface Tampering extends NodeTampering {
  readonly storeWrite?: StoreWrite;
  /** Changes a message on its way. `receiver` is where it arrives. */
  readonly onDelivery?: (message: Message, receiver: SimulatedNode) => Message;
}

export interface SimulationOptions {
  readonly seed: number;
  /** How long the trouble lasts, virtual milliseconds. Default 5,000. */
  readonly troubleMs?: number;
  /** Whether disks are lost, one at a time. Default: in one of three seeds. */
  readonly losses?: boolean;
  /** Elections without end: see drawSettings. Default: in one of six seeds. */
  readonly storm?: boolean;
  readonly tampering?: Tampering;
  /** Whether something said or committed too early is a violation at once, or only when it has consequences. Default true. */
  readonly demandDurability?: boolean;
}

/** How often interesting things happened. */
export type Coverage = Record<
  | 'steps'
  | 'committed'
  | 'leaderChanges'
  | 'truncations'
  | 'conflicts'
  | 'crashes'
  | 'tornRestarts'
  | 'preVotesRefused'
  | 'leaderReads'
  | 'followerReads'
  | 'readsRejected'
  | 'quorumLost'
  | 'stalledDisks'
  | 'disksLost'
  | 'recoveries'
  | 'oldTermsRefused'
  | 'oneWayCuts'
  | 'pauses'
  | 'duplicates',
  number
>;

/** A broken invariant with what it takes to see it again. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
  readonly invariant: InvariantName;

  constructor(seed: number, violation: InvariantViolation, events: readonly string[]) {
    super(`RAFT_SEED=${seed}: ${violation.message}\nthe last ${events.length} steps:\n${events.join('\n')}`, {
      cause: violation,
    });
    this.invariant = violation.invariant;
  }
}

const TRACE_LENGTH = 60;
/** After the trouble: how long until all is well again. A dozen election timeouts. */
const RECOVERY_MS = 4_000;
/** With small limits, every entry that a node lacks may need a message of its own, sent when the one before was answered. */
const RECOVERY_PER_ENTRY_MS = 10;

/** Runs one seed. Throws SimulationFailure. */
export function simulate(options: SimulationOptions): Coverage {
  return new Simulation(options).run();
}

interface Step {
  readonly atMs: number;
  readonly node: NodeId;
  readonly input: Input;
  readonly effects: readonly Effect[];
}

class Simulation {
  readonly #seed: number;
  readonly #troubleMs: number;
  readonly #clock = new VirtualClock();
  readonly #random: Random;
  readonly #network: SimulatedNetwork;
  readonly #invariants: Invariants;
  readonly #nodes: SimulatedNode[];
  readonly #steps: Step[] = [];
  readonly #roles = new Map<NodeId, { role: Role; term: number }>();
  readonly #storm: boolean;
  readonly #losses: boolean;
  /** Of message sizes and windows: in half of the runs, so that they are met. */
  readonly #smallLimits: boolean;
  #inTrouble = true;
  #guess: SimulatedNode;
  #nextWrite = 1;
  readonly #coverage: Coverage = {
    steps: 0,
    committed: 0,
    leaderChanges: 0,
    truncations: 0,
    conflicts: 0,
    crashes: 0,
    tornRestarts: 0,
    preVotesRefused: 0,
    leaderReads: 0,
    followerReads: 0,
    readsRejected: 0,
    quorumLost: 0,
    stalledDisks: 0,
    disksLost: 0,
    recoveries: 0,
    oldTermsRefused: 0,
    oneWayCuts: 0,
    pauses: 0,
    duplicates: 0,
  };

  constructor({ seed, troubleMs = 5_000, losses, storm, tampering = {}, demandDurability = true }: SimulationOptions) {
    this.#seed = seed;
    this.#troubleMs = troubleMs;
    this.#random = new Random(seed);
    this.#storm = storm ?? seed % 6 === 0;
    this.#losses = losses ?? seed % 3 === 1;
    this.#smallLimits = this.#random.chance(0.5);
    const ids = this.#random.chance(0.5) ? ['a', 'b', 'c'] : ['a', 'b', 'c', 'd', 'e'];
    const disks = new Map(
      ids.map((id) => [id, new SimulatedDisk(this.#clock, this.#random.fork(`disk ${id}`), tampering.storeWrite)]),
    );
    this.#invariants = new Invariants(disks, demandDurability);
    this.#network = new SimulatedNetwork(this.#clock, this.#random.fork('network'), (message) => {
      const receiver = this.#node(message.to);
      if (receiver.isUp) receiver.receive(tampering.onDelivery?.(message, receiver) ?? message);
    });
    const context = {
      clock: this.#clock,
      invariants: this.#invariants,
      tampering,
      settings: { peers: ids, ...drawSettings(this.#random, this.#storm, this.#smallLimits) },
      send: (message: Message) => this.#network.send(message),
      onStep: (node: SimulatedNode, input: Input, effects: readonly Effect[]) => this.#onStep(node, input, effects),
    };
    this.#nodes = ids.map((id) => {
      const tickMs = 10 * (0.75 + 0.55 * this.#random.float());
      return new SimulatedNode(id, known(disks.get(id), 'a disk each'), this.#random.fork(`node ${id}`), tickMs, context);
    });
    this.#guess = known(this.#nodes[0], 'a node');
  }

  run(): Coverage {
    try {
      this.#network.duplication = 0.05;
      this.#network.straggling = 0.02;
      for (const node of this.#nodes) node.start();
      this.#schedule(20, () => this.#write());
      this.#schedule(20, () => this.#read());
      this.#schedule(this.#storm ? 60 : 400, () => this.#makeTrouble());
      this.#clock.advance(this.#troubleMs);
      this.#endTrouble();
      this.#recover();
    } catch (error) {
      if (error instanceof InvariantViolation)
        throw new SimulationFailure(this.#seed, error, this.#steps.slice(-TRACE_LENGTH).map(formatStep));
      throw error;
    }
    this.#coverage.committed = this.#invariants.committedCount;
    this.#coverage.truncations = this.#invariants.truncations;
    this.#coverage.duplicates = this.#network.duplicates;
    return this.#coverage;
  }

  /** Calls back again and again, with random gaps of this mean, as long as the trouble lasts. */
  #schedule(meanMs: number, callback: () => void): void {
    this.#clock.schedule(this.#random.exponential(meanMs), () => {
      if (!this.#inTrouble) return;
      callback();
      this.#schedule(meanMs, callback);
    });
  }

  #write(): void {
    const target = this.#random.chance(0.8) ? this.#guess : this.#random.pick(this.#nodes);
    const size = this.#random.chance(0.1) ? 40 : this.#random.integer(1, 4);
    target.propose(Array.from({ length: size }, () => Buffer.from(`w${this.#nextWrite++}`)));
  }

  #read(): void {
    const target = this.#random.chance(0.4) ? this.#guess : this.#random.pick(this.#nodes);
    const count = this.#random.integer(1, 3);
    if (target.isUp) for (let i = 0; i < count; i++) target.read();
  }

  #makeTrouble(): void {
    const victim = this.#random.chance(this.#storm ? 0 : 0.4) ? this.#guess : this.#random.pick(this.#nodes);
    const draw = this.#random.float() * (this.#storm ? 0.3 : 1);
    if (draw < 0.1) this.#crash(victim);
    else if (draw < 0.25) victim.onNextWrite = () => this.#crashSoon(victim);
    else if (draw < 0.5) this.#partition(victim);
    else if (draw < 0.65) this.#network.heal();
    else if (draw < 0.75) this.#network.loss = this.#random.pick([0, 0.02, 0.1, 0.3]);
    else if (draw < 0.85) this.#pause(victim);
    else if (draw < 0.88) victim.disk.stall(this.#random.integer(500, 2_500));
    else if (draw < 0.95) victim.disk.meanSyncMs = this.#random.pick([0.5, 2, 20, 100]);
    else victim.meanApplyMs = this.#random.pick([0.5, 1, 20, 100]);
  }

  /** In the middle of a write, if the disk does not win the race. */
  #crashSoon(node: SimulatedNode): void {
    this.#clock.schedule(this.#random.exponential(node.disk.meanSyncMs / 2), () => this.#crash(node));
  }

  /** A loss behind a crash. Only when nobody recovers from one: two at a time are more than the protocol can stand. */
  #loseDisk(node: SimulatedNode): void {
    if (this.#nodes.some(({ disk }) => disk.recovery?.over === false)) return;
    this.#coverage.disksLost++;
    node.loseDisk(this.#coverage.disksLost);
  }

  #crash(node: SimulatedNode): void {
    if (!node.isUp || !this.#inTrouble) return;
    const { torn, survived, of } = node.crash();
    this.#coverage.crashes++;
    if (torn || (survived > 0 && survived < of)) this.#coverage.tornRestarts++;
    this.#roles.delete(node.id);
    if (this.#losses && this.#random.chance(0.6)) this.#loseDisk(node);
    this.#clock.schedule(this.#random.exponential(this.#storm ? 5 : this.#random.pick([5, 300])), () => this.#restart(node));
  }

  #restart(node: SimulatedNode): void {
    if (!node.isUp) node.start();
  }

  #pause(node: SimulatedNode): void {
    if (!node.isUp) return;
    this.#coverage.pauses++;
    node.pause(this.#random.exponential(200));
  }

  #partition(victim: SimulatedNode): void {
    const others = this.#nodes.filter((node) => node !== victim);
    const kind = this.#random.pick(['isolate', 'split', 'deaf', 'mute', 'one-way']);
    if (kind === 'split') {
      const side = new Set(this.#random.shuffle(this.#nodes).slice(0, this.#random.integer(1, this.#nodes.length - 1)));
      for (const from of this.#nodes) {
        for (const to of this.#nodes) if (side.has(from) !== side.has(to)) this.#network.cut(from.id, to.id);
      }
      return;
    }
    if (kind !== 'isolate') this.#coverage.oneWayCuts++;
    for (const other of kind === 'one-way' ? [this.#random.pick(others)] : others) {
      if (kind !== 'deaf') this.#network.cut(victim.id, other.id);
      if (kind === 'isolate' || kind === 'deaf') this.#network.cut(other.id, victim.id);
    }
  }

  #endTrouble(): void {
    this.#inTrouble = false;
    this.#network.heal();
    this.#network.loss = 0;
    this.#network.duplication = 0;
    this.#network.straggling = 0;
    for (const node of this.#nodes) {
      node.disk.meanSyncMs = 1;
      node.meanApplyMs = 0.5;
      node.resume();
      this.#restart(node);
    }
  }

  /** A write must come through, and every node must have and have applied the same; a read on each must be answered. */
  #recover(): void {
    const lastIndexes = this.#nodes.map(({ core }) => known(core, 'all are up').status.lastIndex);
    const lag = Math.max(...lastIndexes) - Math.min(...lastIndexes);
    const deadlineMs = this.#clock.now() + RECOVERY_MS + (this.#smallLimits ? lag * RECOVERY_PER_ENTRY_MS : 0);
    const before = this.#invariants.visibleIndex;
    while (this.#invariants.visibleIndex === before || !this.#agrees()) {
      if (this.#clock.now() >= deadlineMs) throw new InvariantViolation('liveness', `no agreement: ${this.#describe()}`);
      this.#guess.propose([Buffer.from(`after${this.#nextWrite++}`)]);
      this.#clock.advance(500);
    }
    for (const node of this.#nodes) node.read();
    this.#clock.advance(500);
    const unanswered = this.#nodes.filter((node) => node.pendingReads > 0);
    if (unanswered.length > 0) throw new InvariantViolation('liveness', `${unanswered.map(({ id }) => id).join()} still reads`);
  }

  #agrees(): boolean {
    const statuses = this.#nodes.map((node) => known(node.core, 'all are up').status);
    const leader = statuses.find(({ role }) => role === 'leader');
    return (
      leader !== undefined &&
      statuses.every(({ term, leader: followed }) => term === leader.term && followed === leader.id) &&
      statuses.every(({ lastIndex, commitIndex, appliedIndex }) =>
        [lastIndex, commitIndex, appliedIndex].every((index) => index === leader.lastIndex),
      ) &&
      this.#nodes.every((node) => node.appliedIndex === leader.lastIndex) &&
      this.#invariants.committedCount === leader.lastIndex &&
      statuses.every(({ recovers }) => !recovers) &&
      leader.lastIndex > 0
    );
  }

  #describe(): string {
    return this.#nodes
      .map(({ core }) => known(core, 'all are up').status)
      .map(
        ({ id, role, term, leader, lastIndex, commitIndex, appliedIndex, pendingReads }) =>
          `${id} ${role}@${term} of ${leader} ${lastIndex}/${commitIndex}/${appliedIndex} reads ${pendingReads}`,
      )
      .join('; ');
  }

  #onStep(node: SimulatedNode, input: Input, effects: readonly Effect[]): void {
    this.#coverage.steps++;
    this.#steps.push({ atMs: this.#clock.now(), node: node.id, input, effects });
    if (this.#steps.length >= 50 * TRACE_LENGTH) this.#steps.splice(0, this.#steps.length - TRACE_LENGTH);
    if (input.type === 'recovery-recorded') this.#coverage.recoveries++;
    for (const effect of effects) this.#cover(node, effect);
  }

  #cover(node: SimulatedNode, effect: Effect): void {
    const coverage = this.#coverage;
    if (effect.type === 'send') {
      const { message } = effect;
      if (message.type === 'pre-vote-response' && !message.granted) coverage.preVotesRefused++;
      else if (message.type === 'append-response' && !message.accepted) {
        if (message.rejectedIndex > 0) coverage.conflicts++;
        else coverage.oldTermsRefused++;
      }
    } else if (effect.type === 'read-ready') {
      if (this.#roles.get(node.id)?.role === 'leader') coverage.leaderReads++;
      else coverage.followerReads++;
    } else if (effect.type === 'read-rejected') {
      coverage.readsRejected++;
    } else if (effect.type === 'event' && effect.event.type === 'role') {
      const { role, term } = effect.event;
      const before = this.#roles.get(node.id);
      if (before?.role === 'leader' && before.term === term) {
        const status = known(node.core, 'it just made a step').status;
        if (status.commitIndex > status.durableIndex) coverage.stalledDisks++;
        else coverage.quorumLost++;
      }
      if (role === 'leader') {
        coverage.leaderChanges++;
        this.#guess = node;
      }
      this.#roles.set(node.id, { role, term });
    }
  }

  #node(id: NodeId): SimulatedNode {
    return known(
      this.#nodes.find((node) => node.id === id),
      `no node ${id}`,
    );
  }
}

/**
 * Now and then a cluster without one of the two refinements. In a storm, nodes stand for election nearly at the same time, and
 * crash when they vote.
 */
function drawSettings(random: Random, storm: boolean, smallLimits: boolean) {
  return {
    maxEntriesPerMessage: smallLimits ? random.integer(1, 5) : 1_024,
    maxBytesPerMessage: smallLimits ? random.integer(1, 40) : 1024 * 1024,
    maxInflightMessages: smallLimits ? random.integer(1, 4) : 64,
    preVote: !storm && random.chance(0.9),
    checkQuorum: !storm && random.chance(0.9),
    electionTimeoutMs: storm ? { min: 60, max: 90 } : { min: 150, max: 300 },
  };
}

function formatStep({ atMs, node, input, effects }: Step): string {
  const lines = effects.map((effect) => `\n      ${formatEffect(effect)}`);
  return `${atMs.toFixed(2).padStart(10)} ${node}: ${formatInput(input)}${lines.join('')}`;
}
