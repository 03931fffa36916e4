// `--ui`: the page of the run while it is under way, in the user's browser.

import { systemClock } from '../runtime/clock.ts';
import type { RunningState } from '../harness/page/live-part.ts';
import { LiveServer } from '../harness/page/live-server.ts';
import type { Run, ScenarioResult } from '../harness/result/schema.ts';
import type { ScenarioProgress } from '../harness/run.ts';
import type { ValidScenario } from '../harness/scenario/valid-scenario.ts';

/** The run as it would be written now, with a scenario that has not ended. */
type RunSoFar = (underWay: readonly ScenarioResult[]) => Run;

/** Follows a measurement and shows it. */
export class LiveUi {
  readonly #server: LiveServer;
  #state: Omit<RunningState, 'isUnderWay'> = { kind: 'running', step: 'starting' };
  #soFar: (() => ScenarioResult) | undefined;

  private constructor(server: LiveServer) {
    this.#server = server;
  }

  /** @throws LivePageError when the port is taken */
  static async open(port: number): Promise<LiveUi> {
    return new LiveUi(await LiveServer.open(port, systemClock));
  }

  get address(): string {
    return this.#server.address;
  }

  show(runSoFar: RunSoFar): void {
    this.#server.show(() => {
      const underWay = this.#soFar === undefined ? [] : [this.#soFar()];
      return { run: runSoFar(underWay), live: { ...this.#state, isUnderWay: underWay.length > 0 } };
    });
  }

  step(step: string): void {
    this.#state = { kind: 'running', step };
  }

  /** The load of a scenario goes on. */
  progress({ name, totalDurationMs }: ValidScenario, { elapsedMs, phase, fault, soFar }: ScenarioProgress): void {
    this.#soFar = soFar;
    const load = { elapsedMs, totalMs: totalDurationMs, phase, ...(fault !== undefined && { fault }) };
    this.#state = { kind: 'running', step: name, load };
  }

  /** From now on the scenario is one of the run's. */
  scenarioEnded(): void {
    this.#soFar = undefined;
  }

  /** Shows how it ended to who still looks. @param page where the page stays, if it could be written */
  finish(run: Run, page: string | undefined): Promise<void> {
    return this.#server.finish({ run, live: { kind: 'over', page } });
  }

  close(): void {
    this.#server.close();
  }
}
