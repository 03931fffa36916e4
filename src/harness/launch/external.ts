// A system that runs already, as a cluster that can be loaded and nothing else: nobody here started it, so nobody here stops it,
// disturbs it or knows what its nodes do.

import { type Cluster, LaunchError } from './cluster.ts';

/** @param addresses host:port of its servers; its nodes are called by them. Nothing is connected to. */
export function attach(addresses: readonly string[]): Cluster {
  const refuse = (node: string) =>
    Promise.reject(new LaunchError(`${node} was not started by this run, so nothing can be done to it`));
  return {
    nodes: addresses.map((address) => ({
      id: address,
      endpoint: address,
      httpEndpoint: address,
      directEndpoint: address,
      directHttpEndpoint: address,
    })),
    links: undefined,
    leader: () => undefined,
    events: [],
    onEvent: () => () => {},
    waitForLeader: () => refuse('the leader'),
    crash: refuse,
    wipe: refuse,
    waitForRejoin: refuse,
    shutDown: refuse,
    ended: refuse,
    inject: refuse,
    restart: refuse,
    pause: refuse,
    resume: refuse,
    isPaused: () => Promise.resolve(false),
    wantTraces() {},
    tracesSent: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}
