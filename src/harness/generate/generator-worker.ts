// The thread of one generator: an event loop that does nothing but issue load. It connects, runs its part of the loads, writes
// its part of the history, and tells the thread that controls it what happened.

import { parentPort, workerData } from 'node:worker_threads';
import { known } from '../../runtime/assert.ts';
import { type Cancel, sharedTimeOffsetMs, systemClock } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import type { ResourceAttributes } from '../../telemetry/readable-span.ts';
import { Tracing } from '../../telemetry/tracing.ts';
import { takeUserSpans } from '../../telemetry/user-spans.ts';
import { CLIENT_METRICS, SHARED_METRICS } from '../../telemetry/catalogue.ts';
import { watchEventLoop } from '../../telemetry/event-loop.ts';
import { GENERATOR_METRICS } from '../../telemetry/harness-metrics.ts';
import { DistributedMetrics } from '../../telemetry/metrics.ts';
import { watchTracing } from '../../telemetry/trace-metrics.ts';
import { runLoads } from '../load/generator.ts';
import { HistorySink } from '../load/history-sink.ts';
import { InstrumentProbe } from '../load/instrument.ts';
import { LoadTracing } from '../load/load-tracing.ts';
import type { PlannedOperation, Target } from '../load/operation.ts';
import { connectTarget, type ConnectOptions } from '../target/connect.ts';
import { EventBatchWriter } from './event-batch.ts';
import type { FromGenerator, GeneratorData, TargetModule, ToGenerator } from './protocol.ts';
import { warmUp } from './warm-up.ts';

const BATCH_EVERY_MS = 100;
const SAMPLE_EVERY_MS = 1_000;
/** How long the last spans may take on their way. */
const TRACES_TIMEOUT_MS = 2_000;

type Post = (message: FromGenerator, transfer?: ArrayBuffer[]) => void;

class GeneratorHost {
  readonly #data: GeneratorData;
  readonly #post: Post;
  readonly #random: Random;
  readonly #connect: typeof connectTarget;
  readonly #target: Target;
  readonly #history: HistorySink;
  readonly #tracing: Tracing | undefined;
  readonly #metrics: DistributedMetrics;
  readonly #writer = new EventBatchWriter();
  readonly #stop = new AbortController();
  /** What the clock of this thread read when the scenario started. */
  #originMs: number | undefined;
  #probe: InstrumentProbe | undefined;
  #nextSampleMs = SAMPLE_EVERY_MS;
  #cancelBatch: Cancel = () => {};

  private constructor(
    data: GeneratorData,
    post: Post,
    random: Random,
    connect: typeof connectTarget,
    target: Target,
    history: HistorySink,
    metrics: DistributedMetrics,
    tracing: Tracing | undefined,
  ) {
    this.#data = data;
    this.#post = post;
    this.#random = random;
    this.#connect = connect;
    this.#target = target;
    this.#history = history;
    this.#tracing = tracing;
    this.#metrics = metrics;
  }

  static async connect(data: GeneratorData, post: Post): Promise<GeneratorHost> {
    const { scenario, addresses, seed, share, target, folder, historyPart } = data;
    const random = new Random(seed);
    // Sessions have ids of their own anyway; with one stream the retries of all generators would wait in step.
    const clientRandom = random.fork(share.of === 1 ? 'client' : `client/${share.index}`);
    const connect = target === undefined ? connectTarget : await importTarget(target);
    const tracing = data.tracing && (await Tracing.start({ ...data.tracing, resource: resourceOf(data) }));
    const tracer = tracing?.tracer;
    const makesSpans = Object.values(scenario.loads).some(({ workload }) => workload.kind === 'function');
    if (tracing && makesSpans) await takeUserSpans(tracing.add);
    const metrics = generatorMetrics(tracing);
    const connected = await connect({ ...addresses, scenario, clock: systemClock, random: clientRandom, tracer, metrics });
    const history = await HistorySink.open(folder, scenario, seed, systemClock, historyPart);
    const host = new GeneratorHost(data, post, random, connect, connected, history, metrics, tracing);
    host.#batchLater();
    return host;
  }

  async handle(message: ToGenerator): Promise<void> {
    switch (message.type) {
      case 'warm-up':
        await this.#warmUp();
        return this.#post({ type: 'warm' });
      case 'begin':
        return this.#run(message.sharedOriginMs - sharedTimeOffsetMs());
      case 'stop':
        return this.#stop.abort(new Error('the run ends'));
      case 'want':
        return this.#tracing?.want(message.traceIds);
      case 'spans-sent?':
        await this.#tracing?.wantedSent();
        return this.#post({ type: 'spans-sent' });
      case 'read-back':
        return this.#post({ type: 'was-read-back', problem: await this.#readBack(message.reads, message.timeoutMs) });
      case 'close':
        return this.#close();
    }
  }

  #warmUp(): Promise<void> {
    const { scenario, addresses, share } = this.#data;
    const random = this.#random.fork(`warm-up/${share.index}`);
    return warmUp({ scenario, addresses, share, random, connect: this.#connect, signal: this.#stop.signal });
  }

  async #run(originMs: number): Promise<void> {
    this.#originMs = originMs;
    const { scenario, share } = this.#data;
    const probe = new InstrumentProbe(systemClock);
    this.#probe = probe;
    const warmupEndsMs = originMs + scenario.warmupMs - systemClock.now();
    const cancelBegin = systemClock.schedule(Math.max(0, warmupEndsMs), () => probe.begin());
    const { durationMs, finalReads } = await runLoads({
      scenario,
      share,
      originMs,
      random: this.#random,
      recorder: this.#writer,
      invoke: this.#target.invoke,
      saturate: this.#target.saturate,
      tracing: this.#loadTracing(),
      sink: this.#history.record,
      signal: this.#stop.signal,
    });
    cancelBegin();
    this.#batch(true);
    this.#probe = undefined;
    this.#post({ type: 'loaded', durationMs, finalReads });
  }

  #loadTracing(): LoadTracing | undefined {
    const { tracing, share } = this.#data;
    if (tracing === undefined || this.#tracing === undefined) return undefined;
    const { prefix, sample } = tracing;
    return new LoadTracing({
      tracer: this.#tracing.tracer,
      prefix,
      sample,
      random: this.#random.fork(`traces/${share.index}`),
    });
  }

  /** Reads of everything that was written, when nothing disturbs any more: what was acknowledged must be there. */
  async #readBack(reads: readonly PlannedOperation[], timeoutMs: number): Promise<string | undefined> {
    const { signal } = new AbortController();
    for (const read of reads) {
      const answer = await this.#history.final(
        read,
        () => this.#elapsedMs(),
        () => this.#target.invoke(read, signal, timeoutMs),
      );
      if (answer.outcome !== 'ok') return `the final read of ${read.kind} failed: ${answer.code}`;
    }
    return undefined;
  }

  async #close(): Promise<void> {
    await this.#history.close();
    await this.#target.close();
    await this.#tracing?.close(TRACES_TIMEOUT_MS);
    this.#cancelBatch();
    const histories = this.#history.files.map(({ path }) => path);
    this.#post({ type: 'closed', histories, traces: this.#tracing?.counts });
  }

  #elapsedMs(): number {
    return this.#originMs === undefined ? 0 : systemClock.now() - this.#originMs;
  }

  #batchLater(): void {
    this.#cancelBatch = systemClock.schedule(BATCH_EVERY_MS, () => {
      this.#batch(this.#elapsedMs() >= this.#nextSampleMs);
      this.#batchLater();
    });
  }

  #batch(withSample: boolean): void {
    const events = this.#writer.take();
    const probe = withSample ? this.#probe : undefined;
    const untilMs = this.#elapsedMs();
    if (withSample) {
      this.#nextSampleMs = (Math.floor(untilMs / SAMPLE_EVERY_MS) + 1) * SAMPLE_EVERY_MS;
      void this.#metrics.expose().then(({ text }) => this.#post({ type: 'metrics', text }));
    }
    this.#post(
      {
        type: 'batch',
        untilMs,
        events,
        ...(probe !== undefined && { sample: { recent: probe.sample(), soFar: probe.soFar() } }),
      },
      [events.values.buffer],
    );
  }
}

function resourceOf({ share }: GeneratorData): ResourceAttributes {
  return { 'service.name': 'windtunnel-load', 'service.instance.id': `g${share.index + 1}` };
}

function generatorMetrics(tracing: Tracing | undefined): DistributedMetrics {
  const metrics = new DistributedMetrics({ metrics: { ...GENERATOR_METRICS, ...CLIENT_METRICS, ...SHARED_METRICS } });
  watchEventLoop(metrics);
  if (tracing !== undefined) watchTracing(metrics, () => tracing.counts);
  metrics.collect('distributed_generator_cpu_seconds_total', {}, () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1e6;
  });
  return metrics;
}

async function importTarget({ module, export: name }: TargetModule) {
  const exports = (await import(module)) as Record<string, (options: ConnectOptions) => Promise<Target>>;
  return known(exports[name], `${module} exports ${name}`);
}

async function main(): Promise<void> {
  const port = known(parentPort, 'generator-worker.ts runs in a worker thread');
  const post = (message: FromGenerator, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      post({ type: 'failed', reason: error instanceof Error ? error.message : String(error) });
    }
  };
  await attempt(async () => {
    const host = await GeneratorHost.connect(workerData as GeneratorData, post);
    port.on('message', (message: ToGenerator) => void attempt(() => host.handle(message)));
    post({ type: 'ready' });
  });
}

void main();
