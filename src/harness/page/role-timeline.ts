// Who led, who followed and who was down, node by node, below the charts and on their time axis.

import type { RoleChange, ScenarioResult } from '../result/schema.ts';
import { formatDuration } from '../../runtime/duration.ts';
import { formatCount } from '../report/numbers.ts';
import type { Moments } from './client/chart-data.ts';
import { type Markup, markup } from './markup.ts';

type Role = RoleChange['role'];

/** A role is told by the height of its bar as well as by its colour. Of a row of 20. */
const HEIGHTS: Record<Role, number> = { leader: 16, candidate: 11, 'pre-candidate': 8, follower: 5, down: 2 };
const ROW = 20;

/** Changes that the list names; run.json has them all. */
const LISTED = 400;

interface Stretch {
  readonly role: Role;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Empty when no node's role is known. */
export function roleTimeline(scenario: ScenarioResult, moments: Moments, group: number): Markup | undefined {
  const { roles, nodes, durationMs } = scenario;
  if (roles.length === 0 || durationMs === 0) return undefined;
  const names = [...new Set([...nodes, ...roles.map(({ node }) => node)])];
  const height = names.length * ROW;
  const kinds = (Object.keys(HEIGHTS) as Role[]).filter((role) => roles.some((change) => change.role === role));
  return markup`<figure class="chart roles">
<figcaption><h4>Roles</h4></figcaption>
<div class="legend">${kinds.map((role) => markup`<span><i class="swatch role ${role}"></i>${role}</span>`)}</div>
<div class="role-rows">
<div class="names" aria-hidden="true">${names.map((name) => markup`<span>${name}</span>`)}</div>
<svg data-roles="${group}" viewBox="0 0 ${moments.endS} ${height}" height="${height}" preserveAspectRatio="none" role="img" aria-label="${leadersInWords(scenario)}">
${moments.faults.map(({ fromS, toS }) => markup`<rect class="fault" x="${fromS}" width="${Math.max(0, toS - fromS)}" y="0" height="${height}"/>`)}
${kinds.map((role) => markup`<path class="role ${role}" d="${outline(role, names, scenario)}"/>`)}
</svg></div>
<details class="numbers"><summary>Numbers<span class="unseen"> of the roles</span></summary>${roleTable(roles)}</details>
</figure>`;
}

/** Every stretch of one role, of all nodes, as one path: a run with many elections stays small. */
function outline(role: Role, names: readonly string[], { roles, durationMs }: ScenarioResult): string {
  const height = HEIGHTS[role];
  return names
    .flatMap((name, row) => {
      const top = (row + 1) * ROW - 2 - height;
      return stretchesOf(name, roles, durationMs)
        .filter((stretch) => stretch.role === role)
        .map(({ fromMs, toMs }) => `M${inSeconds(fromMs)} ${top}H${inSeconds(toMs)}v${height}H${inSeconds(fromMs)}z`);
    })
    .join('');
}

function inSeconds(ms: number): number {
  return Math.round(ms) / 1_000;
}

/** The roles of one node during the scenario; what a node was before its first change is not known. */
function stretchesOf(node: string, roles: readonly RoleChange[], durationMs: number): Stretch[] {
  const own = roles.filter((change) => change.node === node).sort((a, b) => a.atMs - b.atMs);
  const changes = own.filter(({ role }, at) => role !== own[at - 1]?.role);
  return changes
    .map(({ role, atMs }, at) => ({
      role,
      fromMs: Math.max(0, atMs),
      toMs: Math.min(durationMs, changes[at + 1]?.atMs ?? durationMs),
    }))
    .filter(({ fromMs, toMs }) => toMs > fromMs);
}

function leadersInWords({ roles }: ScenarioResult): string {
  const led = roles.filter(({ role }) => role === 'leader');
  const words = led
    .slice(0, 20)
    .map(({ node, term, atMs }) => `${node} in term ${term} ${atMs <= 0 ? 'from the start' : `from ${formatDuration(atMs)}`}`);
  const more = led.length > words.length ? ` and ${formatCount(led.length - words.length)} more` : '';
  return `Leaders: ${words.length === 0 ? 'none' : words.join(', ')}${more}`;
}

function roleTable(roles: readonly RoleChange[]): Markup {
  const left = roles.length - LISTED;
  return markup`<div class="scroll tall" tabindex="0" role="region" aria-label="Numbers: roles"><table>
<caption>Roles</caption>
<thead><tr><th scope="col">at</th><th scope="col">node</th><th scope="col">role</th><th scope="col" class="n">term</th></tr></thead>
<tbody>${roles.slice(0, LISTED).map(({ atMs, node, role, term }) => markup`<tr><th scope="row">${atMs < 0 ? 'before the start' : formatDuration(atMs)}</th><td>${node}</td><td>${role}</td><td class="n">${term}</td></tr>`)}</tbody>
</table>${left > 0 && markup`<p class="note">${formatCount(left)} more are in run.json.</p>`}</div>`;
}
