// What must hold between the target of a scenario and the rest of it.

import { keepsData, type ScenarioData, speaksEtcd, type ValidFault, type ValidTarget } from './valid-scenario.ts';

/** Why etcd cannot have a fault, by its kind; those that are not here it can. */
const NOT_FOR_ETCD: Readonly<Partial<Record<ValidFault['kind'], string>>> = {
  wipe: 'etcd has no way back for a member that forgot its votes; it would have to be removed and another one added',
  'clock-skew': 'it needs a node of ours, whose clock can be set',
  'slow-disk': 'it needs a node of ours, whose log can be delayed',
  'full-disk': 'it needs a node of ours, whose log can be made to fail',
};

const NEEDS_ORDERS = 'it needs a node that the run launches (--target process or docker), which takes orders from it';
const NEEDS_LINKS = 'it needs links between the nodes, which a run puts there when it launches them (--target process or docker)';

/** Why the nodes of compose cannot have a fault, by its kind. */
const NOT_FOR_COMPOSE: typeof NOT_FOR_ETCD = {
  wipe: NEEDS_ORDERS,
  'clock-skew': NEEDS_ORDERS,
  'slow-disk': NEEDS_ORDERS,
  'full-disk': NEEDS_ORDERS,
  partition: NEEDS_LINKS,
  hold: NEEDS_LINKS,
  reset: NEEDS_LINKS,
  'slow-close': NEEDS_LINKS,
  latency: NEEDS_LINKS,
  bandwidth: NEEDS_LINKS,
  loss: NEEDS_LINKS,
};

/** Every problem, naming the options by their paths; empty when there is none. */
export function targetProblems(scenario: ScenarioData): string[] {
  return [...addressProblems(scenario), ...workloadProblems(scenario), ...targetFaultProblems(scenario)];
}

function addressProblems({ target, loads }: ScenarioData): string[] {
  if (target.kind !== 'external') return [];
  const load = Object.entries(loads).find(([, { workload }]) => keepsData(workload));
  if (load === undefined || target.endpoints.length > 0) return [];
  return [
    `target.endpoints must name at least one gRPC server (--endpoint host:port) for loads.${load[0]}, a workload of the kind '${load[1].workload.kind}'`,
  ];
}

function workloadProblems({ target, loads }: ScenarioData): string[] {
  if (!speaksEtcd(target)) return [];
  return Object.entries(loads)
    .filter(([, { workload }]) => workload.kind === 'sql')
    .map(([name]) => `loads.${name}.workload cannot be 'sql' for etcd, which has no SQL; registers, set, append and bank it has`);
}

/** What it takes to do something to the network of a node from outside. */
function needsContainers(target: ValidTarget, kind: ValidFault['kind']): string | undefined {
  if (kind !== 'disconnect' && kind !== 'drop-packets') return undefined;
  if (target.kind !== 'docker') return `needs nodes in containers (--target docker), not ${target.kind}`;
  return kind === 'drop-packets' && !target.netAdmin ? 'needs the capability NET_ADMIN (--net-admin)' : undefined;
}

/** Why a target cannot have faults of a kind, or undefined when it can. */
export function impossibleOn(target: ValidTarget, kind: ValidFault['kind']): string | undefined {
  if (target.kind === 'external') return 'needs a target that is launched: what was only attached to cannot be disturbed';
  const reason = target.kind === 'etcd' ? NOT_FOR_ETCD[kind] : target.kind === 'compose' ? NOT_FOR_COMPOSE[kind] : undefined;
  return reason === undefined ? needsContainers(target, kind) : `cannot be had with ${target.kind}: ${reason}`;
}

/** What a target cannot have, a nemesis skips; but something must be left of it. */
function targetFaultProblems({ target, faults, nemesis }: ScenarioData): string[] {
  const problems = [...faults.entries()].flatMap(([at, { kind }]) => {
    const reason = impossibleOn(target, kind);
    return reason === undefined ? [] : [`faults[${at}] (${kind}) ${reason}`];
  });
  const reasons = nemesis?.mix.map(({ kind }) => impossibleOn(target, kind)) ?? [];
  if (nemesis === undefined || reasons.includes(undefined)) return problems;
  return [...problems, `nemesis.mix (${nemesis.mix.map(({ kind }) => kind).join(', ')}) ${reasons[0]}`];
}
