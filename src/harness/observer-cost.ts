// What watching costs: the same load on the same kind of cluster, without traces, with those that every run keeps, and with one in
// a hundred and all of them sent away. The variants take turns in random order, so that what else the machine does meets them all alike.

import { createServer } from 'node:http';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { known } from '../runtime/assert.ts';
import type { Clock } from '../runtime/clock.ts';
import { Random } from '../runtime/random.ts';
import { makeTemporaryFolder } from '../runtime/temporary-folder.ts';
import { estimateDifference } from './compare/signed-rank.ts';
import { LatencyHistogram } from './result/histogram.ts';
import type { ObserverCost, RatioEstimate, ScenarioResult } from './result/schema.ts';
import { OBSERVER_WORDS, OBSERVERS, type Observer } from './result/schema.ts';
import { runScenario } from './run.ts';
import type { TraceOptions } from './run-traces.ts';
import { validateScenario } from './scenario/validate.ts';

export interface ObserverCostOptions {
  /** How often each variant is measured, >= 1. Six give an interval of 96.9 %. */
  readonly rounds: number;
  readonly seed: number;
  readonly clock: Clock;
  /** When aborted, the round under way does not count. */
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
  /** Measures one of them once. For tests; default: on a cluster of three nodes. */
  readonly measureOnce?: (observer: Observer) => Promise<ScenarioResult>;
}

const CONFIDENCE = 0.95;

const SCENARIO = validateScenario(
  {
    name: 'observer-cost',
    description: 'As many registers as 16 users in a closed loop can read and write.',
    cluster: { nodes: 3 },
    warmup: '1s',
    loads: {
      registers: { executor: 'constant-vus', vus: 16, duration: '6s', workload: { kind: 'registers', keys: 100 } },
    },
  },
  'bench --observer-cost',
);

interface Figures {
  readonly okPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Undefined when it was aborted before one round was over. */
export async function measureObserverCost(options: ObserverCostOptions): Promise<ObserverCost | undefined> {
  const { rounds, seed, signal, onStep } = options;
  const random = new Random(seed).fork('observer-cost');
  await using cleanup = new AsyncDisposableStack();
  const sink = await openSink();
  cleanup.defer(() => sink.close());
  const { measureOnce = (observer) => measureOnCluster(observer, sink.url, options) } = options;
  const measured = new Map<Observer, Figures[]>(OBSERVERS.map((observer) => [observer, []]));
  let invalidRuns = 0;
  for (let round = 1; round <= rounds && !signal.aborted; round++) {
    const figures = new Map<Observer, Figures>();
    for (const observer of random.shuffle([...OBSERVERS])) {
      if (signal.aborted) break;
      onStep(`observer cost: round ${round} of ${rounds}, ${OBSERVER_WORDS[observer]}`);
      const result = await measureOnce(observer);
      if (result.invalid.length > 0) invalidRuns++;
      figures.set(observer, figuresOf(result));
    }
    // Only whole rounds are compared.
    if (signal.aborted) break;
    for (const [observer, each] of figures) known(measured.get(observer), 'every observer is known').push(each);
  }
  const off = known(measured.get('off'), 'without traces is one of them');
  if (off.length === 0) return undefined;
  return {
    rounds: off.length,
    invalidRuns,
    observers: OBSERVERS.map((observer) => costOf(observer, known(measured.get(observer), 'it was measured'), off)),
  };
}

const SAMPLES: Readonly<Record<Observer, number | undefined>> = { off: undefined, kept: 0, '1 %': 0.01, '100 %': 1 };

async function measureOnCluster(observer: Observer, sinkUrl: string, options: ObserverCostOptions): Promise<ScenarioResult> {
  const folder = makeTemporaryFolder('observer');
  try {
    return await runScenario(SCENARIO, {
      folder,
      seed: options.seed,
      clock: options.clock,
      signal: options.signal,
      onStep: () => {},
      onProgress: () => {},
      traces: tracesOf(SAMPLES[observer], sinkUrl),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function tracesOf(sample: number | undefined, url: string): TraceOptions | undefined {
  if (sample === undefined) return undefined;
  return { sample, destination: sample === 0 ? undefined : { kind: 'otlp', url } };
}

function figuresOf({ statistics, phases }: ScenarioResult): Figures {
  const baseline = statistics.filter(({ phase, outcome }) => phase === 'baseline' && outcome === 'ok');
  const ok = baseline.reduce((sum, { count }) => sum + count, 0);
  const durationMs = phases
    .filter(({ phase }) => phase === 'baseline')
    .reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  const all = new LatencyHistogram();
  for (const { serviceTime } of baseline) all.merge(LatencyHistogram.decode(serviceTime.histogram));
  const ms = (percentile: number) => (all.percentile(percentile) ?? all.max) / 1_000;
  return { okPerSecond: (ok * 1_000) / durationMs, p50Ms: ms(50), p99Ms: ms(99) };
}

function costOf(observer: Observer, figures: readonly Figures[], off: readonly Figures[]): ObserverCost['observers'][number] {
  const ratio = (of: keyof Figures): RatioEstimate => {
    const logs = figures.map((each, round) => Math.log(each[of] / known(off[round], 'each round has all of them')[of]));
    const { estimate, low, high, confidence } = estimateDifference(logs, CONFIDENCE);
    return { ratio: Math.exp(estimate), low: Math.exp(low), high: Math.exp(high), confidence };
  };
  return {
    observer,
    okPerSecond: figures.map(({ okPerSecond }) => okPerSecond),
    p50Ms: figures.map(({ p50Ms }) => p50Ms),
    p99Ms: figures.map(({ p99Ms }) => p99Ms),
    ...(observer !== 'off' && {
      toOff: { okPerSecond: ratio('okPerSecond'), p50Ms: ratio('p50Ms'), p99Ms: ratio('p99Ms') },
    }),
  };
}

/** A collector on loopback that takes everything and keeps nothing. */
async function openSink(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200).end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
