// Which links a cluster has: one for each ordered pair of nodes, and two from the clients to each node, for gRPC and for HTTP.

import { CLIENT } from '../links/rule.ts';
import type { LinkPlan } from '../links/link-table.ts';

/** host:port each. */
export interface Addresses {
  readonly grpc: string;
  readonly http: string;
}

export interface DirectAddresses extends Addresses {
  readonly id: string;
}

/** A node, and its addresses past the links as they look from where one stands. */
export interface NodePlace {
  readonly id: string;
  /** What it listens on. */
  readonly listen: Addresses;
  /** Where the other nodes and the links reach it. */
  readonly inside: Addresses;
  /** Where this process and the generators reach it. */
  readonly outside: Addresses;
}

/** How the ends of a cluster reach one another: through links, or directly. host:port each. */
export interface Routes {
  peer(from: string, to: string): string;
  client(node: string): string;
  clientHttp(node: string): string;
}

/** Where they listen is for whoever opens them to say: '' until then. */
export function linkPlans(nodes: readonly DirectAddresses[]): LinkPlan[] {
  const peers = nodes.flatMap(({ id: from }) =>
    nodes.filter(({ id }) => id !== from).map(({ id: to, grpc: upstream }) => ({ from, to, listen: '', upstream })),
  );
  const clients = nodes.flatMap(({ id: to, grpc, http }) =>
    [grpc, http].map((upstream) => ({ from: CLIENT, to, listen: '', upstream })),
  );
  return [...peers, ...clients];
}

/** @param addresses where the links of the plans are reached, in the same order. */
export function routesThrough(plans: readonly LinkPlan[], addresses: readonly string[]): Routes {
  const find = (from: string, to: string) => addresses.filter((_, at) => plans[at]?.from === from && plans[at].to === to);
  return {
    peer: (from, to) => find(from, to)[0] as string,
    client: (node) => find(CLIENT, node)[0] as string,
    clientHttp: (node) => find(CLIENT, node)[1] as string,
  };
}

export function directRoutes(nodes: readonly NodePlace[]): Routes {
  const find = (node: string) => nodes.find(({ id }) => id === node) as NodePlace;
  return {
    peer: (_, to) => find(to).inside.grpc,
    client: (node) => find(node).outside.grpc,
    clientHttp: (node) => find(node).outside.http,
  };
}
