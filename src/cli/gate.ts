// `windtunnel gate --base REF`: did this commit make anything slower? Both are measured, side by side, on this machine.

import { join } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { formatDuration, parseDuration } from '../runtime/duration.ts';
import { freshSeed } from '../runtime/random.ts';
import { runGate } from '../harness/gate/gate.ts';
import type { GateProgress } from '../harness/gate/play-rounds.ts';
import { writeGate } from '../harness/gate/gate-files.ts';
import { type Injection, INJECTION_KINDS } from '../harness/gate/injection.ts';
import { EXIT } from '../harness/report/exit.ts';
import { loadScenarios } from '../harness/scenario/discover.ts';
import { withOverrides } from '../harness/scenario/validate.ts';
import type { ValidScenario } from '../harness/scenario/valid-scenario.ts';
import { renderGateMarkdown } from '../harness/report/gate-markdown.ts';
import { renderGate } from '../harness/report/gate-text.ts';
import { createProgress } from '../harness/report/progress.ts';
import type { Gate } from '../harness/result/gate.ts';
import { canaryEnvironment } from './canaries.ts';
import { choice, type Command, flag, type Invocation, text, UsageError, wholeNumber } from './command.ts';
import { packageFolder, resultsFolder, shortPath } from './folders.ts';
import { runValidation } from './gate-validation.ts';
import { catchInterrupts } from './interrupt.ts';
import { RESULTS_OPTION } from './measure-options.ts';
import { wantsColour, widthOf } from './terminal.ts';

const FORMATS = ['text', 'json', 'markdown'] as const;

/** In a log, what a terminal shows all the time is shown now and then. */
const LOG_EVERY_MS = 10_000;

export const gate: Command = {
  name: 'gate',
  summary: 'Measure two commits side by side, and say whether anything got slower',
  arguments: '--base REF',
  options: {
    base: { type: 'string', placeholder: 'REF', description: 'the commit, branch or tag to compare with' },
    head: {
      type: 'string',
      placeholder: 'REF',
      description: 'what is to be judged',
      defaultText: 'the working tree, uncommitted changes included',
    },
    filter: { type: 'string', placeholder: 'PATTERN', description: "only benchmarks whose 'suite/name' contains it" },
    benchmarks: {
      type: 'string',
      placeholder: 'on|off',
      description: 'whether the microbenchmarks are measured',
      defaultText: 'on',
    },
    scenarios: {
      type: 'string',
      placeholder: 'NAMES',
      description: "scenarios to measure on clusters of both: 'steady,leader-crash,closed-loop', paths work too",
      defaultText: 'none',
    },
    window: {
      type: 'string',
      placeholder: 'DURATION',
      description: 'how long each load of a scenario lasts, of which a round has one for either side',
      defaultText: "the scenario's",
    },
    budget: {
      type: 'string',
      placeholder: 'DURATION',
      description: 'how long it may measure; it ends before when all is judged',
      defaultText: 'what there is to measure needs, at least 10m; with --validate 10m',
    },
    format: {
      type: 'string',
      placeholder: 'FORMAT',
      description: `one of ${FORMATS.join(', ')}; markdown is for a comment on a pull request`,
      defaultText: 'text',
    },
    strict: { type: 'boolean', description: 'exit with 96 when anything is inconclusive' },
    seed: { type: 'string', placeholder: 'N', description: 'of the order of rounds and samples', defaultText: 'a fresh one' },
    accepted: {
      type: 'string',
      placeholder: 'FILE',
      description: 'the slowdowns that are wanted',
      defaultText: 'results/accepted.json of the working tree',
    },
    inject: {
      type: 'string',
      placeholder: '[KIND:]SHARE',
      description: `makes HEAD slower on purpose, to prove the gate: 20%, or ${INJECTION_KINDS.join(', ')}:20%`,
    },
    validate: { type: 'boolean', description: 'measures how often the gate is right: HEAD against itself, and made slower' },
    gates: { type: 'string', placeholder: 'N', description: 'with --validate: how many under each condition', defaultText: '10' },
    from: {
      type: 'string',
      placeholder: 'PATH',
      description: 'with --validate: judges recorded validations again, a file or all of a folder together',
    },
    results: RESULTS_OPTION,
  },
  notes: `Each round starts a fresh process of either side, both on one core, whose samples alternate. The words, after 10, 20 and 30 rounds:
  slower        the signed-rank test says so at 0.5% over all benchmarks and looks, by more than 3%, and a fresh rerun confirms it
  faster        the same on the other side
  same          the interval lies within 5%
  inconclusive  none of them
A round of a scenario is a fresh cluster of either side, one after the other, with the same load, seed and faults; judged are p50 and p99 of the
response time apart from faults, the throughput where all load is a closed loop, and the time from each fault to the next write.
Deterministic counts (messages, bytes, fsyncs, frames per operation) are compared exactly.

results/accepted.json lists the slowdowns that are wanted: [{ "benchmark", "ratio", "reason", "commit" }]. One holds while the commit is in
HEAD and not in BASE, for an estimate that is beyond the ratio by at most 3%, whatever its interval.

--validate records every sample under results/gate-validation/, and prints how often gate and others were right: the same code, quiet and beside
a busy neighbour; and work, allocations and a slow tail added to half of the benchmarks.

Exit codes: 0; 94 when something is slower or a count rose; 96 with --strict when something is inconclusive; 105 interrupted.

Examples:
  windtunnel gate --base main
  windtunnel gate --base HEAD~1 --head HEAD --filter raft/ --budget 2m
  windtunnel gate --base main --benchmarks off --scenarios steady,closed-loop --window 6s --budget 20m
  windtunnel gate --base "$(git merge-base origin/main HEAD)" --format markdown
  windtunnel gate --validate --gates 20 --budget 2h --filter raft/`,
  async run(invocation) {
    if (invocation.positionals.length > 0)
      throw new UsageError(`gate takes no arguments, not '${invocation.positionals.join(' ')}'`);
    if (flag(invocation, 'validate')) return runValidation(invocation);
    for (const name of ['gates', 'from'])
      if (text(invocation, name) !== undefined) throw new UsageError(`--${name} goes with --validate`);
    const base = text(invocation, 'base');
    if (base === undefined || base === '') throw new UsageError('gate needs --base REF, what to compare with: --base main');
    const format = choice(invocation, 'format', FORMATS, 'text');
    const budget = text(invocation, 'budget');
    const budgetMs = budget === undefined ? undefined : parseDuration(budget);
    if (budgetMs === 0) throw new UsageError('--budget takes a time in which something can be measured, not 0');
    const injection = injectionOf(invocation);
    const benchmarks = choice(invocation, 'benchmarks', ['on', 'off'], 'on') === 'on';
    if (!benchmarks) {
      for (const name of ['filter', 'inject'])
        if (text(invocation, name) !== undefined) throw new UsageError(`--${name} goes with benchmarks, which are off`);
    }
    const scenarios = await scenariosOf(invocation);
    if (!benchmarks && scenarios.length === 0) throw new UsageError('--benchmarks off needs --scenarios: nothing else is left');
    const results = text(invocation, 'results') ?? resultsFolder();
    const progress = gateProgress();
    const interruption = catchInterrupts(() => progress.note('interrupted: stopping, and judging what has been measured'));
    let measured: Gate;
    try {
      measured = await runGate({
        checkout: process.cwd(),
        base,
        head: text(invocation, 'head'),
        filter: text(invocation, 'filter'),
        benchmarks,
        scenarios,
        headEnvironment: canaryEnvironment,
        injection,
        budgetMs,
        seed: wholeNumber(invocation, 'seed', 0, Number.MAX_SAFE_INTEGER) ?? freshSeed(),
        strict: flag(invocation, 'strict'),
        acceptedPath: text(invocation, 'accepted') ?? join(process.cwd(), 'results', 'accepted.json'),
        clock: systemClock,
        signal: interruption.signal,
        onProgress: progress.update,
        command: process.argv.slice(2),
      });
    } catch (error) {
      // Before anything was measured: there is nothing to judge.
      if (interruption.signal.aborted) return EXIT.interrupted;
      throw error;
    } finally {
      progress.end();
      interruption.dispose();
    }
    const { path, gate: written } = await writeGate(results, measured);
    const out = process.stdout;
    if (format === 'json') out.write(`${JSON.stringify(written, null, 2)}\n`);
    else if (format === 'markdown') out.write(renderGateMarkdown(written));
    else out.write(renderGate(written, { colour: wantsColour(out), width: widthOf(out), path: shortPath(path) }));
    return written.exit.code;
  },
};

/** @throws UsageError or ScenarioError */
async function scenariosOf(invocation: Invocation): Promise<ValidScenario[]> {
  const names = text(invocation, 'scenarios');
  const window = text(invocation, 'window');
  if (names === undefined) {
    if (window !== undefined) throw new UsageError('--window goes with --scenarios');
    return [];
  }
  const durationMs = window === undefined ? undefined : parseDuration(window);
  const scenarios = await loadScenarios(
    names.split(',').map((name) => name.trim()),
    packageFolder('scenarios'),
  );
  // Both sides must be started from a checkout.
  return scenarios.map((scenario) => withOverrides(scenario, { durationMs, target: { kind: 'process' } }));
}

/** '20%', 'tail:1%'. @throws UsageError */
function injectionOf(invocation: Invocation): Injection | undefined {
  const value = text(invocation, 'inject');
  if (value === undefined) return undefined;
  const [, kindText = 'work', percent = ''] = /^(?:([a-z]+):)?(\d+(?:\.\d+)?)%$/.exec(value) ?? [];
  const kind = INJECTION_KINDS.find((known) => known === kindText);
  const share = Number(percent) / 100;
  if (kind === undefined || percent === '' || share <= 0 || share > 1)
    throw new UsageError(`--inject takes a share such as 20% or ${INJECTION_KINDS.join(':20%, ')}:20%, not '${value}'`);
  return { kind, share };
}

/** On a terminal a line that is redrawn; in a log one every ten seconds. */
function gateProgress() {
  const stream = process.stderr;
  const progress = createProgress({ stream, clock: systemClock, colour: wantsColour(stream) });
  let shownMs = -Infinity;
  progress.begin('gate', 0);
  return {
    note: (line: string) => progress.note(line),
    end: () => progress.end(),
    update: ({ step, elapsedMs, remainingMs }: GateProgress) => {
      const nowMs = systemClock.now();
      if (!stream.isTTY && nowMs - shownMs < LOG_EVERY_MS) return;
      shownMs = nowMs;
      const left = remainingMs === undefined ? '' : `, ${formatDuration(remainingMs)} left of this look`;
      progress.update({ elapsedMs, phase: `${step}${left}` });
    },
  };
}
