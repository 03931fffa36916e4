// A container as what a server lives in for one life.

import { PassThrough, type Readable, type Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type ContainerRuntimeClient, GenericContainer, type WaitStrategy } from 'testcontainers';
import { known } from '../../runtime/assert.ts';
import { LaunchError } from './cluster.ts';
import type { PausedProcess } from './process-pause.ts';
import type { BodyEnd, ServerBody } from './server-body.ts';

export interface ContainerPlan {
  readonly image: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Its name. */
  readonly network: string;
  /** What the others call it. */
  readonly alias: string;
  /** `windtunnel` with these words. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Ports inside, and the ports of this machine's loopback where they are to be found. */
  readonly ports: readonly { readonly inside: number; readonly outside: number }[];
  /** Name of the volume that is mounted on /data. */
  readonly volume?: string;
  readonly limits: ContainerLimits;
  /** Whether packets may be dropped in its network. */
  readonly netAdmin: boolean;
  /** What it calls this machine by. */
  readonly hostAlias: string;
  /** The control group to make it in; undefined: what the engine chooses. */
  readonly controlGroup: string | undefined;
}

export interface ContainerLimits {
  /** Of a core, > 0. */
  readonly cpus?: number | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
}

/** Behind 128 in the exit code of what a signal ended. */
const SIGNALS: Readonly<Record<number, string>> = { 2: 'SIGINT', 6: 'SIGABRT', 9: 'SIGKILL', 11: 'SIGSEGV', 15: 'SIGTERM' };

type Engine = ContainerRuntimeClient;

/** How often a container is tried to be paused. */
const MOST_PAUSES = 5;

/** What becomes of a container at its end. */
type Afterwards = 'is removed' | 'stays';

export class ContainerBody implements ServerBody {
  readonly #engine: Engine;
  readonly #id: string;
  /** Aborted when nobody is interested any more. */
  readonly #left = new AbortController();
  readonly stdin: Writable;
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly ended: Promise<BodyEnd>;

  /** Resolves when it runs; what it prints, from its first line on, waits to be read. @throws LaunchError */
  static async start(engine: Engine, plan: ContainerPlan): Promise<ContainerBody> {
    const made = Promise.withResolvers<ContainerBody>();
    const container = new AttachedContainer(plan, async (id) =>
      made.resolve(await ContainerBody.#attach(engine, id, 'is removed')),
    );
    const started = container.start();
    // One that ends at once never comes to have ports; what it printed says more than Testcontainers could.
    const gone = made.promise.then((body) => body.ended);
    gone.catch(() => {});
    try {
      await Promise.race([started, gone]);
    } catch (error) {
      throw new LaunchError(`the container ${plan.name} could not be started: ${(error as Error).message}`, { cause: error });
    }
    started.catch(() => {});
    return made.promise;
  }

  /** A container that is there, and stays at its end: it is started unless it runs. What it prints from now on waits to be read. @throws LaunchError */
  static async join(engine: Engine, id: string): Promise<ContainerBody> {
    try {
      const body = await ContainerBody.#attach(engine, id, 'stays');
      const { State: state } = await engine.container.getById(id).inspect();
      if (!state.Running) await engine.container.getById(id).start();
      return body;
    } catch (error) {
      throw new LaunchError(`the container ${id.slice(0, 12)} could not be joined: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  static async #attach(engine: Engine, id: string, afterwards: Afterwards): Promise<ContainerBody> {
    const stream = await engine.container.getById(id).attach({
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
      hijack: true,
    });
    return new ContainerBody(engine, id, stream as unknown as Readable & Writable, afterwards);
  }

  private constructor(engine: Engine, id: string, stream: Readable & Writable, afterwards: Afterwards) {
    this.#engine = engine;
    this.#id = id;
    this.stdin = stream;
    stream.on('error', () => {});
    engine.container.dockerode.modem.demuxStream(stream, this.stdout, this.stderr);
    // Asked for before it is started, or the end of a short life would be missed.
    const exit = engine.container.getById(id).wait({ condition: 'next-exit', abortSignal: this.#left.signal }) as Promise<{
      StatusCode: number;
    }>;
    this.ended = this.#end(exit, stream, afterwards);
    this.ended.catch(() => {});
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    const container = this.#engine.container.getById(this.#id);
    // One that is paused must go on to be killed. One that is gone needs no signal.
    void container
      .kill({ signal })
      .catch(() => container.unpause().then(() => container.kill({ signal })))
      .catch(() => {});
  }

  async pause(): Promise<PausedProcess> {
    const container = this.#engine.container.getById(this.#id);
    for (let attempt = 1; ; attempt++) {
      try {
        await container.pause();
        break;
      } catch (error) {
        // A health check that begins at that moment is in the way of the freezer.
        if (attempt === MOST_PAUSES || !/unable to freeze/.test((error as Error).message))
          throw new LaunchError(`the container could not be paused: ${(error as Error).message}`, { cause: error });
      }
    }
    return {
      resume: async () => {
        if (await this.isPaused()) await container.unpause();
      },
    };
  }

  async isPaused(): Promise<boolean> {
    const state = await this.#state();
    return state?.Paused ?? false;
  }

  /** Hears nothing more of it, and of its end neither. */
  leave(): void {
    this.#left.abort();
    this.stdin.destroy();
  }

  /** Of the container, for what can be done to its network. */
  get id(): string {
    return this.#id;
  }

  async #state() {
    return this.#engine.container
      .getById(this.#id)
      .inspect()
      .then(({ State: state }) => state)
      .catch(() => undefined);
  }

  async #end(exit: Promise<{ StatusCode: number }>, stream: Readable, afterwards: Afterwards): Promise<BodyEnd> {
    try {
      const { StatusCode: code } = await exit;
      await finished(stream, { writable: false, cleanup: true }).catch(() => {});
      const state = await this.#state();
      if (afterwards === 'is removed')
        await this.#engine.container
          .getById(this.#id)
          .remove({ force: true, v: true })
          .catch(() => {});
      const signal = SIGNALS[code - 128];
      return {
        code: signal === undefined ? code : null,
        signal: signal ?? null,
        ...(state?.OOMKilled === true && { remark: 'out of memory: its limit is too low' }),
      };
    } catch (error) {
      // It goes on without us: for whoever waits for its end, there is none.
      if (this.#left.signal.aborted) return await new Promise<never>(() => {});
      return { code: null, signal: null, remark: `lost: ${(error as Error).message}` };
    } finally {
      this.stdin.destroy();
      this.stdout.end();
      this.stderr.end();
    }
  }
}

/** Readiness is what a server says on its standard output, and its launcher waits for that. */
const READY_BY_ITS_OUTPUT: WaitStrategy = {
  waitUntilReady: () => Promise.resolve(),
  withStartupTimeout: () => READY_BY_ITS_OUTPUT,
  isStartupTimeoutSet: () => true,
  getStartupTimeout: () => 0,
};

class AttachedContainer extends GenericContainer {
  readonly #onCreated: (id: string) => Promise<void>;

  /** @param onCreated called before it runs. */
  constructor(plan: ContainerPlan, onCreated: (id: string) => Promise<void>) {
    super(plan.image);
    this.#onCreated = onCreated;
    this.withName(plan.name)
      .withLabels({ ...plan.labels })
      .withCommand([...plan.words])
      .withEnvironment({ ...plan.environment })
      .withNetworkMode(plan.network)
      .withDroppedCapabilities('ALL')
      .withExtraHosts([{ host: plan.hostAlias, ipAddress: 'host-gateway' }])
      .withTmpFs({ '/tmp': 'rw,mode=1777' })
      .withWaitStrategy(READY_BY_ITS_OUTPUT);
    if (plan.netAdmin) this.withAddedCapabilities('NET_ADMIN', 'NET_RAW');
    const { cpus, memory } = plan.limits;
    Object.assign(this.createOpts, {
      // Closed when whoever is attached to it is gone, however that came: the server ends then.
      OpenStdin: true,
      StdinOnce: true,
      // That of the image starts a process in every container every few seconds, which takes time from what is measured; whoever launches
      // them hears from them.
      Healthcheck: { Test: ['NONE'] },
      // Not by withNetworkAliases, which would leave it in the default network as well.
      NetworkingConfig: { EndpointsConfig: { [plan.network]: { Aliases: [plan.alias] } } },
      ExposedPorts: Object.fromEntries(plan.ports.map(({ inside }) => [`${inside}/tcp`, {}])),
    });
    Object.assign(this.hostConfig, {
      ReadonlyRootfs: true,
      ...(plan.controlGroup !== undefined && { CgroupParent: plan.controlGroup }),
      PortBindings: Object.fromEntries(
        plan.ports.map(({ inside, outside }) => [`${inside}/tcp`, [{ HostIp: '127.0.0.1', HostPort: String(outside) }]]),
      ),
      ...(plan.volume !== undefined && { Mounts: [{ Type: 'volume', Source: plan.volume, Target: '/data' }] }),
      ...(cpus !== undefined && { NanoCpus: Math.round(cpus * 1e9) }),
      // No swap beside it: it would hide what the limit does.
      ...(memory !== undefined && { Memory: memory, MemorySwap: memory }),
    });
  }

  protected override containerCreated(id: string): Promise<void> {
    return this.#onCreated(known(id, 'a container that was created has an id'));
  }
}
