// The list of scenarios for `run --list`: what each takes, what it needs and what it teaches.

import { formatDuration } from '../runtime/duration.ts';
import { listScenarios, loadScenarios } from '../harness/scenario/discover.ts';
import { ScenarioError } from '../harness/scenario/options.ts';
import { needsFaultControl, needsLinks, type ValidScenario } from '../harness/scenario/valid-scenario.ts';
import { hang, plainDeep, type Style, styleOf, table, wrap } from '../harness/report/text.ts';

/** From here on there is room for a table; below it every scenario is a paragraph. */
const WIDE = 110;

type Entry = { readonly name: string } & ({ readonly scenario: ValidScenario } | { readonly problems: readonly string[] });

export interface ListOptions {
  /** Columns, >= 60. */
  readonly width: number;
  readonly colour: boolean;
}

/**
 * The list as text that ends in a newline. A scenario that is broken is listed with what is wrong with it, and the others as ever.
 * Throws ScenarioError when the folder cannot be read.
 */
export async function scenarioList(folder: string, { width, colour }: ListOptions): Promise<string> {
  const entries: Entry[] = [];
  for (const name of await listScenarios(folder)) entries.push(plainDeep(await entryOf(name, folder)));
  const style = styleOf(colour);
  const lines = width < WIDE ? entries.flatMap((entry) => paragraph(entry, style, width)) : wideTable(entries, style, width);
  return `${lines.join('\n')}\n`;
}

async function entryOf(name: string, folder: string): Promise<Entry> {
  try {
    const [scenario] = await loadScenarios([name], folder);
    if (scenario !== undefined) return { name, scenario };
    return { name, problems: ['cannot be loaded'] };
  } catch (error) {
    if (error instanceof ScenarioError) return { name, problems: error.problems };
    throw error;
  }
}

/** Name, length, nodes, needs; then what it teaches or what is wrong with it. */
function factsOf(entry: Entry): { readonly columns: readonly [string, string, string, string]; readonly words: string } {
  if ('problems' in entry) return { columns: [entry.name, '', '', ''], words: `broken: ${entry.problems.join('; ')}` };
  const { name, totalDurationMs, cluster, target, description } = entry.scenario;
  const nodes = target.kind === 'external' ? '' : String(cluster.nodes);
  return { columns: [name, formatDuration(totalDurationMs), nodes, needsOf(entry.scenario).join(', ')], words: description };
}

/** What must be there for it to run, beyond this program. */
function needsOf({ faults, nemesis, target, loads }: ValidScenario): string[] {
  const all = [...faults, ...(nemesis?.mix ?? [])];
  const kinds = Object.values(loads).map(({ workload }) => workload.kind);
  return [
    ...(target.kind === 'etcd' ? [`etcd (${target.binary})`] : []),
    ...(target.kind === 'docker' ? ['Docker'] : []),
    ...(target.kind === 'external' ? ['a running target'] : []),
    ...(target.kind === 'docker' ? ['a Docker engine'] : []),
    ...(target.kind === 'compose' ? ['docker compose up'] : []),
    ...(all.some(needsLinks) ? ['links'] : []),
    ...(all.some(needsFaultControl) ? ['fault control'] : []),
    ...(kinds.includes('grpc') ? ['a .proto file'] : []),
  ];
}

function paragraph(entry: Entry, style: Style, width: number): string[] {
  const { columns, words } = factsOf(entry);
  const [name, lasts, nodes, needs] = columns;
  const facts = [lasts, nodes && `${nodes} ${nodes === '1' ? 'node' : 'nodes'}`, needs && `needs ${needs}`].filter(Boolean);
  const paint = 'problems' in entry ? style.bad : (text: string) => text;
  return [
    ...hang(facts.length === 0 ? '' : `${name}  `, facts.length === 0 ? name : facts.join(' · '), width).map((line, at) =>
      at === 0 ? style.strong(line.slice(0, name.length)) + style.faint(line.slice(name.length)) : style.faint(line),
    ),
    ...wrap(words, width - 2).map((line) => `  ${paint(line)}`),
  ];
}

function wideTable(entries: readonly Entry[], style: Style, width: number): string[] {
  const heads = ['name', 'lasts', 'nodes', 'needs', 'what it teaches'];
  const facts = entries.map((entry) => ({ ...factsOf(entry), isBroken: 'problems' in entry }));
  const taken = [0, 1, 2, 3].map((column) =>
    Math.max(heads[column]?.length ?? 0, ...facts.map(({ columns }) => columns[column]?.length ?? 0)),
  );
  const room = width - taken.reduce((sum, each) => sum + each + 2, 0);
  const rows = facts.flatMap(({ columns, words, isBroken }) =>
    wrap(words, room).map((line, at) => [
      { text: at === 0 ? columns[0] : '', paint: style.strong },
      ...columns.slice(1).map((text) => (at === 0 ? text : '')),
      { text: line, ...(isBroken && { paint: style.bad }) },
    ]),
  );
  return table([heads.map((text) => ({ text, paint: style.faint })), ...rows], { align: 'lrrll', indent: 0, width, elastic: 4 });
}
