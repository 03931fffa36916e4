// The sample run with the traces of its second scenario: writes and reads, a leader that is killed, and a slow disk.

import { Random } from '../../../runtime/random.ts';
import type { KeptTrace, Phase, Run, ScenarioResult } from '../../result/schema.ts';
import { sampleRun } from '../../result/testing/sample-run.ts';
import { pathShares } from '../path-shares.ts';
import type { ReceivedSpan } from '../received-span.ts';
import { addRead, addWrite, TraceBuilder } from './trace-builder.ts';

export interface TracedRun {
  readonly run: Run;
  readonly scenario: ScenarioResult;
  /** What the file of the scenario holds. */
  readonly spans: ReadonlyMap<string, readonly ReceivedSpan[]>;
}

export function tracedRun(): TracedRun {
  const run = sampleRun();
  const scenario = run.scenarios[1] as ScenarioResult;
  const startedMs = Date.parse(scenario.startedAt);
  const random = new Random(5);
  const builder = new TraceBuilder(5, {}, startedMs);
  const list: KeptTrace[] = [];
  const keep = (
    root: ReceivedSpan,
    operation: string,
    phase: Phase,
    keptFor: KeptTrace['keptFor'],
    more: Partial<KeptTrace> = {},
  ) => {
    const { traceId, startMs, endMs } = root;
    const responseMs = endMs - startMs;
    list.push({
      traceId,
      keptFor,
      load: 'registers',
      operation,
      phase,
      outcome: 'ok',
      startMs: startMs - startedMs,
      responseMs,
      serviceMs: responseMs,
      ...more,
    });
  };
  const phases = [
    ['baseline', 2_000, 8_000, 1],
    ['fault', 10_010, 4_500, 8],
    ['after', 18_100, 6_000, 1],
  ] as const;
  for (const [phase, fromMs, forMs, slowness] of phases) {
    const at = () => fromMs + random.float() * forMs;
    const some = (mean: number) => mean * (0.8 + 0.4 * random.float());
    for (let each = 0; each < 5; each++) {
      keep(
        addRead(builder, { index: some(0.6 * slowness), readerWait: some(0.2), read: some(0.7), network: some(0.6) }, at()),
        'read',
        phase,
        ['p50'],
      );
      for (const [bucket, fsync] of [
        ['p90', 2],
        ['p99', 11],
      ] as const)
        keep(
          addWrite(builder, { ...writeTimes(some), fsync: some(fsync * slowness), peerFsync: some(fsync * slowness) }, at()),
          'write',
          phase,
          [bucket],
        );
    }
    for (let each = 0; each < 10; each++) {
      const failover = phase === 'fault' ? { failedAttempt: some(250), pause: some(180) } : {};
      const times = { ...writeTimes(some), ...failover, fsync: some(30 * slowness), generatorWait: some(3) };
      keep(
        addWrite(builder, times, phase === 'fault' ? 9_950 + 10 * each : at()),
        'write',
        phase,
        each === 0 ? ['slowest', 'p99.9'] : ['slowest'],
      );
    }
  }
  const spans = Map.groupBy(builder.spans, ({ traceId }) => traceId);
  loseLeader(spans, list);
  scenario.traces = {
    file: 'leader-crash/traces.jsonl',
    kept: list.length,
    incomplete: list.filter(({ missing }) => missing !== undefined).length,
    spansReceived: builder.spans.length * 9,
    spansDropped: 0,
    spansLost: 3_180,
    list,
    criticalPaths: pathShares(
      list
        .map((each) => ({ ...each, trace: builder.assemble({ traceId: each.traceId, spanId: '' }) }))
        .filter((_, at) => list[at]?.missing === undefined),
    ),
  };
  scenario.verdicts.explained = 'complete';
  return { run, scenario, spans };
}

function writeTimes(some: (mean: number) => number) {
  return {
    network: some(0.7),
    mailbox: some(0.4),
    append: some(0.2),
    peerNetwork: some(0.5),
    peerAppend: some(0.2),
    apply: some(0.6),
    server: some(0.1),
  };
}

/** The node's side of one of the slowest went with it. */
function loseLeader(spans: Map<string, ReceivedSpan[]>, list: KeptTrace[]): void {
  const lost = list.find(({ phase, keptFor }) => phase === 'fault' && keptFor.includes('slowest')) as KeptTrace;
  spans.set(lost.traceId, spans.get(lost.traceId)?.filter(({ instance }) => instance !== 'n1') ?? []);
  lost.missing = ["the node's side of retry.attempt of 1", 'n1 was killed at 10.0s with the spans it held'];
}
