// Which directions a partition blocks. The shapes are Jepsen's.

import { known } from '../../runtime/assert.ts';
import type { Random } from '../../runtime/random.ts';
import { CLIENT, type Direction } from '../links/rule.ts';
import type { PartitionShape } from '../scenario/faults.ts';

export interface PartitionRequest {
  readonly shape: PartitionShape;
  readonly nodes: readonly string[];
  readonly leader: string | undefined;
  /** From whom nothing goes out, in a partition that is one-way. */
  readonly target: string | undefined;
  /** Whether clients, too, cannot reach those without a majority. */
  readonly clients: boolean;
  readonly random: Random;
}

export interface PartitionPlan {
  /** Who cannot reach whom, in words. */
  readonly description: string;
  /** Those without a majority; of a ring or a bridge all, since it befalls every one. */
  readonly nodes: readonly string[];
  readonly blocked: readonly Direction[];
}

/** How many nodes of `count` are a majority. */
export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** Throws AssertionError when the shape needs a leader and there is none. */
export function planPartition(request: PartitionRequest): PartitionPlan {
  switch (request.shape) {
    case 'halves':
      return sides(request, request.random.shuffle(request.nodes).slice(majorityOf(request.nodes.length)));
    case 'majority': {
      const leader = leaderOf(request);
      const others = request.random.shuffle(request.nodes.filter((node) => node !== leader));
      return sides(request, others.slice(majorityOf(request.nodes.length) - 1));
    }
    case 'minority': {
      const leader = leaderOf(request);
      const others = request.random.shuffle(request.nodes.filter((node) => node !== leader));
      return sides(request, [leader, ...others.slice(majorityOf(request.nodes.length))]);
    }
    case 'isolate-leader':
      return sides(request, [leaderOf(request)]);
    case 'one-way':
      return oneWay(request, known(request.target, 'a one-way partition has a target'));
    case 'bridge':
      return bridge(request);
    case 'majorities-ring':
      return ring(request);
  }
}

/** Whether the node still talks, both ways, with enough others to lead. */
export function reachesMajority(node: string, nodes: readonly string[], blocked: readonly Direction[]): boolean {
  const isBlocked = (from: string, to: string) => blocked.some((each) => each.from === from && each.to === to);
  const reached = nodes.filter((other) => other === node || (!isBlocked(node, other) && !isBlocked(other, node)));
  return reached.length >= majorityOf(nodes.length);
}

function leaderOf({ leader, shape }: PartitionRequest): string {
  return known(leader, `a partition of the shape '${shape}' begins only while there is a leader`);
}

function sides({ nodes, clients }: PartitionRequest, minority: readonly string[]): PartitionPlan {
  const majority = nodes.filter((node) => !minority.includes(node));
  return {
    description: `${minority.join(', ')} cut off from ${majority.join(', ')}${clients ? ' and from clients' : ''}`,
    nodes: minority,
    blocked: bothWays(minority, clients ? [...majority, CLIENT] : majority),
  };
}

function oneWay({ nodes, clients }: PartitionRequest, target: string): PartitionPlan {
  const others = [...nodes.filter((node) => node !== target), ...(clients ? [CLIENT] : [])];
  return {
    description: `nothing from ${target} reaches ${others.join(', ')}`,
    nodes: [target],
    blocked: others.map((to) => ({ from: target, to })),
  };
}

function bridge({ nodes, random }: PartitionRequest): PartitionPlan {
  const [middle, ...rest] = random.shuffle(nodes);
  const half = Math.ceil(rest.length / 2);
  const [left, right] = [rest.slice(0, half), rest.slice(half)];
  return {
    description: `${left.join(', ')} and ${right.join(', ')} joined by ${middle} only`,
    nodes,
    blocked: bothWays(left, right),
  };
}

/** In a circle, everybody reaches as many neighbours to either side as a majority takes, and nobody else. */
function ring({ nodes, random }: PartitionRequest): PartitionPlan {
  const circle = random.shuffle(nodes);
  const reach = Math.ceil((majorityOf(circle.length) - 1) / 2);
  const distance = (a: number, b: number) => Math.min(Math.abs(a - b), circle.length - Math.abs(a - b));
  const blocked = circle.flatMap((from, a) => circle.flatMap((to, b) => (distance(a, b) > reach ? [{ from, to }] : [])));
  return {
    description: `in the circle ${circle.join(', ')} everybody reaches ${reach === 1 ? 'the next one' : `the next ${reach}`} to either side only`,
    nodes,
    blocked,
  };
}

function bothWays(some: readonly string[], others: readonly string[]): Direction[] {
  return some.flatMap((one) =>
    others.flatMap((other) => [
      { from: one, to: other },
      { from: other, to: one },
    ]),
  );
}
