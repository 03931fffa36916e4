import { describe, expect, test } from 'vitest';
import { DistributedMetrics } from '../../telemetry/metrics.ts';
import { ExpositionError, formatFamilies, mergeFamilies, parseExposition, withLabel } from './exposition.ts';

/** As etcd and other programs write it: other orders, blanks, timestamps, escapes, no declarations. */
const FOREIGN = `# HELP etcd_server_proposals_total Proposals, "all" of them\\nreally.
# TYPE etcd_server_proposals_total counter
etcd_server_proposals_total 12
# an aside
# TYPE grpc_odd counter
grpc_odd{grpc_code="OK",text="a } b, \\"c\\" = \\\\ d"}   3 1796000000000
# TYPE rpc_seconds summary
rpc_seconds{quantile="0.5"} NaN
rpc_seconds_sum 1.5e+06
rpc_seconds_count 7
undeclared +Inf
# TYPE old untyped
old{} -Inf
`;

describe('reading', () => {
  test('what other programs write', () => {
    expect(parseExposition(FOREIGN)).toEqual([
      {
        name: 'etcd_server_proposals',
        type: 'counter',
        help: 'Proposals, "all" of them\\nreally.',
        samples: [{ name: 'etcd_server_proposals_total', labels: '', value: '12', exemplar: undefined }],
      },
      // OpenMetrics has no counter without '_total'.
      {
        name: 'grpc_odd',
        type: 'unknown',
        help: '',
        samples: [
          {
            name: 'grpc_odd',
            labels: 'grpc_code="OK",text="a } b, \\"c\\" = \\\\ d"',
            value: '3',
            exemplar: undefined,
          },
        ],
      },
      {
        name: 'rpc_seconds',
        type: 'summary',
        help: '',
        samples: [
          { name: 'rpc_seconds', labels: 'quantile="0.5"', value: 'NaN', exemplar: undefined },
          { name: 'rpc_seconds_sum', labels: '', value: '1.5e+06', exemplar: undefined },
          { name: 'rpc_seconds_count', labels: '', value: '7', exemplar: undefined },
        ],
      },
      {
        name: 'undeclared',
        type: 'unknown',
        help: '',
        samples: [{ name: 'undeclared', labels: '', value: '+Inf', exemplar: undefined }],
      },
      { name: 'old', type: 'unknown', help: '', samples: [{ name: 'old', labels: '', value: '-Inf', exemplar: undefined }] },
    ]);
  });

  test.each([
    '<html><body>hello</body></html>',
    '{"error": "no such path"}',
    'name_only',
    'name {x="1"',
    'name ten',
    'name{a="1} 2',
  ])('something else is refused: %s', (text) => expect(() => parseExposition(`ok 1\n${text}\n`)).toThrow(ExpositionError));

  test('both formats of our own metrics are the same families, and come out as they went in', async () => {
    const metrics = new DistributedMetrics({ labels: { node: 'n1' } });
    metrics.recordRequest('write "x"', 'ok', 0.004);
    metrics.recordError('a"b\\c\nd');
    const [open, text] = [await metrics.expose('application/openmetrics-text'), await metrics.expose()];
    // Families without samples say nothing.
    const bare = ({ text: all }: { text: string }) =>
      all.replaceAll(/\n\n+/g, '\n').replaceAll(/# HELP \S+ .*\n# TYPE \S+ \w+\n(?=# HELP|# EOF|$)/g, '');
    const families = parseExposition(open.text);
    expect(parseExposition(text.text)).toEqual(families);
    expect(formatFamilies(families, true)).toBe(bare(open));
    expect(formatFamilies(families, false)).toBe(bare(text));
  });
});

test('families of several expositions become one, told apart by a label', () => {
  const of = (value: number) =>
    parseExposition(`# TYPE retries_total counter\nretries_total{op="read"} ${value}\n# TYPE lag gauge\nlag 1\n`);
  const merged = mergeFamilies([withLabel(of(1), 'generator', '1'), withLabel(of(2), 'generator', 'a"b')]);
  expect(formatFamilies(merged, true)).toBe(
    [
      '# HELP retries ',
      '# TYPE retries counter',
      'retries_total{generator="1",op="read"} 1',
      'retries_total{generator="a\\"b",op="read"} 2',
      '# HELP lag ',
      '# TYPE lag gauge',
      'lag{generator="1"} 1',
      'lag{generator="a\\"b"} 1',
      '# EOF\n',
    ].join('\n'),
  );
});

test('exemplars survive, in OpenMetrics', () => {
  const line = 'seconds_bucket{le="0.005"} 4 # {trace_id="abc"} 0.004 1796000000.123';
  const families = parseExposition(`# TYPE seconds histogram\n${line}\n`);
  expect(families[0]?.samples[0]?.exemplar).toBe('{trace_id="abc"} 0.004 1796000000.123');
  expect(formatFamilies(families, true)).toContain(line);
  expect(formatFamilies(families, false)).toContain('seconds_bucket{le="0.005"} 4\n');
});
