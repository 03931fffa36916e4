// Known-bad nodes, for tests of what is there to find them.

/**
 * Of the environment variable WINDTUNNEL_CANARY_NODE: 'n2=stale-reads' makes one node a known-bad one, '*=...' all of them; several with
 * commas.
 */
export function canaryEnvironment(node: string): Readonly<Record<string, string>> {
  const canaries = (process.env['WINDTUNNEL_CANARY_NODE'] ?? '')
    .split(',')
    .map((word) => word.split('=', 2))
    .filter(([name, canary]) => (name === node || name === '*') && canary !== undefined)
    .map(([, canary]) => canary);
  return canaries.length === 0 ? {} : { WINDTUNNEL_CANARY: canaries.join(',') };
}
