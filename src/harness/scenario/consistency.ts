// What must hold between the options of a scenario, each of which is right by itself.

import { validateHeaderName, validateHeaderValue } from 'node:http';
import { formatDuration } from '../../runtime/duration.ts';
import { didYouMean } from './did-you-mean.ts';
import { hoursOf } from './nemesis.ts';
import { saturationProblems } from './saturation-consistency.ts';
import { targetProblems } from './target-consistency.ts';
import type { PartitionShape } from './faults.ts';
import type {
  ScenarioData,
  UntimedFault,
  ValidFault,
  ValidAutocannon,
  ValidGrpc,
  ValidHttp,
  ValidLoad,
  ValidRampingArrivalRate,
  ValidRampingVus,
  ValidStage,
} from './valid-scenario.ts';
import { isFaultMetric } from './thresholds.ts';
import { needsLinks, nodeNames, operationNames } from './valid-scenario.ts';

/** What is kept per second and per millisecond of a run must stay small. */
const MAX_DURATION_MS = 24 * 3_600_000;
const MAX_DELAY_MS = 30_000;
/** Targets of more than one node. */
const SEVERAL: readonly string[] = ['all', 'majority', 'minority'];

/** Every problem, naming the options by their paths; empty when there is none. */
export function consistencyProblems(scenario: ScenarioData): string[] {
  const loads = Object.entries(scenario.loads);
  if (loads.length === 0) return ['loads must name at least one load, not {}'];
  return [
    ...loads.flatMap(([name, load]) => loadProblems(name, load)),
    ...bankProblems(loads),
    ...loads.flatMap(([name, { workload }]) => (workload.kind === 'http' ? httpProblems(name, workload, scenario) : [])),
    ...loads.flatMap(([name, { workload }]) => (workload.kind === 'grpc' ? grpcProblems(name, workload, scenario) : [])),
    ...warmupProblems(scenario),
    ...scenario.faults.flatMap((fault, at) => [
      ...timeProblems(fault, `faults[${at}]`, scenario),
      ...faultProblems(fault, `faults[${at}]`, scenario),
    ]),
    ...overlapProblems(scenario.faults),
    ...secondWipeProblems(scenario),
    ...nemesisProblems(scenario),
    ...saturationProblems(scenario),
    ...targetProblems(scenario),
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
  if (load.executor === 'autocannon') problems.push(...autocannonProblems(`loads.${name}`, load));
  if ('mix' in load.workload && Object.values<number>({ ...load.workload.mix }).every((weight) => weight === 0))
    problems.push(`loads.${name}.workload.mix must have a weight > 0, not all 0`);
  return problems;
}

function autocannonProblems(path: string, { workload, connections, amount }: ValidAutocannon): string[] {
  const problems: string[] = [];
  if (workload.kind !== 'http')
    problems.push(`${path}.workload must be of kind 'http', which is all that autocannon knows, not '${workload.kind}'`);
  else if (workload.method === 'HEAD')
    problems.push(`${path}.workload.method must not be 'HEAD': autocannon would wait for a body`);
  if (amount !== undefined && amount < connections)
    problems.push(`${path}.amount must be at least connections (${connections}), not ${amount}`);
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

function httpProblems(load: string, { url, headers }: ValidHttp, { target }: ScenarioData): string[] {
  const path = `loads.${load}.workload`;
  const problems = Object.entries(headers).flatMap(([name, value]) => {
    if (/^(content-length|transfer-encoding)$/i.test(name))
      return [`${path}.headers must not have '${name}': it follows from the body`];
    return isHeader(name, value) ? [] : [`${path}.headers['${name}'] must be a header that HTTP allows, not '${value}'`];
  });
  if (url.startsWith('/') && target.kind === 'external' && target.httpEndpoints.length === 0)
    problems.push(
      `${path}.url must be a whole URL, or the target have httpEndpoints (--http-endpoint host:port) that the path '${url}' is on`,
    );
  return problems;
}

function grpcProblems(load: string, { metadata }: ValidGrpc, { target }: ScenarioData): string[] {
  const path = `loads.${load}.workload`;
  const problems = Object.entries(metadata).flatMap(([key, value]) => {
    if (!/^[0-9a-z_.-]+$/.test(key) || key.startsWith('grpc-'))
      return [
        `${path}.metadata['${key}'] must be a key of lower case letters, digits, '_', '.' and '-' that does not begin with 'grpc-'`,
      ];
    if (key.endsWith('-bin'))
      return /^[\w+/-]*={0,2}$/.test(value) ? [] : [`${path}.metadata['${key}'] must be bytes in base64, not '${value}'`];
    return /^[ -~]*$/.test(value) ? [] : [`${path}.metadata['${key}'] must be printable ASCII, not '${value}'`];
  });
  if (target.kind === 'external' && target.endpoints.length === 0)
    problems.push(`${path} is called on the target's endpoints: target.endpoints must have at least one, not []`);
  return problems;
}

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
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

function timeProblems(fault: ValidFault, path: string, scenario: ScenarioData): string[] {
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
  return problems;
}

/** Of what a fault is, whenever it is. */
function faultProblems(fault: UntimedFault, path: string, scenario: ScenarioData): string[] {
  const problems: string[] = [];
  const names = nodeNames(scenario.cluster.nodes);
  if (fault.target === 'follower' && names.length === 1)
    problems.push(`${path}.target cannot be 'follower' in a cluster of one node`);
  if (fault.target === 'minority' && names.length <= 2)
    problems.push(`${path}.target cannot be 'minority': a cluster of ${names.length} can do without no node`);
  if (fault.kind === 'slow-disk' && fault.delayMs > MAX_DELAY_MS)
    problems.push(`${path}.delay must be at most ${formatDuration(MAX_DELAY_MS)}, not ${formatDuration(fault.delayMs)}`);
  if (fault.kind === 'clock-skew' && fault.offsetMs === 0 && fault.drift === 1)
    problems.push(`${path} must have an offset other than 0 or a drift other than 1, or it changes nothing`);
  const targets = ['leader', 'follower', 'random', ...(!needsLinks(fault) ? SEVERAL : []), ...names];
  if (!targets.includes(fault.target)) {
    const suggestion = didYouMean(fault.target, targets);
    problems.push(`${path}.target must be one of ${targets.join(', ')}, not '${fault.target}'${suggestion}`);
  }
  return [...problems, ...networkProblems(fault, path, scenario), ...wipeProblems(fault, path, scenario)];
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

function networkProblems(fault: UntimedFault, path: string, { cluster }: ScenarioData): string[] {
  if (!needsLinks(fault)) return [];
  const problems: string[] = [];
  if (!cluster.links) problems.push(`${path} (${fault.kind}) needs links: cluster.links must be true, and --links not off`);
  if (fault.kind === 'partition' && cluster.nodes < FEWEST_NODES[fault.shape])
    problems.push(`${path}.shape '${fault.shape}' needs at least ${FEWEST_NODES[fault.shape]} nodes, not ${cluster.nodes}`);
  if ('links' in fault && fault.links === 'peers' && cluster.nodes === 1)
    problems.push(`${path}.links cannot be 'peers' in a cluster of one node`);
  return problems;
}

/**
 * Two faults that may befall the same node at the same time: the second would find it out of action or disturbed in the same way
 * and prove nothing. Of roles and random nodes it is known only when the fault begins which they are: those are let through. Links bear any number of faults
 * at once.
 */
function overlapProblems(faults: readonly ValidFault[]): string[] {
  const problems: string[] = [];
  for (const [at, fault] of faults.entries()) {
    const earlier = faults.findIndex(
      (other, index) =>
        index < at &&
        !needsLinks(fault) &&
        !needsLinks(other) &&
        sameNode(fault.target, other.target) &&
        (fault.kind === other.kind || putsOut(fault) || putsOut(other)) &&
        fault.atMs < other.atMs + other.durationMs &&
        other.atMs < fault.atMs + fault.durationMs,
    );
    if (earlier < 0) continue;
    const other = faults[earlier] as ValidFault;
    const both = SEVERAL.includes(fault.target) ? other.target : fault.target;
    problems.push(`faults[${at}] must not overlap faults[${earlier}]: ${both} would be out already`);
  }
  return problems;
}

/** A node that lost everything gets it back from a majority of others. */
function wipeProblems({ kind, target }: UntimedFault, path: string, { cluster }: ScenarioData): string[] {
  if (kind !== 'wipe') return [];
  return [
    ...(SEVERAL.includes(target) ? [`${path}.target must be one node to wipe, not '${target}'`] : []),
    ...(cluster.nodes < 3 ? [`${path} must not wipe a node in a cluster of ${cluster.nodes}: nobody else has all it had`] : []),
  ];
}

/** One such node at a time. The nemesis sees to that by itself, but for what the scenario names. */
function secondWipeProblems({ faults, nemesis }: ScenarioData): string[] {
  const paths = (all: readonly UntimedFault[], name: string) =>
    all.flatMap(({ kind }, at) => (kind === 'wipe' ? [`${name}[${at}]`] : []));
  const [first, ...others] = paths(faults, 'faults');
  const drawn = first === undefined ? [] : paths(nemesis?.mix ?? [], 'nemesis.mix');
  return [...others, ...drawn].map((path) => `${path} must not be a second wipe: a cluster survives one loss at a time`);
}

/** Above it, a run of a day has more faults than one can follow. */
const SHORTEST_EVERY_MS = 1_000;

function nemesisProblems(scenario: ScenarioData): string[] {
  const { nemesis, warmupMs, recoveryMs, totalDurationMs } = scenario;
  if (nemesis === undefined) return [];
  const { every, lasts, mix } = nemesis;
  const problems = mix.flatMap((template, at) => faultProblems(template, `nemesis.mix[${at}]`, scenario));
  if (every.shortestMs < SHORTEST_EVERY_MS)
    problems.push(`nemesis.every must be at least ${formatDuration(SHORTEST_EVERY_MS)}, not ${formatDuration(every.shortestMs)}`);
  if (lasts.longestMs >= every.shortestMs) {
    const [longest, shortest] = [formatDuration(lasts.longestMs), formatDuration(every.shortestMs)];
    problems.push(
      `nemesis.lasts must be shorter than nemesis.every (${shortest}), so that a fault ends before the next one begins, not ${longest}`,
    );
  }
  const { fromMs, untilMs } = hoursOf(nemesis, scenario);
  if (fromMs < warmupMs)
    problems.push(`nemesis.from must lie behind the warmup (${formatDuration(warmupMs)}), not at ${formatDuration(fromMs)}`);
  if (untilMs > totalDurationMs - recoveryMs) {
    const [total, recovery] = [formatDuration(totalDurationMs), formatDuration(recoveryMs)];
    problems.push(
      `nemesis.until must leave room to recover (${recovery}) before the end of the scenario (${total}), not be ${formatDuration(untilMs)}`,
    );
  }
  if (problems.length === 0 && fromMs + every.longestMs + lasts.longestMs > untilMs) {
    const [room, needed] = [Math.max(0, untilMs - fromMs), every.longestMs + lasts.longestMs].map(formatDuration);
    problems.push(
      `nemesis must have room for a fault: every and lasts may take ${needed}, but between the warmup and the recovery at the end there are ${room}; let the load last longer`,
    );
  }
  return problems;
}

/** Whether they surely, or for a majority or minority possibly, have a node in common. */
function sameNode(one: string, other: string): boolean {
  return (
    SEVERAL.includes(one) ||
    SEVERAL.includes(other) ||
    (one === other && one !== 'leader' && one !== 'follower' && one !== 'random')
  );
}

/** Whether a node is out of action meanwhile. One that runs on with a wrong clock may well have a slow disk too. */
function putsOut({ kind }: UntimedFault): boolean {
  return kind === 'crash' || kind === 'restart' || kind === 'pause' || kind === 'full-disk' || kind === 'wipe';
}

function thresholdProblems({ thresholds, loads, faults, nemesis, saturation }: ScenarioData): string[] {
  return thresholds.flatMap(({ metric, selector: { name, tags } }) => {
    const option = `thresholds['${metric}']`;
    const ofLoads = Object.entries(loads).filter(([load]) => tags.load === undefined || load === tags.load);
    const operations = ofLoads.flatMap(([, { workload }]) => operationNames(workload));
    const kinds = [...faults, ...(nemesis?.mix ?? [])].map(({ kind }) => kind);
    if (name === 'knee' && saturation === undefined)
      return [`${option} needs the option saturation: { p99: '250ms' }, which says what a knee is`];
    if (isFaultMetric(name) && kinds.length === 0) return [`${option} is measured of faults, and the scenario has none`];
    return [
      ...unknownName(option, 'load', tags.load, Object.keys(loads)),
      ...(ofLoads.length === 0 ? [] : unknownName(option, 'operation', tags.operation, operations)),
      ...unknownName(option, 'fault', tags.fault, kinds),
    ];
  });
}

/** It would never have anything to measure. */
function unknownName(option: string, what: string, name: string | undefined, known: readonly string[]): string[] {
  if (name === undefined || known.includes(name)) return [];
  const there = [...new Set(known)].join(', ');
  return [`${option} names the ${what} '${name}', but there are ${there}${didYouMean(name, known)}`];
}
