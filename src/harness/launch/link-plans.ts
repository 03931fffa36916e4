// Which links a cluster has: one for each ordered pair of nodes, and two from the clients to each node, for gRPC and for HTTP.

import { CLIENT } from '../links/rule.ts';
import type { LinkPlan } from '../links/link-table.ts';

export interface DirectAddresses {
  readonly id: string;
  /** host:port */
  readonly grpc: string;
  /** host:port */
  readonly http: string;
}

/** How the ends of a cluster reach one another: through links, or directly. host:port each. */
export interface Routes {
  peer(from: string, to: string): string;
  client(node: string): string;
  clientHttp(node: string): string;
}

/** @param listen what the links listen on: host:0, as the nodes and the clients reach it. */
export function linkPlans(nodes: readonly DirectAddresses[], listen: string): LinkPlan[] {
  const peers = nodes.flatMap(({ id: from }) =>
    nodes.filter(({ id }) => id !== from).map(({ id: to, grpc: upstream }) => ({ from, to, listen, upstream })),
  );
  const clients = nodes.flatMap(({ id: to, grpc, http }) =>
    [grpc, http].map((upstream) => ({ from: CLIENT, to, listen, upstream })),
  );
  return [...peers, ...clients];
}

/** @param addresses where the links of the plans listen, in the same order. */
export function routesThrough(plans: readonly LinkPlan[], addresses: readonly string[]): Routes {
  const find = (from: string, to: string) => addresses.filter((_, at) => plans[at]?.from === from && plans[at].to === to);
  return {
    peer: (from, to) => find(from, to)[0] as string,
    client: (node) => find(CLIENT, node)[0] as string,
    clientHttp: (node) => find(CLIENT, node)[1] as string,
  };
}

export function directRoutes(nodes: readonly DirectAddresses[]): Routes {
  const find = (node: string) => nodes.find(({ id }) => id === node) as DirectAddresses;
  return { peer: (_, to) => find(to).grpc, client: (node) => find(node).grpc, clientHttp: (node) => find(node).http };
}
