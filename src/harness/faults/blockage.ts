// Directions that are blocked, by a partition or a hold. Proven by traffic before, none during, pressure on what was blocked, and
// a leader in a higher term when the old one lost its majority and the others have one.

import type { Direction } from '../links/rule.ts';
import { type Disturbance, disturb, rise, totalBefore, withRule } from './disturbance.ts';
import { count, type Evidence, evidence, loadedBefore, newLeader, proofFrom } from './evidence.ts';
import type { ActiveFault, FaultContext } from './fault.ts';
import { reachesMajority } from './partition-shape.ts';

export interface BlockageOptions {
  readonly kind: string;
  readonly wanted: string;
  readonly nodes: readonly string[];
  /** Who cannot reach whom, in words. */
  readonly description: string;
  readonly blocked: readonly Direction[];
  readonly mode: 'hold' | 'cut';
}

export async function beginBlockage(options: BlockageOptions, context: FaultContext): Promise<ActiveFault> {
  const { kind, wanted, nodes, blocked, mode } = options;
  const { target, witness } = context;
  const names = target.nodes.map(({ id }) => id);
  const leader = target.leader();
  const succeededBefore = witness.operationsSucceeded();
  const termBefore = witness.highestLeaderTerm();
  const deposed =
    leader !== undefined &&
    !reachesMajority(leader, names, blocked) &&
    names.some((name) => reachesMajority(name, names, blocked));
  const disturbance = await disturb(context, withRule(blocked, { block: mode }));
  return {
    kind,
    wanted,
    nodes,
    end: () => disturbance.end(),
    proof: () =>
      proofFrom(
        loadedBefore(succeededBefore),
        { holds: true, observation: options.description },
        ...trafficOf(disturbance, mode),
        deposed ? newLeader(termBefore, witness.highestLeaderTerm()) : undefined,
      ),
  };
}

function trafficOf(disturbance: Disturbance, mode: 'hold' | 'cut'): Evidence[] {
  const readings = disturbance.readings();
  const demand = totalBefore(readings, 'bytesForwarded');
  const leaked = rise(readings, 'bytesForwarded', 'inForce');
  const waiting = readings.reduce((sum, { last }) => sum + last.bytesHeld, 0);
  const attempts = rise(readings, 'connectionsTotal', 'inForce');
  const broken = rise(readings, 'resets', 'before');
  const pressure = [
    ...(waiting > 0 ? [`${count(waiting, 'byte')} waited`] : []),
    ...(attempts > 0 ? [`${count(attempts, 'connection')} ${attempts === 1 ? 'was' : 'were'} tried`] : []),
  ];
  return [
    evidence(demand > 0, `${count(demand, 'byte')} had gone there before`, 'nothing had gone there before'),
    evidence(leaked === 0, 'not one byte passed during it', `${count(leaked, 'byte')} passed during it`),
    evidence(pressure.length > 0, pressure.join(', '), 'nobody tried to get through during it'),
    ...(mode === 'cut'
      ? [evidence(broken > 0, `${count(broken, 'connection')} broke`, 'no connection broke when it was cut')]
      : []),
  ];
}
