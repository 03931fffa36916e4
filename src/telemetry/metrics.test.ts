import { register } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { AssertionError } from '../runtime/assert.ts';
import { type AttributesOf, type MetricName, METRICS, NODE_METRICS, SPANS } from './catalogue.ts';
import { DistributedContext } from './context.ts';
import { withContext } from './current-context.ts';
import { watchEventLoop } from './event-loop.ts';
import { HARNESS_METRICS } from './harness-metrics.ts';
import { DistributedMetrics, type MetricsOptions } from './metrics.ts';
import { prefersOpenMetrics } from './negotiation.ts';
import type { MetricDefinition } from './signal.ts';

const definitions = Object.entries(METRICS) as [MetricName, MetricDefinition][];

/** The samples of an exposition: 'name{labels}' -> value. */
async function samples(metrics: DistributedMetrics, accept?: string): Promise<Record<string, number>> {
  const { text } = await metrics.expose(accept);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

describe('catalogue', () => {
  test.each(definitions)('%s follows the naming conventions', (name, { type, unit, help, labels }) => {
    expect(name).toMatch(/^distributed_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    // Base units only, said in the name.
    const inName = /_(seconds|bytes|ratio)(_total)?$/.exec(name)?.[1];
    expect(inName).toBe(unit === 'count' || unit === 'state' ? undefined : unit);
    expect(name).not.toMatch(/_(ms|milliseconds|us|kb|count|sum|bucket|info)(_|$)/);
    expect(help).toMatch(/^[A-Z].*\.$/);
    for (const label of Object.keys(labels)) {
      expect(label).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(['le', 'quantile', 'job', 'instance', 'node']).not.toContain(label);
    }
  });

  test.each(definitions)('%s has a bounded number of series', (name, definition) => {
    const perLabel = Object.values(definition.labels).map(
      (bound) => (bound.kind === 'one-of' ? bound.values.length : bound.count) + 1,
    );
    const perSeries = definition.type === 'histogram' ? definition.buckets.length + 3 : 1;
    expect(perLabel.reduce((product, count) => product * count, perSeries)).toBeLessThan(
      // There are many nodes and they live long; there is one harness.
      name in HARNESS_METRICS ? 20_000 : 2_000,
    );
  });

  test('buckets ascend, and state labels are closed sets', () => {
    for (const [name, definition] of definitions) {
      const buckets: readonly number[] = definition.type === 'histogram' ? definition.buckets : [];
      expect([name, buckets]).toEqual([name, [...new Set(buckets)].toSorted((a, b) => a - b)]);
      const stateLabel = definition.type === 'gauge' ? definition.stateLabel : undefined;
      expect(stateLabel === undefined || definition.labels[stateLabel]?.kind === 'one-of').toBe(true);
    }
  });

  test('the four metrics of the specification are there', () => {
    expect(METRICS.distributed_requests_total.type).toBe('counter');
    expect(METRICS.distributed_request_duration_seconds.buckets).toEqual([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]);
    expect(METRICS.distributed_active_connections.type).toBe('gauge');
    expect(METRICS.distributed_errors_total.labels).toHaveProperty('code');
  });

  test('spans and their attributes are named as OpenTelemetry names them', () => {
    expect(Object.keys(SPANS)).toContain('raft.fsync');
    for (const [name, { help, attributes }] of Object.entries(SPANS)) {
      expect(name).toMatch(/^[a-z]+(\.[a-z-]+)+$/);
      expect(help).toMatch(/^[A-Z].*\.$/);
      for (const attribute of Object.keys(attributes))
        expect(attribute).toMatch(/^(rpc|server|db|error|windtunnel)(\.[a-z_]+)+$/);
    }
  });
});

describe('metrics', () => {
  test('requests, errors and connections are counted under the names of the specification', async () => {
    const metrics = new DistributedMetrics();
    metrics.recordRequest('ExecuteQuery', 'ok', 0.004);
    metrics.recordRequest('ExecuteQuery', 'ok', 0.7);
    metrics.recordRequest('ExecuteQuery', 'info', 5.1);
    metrics.recordError('NOT_LEADER');
    metrics.connectionOpened('grpc');
    metrics.connectionOpened('grpc');
    metrics.connectionClosed('grpc');
    expect(await samples(metrics)).toMatchObject({
      'distributed_requests_total{method="ExecuteQuery",outcome="ok"}': 2,
      'distributed_requests_total{method="ExecuteQuery",outcome="info"}': 1,
      'distributed_request_duration_seconds_bucket{le="0.001",method="ExecuteQuery",outcome="ok"}': 0,
      'distributed_request_duration_seconds_bucket{le="0.005",method="ExecuteQuery",outcome="ok"}': 1,
      'distributed_request_duration_seconds_bucket{le="1",method="ExecuteQuery",outcome="ok"}': 2,
      'distributed_request_duration_seconds_bucket{le="5",method="ExecuteQuery",outcome="info"}': 0,
      'distributed_request_duration_seconds_bucket{le="+Inf",method="ExecuteQuery",outcome="info"}': 1,
      'distributed_request_duration_seconds_sum{method="ExecuteQuery",outcome="ok"}': 0.704,
      'distributed_request_duration_seconds_count{method="ExecuteQuery",outcome="ok"}': 2,
      'distributed_errors_total{code="NOT_LEADER"}': 1,
      'distributed_active_connections{transport="grpc"}': 1,
    });
  });

  test('every instance stands alone, and the global registry stays empty', async () => {
    const [one, two] = [new DistributedMetrics({ labels: { node: 'n1' } }), new DistributedMetrics({ labels: { node: 'n2' } })];
    one.inc('distributed_raft_leader_changes_total', {});
    expect(await samples(one)).toHaveProperty(['distributed_raft_leader_changes_total{node="n1"}'], 1);
    expect(await samples(two)).toHaveProperty(['distributed_raft_leader_changes_total{node="n2"}'], 0);
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  test('values beyond a bound are counted under other', async () => {
    const metrics = new DistributedMetrics();
    for (let i = 0; i < 100; i++) metrics.recordError(`CODE_${i}`);
    metrics.recordError('CODE_0');
    metrics.recordRequest('GET', 'exploded' as 'ok', 1);
    const found = await samples(metrics);
    const errors = Object.entries(found).filter(([series]) => series.startsWith('distributed_errors_total'));
    expect(errors.length).toBe(65);
    expect(found['distributed_errors_total{code="other"}']).toBe(36);
    expect(found['distributed_errors_total{code="CODE_0"}']).toBe(2);
    expect(found['distributed_requests_total{method="GET",outcome="other"}']).toBe(1);
  });

  test('labels that the caller changes later, adds or forgets do no harm', async () => {
    const metrics = new DistributedMetrics();
    const labels = { code: 'A', secret: 'x' };
    metrics.inc('distributed_errors_total', labels, 3);
    labels.code = 'B';
    metrics.inc('distributed_errors_total', labels);
    metrics.inc('distributed_errors_total', {} as { code: string });
    const found = await samples(metrics);
    expect(Object.entries(found).filter(([series]) => series.startsWith('distributed_errors_total'))).toEqual([
      ['distributed_errors_total{code="A"}', 3],
      ['distributed_errors_total{code="B"}', 1],
      ['distributed_errors_total{code="other"}', 1],
    ]);
  });

  test('label values are escaped', async () => {
    const metrics = new DistributedMetrics();
    metrics.recordError('a"b\\c\nd');
    expect((await metrics.expose()).text).toContain('distributed_errors_total{code="a\\"b\\\\c\\nd"} 1');
  });

  test('exactly one state is 1', async () => {
    const metrics = new DistributedMetrics();
    metrics.setState('distributed_raft_role', {}, 'leader');
    metrics.setState('distributed_raft_role', {}, 'follower');
    metrics.setState('distributed_breaker_state', { breaker: 'n2' }, 'half-open');
    const found = await samples(metrics);
    const states = Object.entries(found).filter(([series]) => /role=|breaker=/.test(series));
    expect(states).toEqual([
      ['distributed_raft_role{role="follower"}', 1],
      ['distributed_raft_role{role="pre-candidate"}', 0],
      ['distributed_raft_role{role="candidate"}', 0],
      ['distributed_raft_role{role="leader"}', 0],
      ['distributed_breaker_state{breaker="n2",state="closed"}', 0],
      ['distributed_breaker_state{breaker="n2",state="open"}', 0],
      ['distributed_breaker_state{breaker="n2",state="half-open"}', 1],
    ]);
  });

  test('gauges and totals can be read at scrape time, until told otherwise', async () => {
    const metrics = new DistributedMetrics();
    let depth = 4;
    let restarts = 10;
    const stop = metrics.collect('distributed_actor_mailbox_depth', { actor: 'raft' }, () => depth);
    metrics.collect('distributed_actor_restarts_total', { actor: 'raft' }, () => restarts);
    const mailbox = 'distributed_actor_mailbox_depth{actor="raft"}';
    const total = 'distributed_actor_restarts_total{actor="raft"}';
    expect(await samples(metrics)).toMatchObject({ [mailbox]: 4, [total]: 10 });
    depth = 7;
    restarts = 12;
    expect(await samples(metrics)).toMatchObject({ [mailbox]: 7, [total]: 12 });
    restarts = 3;
    expect(await samples(metrics)).toMatchObject({ [total]: 15 });
    stop();
    stop();
    expect(await samples(metrics)).not.toHaveProperty([mailbox]);
  });

  test('a reading that fails is counted and spoils nothing else', async () => {
    const metrics = new DistributedMetrics();
    metrics.collect('distributed_raft_term', {}, () => {
      throw new Error('closed');
    });
    metrics.collect('distributed_raft_commit_index', {}, () => Number.NaN);
    metrics.collect('distributed_raft_applied_index', {}, () => 5);
    expect(await samples(metrics)).toMatchObject({
      distributed_raft_applied_index: 5,
      'distributed_collect_errors_total{metric="distributed_raft_term"}': 1,
      'distributed_collect_errors_total{metric="distributed_raft_commit_index"}': 1,
    });
  });

  test('samples that are no numbers, falling counters and unknown names throw', () => {
    const metrics = new DistributedMetrics();
    expect(() => metrics.observe('distributed_raft_fsync_seconds', {}, Number.NaN)).toThrow('not a valid number');
    expect(() => metrics.inc('distributed_errors_total', { code: 'x' }, -1)).toThrow('decrease');
    expect(() => metrics.inc('distributed_requests' as 'distributed_requests_total', { method: 'x', outcome: 'ok' })).toThrow(
      AssertionError,
    );
  });
});

test('a registry of a part of the catalogue shows no other metrics, and has none to write', async () => {
  const metrics = new DistributedMetrics({ metrics: NODE_METRICS });
  const { text } = await metrics.expose();
  expect(text).toContain('distributed_raft_term 0');
  expect(text).not.toContain('distributed_load');
  expect(() => metrics.observe('distributed_load_lag_seconds', {}, 1)).toThrow(AssertionError);
});

test('a total that is read at scrape time is shown at 0, and so is the count of its failures', async () => {
  const metrics = new DistributedMetrics();
  metrics.collect('distributed_load_offered_total', {}, () => 0);
  expect(await samples(metrics)).toMatchObject({
    distributed_load_offered_total: 0,
    'distributed_collect_errors_total{metric="distributed_load_offered_total"}': 0,
  });
});

describe('exemplars', () => {
  const OPEN = 'application/openmetrics-text';
  const answered = (metrics: DistributedMetrics, context: DistributedContext | undefined, seconds: number) => {
    const record = () => metrics.recordRequest('read', 'ok', seconds);
    if (context === undefined) record();
    else withContext(context, record);
  };

  test('a bucket has the trace of its last request that is recorded, in OpenMetrics only', async () => {
    const metrics = new DistributedMetrics();
    const [first, last, unsampled] = [
      DistributedContext.root(),
      DistributedContext.root(),
      DistributedContext.root({ sampled: false }),
    ];
    for (const context of [first, last, unsampled, undefined]) answered(metrics, context, 0.004);
    answered(metrics, first, 7);
    const { text } = await metrics.expose(OPEN);
    const lines = text.split('\n').filter((line) => line.includes(' # '));
    expect(lines.map((line) => line.replace(/ [\d.]+$/, ' TIME'))).toEqual([
      `distributed_request_duration_seconds_bucket{le="0.005",method="read",outcome="ok"} 4 # {trace_id="${last.traceId}"} 0.004 TIME`,
      `distributed_request_duration_seconds_bucket{le="+Inf",method="read",outcome="ok"} 5 # {trace_id="${first.traceId}"} 7 TIME`,
    ]);
    expect((await metrics.expose()).text).not.toContain('trace_id');
  });

  test('requests whose traces nobody records leave none', async () => {
    const metrics = new DistributedMetrics();
    answered(metrics, DistributedContext.root({ sampled: false }), 0.004);
    answered(metrics, undefined, 0.004);
    const { text } = await metrics.expose(OPEN);
    expect(text).toContain('distributed_request_duration_seconds_count{method="read",outcome="ok"} 2');
    expect(text).not.toContain(' # ');
  });
});

describe('exposition', () => {
  const OPEN = 'application/openmetrics-text;version=1.0.0';

  test('both formats, in any order and at once, with the right names each', async () => {
    const metrics = new DistributedMetrics();
    metrics.recordError('X');
    const [open, text, openAgain] = await Promise.all([metrics.expose(OPEN), metrics.expose(), metrics.expose(OPEN)]);
    const textAgain = await metrics.expose('text/plain');
    expect(open.contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(open.text).toContain('# TYPE distributed_errors counter\ndistributed_errors_total{code="X"} 1\n');
    expect(open.text.endsWith('\n# EOF\n')).toBe(true);
    expect(openAgain).toEqual(open);
    expect(text.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text.text).toContain('# TYPE distributed_errors_total counter\ndistributed_errors_total{code="X"} 1\n');
    expect(text.text).not.toContain('EOF');
    expect(textAgain).toEqual(text);
    for (const [name, { help }] of definitions) expect(text.text).toContain(`# HELP ${name} ${help}\n`);
  });

  test.each([
    [undefined, false],
    ['', false],
    ['*/*', false],
    ['text/html, */*;q=0.8', false],
    ['text/plain', false],
    [OPEN, true],
    // What Prometheus sends.
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      true,
    ],
    ['text/plain;q=0.9, application/openmetrics-text;q=0.5', false],
    ['Application/OpenMetrics-Text ; Q=0.5 , text/plain; q=0.4', true],
    ['application/openmetrics-text;q=0', false],
    ['application/openmetrics-text;q=nonsense', false],
  ])('Accept: %s', (accept, expected) => expect(prefersOpenMetrics(accept)).toBe(expected));

  test.each([{ processMetrics: true }, {}] satisfies MetricsOptions[])('process metrics: %o', async (options) => {
    const { text } = await new DistributedMetrics(options).expose();
    expect(/^process_cpu_seconds_total /m.test(text)).toBe(options.processMetrics === true);
    expect(/^nodejs_heap_size_used_bytes /m.test(text)).toBe(options.processMetrics === true);
  });
});

test('the event loop tells how late and how busy it was, and stops telling', async () => {
  const metrics = new DistributedMetrics();
  const stop = watchEventLoop(metrics);
  const max = 'distributed_event_loop_delay_seconds{statistic="max"}';
  const block = async () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60);
    // Two turns, so that the monitor's timer, long due, fires in between.
    for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve));
  };
  // The first firing after a scrape only begins a measurement; the second ends it.
  await block();
  await block();
  const found = await samples(metrics);
  expect(found[max]).toBeGreaterThan(0.03);
  expect(found.distributed_event_loop_utilization_ratio).toBeGreaterThan(0);
  expect(found.distributed_event_loop_utilization_ratio).toBeLessThanOrEqual(1);
  // A scrape right after: nothing of the period before it is told again.
  expect((await samples(metrics))[max]).toBe(0);
  stop();
  expect(await samples(metrics)).not.toHaveProperty([max]);
});

// Held by the type checker: each line below must be an error, or `npm run types` fails.
export function misuseDoesNotCompile(metrics: DistributedMetrics): void {
  // @ts-expect-error no such metric
  metrics.inc('distributed_request_total', {});
  // @ts-expect-error a gauge cannot be incremented as a counter
  metrics.inc('distributed_raft_term', {});
  // @ts-expect-error a label is missing
  metrics.inc('distributed_requests_total', { method: 'x' });
  // @ts-expect-error a label too many
  metrics.inc('distributed_errors_total', { code: 'x', node: 'n1' });
  // @ts-expect-error this metric has no labels
  metrics.set('distributed_raft_term', { node: 'n1' }, 1);
  // @ts-expect-error not a value of this label
  metrics.recordRequest('x', 'success', 1);
  // @ts-expect-error not a histogram
  metrics.observe('distributed_raft_term', {}, 1);
  // @ts-expect-error not a state of this metric
  metrics.setState('distributed_raft_role', {}, 'king');
  // @ts-expect-error totals and levels can be read at scrape time, distributions cannot
  metrics.collect('distributed_raft_fsync_seconds', {}, () => 1);
  // @ts-expect-error a number
  const attributes: AttributesOf<'raft.append'> = { 'windtunnel.raft.term': 'seven' };
  metrics.recordError(JSON.stringify(attributes));
}
