// A scenario's seconds as two small charts: throughput, and the tail of the response time.

import { formatDuration } from '../../runtime/duration.ts';
import type { ScenarioResult, Second } from '../result/schema.ts';
import { bar } from './bars.ts';
import { formatCount } from './numbers.ts';
import type { Style } from './text.ts';

const LABEL = 8;

/** Room behind the chart for its range. */
const RANGE = 22;

/** Lines of charts with one column a second, or several seconds a column where there are many; none below two seconds. */
export function timelineChart({ timeline, durationMs }: ScenarioResult, style: Style, width: number): string[] {
  // The last second is seldom whole and would look like a collapse.
  const whole = timeline.filter(({ atMs }) => atMs + 1_000 <= durationMs);
  if (whole.length < 2) return [];
  const columns = inColumns(whole, Math.max(10, width - 4 - LABEL - RANGE));
  const ok = columns.map((seconds) => seconds.reduce((sum, second) => sum + second.ok, 0) / seconds.length);
  const p99 = columns.map((seconds) => Math.max(0, ...seconds.map((second) => second.p99 ?? 0)));
  const faulty = columns.map((seconds) => seconds.some(({ phase }) => phase === 'fault'));
  const line = (label: string, chart: string, range: string) =>
    `    ${style.faint(label.padEnd(LABEL))}${chart}  ${style.faint(range)}`.trimEnd();
  const measured = p99.filter((ms) => ms > 0);
  const perColumn = columns[0]?.length ?? 1;
  return [
    `  ${style.strong('timeline')}  ${style.faint(perColumn === 1 ? 'one column a second' : `one column for ${perColumn} seconds`)}`,
    line('ok/s', sparkline(ok), `${formatCount(Math.min(...ok))} – ${formatCount(Math.max(...ok))}`),
    ...(measured.length === 0
      ? []
      : [line('p99', sparkline(p99), `${formatDuration(Math.min(...measured))} – ${formatDuration(Math.max(...measured))}`)]),
    ...(faulty.includes(true)
      ? [
          line(
            'fault',
            style.bad(
              faulty
                .map((is) => (is ? '▔' : ' '))
                .join('')
                .trimEnd(),
            ),
            '',
          ),
        ]
      : []),
  ];
}

function inColumns(seconds: readonly Second[], most: number): Second[][] {
  const each = Math.ceil(seconds.length / most);
  return Array.from({ length: Math.ceil(seconds.length / each) }, (_, column) =>
    seconds.slice(column * each, (column + 1) * each),
  );
}

/** From 0 to the largest value; what is 0 is a space. */
function sparkline(values: readonly number[]): string {
  const largest = Math.max(...values);
  return values.map((value) => (value <= 0 ? ' ' : bar(value / largest))).join('');
}
