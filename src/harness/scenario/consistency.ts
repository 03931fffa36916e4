// What must hold between the options of a scenario, each of which is right by itself.

import { formatDuration } from '../../runtime/duration.ts';
import { didYouMean } from './did-you-mean.ts';
import type { PartitionShape } from './scenario.ts';
import type {
  ScenarioData,
  ValidFault,
  ValidLoad,
  ValidNodeFault,
  ValidRampingArrivalRate,
  ValidRampingVus,
  ValidStage,
} from './valid-scenario.ts';
import { nodeNames } from './valid-scenario.ts';

/** What is kept per second and per millisecond of a run must stay small. */
const MAX_DURATION_MS = 24 * 3_600_000;

/** Every problem, naming the options by their paths; empty when there is none. */
export function consistencyProblems(scenario: ScenarioData): string[] {
  const loads = Object.entries(scenario.loads);
  if (loads.length === 0) return ['loads must name at least one load, not {}'];
  return [
    ...loads.flatMap(([name, load]) => loadProblems(name, load)),
    ...bankProblems(loads),
    ...warmupProblems(scenario),
    ...scenario.faults.flatMap((fault, at) => faultProblems(fault, `faults[${at}]`, scenario)),
    ...overlapProblems(scenario.faults),
    ...thresholdProblems(scenario),
  ];
}

function loadProblems(name: string, load: ValidLoad): string[] {
  const problems: string[] = [];
  if (!/^[A-Za-z][\w-]*$/.test(name))
    problems.push(`loads must be named with letters, digits, '-' and '_', beginning with a letter, not '${name}'`);
  if (load.startTimeMs + load.durationMs > MAX_DURATION_MS)
    problems.push(`loads.${name} must end within 24 hours, not after ${formatDuration(load.startTimeMs + load.durationMs)}`);
  if ('maxVUs' in load && load.maxVUs < load.preAllocatedVUs)
    problems.push(`loads.${name}.maxVUs must be at least preAllocatedVUs (${load.preAllocatedVUs}), not ${load.maxVUs}`);
  if (load.executor === 'shared-iterations' && load.iterations < load.vus)
    problems.push(`loads.${name}.iterations must be at least vus (${load.vus}), not ${load.iterations}`);
  if (load.executor === 'ramping-arrival-rate')
    problems.push(...rampProblems(`loads.${name}`, 'startRate', load.startRate, load));
  if (load.executor === 'ramping-vus') problems.push(...rampProblems(`loads.${name}`, 'startVUs', load.startVUs, load));
  if ('mix' in load.workload && Object.values<number>({ ...load.workload.mix }).every((weight) => weight === 0))
    problems.push(`loads.${name}.workload.mix must have a weight > 0, not all 0`);
  return problems;
}

/** All loads of a kind work on the same objects, and of a bank they must know how much there is. */
function bankProblems(loads: readonly (readonly [string, ValidLoad])[]): string[] {
  const banks = loads.flatMap(([name, { workload }]) => (workload.kind === 'bank' ? [{ name, workload }] : []));
  const [first, ...others] = banks;
  return others.flatMap(({ name, workload }) =>
    (['accounts', 'initialBalance'] as const)
      .filter((option) => workload[option] !== first?.workload[option])
      .map(
        (option) =>
          `loads.${name}.workload.${option} must be that of loads.${first?.name} (${first?.workload[option]}), not ${workload[option]}: there is one bank`,
      ),
  );
}

/** Whether there is any load below the line that goes from `start` through the targets. */
function rampProblems(
  path: string,
  startName: string,
  start: number,
  { stages, durationMs }: ValidRampingArrivalRate | ValidRampingVus,
): string[] {
  if (durationMs === 0) return [`${path}.stages must last longer than 0 in all, not 0`];
  const rises = stages.some((stage, at) => {
    const fromTarget = at === 0 ? start : (stages[at - 1] as ValidStage).target;
    return stage.durationMs > 0 && fromTarget + stage.target > 0;
  });
  if (rises) return [];
  const targets = stages.map(({ target }) => target).join(', ');
  return [`${path}.stages must rise above 0 for some time, not stay at 0 (${startName} ${start}, targets ${targets})`];
}

function warmupProblems({ warmupMs, totalDurationMs }: ScenarioData): string[] {
  if (warmupMs < totalDurationMs) return [];
  return [
    `warmup (${formatDuration(warmupMs)}) must be shorter than the scenario (${formatDuration(totalDurationMs)}), or nothing is measured`,
  ];
}

function faultProblems(fault: ValidFault, path: string, scenario: ScenarioData): string[] {
  const problems: string[] = [];
  const endMs = fault.atMs + fault.durationMs;
  if (endMs > scenario.totalDurationMs) {
    const [end, total] = [formatDuration(endMs), formatDuration(scenario.totalDurationMs)];
    problems.push(`${path} must end within the scenario, which lasts ${total}, not after ${end} (at + duration)`);
  }
  // Its effect is measured against the baseline, and a fault before traffic proves nothing.
  if (fault.atMs < scenario.warmupMs) {
    const [at, warmup] = [formatDuration(fault.atMs), formatDuration(scenario.warmupMs)];
    problems.push(`${path}.at must lie behind the warmup (${warmup}), so that there is a baseline to compare with, not at ${at}`);
  }
  const names = nodeNames(scenario.cluster.nodes);
  if (fault.target === 'follower' && names.length === 1)
    problems.push(`${path}.target cannot be 'follower' in a cluster of one node`);
  const targets = ['leader', 'follower', ...names];
  if (!targets.includes(fault.target)) {
    const suggestion = didYouMean(fault.target, targets);
    problems.push(`${path}.target must be one of ${targets.join(', ')}, not '${fault.target}'${suggestion}`);
  }
  return [...problems, ...networkProblems(fault, path, scenario)];
}

/** So many nodes there must be for a shape to be what it is called. */
const FEWEST_NODES: Readonly<Record<PartitionShape, number>> = {
  halves: 3,
  majority: 3,
  minority: 3,
  'isolate-leader': 2,
  'majorities-ring': 4,
  bridge: 3,
  'one-way': 2,
};

function networkProblems(fault: ValidFault, path: string, { cluster }: ScenarioData): string[] {
  if (onProcess(fault)) return [];
  const problems: string[] = [];
  if (!cluster.links) problems.push(`${path} (${fault.kind}) needs links: cluster.links must be true, and --links not off`);
  if (fault.kind === 'partition' && cluster.nodes < FEWEST_NODES[fault.shape])
    problems.push(`${path}.shape '${fault.shape}' needs at least ${FEWEST_NODES[fault.shape]} nodes, not ${cluster.nodes}`);
  if ('links' in fault && fault.links === 'peers' && cluster.nodes === 1)
    problems.push(`${path}.links cannot be 'peers' in a cluster of one node`);
  return problems;
}

/** Two faults of one named process at the same time: the second would find it down or stopped and prove nothing. */
function overlapProblems(faults: readonly ValidFault[]): string[] {
  const problems: string[] = [];
  for (const [at, fault] of faults.entries()) {
    if (fault.target === 'leader' || fault.target === 'follower' || !onProcess(fault)) continue;
    const earlier = faults.findIndex(
      (other, index) =>
        index < at &&
        onProcess(other) &&
        other.target === fault.target &&
        fault.atMs < other.atMs + other.durationMs &&
        other.atMs < fault.atMs + fault.durationMs,
    );
    if (earlier >= 0) problems.push(`faults[${at}] must not overlap faults[${earlier}]: ${fault.target} would be out already`);
  }
  return problems;
}

/** Links bear any number of faults at once. */
function onProcess(fault: ValidFault): fault is ValidNodeFault {
  return fault.kind !== 'partition' && !('links' in fault);
}

function thresholdProblems({ thresholds, loads }: ScenarioData): string[] {
  const names = Object.keys(loads);
  return thresholds.flatMap(({ metric, selector: { tags } }) => {
    if (tags.load === undefined || names.includes(tags.load)) return [];
    return [
      `thresholds['${metric}'] names the load '${tags.load}', but there are ${names.join(', ')}${didYouMean(tags.load, names)}`,
    ];
  });
}
